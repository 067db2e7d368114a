"""One frame of ``okng-edge monitor``: the view as a rich renderable. Names are the register list's."""

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge_service.cli.monitor_view import View
from edge_service.domain.codes import explain
from edge_service.domain.inspection import TriggerSource
from edge_service.domain.signal import Block, Kind, SignalValue
from edge_service.domain.signals import of_block
from edge_service.fieldbus.registers import Orders
from edge_service.language import say

_ALARMING = frozenset(
    {
        *("MissedAcquisition", "ResultsBufferOverrun", "CommandFailed", "Error", "NotOk", "NgLatch"),
        *("ConsecutiveNgAlarm", "StopRequest", "PlcLost", "CameraLost", "SetOffline"),
    }
)
_WARNING = frozenset({"CpuFallback", "Simulation", "Warning", "GoldenTestDue", "Undecided"})
_COLOURS = {"OK": "green", "NG": "red"}
_OFFLINE = (
    ("online", "在线"),
    ("maintenance, HMI or Halt", "维护、HMI 或 Halt"),
    ("discrete input", "离散输入"),
    ("the PLC asked for it (SetOffline)", "PLC 要求（SetOffline）"),
    ("starting", "启动中"),
    ("no recipe or model", "无配方或模型"),
    ("camera lost", "相机丢失"),
    ("error", "错误"),
)
_STATUS_NUMBERS = (
    "BootId",
    "TriggerSeqAck",
    "TriggerSeqRejected",
    "AcquisitionId",
    "CommandSeqAck",
    "CommandResult",
)
_COMMAND_NUMBERS = (
    *("TriggerSeq", "ResultAckId", "Command", "CommandSeq", "ExpectedRecipe"),
    *("Param1", "Param2", "Param3", "Param4", "Encoder"),
)
_STATISTICS = (
    *("Total", "Ok", "Ng", "Undecided", "Error", "Timeout", "Missed", "Overrun", "ConsecutiveNg"),
    *("YieldX100", "MinMs", "MeanMs", "MaxMs"),
)
_WIDE = 155  # columns for three panels side by side
_PAIRS = 2
_ROWS = 24  # of a wide frame, without the results' lines
_ROWS_OF_NUMBERS = 14
_FEWEST = 3  # results are shown, however small the terminal
_CLIENTS = 3


def frame(view: View, width: int, height: int) -> RenderableType:
    """Return the whole frame for a terminal of that size: side by side where there is room."""
    if not view.station:
        return _panel(view.place, Text(view.trouble or say("waiting", "等待中"), style="bold red"))
    wide = width >= _WIDE
    columns = Table.grid()
    told = Group(
        _panel(say("PLC says (HR 0-35)", "PLC（HR 0-35）"), _bits("Command", view.command)),
        _panel(say("masters", "主站"), _masters(view)),
    )
    said = _panel(say("station says", "工位"), _bits("Status", view.station))
    numbers = _panel(say("numbers", "数值"), _numbers(view, _PAIRS if wide else _PAIRS + 1))
    columns.add_row(said, told, numbers) if wide else columns.add_row(said, told)
    used = _ROWS if wide else _ROWS + _ROWS_OF_NUMBERS
    results = _panel(say("last results", "最近结果"), _results(view, max(height - used, _FEWEST)))
    return Group(_head(view), columns, results) if wide else Group(_head(view), columns, numbers, results)


def _panel(title: str, content: RenderableType) -> Panel:
    return Panel(content, title=title, title_align="left", expand=False, padding=(0, 1))


def _head(view: View) -> RenderableType:
    station = view.station
    lines = Table.grid(padding=(0, 2))
    offline = int(station["Status.OfflineReason"])
    state = say(*_OFFLINE[offline])
    lines.add_row(
        Text(view.place, style="bold"),
        Text(state, style="bold green" if offline == 0 else "bold red"),
        Text(f"{station['Station.ModelName']!s} {station['Station.ModelVersion']!s}".strip()),
        Text(f"{say('recipe', '配方')} {station['Station.ActiveRecipe']!s}"),
        Text(f"okng {station['Station.SoftwareVersion']!s}"),
        Text(view.identity),
    )
    troubles = list(_troubles(view))
    return Group(lines, *troubles) if troubles else lines


