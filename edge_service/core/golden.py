"""The golden-sample test: on command 2, when it falls due, and the interlock that a wrong answer sets.

PARAM 1 of command 2: 0 judges stored images, the model's own and those in ``DATA_DIR/golden/RECIPE/good`` and
``.../bad``; 1 judges the part in front of the camera, which must be OK, 2 likewise, which must be NG. Both
parts within a quarter of an hour make a passed test. A wrong answer, or none in time, sets error 404 and
Ready goes off, until a test is passed or an engineer overrides it; everything is logged.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from edge_service.core.golden_record import GoldenRecord
from edge_service.domain.inspection import Frame, Verdict
from edge_service.errors import OkngError, RefusedError, SelfTestError
from edge_service.handshake.command import CommandCode
from edge_service.language import say
from edge_service.station import Equipment, Outfitter, Station

log = structlog.get_logger()

IMAGES, GOOD_PART = 0, 1
LOOK_S = 1.0
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp"}


class GoldenTest:
    """Runs the test and keeps the station informed. ``by_itself``: stored images are judged when due."""

    def __init__(
        self,
        record: GoldenRecord,
        outfitter: Outfitter,
        *,
        by_itself: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._record, self._outfitter, self._by_itself, self._clock = record, outfitter, by_itself, clock
        self.station: Station | None = None

    async def __call__(self, equipment: Equipment, part: int) -> None:
        """Take the test with ``equipment``. Raises SelfTestError for a wrong answer, CameraError."""
        try:
            if part == IMAGES:
                await self._images(equipment)
                self._record.passed(self._clock())
            else:
                await self._part(equipment, part)
        except SelfTestError as error:
            log.error("golden_test", result="failed", part=part, reason=error.what)  # noqa: TRY400
            self._record.failed(self._clock(), error.what)
            raise
        finally:
            self.tell()
        log.info("golden_test", result="right", part=part, passed_at=self._record.record.passed_at)

    def override(self, by: str, reason: str) -> None:
        """Let parts come although the test stands failed; an engineer answers for it."""
        log.warning("golden_test_overridden", by=by, reason=reason, was=self._record.blocks(self._clock()))
        self._record.passed(self._clock(), overridden_by=f"{by}: {reason}")
        self.tell()

    def state(self) -> dict[str, object]:
        """Return what people want to know of it."""
        now = self._clock()
        record = self._record.record.model_dump()
        return {"due": self._record.due(now), "blocks": self._record.blocks(now), **record}

    def tell(self) -> None:
        """Bring the station's condition up to date."""
        if self.station is not None:
            now = self._clock()
            failed = bool(self._record.blocks(now))
            self.station.note_golden_test(due=self._record.due(now), failed=failed)

    async def run(self, order: Callable[[int], Awaitable[int]]) -> None:
        """Look for ever; order the test of the stored images once each time it falls due."""
        ordered = False
        while True:
            due = self._record.due(self._clock())
            self.tell()
            if due and self._by_itself and not ordered and self._ready():
                try:
                    await order(CommandCode.GOLDEN_TEST)
                    ordered = True
                except RefusedError as error:  # a command runs: next second
                    log.info("golden_test_waits", reason=error.what)
            ordered = ordered and due
            await asyncio.sleep(LOOK_S)

    def _ready(self) -> bool:
        return self.station is not None and self.station.equipment is not None

    async def _images(self, equipment: Equipment) -> None:
        await self._outfitter.golden_test(equipment)
        for path, pixels, wanted in await asyncio.to_thread(lambda: list(self._stored(equipment))):
            now = self._clock()
            await self._hold(equipment, Frame(pixels, 0.0, 0.0, now, "golden"), wanted, path.name)

    async def _part(self, equipment: Equipment, part: int) -> None:
        assert self.station is not None, "set by the composition root"
        timeout_s = self.station.machine.settings.exposure_timeout_s
        frame = await self.station.camera.grab(time.monotonic(), timeout_s)
        wanted = Verdict.OK if part == GOOD_PART else Verdict.NG
        await self._hold(equipment, frame, wanted, say("the part", "样件"))
        self._record.shown(self._clock(), good=part == GOOD_PART)

    async def _hold(self, equipment: Equipment, frame: Frame, wanted: Verdict, what: str) -> None:
        try:
            judgement = equipment.judge(frame, await equipment.engine.infer(frame))
        except OkngError as error:
            raise _wrong(what, wanted, error.what) from error
        if judgement.verdict is not wanted:
            raise _wrong(what, wanted, f"{judgement.verdict.name} ({judgement.normalised_score:.3f})")

    def _stored(self, equipment: Equipment) -> Iterator[tuple[Path, NDArray[np.uint8], Verdict]]:
        folder = self._record.folder / "golden" / str(equipment.recipe.number)
        for name, wanted in (("good", Verdict.OK), ("bad", Verdict.NG)):
            for path in sorted((folder / name).glob("*")):
                if path.suffix.lower() in _PICTURES:
                    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
                    if pixels is None:
                        raise _wrong(path.name, wanted, say("it is no picture", "不是图像"))
                    yield path, np.asarray(pixels, np.uint8), wanted


def _wrong(what: str, wanted: Verdict, got: str) -> SelfTestError:
    return SelfTestError(
        say(
            f"the golden sample {what} should be {wanted.name}, and is {got}",
            f"标准样件 {what} 应判为 {wanted.name}，实际为 {got}",
        ),
        remedy=say(
            "clean lens and sample, check the light, test again; an engineer may override: "
            "okng-edge golden override --reason TEXT",
            "请清洁镜头和样件、检查光源后重新测试；工程师可强制解除：okng-edge golden override --reason 原因",
        ),
    )
