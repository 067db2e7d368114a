"""``okng-edge plc-sim``: plays a PLC against any station, for commissioning."""

import asyncio
import functools
import math
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.cli.place import hush, place
from edge_service.language import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from edge_service.simulation.commissioning import Part, Plan, Tally
    from edge_service.simulation.plc import SimulatedPlc

HELP = say(
    "Play the PLC: trigger parts at any station over Modbus TCP, take each result by the rules of the "
    "handshake, print it, and close with a table. For commissioning before the PLC is there, and for finding "
    "out which side is wrong.\n\n"
    "It writes holding registers 0-35 as a PLC does, so only one of them at a time: while a real PLC has "
    "TriggerEnable 1, the station refuses this one, and the message says so.\n\n"
    "`--mode sequence` compares numbers (recommended); `--mode bit` holds Trigger, ResultsAck and "
    "ExecuteCommand as a Cognex In-Sight wants it. `--profile` is how results come: `buffered` each stands "
    "until it is acknowledged; `unbuffered` a newer one replaces it; `pulse` it falls by itself (the station "
    "must have `handshake.profile: pulse`).\n\n"
    "Exit code 0: every part got its own answer. 1: some did not. 2: no conversation at all.\n\n"
    "Examples: `okng-edge plc-sim 127.0.0.1:1502`, `okng-edge plc-sim 192.168.1.50 --mode bit --parts 100 "
    "--rate 60`, `okng-edge plc-sim 192.168.1.50 --recipe 2 --serial LOT42`",
    "模拟 PLC：通过 Modbus TCP 向任意工位触发工件，按握手规则取每个结果并打印，最后给出汇总表。"
    "用于 PLC 到位前的调试，以及判断问题出在哪一侧。\n\n"
    "它像 PLC 一样写保持寄存器 0-35，因此同一时间只能有一个主站：真实 PLC 的 TriggerEnable 为 1 时，"
    "工位会拒绝本命令并给出提示。\n\n"
    "`--mode sequence` 比较序号（推荐）；`--mode bit` 按 Cognex In-Sight 的方式保持 Trigger、ResultsAck、"
    "ExecuteCommand。`--profile` 为结果方式：`buffered` 保持到确认；`unbuffered` 被新结果替换；"
    "`pulse` 自动消失（工位须设置 `handshake.profile: pulse`）。\n\n"
    "退出码 0：每件都得到自己的结果；1：有的没有；2：无法通信。\n\n"
    "示例：`okng-edge plc-sim 127.0.0.1:1502`，`okng-edge plc-sim 192.168.1.50 --mode bit --parts 100 "
    "--rate 60`，`okng-edge plc-sim 192.168.1.50 --recipe 2 --serial LOT42`",
)
_COLOURS = {"OK": "green", "NG": "red"}


class Mode(StrEnum):
    """How triggers are told."""

    SEQUENCE = "sequence"
    BIT = "bit"


class Profile(StrEnum):
    """How results come."""

    BUFFERED = "buffered"
    UNBUFFERED = "unbuffered"
    PULSE = "pulse"


Station = Annotated[
    str, typer.Argument(metavar="HOST[:PORT]", help=say("the station; port 502", "工位；端口 502"))
]
Parts = Annotated[int, typer.Option(min=0, help=say("how many; 0 = until Ctrl-C", "件数；0 = 直到 Ctrl-C"))]
Rate = Annotated[
    float, typer.Option(min=0.0, help=say("parts a minute; 0 = as fast as it goes", "每分钟件数；0 = 尽快"))
]
RecipeNumber = Annotated[
    int,
    typer.Option(
        "--recipe",
        min=0,
        max=999,
        help=say("select it and insist on it; 0 = any", "选择并要求该配方；0 = 任意"),
    ),
]
Serial = Annotated[str, typer.Option(help=say("serials are PREFIX-00001, ...", "序列号为 前缀-00001 ..."))]
Unit = Annotated[int, typer.Option(min=0, max=255, help=say("unit id", "站号"))]
Heartbeat = Annotated[
    float, typer.Option(min=0.0, help=say("seconds between PLC heartbeats; 0 = none", "PLC 心跳秒数；0 = 无"))
]
ResultTime = Annotated[
    float, typer.Option("--result-time", min=0.1, help=say("wait so long for a result, s", "等待结果秒数"))
]
AnswerTime = Annotated[
    float,
    typer.Option("--answer-time", min=0.05, help=say("and for any other answer, s", "等待其他应答秒数")),
]