def _troubles(view: View) -> Iterator[Text]:
    if view.trouble:
        yield Text(
            f"{say('no answer since this image', '此画面之后无应答')}: {view.trouble}", style="bold red"
        )
    if view.orders is None:
        yield Text(
            say(
                "registers 96-99 are not those of this map: another device, or another version",
                "寄存器 96-99 与本表不符：其他设备或其他版本",
            ),
            style="bold red",
        )
    elif view.orders != Orders():
        orders = view.orders
        yield Text(
            f"word_order {orders.word_order}, text_order {orders.text_order}, swap_all {orders.swap_all}",
            style="yellow",
        )
    for name, style in (("Status.ErrorCode", "red"), ("Station.WarningCode", "yellow")):
        if code := int(view.station[name]):
            why = explain(code)
            yield Text(f"{code}: {why.cause} -> {why.remedy}" if why else str(code), style=style)


def _bits(group: str, values: Mapping[str, SignalValue]) -> Table:
    """Return the group's bits, word 0 beside word 1."""
    block = Block.COMMAND if group == "Command" else Block.STATION
    signals = [s for s in of_block(block) if s.name.startswith(f"{group}.") and s.kind is Kind.BIT]
    columns = [[_bit(signal.name, values) for signal in signals if signal.address == word] for word in (0, 1)]
    table = Table.grid(padding=(0, 2))
    for row in range(max(map(len, columns))):
        table.add_row(*(column[row] if row < len(column) else "" for column in columns))
    return table


def _bit(name: str, values: Mapping[str, SignalValue]) -> Text:
    short = name.split(".", 1)[1]
    if not values[name]:
        return Text(f"0 {short}", style="dim")
    style = "bold red" if short in _ALARMING else "bold yellow" if short in _WARNING else "bold green"
    return Text(f"1 {short}", style=style)


def _masters(view: View) -> Table:
    table = Table.grid(padding=(0, 1))
    unknown = "-" if view.linked else say("seen on the station only", "仅在工位本机可见")
    clients = [str(client) for client in view.masters.get("clients", ())]
    more = f" +{len(clients) - _CLIENTS}" if len(clients) > _CLIENTS else ""
    table.add_row(say("owner", "占用者"), str(view.masters.get("owner") or unknown))
    table.add_row(say("clients", "客户端"), " ".join(clients[:_CLIENTS]) + more if clients else unknown)
    return table


def _numbers(view: View, pairs: int) -> Table:
    """Return names and numbers, ``pairs`` beside each other, read downwards."""
    entries = [*_of_station(view), *_of_plc(view)]
    rows = -(-len(entries) // pairs)
    table = Table.grid(padding=(0, 1))
    for row in range(rows):
        table.add_row(*(text for name, value in entries[row::rows] for text in (Text(name, "dim"), value)))
    return table


def _of_station(view: View) -> Iterator[tuple[str, str]]:
    station = view.station
    yield "Heartbeat", _beat(station["Status.Heartbeat"], moves=view.station_beats)
    yield from ((name, str(station[f"Status.{name}"])) for name in _STATUS_NUMBERS)
    yield "RejectReason", str(station["Station.RejectReason"])
    yield "ResultsQueued", str(station["Station.ResultsQueued"])
    yield "ResultsFree", str(station["Station.ResultsFree"])
    yield from ((name, str(station[f"Statistics.{name}"])) for name in _STATISTICS)


def _of_plc(view: View) -> Iterator[tuple[str, str]]:
    command = view.command
    yield "PlcHeartbeat", _beat(command["Command.PlcHeartbeat"], moves=view.plc_beats)
    yield from ((name, str(command[f"Command.{name}"])) for name in _COMMAND_NUMBERS)
    serial = command["Command.PartSerial"]
    yield "PartSerial", serial.rstrip(b"\0").decode("latin-1") if isinstance(serial, bytes) else ""


def _beat(value: SignalValue, *, moves: bool) -> str:
    return f"{value!s} {say('moves', '变化中') if moves else say('stands still', '静止')}"


def _results(view: View, count: int) -> RenderableType:
    if not view.results:
        return Text(say("none yet", "尚无"), style="dim")
    table = Table(box=None, pad_edge=False)
    for title in (
        "InspectionId",
        "TriggerSeq",
        "Verdict",
        "Score",
        "Recipe",
        "Source",
        "ms",
        "PartSerial",
        "Code",
    ):
        table.add_column(title, no_wrap=True)
    for row in list(view.results)[:count]:
        why = explain(row.code) if row.code else None
        source = TriggerSource(int(row.source)).name.lower() if row.source.isdecimal() else row.source
        table.add_row(
            str(row.inspection_id),
            str(row.sequence),
            Text(row.verdict, style=f"bold {_COLOURS.get(row.verdict, 'yellow')}"),
            "" if row.score is None else f"{row.score:.3f}",
            str(row.recipe),
            source,
            "" if row.took_ms is None else f"{row.took_ms:.0f}",
            Text(row.serial),
            Text(f"{row.code}: {why.cause}" if why else str(row.code) if row.code else ""),
        )
    return table
