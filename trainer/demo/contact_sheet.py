"""The demo's picture: every part beside its heat map, framed by whether the verdict was right.

Green frame: right. Red frame: wrong (a good part rejected, or a defect missed).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.domain.inspection import Verdict
from trainer.demo.report import Sorted

Picture = NDArray[np.uint8]

COLUMNS = 5
THUMB = (208, 156)  # width, height of one picture
LABEL_HEIGHT = 24
BORDER = 3
GAP = 8
TITLE_HEIGHT = 44
PAPER = (250, 250, 250)
INK = (40, 40, 40)
GREEN = (90, 170, 60)
RED = (50, 50, 220)


@dataclass(frozen=True, slots=True)
class Cell:
    """One part: the frame and its heat map overlay, both uint8 BGR of the frame's shape."""

    part: Sorted
    frame: Picture
    heatmap: Picture


def draw(sections: Iterable[tuple[str, list[Cell]]]) -> Picture:
    """Draw titled sections of cells under each other; returns uint8 BGR."""
    return np.vstack([block for title, cells in sections for block in (_title(title), _grid(cells))])


def write(path: Path, sections: Iterable[tuple[str, list[Cell]]]) -> None:
    """Write the sheet as PNG."""
    if not cv2.imwrite(str(path), draw(sections)):
        raise OSError(f"cannot write {path}")


def _cell_size() -> tuple[int, int]:
    return 2 * THUMB[0] + 2 * BORDER, THUMB[1] + LABEL_HEIGHT + 2 * BORDER


def _sheet_width() -> int:
    return COLUMNS * (_cell_size()[0] + GAP) + GAP


def _title(text: str) -> Picture:
    band = np.full((TITLE_HEIGHT, _sheet_width(), 3), PAPER, np.uint8)
    cv2.putText(band, text, (GAP, TITLE_HEIGHT - 14), cv2.FONT_HERSHEY_DUPLEX, 0.8, INK, 1, cv2.LINE_AA)
    return band


def _grid(cells: list[Cell]) -> Picture:
    width, height = _cell_size()
    rows = -(-len(cells) // COLUMNS)
    sheet = np.full((rows * (height + GAP), _sheet_width(), 3), PAPER, np.uint8)
    for index, cell in enumerate(cells):
        row, column = divmod(index, COLUMNS)
        top, left = row * (height + GAP), GAP + column * (width + GAP)
        sheet[top : top + height, left : left + width] = _draw_cell(cell)
    return sheet


def _draw_cell(cell: Cell) -> Picture:
    width, height = _cell_size()
    colour = GREEN if cell.part.right else RED
    picture = np.full((height, width, 3), colour, np.uint8)
    for index, image in enumerate((cell.frame, cell.heatmap)):
        left = BORDER + index * THUMB[0]
        thumb = cv2.resize(image, THUMB, interpolation=cv2.INTER_AREA)
        picture[BORDER : BORDER + THUMB[1], left : left + THUMB[0]] = thumb
    name = "OK" if cell.part.verdict is Verdict.OK else cell.part.verdict.name
    text = f"{name} {cell.part.score:.2f}   {(cell.part.defect or 'good').replace('_', ' ')}"
    place = (BORDER + 4, height - BORDER - 7)
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_DUPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return picture
