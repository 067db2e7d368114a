"""The heat map people look at: where the model saw something strange, over the frame it saw it in.

The colours are fixed to the threshold, not to each picture's own maximum: a calm part looks calm, and
two pictures can be compared. Blue is nothing, green the threshold, red twice the threshold (OpenCV's
"turbo", whose lightness has none of the false edges of the old rainbow); a white line runs where the map
crosses the threshold, so that the verdict can be seen without colours too.
Drawn only after the PLC has its answer.
"""

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

THRESHOLD_LEVEL = 0.5  # of the colour scale
LINE = (255, 255, 255)  # BGR
STRENGTH = 0.55  # of the colour over the frame where the map is at or above the threshold


def draw_heat_map(
    pixels: NDArray[np.uint8], anomaly_map: NDArray[np.float32], threshold: float
) -> NDArray[np.uint8]:
    """Return ``pixels`` (uint8, BGR, height x width x 3) with the anomaly map laid over, same shape.

    ``anomaly_map``: float32, any size, in raw units like ``threshold``. What is not finite shows as red.
    """
    height, width = pixels.shape[:2]
    level = np.nan_to_num(anomaly_map / (2.0 * max(threshold, 1e-12)), nan=1.0, posinf=1.0, neginf=0.0)
    coarse = np.rint(255.0 * np.clip(level, 0.0, 1.0)).astype(np.uint8)
    steps = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    colours, kept = _tables()
    under = cv2.multiply(pixels, cv2.applyColorMap(steps, kept), scale=1.0 / 255.0)
    picture = np.asarray(cv2.add(under, cv2.applyColorMap(steps, colours)), np.uint8)
    _, above = cv2.threshold(steps, int(255 * THRESHOLD_LEVEL), 1, cv2.THRESH_BINARY)
    outlines, _ = cv2.findContours(above, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    thickness = max(1, round(min(height, width) / 300))
    cv2.drawContours(picture, outlines, -1, LINE, thickness, cv2.LINE_AA)
    return picture


@functools.cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return colour times its share, and what is left of the frame (255: all); 256 x 1 x 3."""
    level = np.arange(256, dtype=np.uint8)[:, np.newaxis]
    share = STRENGTH * np.clip(2.0 * level / 255.0, 0.15, 1.0)[:, :, np.newaxis]
    colours = np.rint(cv2.applyColorMap(level, cv2.COLORMAP_TURBO) * share).astype(np.uint8)
    kept = np.rint(255.0 * (1.0 - share)).astype(np.uint8)
    return colours, np.repeat(kept, 3, axis=2)


def encode_jpeg(pixels: NDArray[np.uint8], *, longest_side: int = 1280, quality: int = 85) -> bytes:
    """Return ``pixels`` (uint8, BGR) as JPEG, shrunk so that no side is longer than ``longest_side``."""
    height, width = pixels.shape[:2]
    scale = longest_side / max(height, width)
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "a uint8 BGR picture always has a JPEG"
    return bytes(data)
