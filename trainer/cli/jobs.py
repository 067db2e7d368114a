"""``okng-trainer jobs``: start, list, watch and cancel training jobs."""

import contextlib
import json
from typing import Annotated, Any

import typer

from edge_service.language import say
from trainer.cli.models import tell_warnings
from trainer.cli.place import DEFAULT_CONFIG, AsJson, ConfigFile, DataDir, Server

app = typer.Typer(
    help=say("Training jobs: start, watch, cancel.", "训练任务：启动、查看、取消。"), no_args_is_help=True
)

Product = Annotated[str, typer.Argument(help=say("product whose samples to learn from", "产品名称"))]
Number = Annotated[int, typer.Argument(metavar="JOB", help=say("the job's number", "任务编号"))]
Version = Annotated[
    str, typer.Option("--version", help=say("default: date and time, UTC", "默认：UTC 日期和时间"))
]
Setting = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help=say(
            "a setting of the run, such as size=320, epochs=200, layers=1,2 or int8=false; may stand several "
            "times",
            "训练设置，例如 size=320、epochs=200、layers=1,2 或 int8=false；可多次使用",
        ),
    ),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help=say("stay until it is over", "等待直到结束"))]


@app.command(
    "start",
    help=say(
        "Queue a training job; a worker (`okng-trainer worker`) takes it.\n\n"
        "Example: `okng-trainer jobs start pcb --watch`",
        "将训练任务加入队列；由工作进程（`okng-trainer worker`）执行。\n\n"
        "示例：`okng-trainer jobs start pcb --watch`",
    ),
)
def start(
    product: Product,
    version: Version = "",
    settings: Setting = [],  # noqa: B006 - typer makes a new list for every call
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    watch: Watch = False,
    as_json: AsJson = False,
) -> None:
    """Start a job."""
    from trainer.cli.client import connect

    client = connect(config, data_dir, server)
    wish = {"product": product, "version": version or None, "settings": dict(map(_setting, settings))}
    job = client.send("POST", "/api/v1/jobs", wish)
    if watch:
        _follow(client, job["id"], as_json=as_json)
        return
    told = say(
        f"job {job['id']}: {product} {job['version']} is queued; okng-trainer jobs watch {job['id']}",
        f"任务 {job['id']}：{product} {job['version']} 已排队；okng-trainer jobs watch {job['id']}",
    )
    print(json.dumps(job, indent=2) if as_json else told)


@app.command(
    "watch",
    help=say(
        "Follow a job until it is over; exit code 2 unless it succeeded.\n\n"
        "Example: `okng-trainer jobs watch 3`",
        "跟踪任务直到结束；未成功时退出码为 2。\n\n示例：`okng-trainer jobs watch 3`",
    ),
)
def watch_job(
    number: Number,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Follow a job."""
    from trainer.cli.client import connect

    _follow(connect(config, data_dir, server), number, as_json=as_json)


@app.command("list", help=say("List the jobs, newest first.", "列出任务，最新在前。"))
def list_jobs(
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print every job."""
    from trainer.cli.client import connect
    from trainer.cli.table import moment, tell

    jobs = connect(config, data_dir, server).get("/api/v1/jobs")
    for job in jobs if not as_json else ():
        job["made"] = moment(job["made_at"])
        job["why"] = job["error"].splitlines()[0] if job["error"] else ""
    columns = {
        "id": say("job", "任务"),
        "product": say("product", "产品"),
        "version": say("version", "版本"),
        "state": say("state", "状态"),
        "made": say("asked for", "创建时间"),
        "made_by": say("by", "操作人"),
        "why": say("error", "错误"),
    }
    none = say("no job yet: okng-trainer jobs start PRODUCT", "尚无任务：okng-trainer jobs start 产品")
    tell(jobs, as_json=as_json, columns=columns, none=none)


@app.command("cancel", help=say("Cancel a job; its worker stops soon.", "取消任务；工作进程随即停止。"))
def cancel(
    number: Number,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Cancel a job."""
    from trainer.cli.client import connect

    job = connect(config, data_dir, server).send("POST", f"/api/v1/jobs/{number}/cancel")
    told = say(f"job {number} is {job['state']}", f"任务 {number} 状态：{job['state']}")
    print(json.dumps(job, indent=2) if as_json else told)


@app.command("log", help=say("Print what a job's process wrote.", "打印任务进程的日志。"))
def log(
    number: Number,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print a job's log."""
    from trainer.cli.client import connect

    text = connect(config, data_dir, server).download(f"/api/v1/jobs/{number}/log").decode()
    if as_json:
        print(json.dumps({"job": number, "log": text}, ensure_ascii=False, indent=2))
        return
    print(text, end="" if text.endswith("\n") or not text else "\n")


def _setting(text: str) -> tuple[str, Any]:
    """Return key and value of ``KEY=VALUE`` as the server takes them. Raises SettingError.

    A value that reads as JSON is what it says; layers and shares may be written as for ``okng-trainer
    train``: ``layers=1,2``, ``false_reject_rate=1%``.
    """
    from trainer.errors import SettingError

    key, equals, value = (part.strip() for part in text.partition("="))
    if not key or not equals or not value:
        raise SettingError(
            say(f'--set "{text}" is no setting', f"--set “{text}”不是设置"),
            remedy=say("write KEY=VALUE, such as size=320", "请写成 KEY=VALUE，例如 size=320"),
        )
    if key == "layers" and not value.startswith("["):
        return key, [f"layer{each.strip().removeprefix('layer')}" for each in value.split(",")]
    if value.endswith("%"):
        with contextlib.suppress(ValueError):
            return key, float(value[:-1]) / 100
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _follow(client: Any, number: int, *, as_json: bool) -> None:
    """Print a line for every event; raise when the job did not succeed."""
    from edge_service.errors import OkngError

    for kind, document in client.events(f"/api/v1/jobs/{number}/events"):
        if as_json:
            print(json.dumps({"event": kind, **document}, ensure_ascii=False), flush=True)
        elif kind == "progress":
            loss = f"  {document['loss']:.4f}" if "loss" in document else ""
            print(f"  {document['phase']:<10} {document['done']}/{document['total']}{loss}", flush=True)
        else:
            print(document["state"], flush=True)
    job = client.get(f"/api/v1/jobs/{number}")
    if job["state"] != "succeeded":
        raise OkngError(
            say(
                f"job {number} {job['state']}: {job['error']}",
                f"任务 {number} {job['state']}：{job['error']}",
            ),
            remedy=say(f"okng-trainer jobs log {number} says more", f"详情：okng-trainer jobs log {number}"),
        )
    if not as_json:
        print(f"{job['product']} {job['version']}")
        tell_warnings(client.get(f"/api/v1/models/{job['product']}/{job['version']}"))
