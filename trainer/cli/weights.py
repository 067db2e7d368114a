"""``okng-trainer weights``: which teacher weights are here, what they are, and whether they are whole."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.language import say

if TYPE_CHECKING:
    from trainer.teacher.inventory import Inspected

HELP = say(
    "List the teacher weights that come with the trainer, and weights files of your own, and check them: "
    "digest, layers, shapes, numbers. Ends with 1 when one of them is damaged.\n\n"
    "Examples: `okng-trainer weights`, `okng-trainer weights my.safetensors --json`",
    "列出训练器自带的教师权重和您自己的权重文件，并校验摘要、层、形状和数值。任一损坏时以 1 退出。\n\n"
    "示例：`okng-trainer weights`，`okng-trainer weights my.safetensors --json`",
)

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="[FILE]...",
        show_default=False,
        help=say("weights files to check too", "另需校验的权重文件"),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=say("answer in JSON", "以 JSON 输出"))]


def weights(
    files: Files = [],  # noqa: B006 - typer makes a new list for every call
    as_json: AsJson = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Check the bundled weights and ``files``; exit with 1 when one is missing or damaged."""
    from trainer.teacher.inventory import inspect  # torch only when asked for

    found = [inspect(source) for source in ("bundled", *(f"file:{path}" for path in files))]
    if as_json:
        print(json.dumps([each.facts() for each in found], indent=2, ensure_ascii=False))
    else:
        for each in found:
            _tell(each)
    if any(each.damage for each in found):
        raise typer.Exit(1)


def _tell(each: "Inspected") -> None:
    print(f"{each.source}  {each.backbone}  {each.file}")
    if each.damage:
        print(say(f"  DAMAGED: {each.damage}", f"  已损坏：{each.damage}"))
        return
    size = f"{each.bytes / 1e6:.1f} MB"
    print(
        say(
            f"  OK: whole; {each.parameters / 1e6:.1f} M parameters, {size}",
            f"  完好；{each.parameters / 1e6:.1f} M 参数，{size}",
        )
    )
    print(say(f"  layers  {', '.join(each.layers)}", f"  层  {', '.join(each.layers)}"))
    print(say(f"  licence {each.licence or 'not stated'}", f"  许可证 {each.licence or '未注明'}"))
    print(say(f"  card    {each.card or 'none'}", f"  模型卡 {each.card or '无'}"))
    print(f"  SHA-256 {each.sha256}")
