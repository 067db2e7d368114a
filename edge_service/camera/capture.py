"""What the video camera needs from a source of frames, and OpenCV's captures behind it.

Everything here blocks and belongs to the reader's thread.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.camera.settings import no_settings, not_taken
from edge_service.config import VideoCamera as VideoSection
from edge_service.domain.inspection import CameraSettings
from edge_service.errors import BadImageError, CameraError, RecipeError
from edge_service.language import say

LIKELY_RATES_HZ = (1.0, 1000.0)  # RTSP sources report 90000 and 0, too
DEFAULT_RATE_HZ = 30.0

# V4L2_EXPOSURE_MANUAL and the unit of V4L2_CID_EXPOSURE_ABSOLUTE: the kernel's camera control reference
_V4L2_MANUAL = 1
_V4L2_STEP_US = 100.0


class Capture(Protocol):
    """A source that delivers one frame after the other."""

    rate_hz: float

    def grab(self) -> bool:
        """Wait for the next frame and take it; False: there will be no more."""
        ...

    def stamp_s(self) -> float | None:
        """Return the source's own time of the frame taken last, seconds of its clock; None: it has none."""
        ...

    def retrieve(self) -> NDArray[np.uint8]:
        """Return the frame taken last: uint8 BGR (height, width, 3). Raises BadImageError."""
        ...

    def set_up(self, settings: CameraSettings) -> None:
        """Set exposure and gain. Raises RecipeError, with everything as it was."""
        ...

    def release(self) -> None:
        """Give the device back."""
        ...


class OpenCvCapture:
    """A ``cv2.VideoCapture`` behind the port."""

    def __init__(
        self, capture: cv2.VideoCapture, rate_hz: float | None, *, stamped: bool = False, v4l2: str = ""
    ) -> None:
        self._capture, self._stamped, self._v4l2 = capture, stamped, v4l2  # v4l2: its name, where it is one
        told = float(capture.get(cv2.CAP_PROP_FPS))
        low, high = LIKELY_RATES_HZ
        self.rate_hz = rate_hz or (told if low <= told <= high else DEFAULT_RATE_HZ)

    def grab(self) -> bool:
        """Wait for the next frame and take it."""
        try:
            return bool(self._capture.grab())
        except cv2.error:
            return False

    def stamp_s(self) -> float | None:
        """Return the kernel's (V4L2) or the stream's time of the frame taken last.

        Other streams have none: FFmpeg makes one up by counting frames.
        """
        if not self._stamped:
            return None
        stamp_ms = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        return stamp_ms / 1000.0 if stamp_ms > 0 else None

    def retrieve(self) -> NDArray[np.uint8]:
        """Decode the frame taken last. Raises BadImageError."""
        try:
            there, pixels = self._capture.retrieve()
        except cv2.error as error:
            raise _unusable(str(error.err)) from error
        if not there or pixels is None:
            raise _unusable("it cannot be decoded")
        return as_bgr(pixels)

    def set_up(self, settings: CameraSettings) -> None:
        """Set a V4L2 camera's exposure (its automatic goes off) and gain, and read back what it took."""
        if not self._v4l2:
            raise no_settings("of this source", settings)
        before = [
            (number, self._capture.get(number))
            for number in (cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_GAIN, cv2.CAP_PROP_AUTO_EXPOSURE)
        ]
        try:
            if settings.exposure_us is not None:
                self._capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _V4L2_MANUAL)
                self._set(cv2.CAP_PROP_EXPOSURE, "exposure_us", settings.exposure_us, _V4L2_STEP_US)
            if settings.gain is not None:
                self._set(cv2.CAP_PROP_GAIN, "gain", settings.gain, 1.0)
        except RecipeError:
            for number, value in before:
                self._capture.set(number, value)
            raise

    def _set(self, number: int, name: str, value: float, step: float) -> None:
        """Set a property that counts in ``step``; a camera that is off by more than one refuses."""
        if not self._capture.set(number, round(value / step)):
            raise not_taken(self._v4l2, name, value, None)
        taken = float(self._capture.get(number)) * step
        if abs(taken - value) > step:
            raise not_taken(self._v4l2, name, value, taken)

    def release(self) -> None:
        """Give the device back."""
        self._capture.release()

    def rewind(self) -> bool:
        """Go back to the first frame of a file."""
        return bool(self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0))


