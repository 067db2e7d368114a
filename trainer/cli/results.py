"""``okng-trainer results``: what the boxes found."""

import json
from pathlib import Path
from typing import Annotated

import typer

from edge_service.language import say
from trainer.cli.place import DEFAULT_CONFIG, AsJson, ConfigFile, DataDir, Server

app = typer.Typer(help=say("What the boxes found.", "检测结果。"), no_args_is_help=True)

GlobalId = Annotated[str, typer.Argument(metavar="ID", help=say("the inspection's id", "检测编号"))]
Station = Annotated[str, typer.Option("--station", help=say("only this box's", "仅此工位"))]
Verdict = Annotated[str, typer.Option("--verdict", help="OK | NG | UNDECIDED | ERROR | TIMEOUT | SAMPLE")]
Product = Annotated[str, typer.Option("--product", help=say("only this product's", "仅此产品"))]
Most = Annotated[int, typer.Option("--most", "-n", min=1, max=1000, help=say("how many", "条数"))]
Pictures = Annotated[
    Path | None, typer.Option("--pictures", help=say("folder to write its pictures to", "保存图像的文件夹"))
]


@app.command(
    "list",
    help=say(
        "List inspections, newest first.\n\n"
        "Example: `okng-trainer results list --verdict NG --station line-1`",
        "列出检测结果，最新在前。\n\n示例：`okng-trainer results list --verdict NG --station line-1`",
    ),
)
def list_results(
    station: Station = "",
    verdict: Verdict = "",
    product: Product = "",
    most: Most = 50,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print the inspections that fit."""
    from trainer.cli.client import connect
    from trainer.cli.table import moment, tell

    asked = {"station": station, "verdict": verdict.upper(), "product": product, "most": most}
    found = connect(config, data_dir, server).get("/api/v1/results", **asked)
    for each in found if not as_json else ():
        each["received"] = moment(each["received_at"])
        each["seen"] = ", ".join(each["pictures"].values()) or "-"
    columns = {
        "id": say("inspection", "检测"),
        "record.verdict": say("verdict", "结论"),
        "record.score": say("score", "分数"),
        "record.threshold": say("threshold", "阈值"),
        "record.recipe": say("recipe", "配方"),
        "record.model.name": say("model", "模型"),
        "received": say("received", "接收时间"),
        "seen": say("pictures", "图像"),
    }
    none = say("nothing fits", "没有符合条件的结果")
    tell(found, as_json=as_json, columns=columns, none=none)


@app.command("count", help=say("Count inspections by verdict.", "按结论统计检测数。"))
def count(
    station: Station = "",
    product: Product = "",
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print the counts."""
    from trainer.cli.client import connect

    asked = {"station": station, "product": product}
    counts = connect(config, data_dir, server).get("/api/v1/results/counts", **asked)
    if as_json:
        print(json.dumps(counts, indent=2))
        return
    for verdict, number in sorted(counts["verdicts"].items()):
        print(f"{verdict:<10} {number}")
    images, inspections = counts["images"], counts["inspections"]
    print(
        say(
            f"{inspections} inspections; {images} pictures on this server",
            f"{inspections} 次检测；本服务器共 {images} 张图像",
        )
    )


@app.command(
    "show",
    help=say(
        "Show one inspection, all of it.\n\nExample: `okng-trainer results show line-1-7-42 --pictures ng/`",
        "显示一次检测的全部内容。\n\n示例：`okng-trainer results show line-1-7-42 --pictures ng/`",
    ),
)
def show(
    global_id: GlobalId,
    pictures: Pictures = None,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print the record, and write its pictures where that is asked for."""
    from edge_service.durable import LocalDisk
    from trainer.cli.client import connect
    from trainer.cli.table import tell_whole

    client = connect(config, data_dir, server)
    found = client.get(f"/api/v1/results/{global_id}")
    tell_whole(found, as_json=as_json)
    for image in found["record"]["images"] if pictures is not None else ():
        if pictures is not None and found["pictures"].get(image["sha256"]) == "here":
            ending = "jpg" if image["media_type"] == "image/jpeg" else "png"
            path = pictures / f"{global_id}-{image['role']}.{ending}"
            LocalDisk().write(path, client.download(f"/api/v1/images/{image['sha256']}"))