def plc_sim(
    station: Station,
    *,
    mode: Annotated[Mode, typer.Option(help=say("how to trigger", "触发方式"))] = Mode.SEQUENCE,
    profile: Annotated[Profile, typer.Option(help=say("how results come", "结果方式"))] = Profile.BUFFERED,
    parts: Parts = 20,
    rate: Rate = 0.0,
    recipe: RecipeNumber = 0,
    serial: Serial = "SIM",
    unit: Unit = 1,
    heartbeat: Heartbeat = 0.5,
    result_time: ResultTime = 3.0,
    answer_time: AnswerTime = 0.5,
) -> None:
    """Connect, inspect, sum up."""
    from rich.console import Console

    from edge_service.simulation.commissioning import Plan, Tally
    from edge_service.simulation.plc import SimulatedPlc

    hush()
    host, port = place(station)
    if not serial.isascii() or len(serial) > _LONGEST_PREFIX:
        raise typer.BadParameter(
            say(
                f"a prefix of at most {_LONGEST_PREFIX} ASCII characters",
                f"前缀最多 {_LONGEST_PREFIX} 个 ASCII 字符",
            ),
            param_hint="--serial",
        )
    plc = functools.partial(
        SimulatedPlc,
        host,
        port,
        mode=mode.value,
        profile=profile.value,
        unit=unit,
        heartbeat_s=heartbeat or None,
        result_timeout_s=result_time,
        answer_timeout_s=answer_time,
        poll_s=0.005,
    )
    console, tally = Console(highlight=False), Tally()
    try:
        asyncio.run(_play(plc, Plan(parts, rate, recipe, serial), console, tally))
    except KeyboardInterrupt:
        pass  # asked to stop: the table is what the person wants to see
    finally:
        if tally.parts:
            _sum_up(tally, console)
    sys.exit(0 if tally.sound else 1)


_LONGEST_PREFIX = 30  # leaves room for the number in 40 characters


async def _play(plc: "Callable[[], SimulatedPlc]", plan: "Plan", console: "Console", tally: "Tally") -> None:
    from edge_service.simulation.commissioning import play

    async with plc() as running:
        await play(running, plan, lambda part: console.print(_line(part), soft_wrap=True), tally)


def _line(part: "Part") -> str:
    from edge_service.domain.codes import explain

    head = f"{part.number:>6}  {part.serial:<20}"
    result = part.result
    if result is None:
        return f"{head}  [bold red]{say('no verdict', '无判定')}[/]  {part.trouble}"
    name = result.verdict.name
    why = explain(result.code) if result.code else None
    return "".join(
        (
            f"{head}  [bold {_COLOURS.get(name, 'yellow')}]{name:<9}[/]",
            f"  {result.score_x10000 / 10_000:.3f} / {result.threshold_x10000 / 10_000:.3f}",
            f"  {say('recipe', '配方')} {result.recipe}",
            f"  id {result.inspection_id}",
            f"  {result.round_trip_ms:.0f} ms",
            f"  {result.code}: {why.cause if why else ''}" if result.code else "",
            say("  [bold red]ANOTHER PART'S SERIAL[/]", "  [bold red]序列号属于其他工件[/]")
            if part.mixed_up
            else "",
        )
    )


def _sum_up(tally: "Tally", console: "Console") -> None:
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_row(say("parts", "件数"), str(tally.parts))
    for verdict, count in sorted(tally.verdicts.items()):
        table.add_row(verdict.name, str(count))
    for text, count in (
        (say("refused", "被拒绝"), tally.refused),
        (say("without answer", "无应答"), tally.unanswered),
        (say("with another part's serial", "序列号属于其他工件"), tally.mixed_up),
        (say("results this PLC did not see", "本 PLC 未见到的结果"), tally.unseen),
    ):
        if count:
            table.add_row(f"[red]{text}[/]", f"[red]{count}[/]")
    rows = (
        (say("trigger to result here, ms", "触发到结果（此处），毫秒"), tally.round_trip),
        (say("trigger to result in the station, ms", "触发到结果（工位），毫秒"), tally.publish),
    )
    for text, of in rows:
        if not math.isnan(of(50)):
            table.add_row(text, f"p50 {of(50):.1f}   p95 {of(95):.1f}   p99 {of(99):.1f}")
    console.print()
    console.print(table)
