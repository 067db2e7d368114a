"""Reading a folder of good photographs.

Every file with a picture's ending is read, in the order of names; other files are left alone. One
that cannot be read, or is of one shade, stops the run and is named: leaving it out silently would
train another model than the one that was asked for. What is unusual but usable becomes a warning
(``remarks.py``) that goes on screen and into the manifest. A photograph that is there twice counts
once, also where one is a copy saved in another format or quality: repeating a part says nothing about
how parts differ. Grey becomes three equal channels; 16-bit pictures are shifted by the depth that the
deepest of them uses (10 bits: by 2), the same for all.

>>> photographs = read_folder(Path("good"))     # doctest: +SKIP
"""

import hashlib
from collections.abc import Collection
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.language import say
from trainer.datasets.remarks import left_out_by, listed, remarks
from trainer.domain import Photograph, PhotographSet, Picture
from trainer.errors import DatasetError, PhotographError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
SMALLEST_SIDE = 64
SAME_MEAN, SAME_MOST = 1.0, 8.0  # levels of 255, on pictures shrunk to ``_SHRUNK``: a copy saved anew
ONE_SHADE = 0.75  # levels of 255 that a picture shrunk likewise spreads by: lens cap, no light, overexposed
_SHRUNK = 96  # pixels a side


def read_folder(folder: Path, leave_out: Collection[str] = ()) -> PhotographSet:
    """Read every picture of ``folder`` but those whose names are in ``leave_out``, each picture once.

    Raises DatasetError when there is no folder, no picture in it or none of a name to leave out,
    PhotographError naming the file that is no picture.
    """
    paths = _without(picture_paths(folder), leave_out)
    decoded = [(path, *_decode(path)) for path in paths]
    bits = _bits_in_use([raw for _, raw, _ in decoded])
    photographs = tuple(Photograph(path, _to_eight_bits(raw, bits), sha256) for path, raw, sha256 in decoded)
    for each in photographs:
        _require_something(each)
    photographs, repeated = _each_once(photographs)
    joined = "\n".join(sorted(photograph.sha256 for photograph in photographs))
    digest = hashlib.sha256(joined.encode()).hexdigest()
    return PhotographSet(photographs, digest, (*repeated, *remarks(photographs, bits)))


def picture_paths(folder: Path) -> list[Path]:
    """Return the files of ``folder`` that end like pictures, by name. Raises DatasetError for none."""
    if not folder.is_dir():
        raise DatasetError(
            say(f"{folder} is not a folder", f"{folder} 不是文件夹"),
            remedy=say("Give the folder that holds the good photographs.", "请指定存放良品照片的文件夹。"),
        )
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in SUFFIXES)
    if not paths:
        endings = ", ".join(sorted(SUFFIXES))
        raise DatasetError(
            say(f"No photograph in {folder}", f"{folder} 中没有照片"),
            remedy=say(
                f"Put 3 to 10 photographs of good parts there ({endings}).",
                f"请放入 3 到 10 张良品照片（{endings}）。",
            ),
        )
    return paths


def _decode(path: Path) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], str]:
    """Return the pixels, BGR with the file's own depth, and the SHA-256 of the file."""
    content = path.read_bytes()
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise PhotographError(
            say(f"{path} is not a photograph that can be read", f"{path} 不是可读取的照片"),
            remedy=say(
                "Remove it from the folder, or photograph the part again.", "请将其移出文件夹，或重新拍摄。"
            ),
        )
    if min(pixels.shape[:2]) < SMALLEST_SIDE:
        height, width = pixels.shape[:2]
        raise PhotographError(
            say(f"{path} is only {width} x {height} pixels", f"{path} 只有 {width} x {height} 像素"),
            remedy=say(
                f"Use photographs of at least {SMALLEST_SIDE} pixels on each side.",
                f"请使用每边至少 {SMALLEST_SIDE} 像素的照片。",
            ),
        )
    return pixels, hashlib.sha256(content).hexdigest()


def _bits_in_use(pictures: list[NDArray[np.uint8] | NDArray[np.uint16]]) -> int:
    """Return the bit depth that the deepest photograph uses: cameras store 10 or 12 bits in 16."""
    brightest = max((int(raw.max()) for raw in pictures if raw.dtype == np.uint16), default=0)
    return next((bits for bits in (8, 10, 12, 14) if brightest < 1 << bits), 16)


def _to_eight_bits(raw: NDArray[np.uint8] | NDArray[np.uint16], bits: int) -> Picture:
    shifted = raw if raw.dtype == np.uint8 else raw >> (bits - 8)
    return shifted.astype(np.uint8, copy=False)


def _without(paths: list[Path], leave_out: Collection[str]) -> list[Path]:
    unknown = sorted(set(leave_out) - {path.name for path in paths})
    if unknown:
        raise DatasetError(
            say(f"There is no photograph {unknown[0]} to leave out", f"没有可排除的照片 {unknown[0]}"),
            remedy=say("Give the name of a file in the folder.", "请给出文件夹中的文件名。"),
        )
    kept = [path for path in paths if path.name not in leave_out]
    if not kept:
        raise DatasetError(
            say("Every photograph is left out", "所有照片都被排除"),
            remedy=say("Keep at least one; 3 to 10 are usual.", "请至少保留一张；通常为 3 到 10 张。"),
        )
    return kept


def _require_something(photograph: Photograph) -> None:
    """Raise PhotographError where all of the picture is one shade."""
    if _shrunk(photograph.pixels).std((0, 1)).max() >= ONE_SHADE:
        return
    name, level = photograph.path.name, photograph.pixels.mean()
    raise PhotographError(
        say(
            f"{name} shows nothing: all of it is one shade (level {level:.0f} of 255)",
            f"{name} 没有内容：整幅图像为同一灰度（{level:.0f} / 255）",
        ),
        remedy=say(
            "Is the lens covered, the light off, or the exposure wrong? Photograph the part again, or leave "
            f"this one out ({left_out_by()}).",
            f"请检查镜头盖、光源和曝光，重新拍摄，或将其排除（{left_out_by()}）。",
        ),
    )


def _each_once(photographs: tuple[Photograph, ...]) -> tuple[tuple[Photograph, ...], list[str]]:
    """Drop every photograph that shows what an earlier one shows, and name it."""
    kept: list[tuple[Photograph, NDArray[np.float32]]] = []
    copies: dict[str, list[str]] = {}
    for photograph in photographs:
        small = _shrunk(photograph.pixels)
        earlier = next((each.path.name for each, known in kept if _is_same(small, known)), None)
        if earlier is None:
            kept.append((photograph, small))
        else:
            copies.setdefault(earlier, []).append(photograph.path.name)
    return tuple(photograph for photograph, _ in kept), [_repeated(*each) for each in copies.items()]


def _repeated(first: str, copies: list[str]) -> str:
    if len(copies) == 1:
        return say(
            f"{copies[0]} is the same picture as {first}: it counts once. Photograph another part instead.",
            f"{copies[0]} 与 {first} 是同一张照片：只计一次。请改拍另一个零件。",
        )
    return say(
        f"{listed(copies)} are the same picture as {first}: together they count once. Photograph other parts "
        "instead.",
        f"{listed(copies)} 与 {first} 是同一张照片：合计只算一张。请改拍其他零件。",
    )


def _shrunk(pixels: Picture) -> NDArray[np.float32]:
    small = cv2.resize(pixels, (_SHRUNK, _SHRUNK), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _is_same(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Tell whether two shrunk pictures are one, but for how the file was saved."""
    away = np.abs(one - other)
    return bool(away.mean() <= SAME_MEAN and away.max() <= SAME_MOST)
