"""Keeps the camera open, and opens it again when it is lost."""

import asyncio
from collections.abc import Callable

import structlog

from edge_service.domain.inspection import CameraSettings, Frame
from edge_service.errors import (
    BadImageError,
    CameraError,
    NoFrameError,
    OkngError,
    OurError,
    RecipeError,
    StaleFrameError,
)
from edge_service.language import say
from edge_service.lifecycle import Backoff
from edge_service.ports import Camera

log = structlog.get_logger()

_ONE_FRAME = (NoFrameError, StaleFrameError, BadImageError)  # one part's trouble: the camera is still there


class CameraKeeper:
    """The camera as the station sees it: there, or lost and being looked for.

    ``changed`` is called with True when the camera is there and with False when it is lost.
    """

    def __init__(
        self,
        make: Callable[[], Camera],
        changed: Callable[[bool], None],
        backoff: Backoff | None = None,
    ) -> None:
        self._make, self._changed = make, changed
        self._backoff = backoff or Backoff(0.5, 10.0)
        self._camera: Camera | None = None
        self._close = asyncio.Event()
        self._replaced = False
        self._settings = CameraSettings()
        self._setting_up = asyncio.Lock()

    async def run(self, settled: asyncio.Event) -> None:
        """Keep the camera open until cancelled; set ``settled`` once it is open or known to be lost.

        A camera that cannot be opened because of its configuration (an empty folder) raises OurError,
        but only before it was open for the first time: afterwards it counts as lost like any other.
        """
        was_open = False
        while True:
            self._close.clear()
            try:
                async with self._make() as camera:
                    await self._begin_with(camera)
                    was_open = True
                    self._backoff.reset()
                    log.info("camera_open", camera=camera.name)
                    self._changed(True)
                    settled.set()
                    await self._until_closed_or_lost(camera)
            except OkngError as error:
                if isinstance(error, OurError) and not was_open:
                    raise
                log.warning("camera_lost", error=error.what, remedy=error.remedy)
            finally:
                self._camera = None
            if not self._replaced:
                self._changed(False)
                settled.set()
                await asyncio.sleep(self._backoff.next_s())
            self._replaced = False

    async def _until_closed_or_lost(self, camera: Camera) -> None:
        """Return when the camera is to be closed. Raises CameraError when it is lost between two parts."""
        lost = asyncio.create_task(camera.until_lost(), name="camera-watch")
        closing = asyncio.create_task(self._close.wait(), name="camera-close")
        try:
            await asyncio.wait({lost, closing}, return_when=asyncio.FIRST_COMPLETED)
            if lost.done() and not closing.done():
                raise lost.result()
        finally:
            self._camera = None
            lost.cancel()
            closing.cancel()
            await asyncio.gather(lost, closing, return_exceptions=True)

    async def grab(self, after: float, timeout_s: float) -> Frame:
        """Grab a frame like ``ports.Camera.grab``; a lost camera is noted and opened again."""
        camera = self._camera
        if camera is None:
            raise CameraError(
                say("the camera is lost", "相机丢失"),
                remedy=say("check its cable and power; the log says why", "请检查相机电缆和电源；原因见日志"),
            )
        try:
            frame = await camera.grab(after, timeout_s)
        except _ONE_FRAME:
            raise
        except CameraError:
            self._lose()
            raise
        if frame.exposure_began < after:
            early_s = after - frame.exposure_began
            raise StaleFrameError(
                say(
                    f"the frame of {camera.name} was exposed {early_s:.3f} s before its trigger",
                    f"{camera.name} 的图像在触发前 {early_s:.3f} 秒曝光",
                ),
                remedy=say("raise the camera's latency_ms", "请增大相机的 latency_ms"),
            )
        return frame

    async def set_up(self, settings: CameraSettings) -> None:
        """Have every frame from now on taken with ``settings``, also by a camera that is opened later.

        Raises RecipeError when the camera refuses: then the settings before are in force. One that is lost
        or cut short in the middle is opened anew with those.
        """
        async with self._setting_up:
            if self._camera is not None and settings != self._settings:
                try:
                    await self._camera.set_up(settings)
                except RecipeError:
                    raise
                except BaseException:
                    self._lose()
                    raise
            self._settings = settings

    async def _begin_with(self, camera: Camera) -> None:
        async with self._setting_up:
            if self._settings != CameraSettings():
                try:
                    await camera.set_up(self._settings)
                except RecipeError as error:
                    raise CameraError(error.what, remedy=error.remedy) from error
            self._camera = camera

    def replace(self, make: Callable[[], Camera], settings: CameraSettings) -> None:
        """Close the camera and open the one that ``make`` gives instead, with ``settings``."""
        self._make, self._settings = make, settings
        self._replaced = True
        self._close.set()

    @property
    def simulated(self) -> bool:
        """Whether the frames are rendered, not photographed."""
        return self._camera is not None and self._camera.simulated

    def alive(self) -> bool:
        """Whether the camera's thread turns; a lost camera has none that could hang."""
        return self._camera is None or self._camera.alive()

    def _lose(self) -> None:
        self._changed(False)
        self._close.set()
