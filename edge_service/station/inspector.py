"""One part's way from accepted trigger to answer: expose, measure, judge.

Each part has a task of its own, so one may be exposed while the one before is measured; the machine
sees to it that only one is exposed at a time and that answers leave in order of acquisition.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from edge_service.domain.inspection import Frame, Judgement, RawScore, Trigger, Verdict
from edge_service.errors import OkngError
from edge_service.handshake.record import Result
from edge_service.station.camera_keeper import CameraKeeper
from edge_service.station.equipment import Equipment

log = structlog.get_logger()


@dataclass(slots=True)
class Evidence:
    """What a part was judged from, as far as it got."""

    frame: Frame | None = None
    raw: RawScore | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Where a part's progress is reported: the machine, behind the station."""

    exposed: Callable[[int], None]
    finished: Callable[[Result], None]
    failed: Callable[[int, int], None]  # acquisition id, code


class Inspector:
    """Takes parts in hand and reports what became of them."""

    def __init__(self, camera: CameraKeeper, answers: Answers, exposure_timeout_s: float) -> None:
        self._camera, self._answers, self._timeout_s = camera, answers, exposure_timeout_s
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._evidence: dict[int, Evidence] = {}

    def take(
        self, group: asyncio.TaskGroup, trigger: Trigger, equipment: Equipment | None, checksum: int
    ) -> None:
        """Begin with a part, as a task of ``group``."""
        number = trigger.acquisition_id
        self._evidence[number] = Evidence()
        task = group.create_task(self._inspect(trigger, equipment, checksum), name=f"part-{number}")
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    def abandon(self, acquisition_id: int) -> None:
        """Stop working on a part that was answered without us."""
        if (task := self._tasks.get(acquisition_id)) is not None:
            task.cancel()

    def evidence(self, acquisition_id: int) -> Evidence:
        """Hand over what that part was judged from; it is forgotten here."""
        return self._evidence.pop(acquisition_id, Evidence())

    async def _inspect(self, trigger: Trigger, equipment: Equipment | None, checksum: int) -> None:
        number = trigger.acquisition_id
        try:
            result = await self._judge(trigger, equipment, checksum, self._evidence[number])
        except OkngError as error:
            self._answers.failed(number, error.code)
            log.warning("part_failed", acquisition_id=number, error=error.what, code=error.code)
        else:
            self._answers.finished(result)

    async def _judge(
        self, trigger: Trigger, equipment: Equipment | None, checksum: int, evidence: Evidence
    ) -> Result:
        frame = await self._camera.grab(trigger.accepted_at, self._timeout_s)
        evidence.frame = frame
        assert equipment is not None, "the machine accepts no part without a model"
        measuring = None if trigger.collect else equipment.engine.infer(frame)
        self._answers.exposed(trigger.acquisition_id)  # told while the engine's thread takes the frame up
        judgement, raw = Judgement(Verdict.SAMPLE), None
        if measuring is not None:
            raw = evidence.raw = await measuring
            judgement = equipment.judge(frame, raw)
        return Result(
            acquisition_id=trigger.acquisition_id,
            judgement=judgement,
            recipe=equipment.recipe.number,
            model=equipment.model,
            captured_at=frame.captured_at,
            inference_ms=raw.inference_ms if raw else 0.0,
            configuration_checksum=checksum,
            simulated=frame.simulated,
            on_cpu=raw is not None and raw.device.startswith("CPU"),
        )
