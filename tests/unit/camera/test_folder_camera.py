"""The folder camera: order, loop, formats, and images that are none."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_service.camera.folder import FolderCamera
from edge_service.errors import BadImageError, CameraError, ConfigurationError, NoFrameError


def write(path: Path, grey: int, size: tuple[int, int] = (8, 12)) -> None:
    """Write an image of one grey."""
    assert cv2.imwrite(str(path), np.full((*size, 3), grey, np.uint8))


async def test_images_come_by_name_and_begin_again(tmp_path: Path):
    """Sorted by name, every format, then from the start; other files do not count."""
    for name, grey in {"b.png": 20, "a.bmp": 10, "c.tif": 30, "D.JPG": 0}.items():
        write(tmp_path / name, grey)
    (tmp_path / "notes.txt").write_text("x")
    async with FolderCamera(tmp_path) as camera:
        after = time.monotonic()
        frames = [await camera.grab(after, 5.0) for _ in range(5)]
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [0, 10, 20, 30, 0]
    assert all(frame.simulated and frame.exposure_began >= after for frame in frames)
    assert frames[0].pixels.shape == (8, 12, 3)


async def test_a_file_that_is_no_image_is_told_by_name_and_the_next_one_follows(tmp_path: Path):
    """A broken file costs its part, never the station; so do an empty and a truncated one."""
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / "e.jpg"), noise)
    whole = (tmp_path / "e.jpg").read_bytes()
    (tmp_path / "e.jpg").unlink()
    (tmp_path / "d.jpg").write_bytes(whole[: 3 * len(whole) // 4])
    write(tmp_path / "e.png", 40)
    whole = (tmp_path / "e.png").read_bytes()
    (tmp_path / "a.png").write_text("hello")
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "c.png").write_bytes(whole[:30])
    async with FolderCamera(tmp_path) as camera:
        for name in ("a.png", "b.png", "c.png", "d.jpg"):
            with pytest.raises(BadImageError, match=f"{name} cannot be used"):
                await camera.grab(0.0, 5.0)
        assert (await camera.grab(0.0, 5.0)).pixels[0, 0, 0] == 40


async def test_without_loop_the_last_image_is_followed_by_no_frame(tmp_path: Path):
    """A folder played once ends in NoFrameError, which says what to do."""
    write(tmp_path / "a.png", 1)
    async with FolderCamera(tmp_path, loop=False) as camera:
        await camera.grab(0.0, 5.0)
        with pytest.raises(NoFrameError, match="every image was shown") as caught:
            await camera.grab(0.0, 5.0)
    assert "loop: true" in caught.value.remedy


@pytest.mark.parametrize("missing", [True, False])
async def test_an_empty_or_missing_folder_stops_the_start(tmp_path: Path, missing: bool):  # noqa: FBT001 - a case
    """Nothing to show is a mistake of the configuration, told with what to do."""
    folder = tmp_path / "none" if missing else tmp_path
    with pytest.raises(ConfigurationError, match="camera folder") as caught:
        async with FolderCamera(folder):
            pass
    assert "camera.path" in caught.value.remedy


async def test_a_folder_that_vanishes_is_a_lost_camera(tmp_path: Path):
    """Emptied while it runs: the camera is lost, and comes back when it is opened again."""
    write(tmp_path / "a.png", 1)
    async with FolderCamera(tmp_path) as camera:
        await camera.grab(0.0, 5.0)
        (tmp_path / "a.png").unlink()
        with pytest.raises(CameraError):
            await camera.grab(0.0, 5.0)


async def test_grey_and_deep_images_become_colour(tmp_path: Path):
    """A 16-bit grey image is judged as 8-bit BGR."""
    assert cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 4), 0x8000, np.uint16))
    async with FolderCamera(tmp_path) as camera:
        frame = await camera.grab(0.0, 5.0)
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.shape == (4, 4, 3)
    assert frame.pixels[0, 0, 0] == 0x80
