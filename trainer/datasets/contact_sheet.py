"""A contact sheet: a product's photographs side by side, so that a bad one is seen at a glance.

::

    png = draw([Print(1, "line-3", left_out=False, data=jpeg)])
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

COLUMNS = 6
THUMB = (200, 150)  # width, height in pixels
_LABEL = 20
_GAP = 8
_PAPER, _INK, _EMPTY, _OUT = (250, 250, 250), (40, 40, 40), (225, 225, 225), (200, 60, 50)


@dataclass(frozen=True, slots=True)
class Print:
    """One photograph of the sheet: its number on the server, where it came from, its file."""

    number: int
    station: str
    left_out: bool
    data: bytes


def draw(prints: Sequence[Print]) -> bytes:
    """Return the sheet as PNG; a photograph that was left out is crossed, one that cannot be read is grey."""
    rows = max(1, -(-len(prints) // COLUMNS))
    width = _GAP + COLUMNS * (THUMB[0] + _GAP)
    height = _GAP + rows * (THUMB[1] + _LABEL + _GAP)
    sheet = Image.new("RGB", (width, height), _PAPER)
    for index, each in enumerate(prints):
        row, column = divmod(index, COLUMNS)
        place = (_GAP + column * (THUMB[0] + _GAP), _GAP + row * (THUMB[1] + _LABEL + _GAP))
        _paste(sheet, place, each)
    written = io.BytesIO()
    sheet.save(written, "PNG")
    return written.getvalue()


def _paste(sheet: Image.Image, place: tuple[int, int], each: Print) -> None:
    left, top = place
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((left, top, left + THUMB[0] - 1, top + THUMB[1] - 1), fill=_EMPTY)
    thumb = _thumb(each.data)
    if thumb is not None:
        sheet.paste(thumb, (left + (THUMB[0] - thumb.width) // 2, top + (THUMB[1] - thumb.height) // 2))
    if each.left_out:
        corners = (left, top, left + THUMB[0] - 1, top + THUMB[1] - 1)
        pen.line(corners, fill=_OUT, width=3)
        pen.line((corners[0], corners[3], corners[2], corners[1]), fill=_OUT, width=3)
    label = f"{each.number}  {each.station}"
    pen.text((left, top + THUMB[1] + 3), label, fill=_INK, font=ImageFont.load_default(12))


def _thumb(data: bytes) -> Image.Image | None:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            picture.draft("RGB", THUMB)
            picture.thumbnail(THUMB)
            return picture.convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return None
