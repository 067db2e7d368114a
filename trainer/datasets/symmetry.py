"""How else a good part may lie: mirrored, upside down, turned.

Biscuits, tiles and cloth lie any way round; a board does not. Where the photographs show that it makes no
difference (``pipeline.indifference``), one of them stands for several.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

import numpy as np

from trainer.datasets.variation import VariedPictures
from trainer.domain import Picture


class Symmetry(StrEnum):
    """A change of pictures, uint8 (n, H, W, 3), that keeps every pixel; the last four want H = W."""

    MIRRORED = "mirrored"
    UPSIDE_DOWN = "upside_down"
    HALF_TURN = "half_turn"
    QUARTER_TURN = "quarter_turn"
    BACK_QUARTER_TURN = "back_quarter_turn"
    TRANSPOSED = "transposed"
    TRANSPOSED_HALF_TURN = "transposed_half_turn"

    def of(self, pictures: Picture) -> Picture:
        """Return the pictures so changed."""
        return np.ascontiguousarray(_CHANGES[self](pictures))


_CHANGES: dict[Symmetry, Callable[[Picture], Picture]] = {
    Symmetry.MIRRORED: lambda pictures: pictures[:, :, ::-1],
    Symmetry.UPSIDE_DOWN: lambda pictures: pictures[:, ::-1],
    Symmetry.HALF_TURN: lambda pictures: pictures[:, ::-1, ::-1],
    Symmetry.QUARTER_TURN: lambda pictures: np.rot90(pictures, 1, (1, 2)),
    Symmetry.BACK_QUARTER_TURN: lambda pictures: np.rot90(pictures, 3, (1, 2)),
    Symmetry.TRANSPOSED: lambda pictures: pictures.swapaxes(1, 2),
    Symmetry.TRANSPOSED_HALF_TURN: lambda pictures: np.rot90(pictures.swapaxes(1, 2), 2, (1, 2)),
}


def possible(height: int, width: int) -> tuple[Symmetry, ...]:
    """Return the symmetries that pictures of this size can have."""
    every = tuple(Symmetry)
    return every if height == width else every[:3]


def every_way(photographs: Picture, symmetries: Sequence[Symmetry]) -> VariedPictures:
    """Return every photograph as it is and in each of its other ways."""
    ways = [photographs, *(symmetry.of(photographs) for symmetry in symmetries)]
    return VariedPictures(np.concatenate(ways), np.tile(np.arange(len(photographs)), len(ways)))


def taking_turns(varied: VariedPictures, symmetries: Sequence[Symmetry]) -> VariedPictures:
    """Return as many pictures: of each photograph one as it is, one in its first other way, and so on."""
    pixels = varied.pixels.copy()
    for owner in np.unique(varied.owners):
        of_owner = np.flatnonzero(varied.owners == owner)
        for place, symmetry in enumerate(symmetries, start=1):
            chosen = of_owner[place :: len(symmetries) + 1]
            pixels[chosen] = symmetry.of(pixels[chosen])
    return VariedPictures(pixels, varied.owners)
