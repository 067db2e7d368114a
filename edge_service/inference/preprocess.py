"""From the camera's picture to the graph's input: a resize, nothing else.

Normalising is the graph's business. The trainer calls this very function, so a model is trained,
calibrated and used on the same pixels.

Rules: 8 bits a channel; grey becomes three equal channels; a fourth channel (alpha) is dropped; the
picture is stretched to the model's size; every pixel has a vote. 16-bit pixels are refused: whether 10, 12
or 16 of the bits are in use cannot be seen from them.

How: a side shrinks by means of two neighbours alone, exact and the fastest that OpenCV has. Both sides are
halved while they divide; what is then no power of two times the wanted length becomes one in a linear step
that enlarges, or shrinks so little that no pixel is passed over; then it is halved the rest of the way.
On frames of 720 to 1944 lines that takes a third to two thirds of the time of OpenCV's area resize from
there, and differs from the area mean of the whole frame as much as that one (decision 0003).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.errors import BadImageError
from edge_service.language import say

_PICTURE_AXES, _GREY_AXES = 3, 2
_WITH_ALPHA = 4
_SHRINKS_LINEARLY = 1.5


def keep_processors_for_the_model() -> None:
    """Have OpenCV work on the calling thread alone, from now on, in this process.

    Its own threads go on turning for a while after a picture, on the processors where the network begins
    then: a resize on two threads is faster, and the answer comes later.
    """
    cv2.setNumThreads(1)


def to_model_input(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return ``pixels`` (uint8, BGR, BGRA or grey) as contiguous uint8, shape (1, height, width, 3), BGR.

    The result may share memory with ``pixels`` where nothing had to change. Raises BadImageError.
    """
    picture = _as_picture(pixels)
    if picture.shape[:2] != (height, width):
        picture = _resized(picture, height, width)
    if picture.ndim == _GREY_AXES:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    elif picture.shape[2] == _WITH_ALPHA:  # dropped last: four channels are halved faster than cut to three
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR)
    return np.ascontiguousarray(picture)[np.newaxis]


def _resized(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    while _halves(picture.shape[0], height) and _halves(picture.shape[1], width):
        picture = _halved(picture)
    picture = _stretched(picture, _on_the_way(picture.shape[0], height), _on_the_way(picture.shape[1], width))
    while picture.shape[0] > height and picture.shape[1] > width:
        picture = _halved(picture)
    while picture.shape[:2] != (height, width):  # one side is there: a linear step to the half is the mean
        rows, columns = picture.shape[:2]
        picture = _stretched(picture, max(height, rows // 2), max(width, columns // 2))
    return picture


def _on_the_way(length: int, wanted: int) -> int:
    """Return the first of ``wanted`` times 1, 2, 4 ... that a linear step reaches passing over no pixel.

    A pixel's vote is its nearness to the places looked at: 3/4 to 3/2 of its fair share where they lie 3/2
    of a pixel apart. A pattern of single pixels is left with a quarter of its contrast, a third by area.
    """
    between = wanted
    while length > between * _SHRINKS_LINEARLY:
        between *= 2
    return between


def _halves(length: int, wanted: int) -> bool:
    """Tell whether a side can be halved exactly and is still long enough."""
    return length % 2 == 0 and length >= 2 * wanted


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    half = (picture.shape[1] // 2, picture.shape[0] // 2)
    return np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA), np.uint8)


def _stretched(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _as_picture(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey (height, width), BGR or BGRA (height, width, 3 or 4) picture, or say why this is none."""
    if (
        not isinstance(pixels, np.ndarray)
        or pixels.ndim not in {_GREY_AXES, _PICTURE_AXES}
        or pixels.size == 0
    ):
        raise _bad(f"shape {getattr(pixels, 'shape', None)}")
    if pixels.dtype != np.uint8:
        raise _bad(f"{pixels.dtype} pixels")
    if pixels.ndim == _GREY_AXES:
        return pixels
    match pixels.shape[2]:
        case 1:
            return pixels[:, :, 0]
        case 3 | 4:
            return pixels
    raise _bad(f"{pixels.shape[2]} channels")


def _bad(what: str) -> BadImageError:
    return BadImageError(
        say(f"the picture cannot be judged: it has {what}", f"图像无法判定：{what}"),
        remedy=say(
            "set the camera to an 8-bit format, BGR8 or Mono8",
            "请将相机设置为 8 位像素格式（BGR8 或 Mono8）",
        ),
    )
