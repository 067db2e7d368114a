"""Natural photographs to train a teacher on: crops that depend on seed and step alone, so a run can go on.

DATA is a folder (searched through) or a tar of JPEG or PNG files. Pictures are read when they are drawn.
Every ``_HELD_EVERY``-th is held out: crops of it are never learned from and tell what was learned. One that
cannot be read is passed over, and named in ``unreadable``.
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
_HELD_EVERY = 50
_HELD_STEP = 1 << 40  # counted from here on, steps that no run comes to


class NaturalPictures:
    """Draws batches of crops. Raises DatasetError where there is no picture. Not thread-safe."""

    def __init__(self, data: Path) -> None:
        self._read, self._names = _tar(data) if data.is_file() else _folder(data)
        if not self._names:
            raise DatasetError(
                say(f"No picture in {data}", f"{data} 中没有图片"),
                remedy=say("Give a folder or a tar of JPEG or PNG.", "请给出含 JPEG 或 PNG 的文件夹或 tar。"),
            )
        self.unreadable: set[str] = set()
        self.held_out = self._names[_HELD_EVERY - 1 :: _HELD_EVERY]
        self._learned = [name for at, name in enumerate(self._names) if (at + 1) % _HELD_EVERY]

    def __len__(self) -> int:
        return len(self._names)

    def crops(self, step: int, *, batch: int, side: int, seed: int) -> Picture:
        """Return the crops of one step, uint8 BGR (batch, side, side, 3), by step and seed alone.

        Raises DatasetError where no picture can be read.
        """
        return self._draw(self._learned, np.random.default_rng((seed, step)), batch, side)

    def new_crops(self, number: int, *, batch: int, side: int, seed: int) -> Picture:
        """Likewise crops that no step learns from: of held-out pictures, or of the few there are."""
        random = np.random.default_rng((seed, _HELD_STEP + number))
        return self._draw(self.held_out or self._learned, random, batch, side)

    def _draw(self, names: list[str], random: np.random.Generator, batch: int, side: int) -> Picture:
        chosen = random.integers(0, len(names), batch)
        return np.stack([_crop(self._picture(names, int(at)), side, random) for at in chosen])

    def _picture(self, names: list[str], at: int) -> Picture:
        """Return the picture at this place, or the next one that can be read."""
        for offset in range(len(names)):
            name = names[(at + offset) % len(names)]
            pixels = _decode(self._read(name))
            if pixels is not None:
                return pixels
            self.unreadable.add(name)
        raise DatasetError(
            say("No picture can be read", "没有可读取的图片"),
            remedy=say(
                f"{names[at]} is one of them: fetch the pictures again.",
                f"例如 {names[at]}：请重新获取图片。",
            ),
        )


def _decode(content: bytes) -> Picture | None:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    return None if pixels is None else np.asarray(pixels, np.uint8)


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
