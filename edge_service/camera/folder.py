"""Camera kind ``folder``: replays the images of a folder, one a trigger, in the order of their names."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.camera.settings import no_settings
from edge_service.domain.inspection import CameraSettings, Frame
from edge_service.errors import BadImageError, CameraError, ConfigurationError, NoFrameError
from edge_service.language import say
from edge_service.lifecycle import OwnedThread

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
SLOWEST_READ_S = 10.0


class FolderCamera:
    """Images out of a folder. ``simulated``: they were taken before their trigger, nothing is inspected."""

    simulated = True

    def __init__(
        self,
        folder: Path,
        *,
        loop: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = str(folder)
        self._folder, self._loop, self._clock = folder, loop, clock
        self._waiting: list[Path] = []
        self._thread: OwnedThread | None = None

    async def __aenter__(self) -> Self:
        """List the folder. Raises ConfigurationError when it is missing or holds no image."""
        self._waiting = images_of(self._folder)
        self._thread = OwnedThread(f"camera {self._folder.name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        if self._thread is not None:
            await asyncio.to_thread(self._thread.close)

    async def grab(self, after: float, timeout_s: float) -> Frame:
        """Return the next image; see ``ports.Camera``.

        Raises BadImageError, naming the file, for one that is no image; the next grab goes on with the
        next file.
        """
        assert self._thread is not None
        began = max(self._clock(), after)
        captured_at = time.time()
        try:
            async with asyncio.timeout(timeout_s):
                path = self._next()
                pixels = await self._thread.call(read_image, path, allowance_s=SLOWEST_READ_S)
        except TimeoutError:
            raise NoFrameError(
                say(
                    f"{self.name}: no image within {timeout_s * 1000:.0f} ms",
                    f"{self.name}：{timeout_s * 1000:.0f} 毫秒内未读到图像",
                ),
                remedy=say("is the disk, or the network folder, slow?", "磁盘或网络文件夹是否过慢？"),
            ) from None
        return Frame(pixels, began, self._clock(), captured_at, self.name, simulated=True)

    async def set_up(self, settings: CameraSettings) -> None:
        """Refuse: what was photographed is photographed. Raises RecipeError."""
        raise no_settings(self.name, settings)

    async def until_lost(self) -> CameraError:
        """Wait for ever: there is nothing to unplug."""
        never: asyncio.Future[CameraError] = asyncio.get_running_loop().create_future()
        return await never

    def alive(self) -> bool:
        """Whether its thread turns."""
        return self._thread is not None and self._thread.alive()

    def _next(self) -> Path:
        if not self._waiting and self._loop:
            self._waiting = self._listed_again()
        if not self._waiting:
            raise NoFrameError(
                say(f"{self.name}: every image was shown", f"{self.name}：所有图像均已显示"),
                remedy=say("restart, or set loop: true", "请重启或设置 loop: true"),
            )
        return self._waiting.pop(0)

    def _listed_again(self) -> list[Path]:
        try:
            return images_of(self._folder)
        except ConfigurationError as error:
            raise CameraError(error.what, remedy=error.remedy) from error


def images_of(folder: Path) -> list[Path]:
    """Return the images of the folder by name. Raises ConfigurationError when there are none."""
    kinds = ", ".join(SUFFIXES)
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise ConfigurationError(
            say(
                f"camera folder {folder} cannot be read: {error.strerror}",
                f"无法读取相机文件夹 {folder}：{error.strerror}",
            ),
            remedy=say(
                "make the folder and put images into it, or correct camera.path",
                "请创建该文件夹并放入图像，或修改 camera.path",
            ),
        ) from error
    if not found:
        raise ConfigurationError(
            say(f"camera folder {folder} holds no image", f"相机文件夹 {folder} 中没有图像"),
            remedy=say(
                f"put images into it ({kinds}), or correct camera.path",
                f"请放入图像（{kinds}），或修改 camera.path",
            ),
        )
    return found


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return the image as uint8 BGR (height, width, 3), turned upright as its EXIF tells.

    Raises BadImageError naming the file when it is no image.
    """
    try:
        data = path.read_bytes()
        whole = data and _ends(data)
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if whole else None
    except OSError as error:
        raise _bad(path, error.strerror or str(error)) from error
    except cv2.error as error:
        raise _bad(path, str(error.err)) from error
    if pixels is None:
        raise _bad(path, say("it is no image, or cut short", "不是图像，或文件不完整"))
    image: NDArray[np.uint8] = pixels
    image.setflags(write=False)
    return image


def _ends(data: bytes) -> bool:
    """Whether a JPEG or PNG has its end; OpenCV would fill what is missing with grey."""
    second_half = data[len(data) // 2 :]
    if data.startswith(b"\xff\xd8"):
        return b"\xff\xd9" in second_half  # EOI, ITU-T T.81 B.1.1.3
    return b"IEND" in second_half if data.startswith(b"\x89PNG") else True


def _bad(path: Path, why: str) -> BadImageError:
    return BadImageError(
        say(f"{path} cannot be used: {why}", f"{path} 不可用：{why}"),
        remedy=say("replace or remove the file", "请更换或删除该文件"),
    )
