"""A simulated PLC: drives any station over Modbus/TCP by the rules a real one must keep.

It owns its image of holding registers 0-35 and writes it whole, as a PLC does; it takes a result only when
the record is whole (INSPECTION_ID at both ends), BOOT_ID unchanged and the part the one it waits for::

    async with SimulatedPlc("127.0.0.1", 1502, mode="sequence") as plc:
        result = await plc.inspect(serial=b"A-0001", recipe=1)
        print(result.verdict.name, result.score_x10000)
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Literal, Self

from edge_service.domain.codes import refusal
from edge_service.domain.inspection import Verdict
from edge_service.domain.sequence import after
from edge_service.domain.signal import Block, SignalValue
from edge_service.domain.signals import of_block
from edge_service.errors import PlcError
from edge_service.language import say
from edge_service.simulation.plc_line import PlcLine

Image = Mapping[str, SignalValue]
Mode = Literal["sequence", "bit"]
Profile = Literal["buffered", "unbuffered", "pulse"]  # how results come; pulse is the station's to set
_SELECT_RECIPE = 1
_DONE = 1
_PULSE_S = 2.0  # longer than any sensible pulse


@dataclass(frozen=True, slots=True)
class PlcResult:
    """One record as the PLC read it; field names are the signals' names in snake case."""

    inspection_id: int
    trigger_seq: int
    acquisition_id: int
    verdict: Verdict
    code: int
    score_x10000: int
    threshold_x10000: int
    defect_class: int
    recipe: int
    trigger_source: int
    score: float
    encoder: int
    captured_at: int
    captured_ms: int
    trigger_to_exposure_ms: int
    inference_ms: int
    trigger_to_publish_ms: int
    defect_x: int
    defect_y: int
    defect_area: int
    model_hash: int
    configuration_checksum: int
    simulated: bool
    on_cpu: bool
    golden: bool
    sample: bool
    overrun_before: bool
    clock_unsynchronised: bool
    part_serial: bytes  # 40 bytes, NUL-padded
    round_trip_ms: float  # from just before the trigger was written until the record was read

    @property
    def ok(self) -> bool:
        """The part may pass: anything but OK may not."""
        return self.verdict is Verdict.OK


_RECORD_SIGNALS = {
    signal.name: signal.identifier
    for signal in of_block(Block.STATION)
    if signal.identifier in {field.name for field in fields(PlcResult)} and signal.name.startswith("Result.")
}


