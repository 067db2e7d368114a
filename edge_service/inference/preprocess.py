"""From the camera's picture to the graph's input: a resize, nothing else.

Normalising is the graph's business. The trainer calls this very function, so a model is trained,
calibrated and used on the same pixels.

Rules: 8 bits a channel; grey becomes three equal channels; a fourth channel (alpha) is dropped; the
picture is stretched to the model's size, by area where it shrinks both ways, else linearly. Large pictures
are halved first as often as they can be (means of 2 x 2: a quarter of the time for 1080p). 16-bit pixels
are refused: whether 10, 12 or 16 of the bits are in use cannot be seen from them.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.errors import BadImageError
from edge_service.language import say

_PICTURE_AXES, _GREY_AXES = 3, 2


def to_model_input(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return ``pixels`` (uint8, BGR, BGRA or grey) as contiguous uint8, shape (1, height, width, 3), BGR.

    The result may share memory with ``pixels`` where nothing had to change. Raises BadImageError.
    """
    picture = _as_picture(pixels)
    if picture.shape[:2] != (height, width):
        picture = _resized(picture, height, width)
    if picture.ndim == _GREY_AXES:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(picture)[np.newaxis]


def _resized(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    while _halves(picture.shape[0], height) and _halves(picture.shape[1], width):
        half = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = picture.shape[0] >= height and picture.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)


def _halves(length: int, wanted: int) -> bool:
    """Tell whether a side can be halved exactly and is still long enough."""
    return length % 2 == 0 and length >= 2 * wanted


def _as_picture(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey (height, width) or BGR (height, width, 3) picture, or say why this is none."""
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
        case 3:
            return pixels
        case 4:
            return np.ascontiguousarray(pixels[:, :, :3])
    raise _bad(f"{pixels.shape[2]} channels")


def _bad(what: str) -> BadImageError:
    return BadImageError(
        say(f"the picture cannot be judged: it has {what}", f"图像无法判定：{what}"),
        remedy=say(
            "set the camera to an 8-bit format, BGR8 or Mono8",
            "请将相机设置为 8 位像素格式（BGR8 或 Mono8）",
        ),
    )
