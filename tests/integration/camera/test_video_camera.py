"""The video camera on real OpenCV captures, and on sources that stall, hang or end."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_service.camera import make_camera
from edge_service.camera.video import VideoCamera
from edge_service.config import VideoCamera as Section
from edge_service.config import parse
from edge_service.errors import CameraError, NoFrameError

RATE_HZ = 50.0


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A real Motion-JPEG file of 10 frames, each of its own grey."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE_HZ, (64, 48))
    assert writer.isOpened()
    for index in range(10):
        writer.write(np.full((48, 64, 3), 20 * index, np.uint8))
    writer.release()
    return path


def section(source: int | str, **keys: object) -> Section:
    """Return a video section with the keys given."""
    return Section.model_validate({"kind": "video", "source": source, "latency_ms": 0.0, **keys})


async def test_a_file_plays_at_its_own_rate_and_begins_again(clip: Path):
    """Frames of a file are fresh by the same rule as a camera's, and the file loops."""
    async with VideoCamera(section(str(clip))) as camera:
        assert camera.simulated
        for _ in range(4):
            after = time.monotonic()
            frame = await camera.grab(after, 5.0)
            assert frame.exposure_began > after
            assert frame.pixels.shape == (48, 64, 3)
            assert not frame.pixels.flags.writeable
            assert abs(frame.captured_at - time.time()) < 5


async def test_the_end_of_a_file_is_a_lost_camera(clip: Path):
    """Without loop a file ends, and whoever waits is told so at once."""
    async with VideoCamera(section(str(clip), loop=False)) as camera:
        with pytest.raises(CameraError, match="delivers no more frames"):
            await camera.grab(time.monotonic() + 1000, 60.0)
        assert "delivers no more frames" in camera.lost
        assert camera.alive()
        assert (await camera.until_lost()).what == camera.lost


async def test_relative_files_count_from_the_configuration(clip: Path):
    """The source of a file is found beside the YAML file."""
    text = f"station: {{id: a}}\ncamera: {{kind: video, source: {clip.name}, latency_ms: 5}}\n"
    async with make_camera(parse(text.encode(), "edge.yaml", clip.parent)) as camera:
        await camera.grab(time.monotonic(), 5.0)


@pytest.mark.parametrize("source", [99, "/dev/video99", "no-such-clip.avi"])
async def test_a_source_that_is_not_there_says_what_to_check(source: int | str):
    """A missing device or file is a CameraError with a remedy."""
    with pytest.raises(CameraError, match="cannot be opened") as caught:
        await VideoCamera(section(source)).__aenter__()
    assert caught.value.remedy


def test_no_password_is_printed_when_a_stream_does_not_open():
    """Neither our message nor anything OpenCV or FFmpeg print holds the password of the URL."""
    script = (
        "import asyncio\n"
        "from edge_service.camera.video import VideoCamera\n"
        "from edge_service.config import VideoCamera as Section\n"
        "url = 'rtsp://me:s3cr3t@127.0.0.1:1/stream'\n"
        "section = Section.model_validate({'kind': 'video', 'source': url, 'stalled_after_s': 0.5})\n"
        "try:\n"
        "    asyncio.run(VideoCamera(section).__aenter__())\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "OPENCV_LOG_LEVEL": "VERBOSE"},
    )
    assert "CameraError camera rtsp://127.0.0.1:1/stream cannot be opened" in done.stdout
    assert "s3cr3t" not in done.stdout + done.stderr


@dataclass
class Stuck:
    """A source whose read hangs until the test lets it go."""

    rate_hz: float = RATE_HZ
    released: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)
    reading: threading.Event = field(default_factory=threading.Event)

    def grab(self) -> bool:
        """Hang."""
        self.reading.set()
        self.gate.wait(30)
        return False

    def stamp_s(self) -> float | None:
        """Say nothing."""
        return None

    def retrieve(self) -> np.ndarray:
        """Never be asked."""
        raise AssertionError("nothing was grabbed")

    def release(self) -> None:
        """Note that the device is free."""
        self.released.set()


async def test_a_source_that_hangs_is_no_frame_then_a_lost_camera():
    """A read that hangs: this part gets no frame, and after stalled_after_s the camera counts as lost."""
    stuck = Stuck()
    now = [0.0]
    camera = VideoCamera(section(0, stalled_after_s=5.0), open_source=lambda: stuck, clock=lambda: now[0])
    async with camera:
        with pytest.raises(NoFrameError):
            await camera.grab(0.0, 0.01)
        now[0] = 6.0
        with pytest.raises(CameraError, match="has delivered nothing for 5 s"):
            await camera.grab(6.0, 0.01)
        assert camera.alive()
        stuck.gate.set()
    assert stuck.released.is_set()


async def test_a_stall_is_noticed_without_a_trigger():
    """A camera that goes quiet between two parts is told lost before the next one comes."""
    stuck = Stuck()
    camera = VideoCamera(section(0, stalled_after_s=0.5), open_source=lambda: stuck)
    async with camera:
        assert "has delivered nothing" in (await camera.until_lost()).what
        stuck.gate.set()


async def test_closing_does_not_wait_for_a_driver_that_hangs():
    """The station ends although a read never returns; the thread is a daemon and frees the device later."""
    stuck = Stuck()
    async with VideoCamera(section(0), open_source=lambda: stuck):
        assert await asyncio.to_thread(stuck.reading.wait, 10)
    assert not stuck.released.is_set()
    stuck.gate.set()
    assert await asyncio.to_thread(stuck.released.wait, 10)


async def test_a_cancelled_grab_is_forgotten():
    """Cancelling a grab ends it at once, and the next one is served."""
    stuck = Stuck()
    async with VideoCamera(section(0), open_source=lambda: stuck) as camera:
        grab = asyncio.create_task(camera.grab(0.0, 60.0))
        await asyncio.sleep(0)
        grab.cancel()
        with pytest.raises(asyncio.CancelledError):
            await grab
        stuck.gate.set()
        with pytest.raises(CameraError):
            await camera.grab(0.0, 60.0)
