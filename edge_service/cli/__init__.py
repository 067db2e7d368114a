"""``okng-edge``: everything one does on the box, one verb a file.

A verb's file holds its function (or, where it has verbs of its own, a ``typer.Typer`` named ``app``)
and imports what it needs inside the function, so that ``--help`` answers at once and an adapter that
is not installed only matters to who asked for it. An ``OkngError`` becomes two lines on stderr, what
happened and what to do, and exit code 2; anything else is a bug and shows its traceback.
"""

import sys
from collections.abc import Sequence

import typer

from edge_service.cli import (
    check_config,
    collect,
    configuration,
    core,
    doctor,
    enrol,
    gateway,
    golden,
    model,
    monitor,
    opcua,
    outbox,
    plc_sim,
    registers,
    run,
    threshold,
    trust,
)
from edge_service.errors import OkngError
from edge_service.language import say
from edge_service.log import configure

app = typer.Typer(
    name="okng-edge",
    help=say(
        "Visual inspection that learns from good parts only: PLC trigger in, OK or NG out.\n\n"
        "First steps: `okng-edge run --sim` starts a station with nothing else; `okng-edge doctor "
        "--config edge.yaml` says what this box still lacks.",
        "只需良品即可学习的外观检测：PLC 触发进，OK/NG 出。\n\n"
        "入门：`okng-edge run --sim` 无需任何设备即可启动一个工位；`okng-edge doctor "
        "--config edge.yaml` 检查本机还缺什么。",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", help=run.HELP)(run.run)
app.command("core", help=core.HELP)(core.core)
app.command("gateway", help=gateway.HELP)(gateway.gateway)
app.command("doctor", help=doctor.HELP)(doctor.doctor)
app.command("collect", help=collect.HELP)(collect.collect)
app.command("enrol", help=enrol.HELP)(enrol.enrol)
app.command("check-config", help=check_config.HELP)(check_config.check_config)
app.command("registers", help=registers.HELP)(registers.registers)
app.command("monitor", help=monitor.HELP)(monitor.monitor)
app.command("plc-sim", help=plc_sim.HELP)(plc_sim.plc_sim)
app.add_typer(configuration.app, name="config")
app.add_typer(model.app, name="model")
app.add_typer(outbox.app, name="outbox")
app.add_typer(trust.app, name="trust")
app.add_typer(threshold.app, name="threshold")
app.add_typer(golden.app, name="golden")
app.add_typer(opcua.app, name="opcua")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; an ``OkngError`` exits with 2.

    A verb's stdout is its answer: until a service's configuration says otherwise, only warnings are logged.
    """
    if arguments is None:
        configure("warning")
    try:
        app(args=arguments, prog_name="okng-edge")
    except OkngError as error:
        print(f"okng-edge: {error}", file=sys.stderr)
        sys.exit(2)
