"""The model's input size for photographs of a given shape."""

import numpy as np

from trainer.domain import Photograph

STRIDE = 16  # pixels of the input to one place of the teacher's third stage


def input_size(photographs: tuple[Photograph, ...], side: int) -> tuple[int, int]:
    """Return height and width with the photographs' middle proportions and about side x side pixels.

    Both are multiples of ``STRIDE``. Keeping proportions keeps small things as visible across as along.
    """
    proportions = [photograph.pixels.shape[1] / photograph.pixels.shape[0] for photograph in photographs]
    stretch = float(np.sqrt(np.clip(np.median(proportions), 1 / 3, 3)))
    height, width = (
        max(STRIDE, STRIDE * round(length / STRIDE)) for length in (side / stretch, side * stretch)
    )
    return height, width
