"""What every good part has a little of: dust specks and fibres, all well below the size of a defect."""

import cv2
import numpy as np

from edge_service.simulation.patch import Material, Patch

_SPECK = Material((176, 182, 188), gloss=0.02)
_FIBRE = Material((150, 150, 156), gloss=0.05)


def dust(scene: Patch, rng: np.random.Generator) -> None:
    """Strew a few specks of 1 or 2 pixels' radius and one or two fine fibres over the scene."""
    height, width = scene.coverage.shape
    for _ in range(int(rng.integers(8, 26))):
        x, y = int(rng.integers(8, width - 8)), int(rng.integers(8, height - 8))
        tile = np.zeros((12, 12), np.uint8)
        centre = (int(rng.integers(80, 112)), int(rng.integers(80, 112)))
        cv2.circle(
            tile,
            centre,
            round(float(rng.uniform(0.5, 1.5)) * 16),
            int(rng.integers(40, 120)),
            -1,
            cv2.LINE_AA,
            4,
        )
        _blend(scene, tile, x - 6, y - 6, _SPECK)
    for _ in range(int(rng.integers(0, 3))):
        tile = np.zeros((64, 64), np.uint8)
        bend = np.cumsum(rng.normal(0, 1, (7, 2)), axis=0) * 2 + np.linspace((16, 16), (46, 46), 7)
        cv2.polylines(
            tile, [np.round(bend).astype(np.int32)], False, int(rng.integers(40, 90)), 1, cv2.LINE_AA
        )
        turned = np.ascontiguousarray(np.rot90(tile, int(rng.integers(4))))
        _blend(scene, turned, int(rng.integers(0, width - 64)), int(rng.integers(0, height - 64)), _FIBRE)


def _blend(
    scene: Patch, tile: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], left: int, top: int, what: Material
) -> None:
    rows, columns = slice(top, top + tile.shape[0]), slice(left, left + tile.shape[1])
    view = Patch(scene.colour[rows, columns], scene.coverage[rows, columns], scene.relief[rows, columns])
    share = np.asarray(tile[: view.coverage.shape[0], : view.coverage.shape[1]], np.float32) / np.float32(255)
    view.paint(share, what)
