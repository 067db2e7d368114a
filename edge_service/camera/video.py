"""Camera kind ``video``: V4L2/UVC, RTSP or a video file through OpenCV, read by a thread of its own.

Which frame is judged, and why it can never show the part before, is told in ``freshness.py``.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from edge_service.camera.capture import Capture, is_file, named, open_capture
from edge_service.camera.reader import Adjustment, Reader, Request, Shot
from edge_service.config import VideoCamera as VideoSection
from edge_service.domain.inspection import CameraSettings, Frame
from edge_service.errors import CameraError, NoFrameError, OkngError
from edge_service.language import say

log = structlog.get_logger()

CLOSE_WAIT_S = 1.0
SETTLING = 3  # frames until a UVC camera's new exposure and gain are in force
OPEN_GRACE_S = 5.0  # on top of the source's own time-out


class VideoCamera:
    """A free-running source of frames. ``simulated`` is true for a file: no part of ours made its light."""

    def __init__(
        self,
        section: VideoSection,
        resolve: Callable[[str], Path] = Path,
        *,
        open_source: Callable[[], Capture] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = named(section.source)
        self.simulated = is_file(section.source)
        self._stalled_after_s = section.stalled_after_s
        self._clock = clock
        self._reader = Reader(
            open_source or (lambda: open_capture(section, resolve)),
            name=self.name,
            latency_s=section.latency_ms / 1000.0,
            clock=clock,
        )
        self._ended = asyncio.Event()

    @property
    def lost(self) -> str:
        """Why there are no frames any more; empty while there are."""
        return self._reader.lost.what if self._reader.lost else ""

    async def __aenter__(self) -> Self:
        """Open the source. Raises CameraError."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[OkngError | None] = loop.create_future()
        self._reader.start(
            lambda error: _tell(loop, _settle, opened, error), lambda: _tell(loop, self._ended.set)
        )
        try:
            async with asyncio.timeout(self._stalled_after_s + OPEN_GRACE_S):
                error = await opened
        except TimeoutError:
            error = self._hanging()
        except asyncio.CancelledError:
            self._reader.stop()
            raise
        if error is not None:
            self._reader.stop()
            raise error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the source; a driver that hangs is left to its daemon thread after a second."""
        self._reader.stop()
        try:
            async with asyncio.timeout(CLOSE_WAIT_S):
                await self._ended.wait()
        except TimeoutError:
            log.warning("camera_thread_left", camera=self.name)

    async def grab(self, after: float, timeout_s: float) -> Frame:
        """Return the first frame that was certainly exposed after ``after``; see ``ports.Camera``."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Shot | OkngError] = loop.create_future()
        request = Request(after, lambda result: _tell(loop, _settle, answer, result))
        self._reader.ask(request)
        try:
            async with asyncio.timeout(timeout_s):
                result = await answer
        except TimeoutError:
            raise self._stalled() or self._no_frame(timeout_s) from None
        finally:
            self._reader.withdraw(request)
        if isinstance(result, OkngError):
            raise result
        return self._frame(result)

    async def set_up(self, settings: CameraSettings) -> None:
        """Set the source up and let ``SETTLING`` frames go by: those on their way were exposed as before."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[OkngError | None] = loop.create_future()
        self._reader.adjust(Adjustment(settings, lambda error: _tell(loop, _settle, answer, error)))
        try:
            async with asyncio.timeout(self._stalled_after_s):
                error = await answer
        except TimeoutError:
            raise self._hanging() from None
        if error is not None:
            raise error
        began = self._clock()
        for _ in range(SETTLING):
            began = (await self.grab(began, self._stalled_after_s)).exposure_began

    async def until_lost(self) -> CameraError:
        """Return once the camera is lost, and why; a source that stalls counts as lost."""
        while self._reader.lost is None and self._stalled() is None:
            try:
                async with asyncio.timeout(self._stalled_after_s / 4):
                    await self._ended.wait()
            except TimeoutError:
                continue
        assert self._reader.lost is not None
        return self._reader.lost

    def alive(self) -> bool:
        """Whether the reader turns, or has said why not."""
        return self._reader.turning()

    def _frame(self, shot: Shot) -> Frame:
        return Frame(
            pixels=shot.pixels,
            exposure_began=shot.exposure_began,
            exposure_ended=shot.read_ended,
            captured_at=time.time() - (self._clock() - shot.exposure_began),
            camera=self.name,
            simulated=self.simulated,
        )

    def _stalled(self) -> CameraError | None:
        if self._reader.lost is None and self._clock() - self._reader.last_frame_at >= self._stalled_after_s:
            self._reader.give_up(self._hanging())
        return self._reader.lost

    def _hanging(self) -> CameraError:
        return CameraError(
            say(
                f"camera {self.name} has delivered nothing for {self._stalled_after_s:g} s",
                f"相机 {self.name} 已 {self._stalled_after_s:g} 秒无图像",
            ),
            remedy=say("check its cable, power and network", "请检查相机电缆、电源和网络"),
        )

    def _no_frame(self, timeout_s: float) -> NoFrameError:
        return NoFrameError(
            say(
                f"camera {self.name} gave no fresh frame within {timeout_s * 1000:.0f} ms",
                f"相机 {self.name} 在 {timeout_s * 1000:.0f} 毫秒内没有新图像",
            ),
            remedy=say(
                "exposure_ms must exceed the camera's latency_ms plus two frame intervals; if the source is "
                "faster than it says, set rate_hz; if its time stamps are wrong, set stamps: off",
                "exposure_ms 必须大于相机 latency_ms 加两个帧间隔；"
                "若实际帧率高于标称，请设置 rate_hz；若时间戳错误，请设置 stamps: off",
            ),
        )


def _settle(
    future: asyncio.Future[Shot | OkngError] | asyncio.Future[OkngError | None], result: object
) -> None:
    if not future.done():
        future.set_result(result)  # type: ignore[arg-type]


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object) -> None:
    """Call a function on the loop from another thread; a loop that is closed has nobody waiting."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        return
