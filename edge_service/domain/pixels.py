"""A camera's own pixels as a BGR picture; in one step, which halves the sides of a colour mosaic.

- ``BGR8``, ``Mono8``: as they are.
- ``BayerRG8`` and its three turns (named by the top left cell, as GenICam does): every 2 x 2 cell becomes one
  pixel of its red, the mean of its greens and its blue. Demosaicing and binning in one: no colour is
  invented, and the model is given a smaller picture anyway.
- ``NV12`` (height x 3/2 rows): every 2 x 2 cell has one chroma; it is joined to the mean of its luma
  (BT.601, limited range).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

BGR8, MONO8, NV12 = "BGR8", "Mono8", "NV12"
_BAYER = {  # where red lies in a cell; blue is opposite
    "BayerRG8": (0, 0),
    "BayerGR8": (0, 1),
    "BayerGB8": (1, 0),
    "BayerBG8": (1, 1),
}
_BY_CHROMA = ((2.018, 0.0), (-0.392, -0.813), (0.0, 1.596))  # of Cb and Cr, for blue, green, red
FORMATS = (BGR8, MONO8, *_BAYER, NV12)


def to_bgr(pixels: Pixels, pixel_format: str) -> Pixels:
    """Return uint8 pixels in ``pixel_format`` as BGR (height, width, 3), or grey as it is.

    Raises ValueError for a format that is not in ``FORMATS`` or an array that cannot be in it.
    """
    if pixel_format in (BGR8, MONO8):
        return pixels
    convert = _CONVERT.get(pixel_format)
    if convert is None or pixels.ndim != 2 or pixels.dtype != np.uint8:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"{pixel_format} pixels of shape {pixels.shape}, {pixels.dtype}")
    if pixels.shape[0] % 2 or pixels.shape[1] % 2 or (pixel_format == NV12 and pixels.shape[0] % 3):
        raise ValueError(f"{pixel_format} pixels of shape {pixels.shape}")
    return convert(pixels)


def picture_size(pixels: Pixels, pixel_format: str) -> tuple[int, int]:
    """Return height and width of what the camera saw, in sensor pixels."""
    height, width = pixels.shape[:2]
    return (height * 2 // 3 if pixel_format == NV12 else height), width


def _from_bayer(row: int, column: int) -> Callable[[Pixels], Pixels]:
    def convert(pixels: Pixels) -> Pixels:
        red = pixels[row::2, column::2]
        blue = pixels[1 - row :: 2, 1 - column :: 2]
        one, other = pixels[row::2, 1 - column :: 2], pixels[1 - row :: 2, column::2]
        green = (one >> 1) + (other >> 1) + (one & other & 1)
        return np.stack([blue, green, red], axis=2)

    return convert


def _from_nv12(pixels: Pixels) -> Pixels:
    rows = pixels.shape[0] * 2 // 3
    pairs = pixels[0:rows:2].astype(np.uint16)
    pairs += pixels[1:rows:2]
    luma = (pairs[:, 0::2] + pairs[:, 1::2]) * np.float32(1.164 / 4.0)
    luma -= 1.164 * 16.0
    chroma = pixels[rows:].astype(np.float32)
    chroma -= 128.0
    blue, red = chroma[:, 0::2], chroma[:, 1::2]
    bgr = np.empty((*luma.shape, 3), np.uint8)
    for channel, (by_blue, by_red) in enumerate(_BY_CHROMA):
        value = luma
        for chroma_part, factor in ((blue, by_blue), (red, by_red)):
            if factor:
                value = value + chroma_part * np.float32(factor)
        bgr[:, :, channel] = np.clip(np.rint(value), 0, 255)
    return bgr


_CONVERT: dict[str, Callable[[Pixels], Pixels]] = {
    **{name: _from_bayer(*place) for name, place in _BAYER.items()},
    NV12: _from_nv12,
}
