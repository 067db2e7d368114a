"""The VisionStateMachine: follows the core moment by moment, and asks it on behalf of the methods."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from edge_service.domain.codes import Code
from edge_service.gateway.opcua.asking import Core, fits_serial
from edge_service.gateway.opcua.identity import Identity
from edge_service.gateway.opcua.machine_vision.conditions import Conditions
from edge_service.gateway.opcua.machine_vision.events import FAULT, Herald, text
from edge_service.gateway.opcua.machine_vision.instance import Instance, Service
from edge_service.gateway.opcua.machine_vision.states import (
    CONTINUOUS,
    ERROR,
    HALTED,
    INITIALIZED,
    OPERATIONAL,
    PREOPERATIONAL,
    READY,
    SINGLE,
    STATES,
    Step,
    steps,
)
from edge_service.gateway.opcua.machine_vision.structures import STRUCTURE
from edge_service.gateway.opcua.space import Space
from edge_service.link import Role

MACHINE = "VisionStateMachine"
AUTO = f"{MACHINE}.AutomaticModeStateMachine"
_CAUSE_S = 1.0  # a method's answer and its change of state come within so long
_SYSTEM_STATES = {PREOPERATIONAL: 2, HALTED: 4, ERROR: 5, INITIALIZED: 2, READY: 2, SINGLE: 1, CONTINUOUS: 1}
_NOT_ACTIVE = ua.LocalizedText("")


class StateMachine:
    """``services`` are its methods by path; ``live`` gives it its nodes."""

    def __init__(self, space: Space, core: Core, conditions: Conditions) -> None:
        self._space, self._core, self._conditions = space, core, conditions
        self._made: Instance | None = None
        self._herald: Herald | None = None
        self._index = 0
        self.state = PREOPERATIONAL
        self._job = ""
        self._cause: tuple[str, float] | None = None
        self._simulated = False
        self.services = {
            f"{MACHINE}.Halt": self._operation("Halt", "halt"),
            f"{MACHINE}.Reset": self._operation("Reset", "reset"),
            f"{MACHINE}.SelectModeAutomatic": Service(Role.OPERATOR, self._select_automatic),
            f"{MACHINE}.ConfirmAll": Service(Role.OPERATOR, self._confirm_all),
            f"{AUTO}.StartSingleJob": self._start("StartSingleJob", "start_job"),
            f"{AUTO}.StartContinuous": self._start("StartContinuous", "start_continuous"),
            f"{AUTO}.Stop": self._operation("Stop", "stop"),
            f"{AUTO}.Abort": self._operation("Abort", "abort"),
            f"{AUTO}.SimulationMode": Service(Role.OPERATOR, self._simulation),
        }

    def live(self, made: Instance, herald: Herald, index: int) -> None:
        """Have nodes, and somebody to tell events."""
        self._made, self._herald, self._index = made, herald, index

    # What the core tells

    async def hear_all(self, state: Mapping[str, Any], at: datetime) -> None:
        """Be where the core is, without a transition: nobody knows by which way it got there."""
        self._simulated = bool(state.get("signals", {}).get("Status.Simulation"))
        if (number := int(state.get("state", 0))) in _SYSTEM_STATES:
            self.state = number
            await self._show(at)

    async def hear_moment(self, moment: Mapping[str, Any]) -> None:
        """Follow one moment of the inspection loop, and tell what it means."""
        at = datetime.fromtimestamp(moment["at"], UTC)
        if "exposed" in moment:
            await self._tell("AcquisitionDoneEventType", at, "the part may move", job=moment["exposed"])
        self._job = moment.get("job", self._job)
        if "state" in moment:
            await self._follow(int(moment["state"]), at, self._take_cause())
        if "job" in moment:
            await self._tell("JobStartedEventType", at, f"job {self._job} began", job=self._job)

    async def _follow(self, target: int, at: datetime, cause: str | None) -> None:
        for step in steps(self.state, target, cause):
            before, self.state = self.state, step.enters
            await self._show(at, step)
            await self._announce(step, at, before)
        self.state = target

    async def _announce(self, step: Step, at: datetime, before: int) -> None:
        await self._tell("StateChangedEventType", at, step.fact.name, step=step)
        leaves_execution = before in (SINGLE, CONTINUOUS) and step.enters == READY
        if leaves_execution or "ReadyEventType" in step.effects:
            await self._tell("ReadyEventType", at, "ready for the next part", job=self._job)
        if step.enters == ERROR:
            await self._tell("ErrorEventType", at, "an error forbids judging", step=step, severity=FAULT)
        if "ErrorResolvedEventType" in step.effects:
            await self._tell("ErrorResolvedEventType", at, "the error is resolved", step=step)

    async def _tell(
        self,
        name: str,
        at: datetime,
        message: str,
        *,
        job: str | None = None,
        step: Step | None = None,
        severity: int = 100,
    ) -> None:
        assert self._herald is not None, "live"
        assert self._made is not None, "live"
        fields: dict[str, ua.Variant] = {}
        if job is not None:
            value = STRUCTURE["JobIdDataType"](Id=job)
            fields["JobId"] = ua.Variant(value, ua.VariantType.ExtensionObject)
        inside = self.state in (INITIALIZED, READY, SINGLE, CONTINUOUS)
        if step is not None:
            fields |= self._transition(step)
            inside = step.source > OPERATIONAL
        source = self._made.nodes[AUTO if inside else MACHINE]
        await self._herald.happen(name, source, at, message, fields, severity=severity)

    def _transition(self, step: Step) -> dict[str, ua.Variant]:
        fields = {}
        for title, fact in (
            ("Transition", step.fact),
            ("FromState", STATES[step.source]),
            ("ToState", STATES[step.target]),
        ):
            fields[title] = text(fact.name)
            node = ua.NodeId(fact.number, self._index)
            fields[f"{title}/Id"] = ua.Variant(node, ua.VariantType.NodeId)
            if fact.state is not None:
                fields[f"{title}/Number"] = ua.Variant(fact.state[1], ua.VariantType.UInt32)
        return fields

    async def _show(self, at: datetime, step: Step | None = None) -> None:
        assert self._made is not None, "live"
        nodes = self._made.nodes
        inside = self.state if self.state > OPERATIONAL else None
        values = [
            *self._named(f"{MACHINE}.CurrentState", min(self.state, OPERATIONAL)),
            *self._named(f"{AUTO}.CurrentState", inside),
        ]
        if step is not None:
            place = AUTO if step.source > OPERATIONAL else MACHINE
            values += [
                (f"{place}.LastTransition", ua.LocalizedText(step.fact.name)),
                (f"{place}.LastTransition.Id", ua.NodeId(step.fact.number, self._index)),
                (f"{place}.LastTransition.Number", step.number),
            ]
        await self._space.show(((nodes[path], value) for path, value in values), at)
        described = STRUCTURE["SystemStateDescriptionDataType"](
            State=_SYSTEM_STATES[self.state], StateDescription=STATES[self.state].name
        )
        await self._space.show([(nodes["SystemState"], described)], at)

    def _named(self, path: str, state: int | None) -> list[tuple[str, Any]]:
        if state is None:
            return [(path, _NOT_ACTIVE), (f"{path}.Id", ua.NodeId()), (f"{path}.Number", 0)]
        fact = STATES[state]
        return [
            (path, ua.LocalizedText(fact.name)),
            (f"{path}.Id", ua.NodeId(fact.number, self._index)),
            (f"{path}.Number", state),
        ]

    # Methods

    def _take_cause(self) -> str | None:
        cause, self._cause = self._cause, None
        if cause is None or asyncio.get_running_loop().time() > cause[1]:
            return None
        return cause[0]

    async def _ask(
        self, cause: str, command: str, arguments: Mapping[str, Any], identity: Identity, said: str
    ) -> tuple[int, Mapping[str, Any]]:
        """Ask the core; the change of state that comes with it has this method as its cause."""
        self._cause = (cause, asyncio.get_running_loop().time() + _CAUSE_S)
        error, data = await self._core.error(command, arguments, identity)
        if error:
            self._cause = None
            await self._conditions.warn(-error, f"{cause}({said})")
        return error, data

    def _operation(self, cause: str, command: str) -> Service:
        async def carry_out(session: Any, number: int, description: str | None) -> tuple[int]:
            said = f"{number}, {(description or '')[:80]}"
            error, _ = await self._ask(cause, command, {}, session.identity, said)
            return (error,)

        return Service(Role.OPERATOR, carry_out)

    def _start(self, cause: str, command: str) -> Service:
        async def carry_out(session: Any, *inputs: Any) -> tuple[Any, int]:
            measurement, part, recipe, product, _ = inputs
            del measurement, product
            serial = (part.Id if part is not None else "") or ""
            said = f"PartId={serial[:40]}"
            blank = STRUCTURE["JobIdDataType"](Id="")
            if not fits_serial(serial) or not self._fits(recipe):
                await self._conditions.warn(Code.COMMAND_PARAMETER, f"{cause}({said})")
                return blank, -Code.COMMAND_PARAMETER
            error, data = await self._ask(cause, command, {"serial": serial}, session.identity, said)
            return STRUCTURE["JobIdDataType"](Id=data.get("job", "")), error

        return Service(Role.OPERATOR, carry_out)

    def _fits(self, recipe: Any) -> bool:
        """A job runs with the recipe that is prepared; another one is not chosen in passing."""
        wanted = (recipe.Id if recipe is not None else "") or ""
        active = self._space.value(self._space.node("PLC.Station.ActiveRecipe"))
        return wanted in ("", str(active))

    async def _select_automatic(self, _: Any) -> tuple[int]:
        if self.state > OPERATIONAL:
            return (0,)
        await self._conditions.warn(Code.COMMAND_STATE, "SelectModeAutomatic()")
        return (-Code.COMMAND_STATE,)

    async def _simulation(self, _: Any, activate: bool, number: int, description: str | None) -> tuple[int]:  # noqa: FBT001
        """Whether frames are simulated is the configuration's: the method says whether it is so."""
        del number, description
        if bool(activate) == self._simulated:
            return (0,)
        await self._conditions.warn(Code.COMMAND_STATE, f"SimulationMode({activate})")
        return (-Code.COMMAND_STATE,)

    async def _confirm_all(self, session: Any, comment: Any) -> tuple[()]:
        await self._core.error("acknowledge_alarm", {}, session.identity)
        await self._core.error("clear_error", {}, session.identity)
        await self._conditions.confirm_all(comment)
        return ()
