"""Exposure and gain of a camera behind OpenCV: set between two frames, read back, undone where refused."""

import asyncio
import time
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from edge_service.camera.capture import OpenCvCapture
from edge_service.camera.video import SETTLING, VideoCamera
from edge_service.config import VideoCamera as Section
from edge_service.domain.inspection import CameraSettings
from edge_service.errors import CameraError, RecipeError

AUTOMATIC, MANUAL = 3.0, 1.0  # V4L2_EXPOSURE_APERTURE_PRIORITY, V4L2_EXPOSURE_MANUAL


@dataclass
class Driver:
    """What OpenCV hands through of a UVC driver: it knows some controls and keeps each in its range."""

    values: dict[int, float]
    most: dict[int, float] = field(default_factory=dict)

    def get(self, number: int) -> float:
        """Return a control's value, -1 for one that is unknown, as OpenCV does."""
        return self.values.get(number, -1.0)

    def set(self, number: int, value: float) -> bool:
        """Take a value, kept in range; False for a control that is unknown."""
        if number not in self.values:
            return False
        self.values[number] = min(value, self.most.get(number, value))
        return True


def webcam() -> Driver:
    """Return a camera with automatic exposure, as it comes out of the box."""
    values = {cv2.CAP_PROP_AUTO_EXPOSURE: AUTOMATIC, cv2.CAP_PROP_EXPOSURE: 156.0, cv2.CAP_PROP_GAIN: 4.0}
    return Driver(values, {cv2.CAP_PROP_EXPOSURE: 5000.0})


def capture(driver: Driver, v4l2: str = "/dev/video0") -> OpenCvCapture:
    """Return the driver behind the port."""
    return OpenCvCapture(driver, 30.0, v4l2=v4l2)


def test_exposure_is_set_in_the_drivers_unit_and_the_automatic_goes_off():
    """Microseconds become the 100 us of V4L2; what is None is left alone."""
    driver = webcam()
    capture(driver).set_up(CameraSettings(exposure_us=8000.0))
    assert driver.values == {
        cv2.CAP_PROP_AUTO_EXPOSURE: MANUAL,
        cv2.CAP_PROP_EXPOSURE: 80.0,
        cv2.CAP_PROP_GAIN: 4.0,
    }


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (CameraSettings(900_000.0), "exposure_us 900000: -> 500000"),
        (CameraSettings(8000.0, 7.0), "gain 7: it does not know it"),
    ],
)
def test_a_refusal_names_what_and_leaves_the_camera_as_it_was(settings: CameraSettings, told: str):
    """A value out of range, a control that is not there: told, and what was set before it is undone."""
    driver = webcam()
    if settings.gain is not None:
        del driver.values[cv2.CAP_PROP_GAIN]
    before = dict(driver.values)
    with pytest.raises(RecipeError, match=told) as refused:
        capture(driver).set_up(settings)
    assert driver.values == before
    assert "v4l2-ctl" in refused.value.remedy


def test_a_stream_has_nothing_to_set():
    """What is no camera of this box refuses."""
    with pytest.raises(RecipeError, match="gain"):
        capture(webcam(), v4l2="").set_up(CameraSettings(gain=1.0))


class Source:
    """Frames each 5 ms that show how often the source had been set up when they were exposed."""

    rate_hz = 200.0

    def __init__(self) -> None:
        self.set_ups = 0
        self.frames = 0
        self.at_set_up = 0
        self.fault: RecipeError | None = None

    def grab(self) -> bool:
        """Wait for the next frame."""
        time.sleep(0.005)  # a camera's own rate: the reader measures it
        self.frames += 1
        return True

    def stamp_s(self) -> None:
        """Have no clock."""

    def retrieve(self) -> np.ndarray:
        """Return a frame's number."""
        return np.full((2, 2, 3), self.frames % 256, np.uint8)

    def set_up(self, _: CameraSettings) -> None:
        """Note it, or refuse."""
        if self.fault is not None:
            raise self.fault
        self.set_ups += 1
        self.at_set_up = self.frames

    def release(self) -> None:
        """Nothing to give back."""


def video(source: Source) -> VideoCamera:
    """Return a camera that reads the source."""
    section = Section.model_validate({"kind": "video", "source": 0, "latency_ms": 0.0})
    return VideoCamera(section, open_source=lambda: source)


async def test_frames_that_were_on_their_way_are_let_go_by():
    """After the change as many frames pass as a camera may still expose in the old way."""
    source = Source()
    async with video(source) as camera:
        await camera.grab(time.monotonic(), 5.0)
        await camera.set_up(CameraSettings(gain=1.0))
        assert source.set_ups == 1
        assert source.frames - source.at_set_up >= SETTLING


async def test_a_refusal_reaches_who_asked_and_frames_go_on():
    """The reader's thread survives it."""
    source = Source()
    source.fault = RecipeError("no such setting")
    async with video(source) as camera:
        with pytest.raises(RecipeError, match="no such setting"):
            await camera.set_up(CameraSettings(gain=1.0))
        await camera.grab(time.monotonic(), 5.0)


async def test_a_lost_camera_is_not_waited_for():
    """Setting up a camera whose source ended tells so at once."""
    source = Source()
    async with video(source) as camera:
        source.grab = lambda: False  # type: ignore[method-assign]
        await camera.until_lost()
        async with asyncio.timeout(2):
            with pytest.raises(CameraError, match="no more frames"):
                await camera.set_up(CameraSettings(gain=1.0))