class SimulatedPlc:
    """One PLC program. One call at a time; every wait has a deadline and raises PlcError after it."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        mode: Mode = "sequence",
        profile: Profile = "buffered",
        unit: int = 1,
        poll_s: float = 0.002,
        answer_timeout_s: float = 0.5,
        result_timeout_s: float = 3.0,
        ready_timeout_s: float = 15.0,
        heartbeat_s: float | None = None,
    ) -> None:
        self._line = PlcLine(host, port, unit=unit)
        self._profile = profile
        self._sequence_mode = mode == "sequence"
        self._poll_s = poll_s
        self._answer_timeout_s = answer_timeout_s
        self._result_timeout_s = result_timeout_s
        self._ready_timeout_s = ready_timeout_s
        self._heartbeat_s = heartbeat_s
        self._beating: asyncio.Task[None] | None = None
        self._image: dict[str, SignalValue] = {}
        self._boot_id = 0

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as opened:
            await opened.enter_async_context(self._line)
            await self.restart()
            self._opened = opened.pop_all()
        if self._heartbeat_s is not None:
            self._beating = asyncio.create_task(self._beat(self._heartbeat_s), name="plc heartbeat")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
        try:
            if kind is None:
                with contextlib.suppress(PlcError):  # a station that has left needs no goodbye
                    await self._write(dict.fromkeys(("Command.TriggerEnable", "Command.Trigger"), False))
        finally:
            await self._opened.aclose()

    async def restart(self) -> None:
        """Do what a PLC program does when it starts: everything 0, old results away, then enable."""
        self._image = {}
        await self._write({})
        outputs = await self._until(
            lambda now: not now["Status.SystemBusy"], self._ready_timeout_s, "SystemBusy 0"
        )
        self._boot_id = int(outputs["Status.BootId"])
        await self._write({"Command.BufferClear": True})
        await self._until(
            lambda now: not now["Status.ResultsValid"], self._answer_timeout_s, "ResultsValid 0"
        )
        await self._write({"Command.BufferClear": False})
        await self._write(
            {
                "Command.TriggerEnable": True,
                "Command.BufferResultsEnable": self._profile == "buffered",
                "Command.SequenceMode": self._sequence_mode,
            }
        )

    async def inspect(self, serial: bytes = b"", recipe: int = 0, encoder: int = 0) -> PlcResult:
        """Trigger one part and return its result.

        Raises RefusedError when the station refuses the trigger, PlcError when an answer stays away or the
        station restarted: either way the part is not OK.
        """
        await self._until(lambda now: bool(now["Status.TriggerReady"]), self._ready_timeout_s, "TriggerReady")
        began = asyncio.get_running_loop().time()
        part: dict[str, SignalValue] = {
            "Command.PartSerial": serial,
            "Command.ExpectedRecipe": recipe,
            "Command.Encoder": encoder,
        }
        awaited = await (self._trigger_sequence(part) if self._sequence_mode else self._trigger_bit(part))
        record = await self._await_record(awaited)
        took_ms = (asyncio.get_running_loop().time() - began) * 1000
        await self._acknowledge(record)
        values = {field: record[name] for name, field in _RECORD_SIGNALS.items()}
        values["verdict"] = Verdict(int(record["Result.Verdict"]))
        return PlcResult(**values, round_trip_ms=took_ms)  # type: ignore[arg-type]  # the table gives the types

    async def clear_error(self) -> None:
        """Acknowledge what went wrong before. Raises PlcError when its cause has not gone."""
        await self._write({"Command.ClearError": True})
        await self._until(lambda now: not now["Status.Error"], self._answer_timeout_s, "Error 0")
        await self._write({"Command.ClearError": False})

    async def select_recipe(self, number: int) -> None:
        """Make that recipe the active one. Raises RefusedError with the code when it fails."""
        await self.command(_SELECT_RECIPE, number, timeout_s=12.0)

    async def command(self, command: int, *parameters: int, timeout_s: float = 6.0) -> None:
        """Execute a command and wait for its end. Raises RefusedError with the code when it fails."""
        order: dict[str, SignalValue] = {"Command.Command": command}
        order |= {f"Command.Param{index}": value for index, value in enumerate(parameters, 1)}
        if self._sequence_mode:
            outputs = await self.outputs()
            sequence = after(int(outputs["Status.CommandSeqAck"]))
            await self._write(order | {"Command.CommandSeq": sequence})
            accepted = _equals("Status.CommandSeqAck", sequence)
            await self._until(accepted, self._answer_timeout_s, "COMMAND_SEQ_ACK")
        else:
            await self._write(order | {"Command.ExecuteCommand": True})
        outputs = await self._until(_command_ended, timeout_s, "CommandCompleted / CommandFailed")
        if not self._sequence_mode:
            await self._write({"Command.ExecuteCommand": False})
            await self._until(
                lambda now: not _command_ended(now), self._answer_timeout_s, "CommandCompleted 0"
            )
        if outputs["Status.CommandResult"] != _DONE:
            raise refusal(int(outputs["Status.CommandResult"]))

    async def outputs(self) -> Image:
        """Read everything the station says, in one request."""
        return await self._line.outputs()

    async def _trigger_sequence(self, part: dict[str, SignalValue]) -> Callable[[Image], bool]:
        outputs = await self.outputs()
        used = {int(outputs["Status.TriggerSeqAck"]), int(self._image.get("Command.TriggerSeq", 0))}
        sequence = after(int(outputs["Status.TriggerSeqAck"]))
        while sequence in used:  # a refused number is used up
            sequence = after(sequence)
        await self._write(part | {"Command.TriggerSeq": sequence})
        answered = lambda now: sequence in (now["Status.TriggerSeqAck"], now["Status.TriggerSeqRejected"])  # noqa: E731
        outputs = await self._until(answered, self._answer_timeout_s, "TRIGGER_SEQ_ACK")
        if outputs["Status.TriggerSeqAck"] != sequence:
            raise refusal(int(outputs["Station.RejectReason"]))
        return _equals("Result.TriggerSeq", sequence)

    async def _trigger_bit(self, part: dict[str, SignalValue]) -> Callable[[Image], bool]:
        await self._write(part | {"Command.Trigger": True})
        answered = lambda now: bool(now["Status.TriggerAck"] or now["Status.MissedAcquisition"])  # noqa: E731
        outputs = await self._until(answered, self._answer_timeout_s, "TriggerAck")
        await self._write({"Command.Trigger": False})
        if not outputs["Status.TriggerAck"]:
            raise refusal(int(outputs["Station.RejectReason"]))
        await self._until(lambda now: not now["Status.TriggerAck"], self._answer_timeout_s, "TriggerAck 0")
        return _equals("Result.AcquisitionId", int(outputs["Status.AcquisitionId"]))

    async def _await_record(self, awaited: Callable[[Image], bool]) -> Image:
        """Wait for the part's record; records of other parts are taken and thrown away."""
        while True:
            outputs = await self._until(_whole, self._result_timeout_s, "ResultsValid")
            if awaited(outputs):
                return outputs
            await self._acknowledge(outputs)

    async def _acknowledge(self, record: Image) -> None:
        number = int(record["Result.InspectionId"])
        taken = lambda now: not now["Status.ResultsValid"] or now["Result.InspectionId"] != number  # noqa: E731
        if self._profile == "pulse":
            await self._until(taken, _PULSE_S, "ResultsValid 0", _no_pulse)
            return
        await self._write({"Command.ResultAckId": number, "Command.ResultsAck": not self._sequence_mode})
        await self._until(taken, self._answer_timeout_s, "ResultsValid 0")
        if not self._sequence_mode:
            await self._write({"Command.ResultsAck": False})

    async def _until(
        self,
        holds: Callable[[Image], bool],
        timeout_s: float,
        what: str,
        remedy: Callable[[], str] = lambda: say(
            "STATE_NUMBER, OFFLINE_REASON and ERROR_CODE say what the station does (`okng-edge monitor` "
            "shows them)",
            "查看 STATE_NUMBER、OFFLINE_REASON 和 ERROR_CODE（okng-edge monitor 可显示）",
        ),
    ) -> Image:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            outputs = await self.outputs()
            if self._boot_id not in (0, outputs["Status.BootId"]):
                self._boot_id = int(outputs["Status.BootId"])
                raise PlcError(
                    say("the station restarted: open parts are not OK", "工位已重启：未完成工件按非 OK 处理"),
                    remedy=say("go on once TriggerReady is 1", "TriggerReady 为 1 后继续"),
                )
            if holds(outputs):
                return outputs
            if loop.time() >= deadline:
                raise PlcError(
                    say(f"{what} stayed away for {timeout_s:g} s", f"{timeout_s:g} 秒内未出现 {what}"),
                    remedy=remedy(),
                )
            await asyncio.sleep(self._poll_s)

    async def _write(self, changes: Image) -> None:
        self._image |= changes
        await self._line.write(self._image)

    async def _beat(self, period_s: float) -> None:
        while True:
            await self._write(
                {"Command.PlcHeartbeat": after(int(self._image.get("Command.PlcHeartbeat", 0)))}
            )
            await asyncio.sleep(period_s)


def _no_pulse() -> str:
    return say(
        "the station holds its results until they are acknowledged: set handshake.profile: pulse there, or "
        "ask for another profile here",
        "工位会保持结果直到确认：请在工位设置 handshake.profile: pulse，或在此选择其他方式",
    )


def _equals(name: str, value: int) -> Callable[[Image], bool]:
    return lambda now: now[name] == value


def _whole(now: Image) -> bool:
    return bool(now["Status.ResultsValid"]) and now["Result.InspectionId"] == now["Result.InspectionIdEnd"]


def _command_ended(now: Image) -> bool:
    return bool(now["Status.CommandCompleted"] or now["Status.CommandFailed"])
