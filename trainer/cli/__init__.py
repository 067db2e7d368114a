"""``okng-trainer``: everything one does where models are made, one verb a file.

As in ``okng-edge``, a verb imports what it needs inside its function, so that ``--help`` answers at once,
and an ``OkngError`` becomes two lines on stderr and exit code 2.
"""

import sys
from collections.abc import Sequence

import typer

from edge_service.errors import OkngError
from edge_service.language import say
from edge_service.log import configure
from trainer.cli import (
    configuration,
    datasets,
    edges,
    jobs,
    models,
    package,
    people,
    results,
    serve,
    teacher,
    train,
    weights,
    worker,
)

app = typer.Typer(
    name="okng-trainer",
    help=say(
        "Make inspection models from a handful of good photographs.\n\n"
        "First step: `okng-trainer train FOLDER --name pcb` makes `pcb-VERSION.okng` from the photographs "
        "in FOLDER.\n\n"
        "With a server: `okng-trainer serve` and `okng-trainer worker`; then `edges code` lets a box in, "
        "`jobs start` trains from what it sent, `models assign` sends the model back.",
        "用几张良品照片制作检测模型。\n\n"
        "入门：`okng-trainer train 文件夹 --name pcb` 用文件夹中的照片生成 `pcb-版本.okng`。\n\n"
        "使用服务器：`okng-trainer serve` 和 `okng-trainer worker`；`edges code` 注册边缘机，"
        "`jobs start` 用其上传的照片训练，`models assign` 下发模型。",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train", help=train.HELP)(train.train)
app.command("package", help=package.HELP)(package.package)
app.command("weights", help=weights.HELP)(weights.weights)
app.command("serve", help=serve.HELP)(serve.serve)
app.command("worker", help=worker.HELP)(worker.worker)
app.add_typer(configuration.app, name="config")
app.add_typer(teacher.app, name="teacher")
app.add_typer(edges.app, name="edges")
app.add_typer(datasets.app, name="datasets")
app.add_typer(results.app, name="results")
app.add_typer(people.app, name="people")
app.add_typer(jobs.app, name="jobs")
app.add_typer(models.app, name="models")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; an ``OkngError`` exits with 2.

    A verb's stdout is its answer: until a service's configuration says otherwise, only warnings are logged.
    """
    if arguments is None:
        configure("warning")
    try:
        app(args=arguments, prog_name="okng-trainer")
    except OkngError as error:
        print(f"okng-trainer: {error}", file=sys.stderr)
        sys.exit(2)
