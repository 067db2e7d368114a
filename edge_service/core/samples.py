"""Good samples that the PLC asked for (command 3), as PNG files where the box has no server."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from edge_service.domain.inspection import Verdict
from edge_service.durable import Disk, LocalDisk
from edge_service.lifecycle import OwnedThread
from edge_service.station import Done

log = structlog.get_logger()


class SampleFolder:
    """A step of the aftermath: keeps each sample as ``FOLDER/RECIPE/TIME-ID.png``, lossless.

    ``elsewhere`` says that samples travel to the server through the outbox; then none is kept here.
    """

    def __init__(
        self, folder: Path, elsewhere: Callable[[], bool] = lambda: False, disk: Disk | None = None
    ) -> None:
        self._folder, self._elsewhere, self._disk = folder, elsewhere, disk or LocalDisk()
        self._thread = OwnedThread("samples")

    async def __call__(self, done: Done) -> None:
        """Keep the frame where it is a sample. Raises DiskFullError."""
        inspection = done.inspection
        if inspection.judgement.verdict is not Verdict.SAMPLE:
            return
        if done.frame is None:
            log.warning("sample_lost", reason="the queue was full")
            return
        taken = datetime.fromtimestamp(done.frame.captured_at, UTC)
        name = f"{taken:%Y%m%dT%H%M%S}-{inspection.global_id}.png"
        path = self._folder / str(inspection.recipe) / name
        await self._thread.call(self._write, path, done.frame.pixels, allowance_s=30.0)

    def close(self) -> None:
        """Finish what is being written."""
        self._thread.close()

    def _write(self, path: Path, pixels: NDArray[np.uint8]) -> None:
        if self._elsewhere():
            return
        done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        assert done, "a uint8 BGR picture always has a PNG"
        self._disk.write(path, bytes(data))
        log.info("sample_kept", path=str(path))
