"""``okng-trainer datasets``: the good photographs that models learn from."""

import json
from pathlib import Path
from typing import Annotated

import typer

from edge_service.language import say
from trainer.cli.place import DEFAULT_CONFIG, AsJson, ConfigFile, DataDir, Server

app = typer.Typer(
    help=say("The good photographs that models learn from.", "用于训练的良品照片。"), no_args_is_help=True
)

Product = Annotated[str, typer.Argument(help=say("the product's name", "产品名称"))]
Folder = Annotated[Path, typer.Argument(help=say("folder of good photographs", "良品照片文件夹"))]
Number = Annotated[int, typer.Argument(help=say("the photograph's number", "照片编号"))]
Out = Annotated[Path | None, typer.Option("--out", "-o", help=say("default: PRODUCT.png", "默认：产品.png"))]
Back = Annotated[bool, typer.Option("--back", help=say("take it in again", "重新纳入"))]


@app.command("list", help=say("List the products and their photographs.", "列出产品及其照片数。"))
def list_datasets(
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print every product."""
    from trainer.cli.client import connect
    from trainer.cli.table import tell

    columns = {
        "product": say("product", "产品"),
        "samples": say("photographs", "照片"),
        "usable": say("usable", "可用"),
        "left_out": say("left out", "已排除"),
        "awaited": say("awaited", "待到达"),
        "simulated": say("simulated", "模拟"),
    }
    answer = connect(config, data_dir, server).get("/api/v1/datasets")
    none = say("no photograph yet: okng-edge collect on a box", "尚无照片：请执行 okng-edge collect")
    tell(answer, as_json=as_json, columns=columns, none=none)


@app.command("show", help=say("List a product's photographs.", "列出某产品的照片。"))
def show(
    product: Product,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print every photograph."""
    from trainer.cli.client import connect
    from trainer.cli.table import moment, tell

    samples = connect(config, data_dir, server).get(f"/api/v1/datasets/{product}")
    for sample in samples if not as_json else ():
        sample["received"] = moment(sample["received_at"])
    columns = {
        "number": say("number", "编号"),
        "station": say("station", "工位"),
        "sample_id": say("sample", "样本"),
        "received": say("received", "接收时间"),
        "here": say("here", "已到达"),
        "left_out": say("left out", "已排除"),
    }
    tell(samples, as_json=as_json, columns=columns, none="")


@app.command(
    "sheet",
    help=say(
        "Write a contact sheet: a product's newest photographs side by side.\n\n"
        "Example: `okng-trainer datasets sheet pcb`",
        "生成缩略图总览：某产品最新的照片。\n\n示例：`okng-trainer datasets sheet pcb`",
    ),
)
def sheet(
    product: Product,
    out: Out = None,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Write the sheet."""
    from edge_service.durable import LocalDisk
    from trainer.cli.client import connect
    from trainer.cli.table import tell_done

    path = out or Path(f"{product}.png")
    drawn = connect(config, data_dir, server).download(f"/api/v1/datasets/{product}/contact-sheet.png")
    LocalDisk().write(path, drawn)
    tell_done({"product": product, "file": str(path)}, str(path), as_json=as_json)


@app.command(
    "add",
    help=say(
        "Add the JPEG and PNG files of a folder to a product's photographs; twice is once.\n\n"
        "Example: `okng-trainer datasets add pcb good/`",
        "将文件夹中的 JPEG 和 PNG 照片加入产品；已存在的不变。\n\n"
        "示例：`okng-trainer datasets add pcb good/`",
    ),
)
def add(
    product: Product,
    folder: Folder,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Upload the photographs."""
    from trainer.cli.client import connect
    from trainer.datasets.photographs import picture_paths

    client = connect(config, data_dir, server)
    done = [
        client.upload("POST", f"/api/v1/datasets/{product}/samples", path.read_bytes()) | {"file": path.name}
        for path in picture_paths(folder)
    ]
    if as_json:
        print(json.dumps(done, indent=2))
        return
    for each in done:
        print(f"{each['state']:<10} {each['file']}")


@app.command(
    "leave-out",
    help=say(
        "Leave a photograph out of training; --back takes it in again.\n\n"
        "Example: `okng-trainer datasets leave-out pcb 12`",
        "训练时排除一张照片；--back 重新纳入。\n\n示例：`okng-trainer datasets leave-out pcb 12`",
    ),
)
def leave_out(
    product: Product,
    number: Number,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    back: Back = False,
    as_json: AsJson = False,
) -> None:
    """Change a photograph's place in training."""
    from trainer.cli.client import connect
    from trainer.cli.table import tell_done

    path = f"/api/v1/datasets/{product}/samples/{number}"
    connect(config, data_dir, server).send("PATCH", path, {"left_out": not back})
    out, again = (
        say(f"{number} is left out", f"已排除 {number}"),
        say(f"{number} is in again", f"已纳入 {number}"),
    )
    done = {"product": product, "number": number, "left_out": not back}
    tell_done(done, again if back else out, as_json=as_json)
