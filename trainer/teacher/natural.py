"""Natural photographs to train a teacher on: crops that depend on seed and step alone, so a run can go on.

DATA is a folder (searched through) or a tar of JPEG or PNG files. Pictures are read when they are drawn.
"""

import tarfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from edge_service.language import say
from trainer.domain import Picture
from trainer.errors import DatasetError

_ENDINGS = (".jpg", ".jpeg", ".png")
_LEAST_CROP = 0.3  # of the short side
_GREY, _BLUR = 0.1, 0.2  # how many crops


class NaturalPictures:
    """Draws batches of crops. Raises DatasetError where there is no picture. Not thread-safe."""

    def __init__(self, data: Path) -> None:
        self._read, self._names = _tar(data) if data.is_file() else _folder(data)
        if not self._names:
            raise DatasetError(
                say(f"No picture in {data}", f"{data} 中没有图片"),
                remedy=say("Give a folder or a tar of JPEG or PNG.", "请给出含 JPEG 或 PNG 的文件夹或 tar。"),
            )

    def __len__(self) -> int:
        return len(self._names)

    def crops(self, step: int, *, batch: int, side: int, seed: int) -> Picture:
        """Return the crops of one step, uint8 BGR (batch, side, side, 3), by step and seed alone.

        Raises DatasetError naming a file that cannot be read.
        """
        random = np.random.default_rng((seed, step))
        chosen = random.integers(0, len(self._names), batch)
        return np.stack([_crop(self._decode(self._names[at]), side, random) for at in chosen])

    def _decode(self, name: str) -> Picture:
        pixels = cv2.imdecode(np.frombuffer(self._read(name), np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise DatasetError(
                say(f"{name} cannot be read as a picture", f"无法将 {name} 读取为图片"),
                remedy=say("Remove it; the run goes on where it stood.", "请将其移除；训练会从中断处继续。"),
            )
        return np.asarray(pixels, np.uint8)


def _folder(data: Path) -> tuple[Callable[[str], bytes], list[str]]:
    names = sorted(str(path) for path in data.rglob("*") if path.suffix.lower() in _ENDINGS)
    return lambda name: Path(name).read_bytes(), names


def _tar(data: Path) -> tuple[Callable[[str], bytes], list[str]]:
    try:
        archive = tarfile.open(data)  # noqa: SIM115 - read from until the run ends
    except tarfile.TarError as error:
        raise DatasetError(
            say(f"{data} is neither folder nor tar", f"{data} 既不是文件夹也不是 tar"),
            remedy=say("Give a folder or a tar of JPEG or PNG.", "请给出含 JPEG 或 PNG 的文件夹或 tar。"),
        ) from error
    members = {member.name: member for member in archive if member.name.lower().endswith(_ENDINGS)}

    def read(name: str) -> bytes:
        file = archive.extractfile(members[name])
        return file.read() if file is not None else b""

    return read, sorted(members)


def _crop(picture: Picture, side: int, random: np.random.Generator) -> Picture:
    """Cut out a square, flip, turn, and change its light."""
    height, width = picture.shape[:2]
    length = max(8, round(min(height, width) * random.uniform(_LEAST_CROP, 1.0)))
    top, left = (int(random.integers(0, max(1, whole - length + 1))) for whole in (height, width))
    cut = picture[top : top + length, left : left + length]
    shrink = cv2.INTER_AREA if length > side else cv2.INTER_LINEAR
    crop = np.asarray(cv2.resize(cut, (side, side), interpolation=shrink), np.float32)
    crop = np.rot90(crop, int(random.integers(4)))[:: 1 if random.random() < 1 / 2 else -1]
    crop = (crop - 127.5) * np.exp(random.normal(0, 0.2)) + 127.5 + random.normal(0, 15)
    if random.random() < _GREY:
        crop = np.repeat(crop.mean(2, keepdims=True), 3, axis=2)
    if random.random() < _BLUR:
        crop = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(crop), (0, 0), random.uniform(0.3, 1.5)))
    noise = random.normal(0, random.uniform(0, 5), crop.shape)
    return np.asarray(np.clip(crop + noise + 0.5, 0.0, 255.0), np.uint8)