class FileCapture:
    """A video file that plays at its own rate, like a camera would, instead of as fast as it decodes."""

    def __init__(
        self,
        video: OpenCvCapture,
        *,
        loop: bool,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._video, self._loop, self._clock, self._sleep = video, loop, clock, sleep
        self.rate_hz = video.rate_hz
        self._due = clock()

    def grab(self) -> bool:
        """Wait until the next frame is due and take it; at the end of the file, begin again or end."""
        now = self._clock()
        self._due = max(self._due + 1.0 / self.rate_hz, now)
        self._sleep(self._due - now)
        return self._video.grab() or (self._loop and self._video.rewind() and self._video.grab())

    def stamp_s(self) -> float | None:
        """Say nothing: it plays when we say."""
        return None

    def retrieve(self) -> NDArray[np.uint8]:
        """Decode the frame taken last. Raises BadImageError."""
        return self._video.retrieve()

    def set_up(self, settings: CameraSettings) -> None:
        """Refuse: what was filmed is filmed. Raises RecipeError."""
        self._video.set_up(settings)

    def release(self) -> None:
        """Close the file."""
        self._video.release()


def as_bgr(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture as uint8 BGR (height, width, 3). Raises BadImageError for any other depth."""
    if pixels.dtype != np.uint8 or pixels.size == 0:
        raise _unusable(f"{pixels.dtype} {pixels.shape}")
    if pixels.ndim == 2 or pixels.shape[2] == 1:  # noqa: PLR2004 - rows and columns
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)  # type: ignore[no-any-return,unused-ignore]
    return pixels


def is_file(source: int | str) -> bool:
    """Whether the source is a video file rather than something live."""
    return isinstance(source, str) and "://" not in source and not source.startswith("/dev/")


def open_capture(section: VideoSection, resolve: Callable[[str], Path]) -> Capture:
    """Open the source of the section. Raises CameraError; no message holds a password."""
    source = section.source
    if isinstance(source, str) and is_file(source):
        return FileCapture(_open(str(resolve(source)), cv2.CAP_ANY, section), loop=section.loop)
    if isinstance(source, str) and "://" in source:
        return _open(source, cv2.CAP_FFMPEG, section)
    return _open(source, cv2.CAP_V4L2, section)


def _open(source: int | str, backend: int, section: VideoSection) -> OpenCvCapture:
    limits = []
    if backend == cv2.CAP_FFMPEG:
        limit_ms = int(section.stalled_after_s * 1000)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit_ms]
    with _silence():
        capture = cv2.VideoCapture(source, backend, limits)
    if not capture.isOpened():
        capture.release()
        raise cannot_open(source)
    wishes = {
        cv2.CAP_PROP_BUFFERSIZE: 1 if backend == cv2.CAP_V4L2 else None,
        cv2.CAP_PROP_FRAME_WIDTH: section.width_px,
        cv2.CAP_PROP_FRAME_HEIGHT: section.height_px,
        cv2.CAP_PROP_FPS: section.rate_hz,
    }
    if backend == cv2.CAP_V4L2:
        for wish, value in wishes.items():
            if value is not None:
                capture.set(wish, value)
    real = backend == cv2.CAP_V4L2 or str(source).startswith(("rtsp://", "rtsps://"))
    stamped = real and section.stamps == "auto"
    v4l2 = named(source) if backend == cv2.CAP_V4L2 else ""
    return OpenCvCapture(capture, section.rate_hz, stamped=stamped, v4l2=v4l2)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep OpenCV and FFmpeg from printing the URL, password and all, when it cannot be opened."""
    before = cv2.utils.logging.getLogLevel()
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)


def named(source: int | str) -> str:
    """Return the source as people and logs may see it: without user and password."""
    if isinstance(source, int):
        return f"/dev/video{source}"
    scheme, separator, rest = source.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if separator else source


def cannot_open(source: int | str) -> CameraError:
    """Return the error for a source that does not open."""
    name = named(source)
    if isinstance(source, str) and "://" in source:
        remedy = say(
            "check the network, the address, user and password, and that the camera serves this stream",
            "请检查网络、地址、用户名和密码，以及相机是否提供该视频流",
        )
    elif is_file(source):
        remedy = say("check that the file exists and is a video", "请检查文件是否存在且为视频文件")
    else:
        remedy = say(
            "check the cable, `ls /dev/video*`, that no other program uses it, and group video of the user",
            "请检查电缆、`ls /dev/video*`、是否被其他程序占用，以及用户是否在 video 组中",
        )
    return CameraError(say(f"camera {name} cannot be opened", f"无法打开相机 {name}"), remedy=remedy)


def _unusable(why: str) -> BadImageError:
    return BadImageError(
        say(f"the camera's frame cannot be used: {why}", f"相机图像不可用：{why}"),
        remedy=say(
            "choose an 8-bit colour or grey format in the camera", "请在相机中选择 8 位彩色或灰度格式"
        ),
    )
