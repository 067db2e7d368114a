"""``python -m trainer.demo``: run the demo from the command line."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edge_service.errors import OkngError
from edge_service.language import say
from trainer.demo.show import Show

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Seed = Annotated[
    int, typer.Option(min=0, max=10_000, help=say("another seed, other parts", "种子不同，零件不同"))
]
Keep = Annotated[bool, typer.Option("--keep", help=say("leave the station running", "演示后保持工位运行"))]
Out = Annotated[Path, typer.Option(help=say("folder for pictures and figures", "图片和数据的文件夹"))]


@app.command(
    help=say(
        "Photographs in, models trained and installed, a PLC sorts 80 parts, all on real processes.",
        "采集照片、训练并安装模型、由 PLC 分选 80 个零件：用真实进程演示全过程。",
    )
)
def demo(seed: Seed = 1, out: Out = Path("demo-out"), *, keep: Keep = False) -> None:
    """Run it."""
    Show(out, seed).run(keep=keep)


def main() -> None:
    """Run, and turn an OkngError into a message and exit code 2."""
    try:
        app(prog_name="./okng demo")
    except OkngError as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
