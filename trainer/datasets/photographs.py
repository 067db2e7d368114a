"""Reading a folder of good photographs.

Every file with a picture's ending is read, in the order of names; other files are left alone. One
that cannot be read stops the run and is named: leaving it out silently would train another model
than the one that was asked for. What is unusual but usable (one photograph, different sizes, 16 bit,
a photograph twice) becomes a warning that goes on screen and into the manifest.

>>> photographs = read_folder(Path("good"))     # doctest: +SKIP
"""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.language import say
from trainer.domain import Photograph, PhotographSet, Picture
from trainer.errors import DatasetError, PhotographError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
SMALLEST_SIDE = 64
MOST_DRIFT = 2.0  # brightest photograph over darkest, of their means


def read_folder(folder: Path) -> PhotographSet:
    """Read every picture of ``folder``.

    Raises DatasetError when there is no folder or no picture in it, PhotographError naming the file
    that is no picture.
    """
    paths = picture_paths(folder)
    decoded = [(path, *_decode(path)) for path in paths]
    bits = _bits_in_use([raw for _, raw, _ in decoded])
    photographs = tuple(Photograph(path, _to_eight_bits(raw, bits), sha256) for path, raw, sha256 in decoded)
    joined = "\n".join(sorted(photograph.sha256 for photograph in photographs))
    digest = hashlib.sha256(joined.encode()).hexdigest()
    return PhotographSet(photographs, digest, tuple(_warnings(photographs, bits)))


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


def _warnings(photographs: tuple[Photograph, ...], bits: int) -> list[str]:
    found: list[str] = []
    if len(photographs) == 1:
        found.append(
            say(
                "One photograph only: how good parts differ from each other is guessed, not measured. "
                "Expect more false rejects and add two or more photographs.",
                "只有一张照片：良品之间的差异只能估计，无法测量。误判可能增多，请再添加两张或更多照片。",
            )
        )
    sizes = sorted({photograph.pixels.shape[1::-1] for photograph in photographs})
    if len(sizes) > 1:
        listed = ", ".join(f"{width} x {height}" for width, height in sizes)
        found.append(
            say(
                f"The photographs differ in size ({listed}): each is resized to the model's input.",
                f"照片尺寸不一（{listed}）：将统一缩放到模型输入尺寸。",
            )
        )
    if bits > 8:  # noqa: PLR2004 - the depth that the edge judges in
        found.append(say(f"{bits}-bit photographs were reduced to 8 bits.", f"{bits} 位照片已转换为 8 位。"))
    found.extend(_repeated(photographs))
    found.extend(_light(photographs))
    return found


def _repeated(photographs: tuple[Photograph, ...]) -> list[str]:
    """Name every photograph whose pixels were seen before: it teaches nothing new."""
    first: dict[tuple[tuple[int, ...], bytes], str] = {}
    found = []
    for photograph in photographs:
        key = (photograph.pixels.shape, hashlib.sha256(photograph.pixels.tobytes()).digest())
        earlier = first.setdefault(key, photograph.path.name)
        if earlier != photograph.path.name:
            name = photograph.path.name
            found.append(
                say(
                    f"{name} is the same picture as {earlier}: it counts once in what good parts vary by.",
                    f"{name} 与 {earlier} 是同一张照片：不能反映良品的差异。",
                )
            )
    return found


def _light(photographs: tuple[Photograph, ...]) -> list[str]:
    """Name the darkest and the brightest photograph where the light between them changed strongly."""
    means = {photograph.path.name: float(photograph.pixels.mean()) for photograph in photographs}
    dark, bright = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    times = means[bright] / max(means[dark], 1.0)
    if times < MOST_DRIFT:
        return []
    return [
        say(
            f"The light differs strongly: {bright} is {times:.1f} times as bright as {dark}. The model then "
            "takes either for good. Fix exposure and light, and photograph all parts again.",
            f"光照差异很大：{bright} 的亮度是 {dark} 的 {times:.1f} 倍，模型会把两者都视为正常。"
            "请固定曝光和光源后重新拍摄全部照片。",
        )
    ]
