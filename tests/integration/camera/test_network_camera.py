"""The video camera against a real stream over the network: fresh frames, loss, and coming back."""

import asyncio
import time

import pytest

from edge_service.camera.video import VideoCamera
from edge_service.config import VideoCamera as Section
from edge_service.errors import CameraError
from edge_service.lifecycle import Backoff
from edge_service.station import CameraKeeper
from tests.support.network_camera import NetworkCamera

LATENCY_MS = 300.0  # generous: the machine may be busy, and FFmpeg wants the head of the next frame first


def section(camera: NetworkCamera) -> Section:
    """Return the section for the camera on loopback."""
    keys = {"kind": "video", "source": camera.url, "latency_ms": LATENCY_MS, "rate_hz": 25.0}
    return Section.model_validate({**keys, "stalled_after_s": 2.0})


async def test_the_frame_handed_out_was_exposed_after_its_trigger():
    """Frame by frame over HTTP and FFmpeg: what is on the picture happened after the trigger."""
    with NetworkCamera() as network:
        async with VideoCamera(section(network)) as camera:
            assert not camera.simulated
            for _ in range(3):
                after = time.monotonic()
                frame = await camera.grab(after, 10.0)
                exposed = network.exposed[network.number_of(frame.pixels)]
                assert after < frame.exposure_began <= exposed <= frame.exposure_ended


async def test_an_unplugged_camera_is_lost_and_comes_back():
    """The keeper notices the loss between two parts, tries again, and has frames once the camera is back."""
    network = NetworkCamera()
    states: asyncio.Queue[bool] = asyncio.Queue()
    keeper = CameraKeeper(lambda: VideoCamera(section(network)), states.put_nowait, Backoff(0.05, 0.2))
    with network:
        keeping = asyncio.create_task(keeper.run(asyncio.Event()), name="keeper")
        try:
            assert await states.get() is True
            await keeper.grab(time.monotonic(), 10.0)
            network.unplug()
            assert await states.get() is False
            with pytest.raises(CameraError):
                await keeper.grab(time.monotonic(), 10.0)
            with NetworkCamera(port=network.port) as again:
                while not await states.get():
                    pass
                frame = await keeper.grab(time.monotonic(), 10.0)
                assert frame.exposure_ended >= again.exposed[0]
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
