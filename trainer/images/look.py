"""Is this file a picture that we take? Its head is read first; nothing is unpacked before its size is known.

Only JPEG and PNG come in, by what the bytes say and not by a name. A picture whose head claims more pixels
than allowed is refused unopened (a decompression bomb); one whose data stop early is refused too.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from edge_service.language import say
from trainer.errors import Refusal, RequestError

_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}
_THUMB = (256, 256)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The largest picture that is taken."""

    most_bytes: int = 32 * 2**20
    most_pixels: int = 100_000_000
    longest_side_px: int = 30_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What the file turned out to be."""

    media_type: str
    width_px: int
    height_px: int


def look(path: Path, bounds: Bounds) -> Seen:
    """Look at the file. Raises RequestError: WRONG_TYPE (no JPEG or PNG), TOO_LARGE, UNREADABLE (damaged)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own, milder bound
        try:
            with Image.open(path, formats=tuple(_TYPES)) as picture:
                seen = Seen(_TYPES[picture.format or ""], *picture.size)
                _check_size(seen, bounds)
                picture.draft("L", _THUMB)  # a JPEG is unpacked at an eighth, which still reads all of it
                picture.load()
        except UnidentifiedImageError as error:
            raise RequestError(
                Refusal.WRONG_TYPE,
                say("this is neither a JPEG nor a PNG picture", "该文件不是 JPEG 或 PNG 图像"),
                remedy=say("send pictures as JPEG or PNG", "请以 JPEG 或 PNG 格式发送图像"),
            ) from error
        except Image.DecompressionBombError as error:
            raise _too_large(str(error)) from error
        except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
            raise RequestError(
                Refusal.UNREADABLE,
                say(f"the picture is damaged: {error}", f"图像已损坏：{error}"),
                remedy=say("photograph the part again", "请重新拍摄"),
            ) from error
    return seen


def _check_size(seen: Seen, bounds: Bounds) -> None:
    pixels = seen.width_px * seen.height_px
    if pixels > bounds.most_pixels or max(seen.width_px, seen.height_px) > bounds.longest_side_px:
        raise _too_large(f"{seen.width_px} x {seen.height_px}")


def _too_large(found: str) -> RequestError:
    return RequestError(
        Refusal.TOO_LARGE,
        say(f"the picture has too many pixels: {found}", f"图像像素过多：{found}"),
        remedy=say(
            "send smaller pictures, or raise uploads.image_megapixels on the server",
            "请发送较小的图像，或在服务器上调高 uploads.image_megapixels",
        ),
    )
