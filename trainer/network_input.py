"""Pictures as a teacher and its student take them."""

import torch
from torch import Tensor

from trainer.domain import PIXEL_MEAN, PIXEL_STD


def as_input(pictures: Tensor) -> Tensor:
    """uint8 BGR (n, H, W, 3) -> RGB float32 (n, 3, H, W) at the mean and spread that the teacher expects."""
    colours = pictures.permute(0, 3, 1, 2).flip(1).float()
    mean = torch.tensor(PIXEL_MEAN, device=pictures.device).view(1, 3, 1, 1)
    std = torch.tensor(PIXEL_STD, device=pictures.device).view(1, 3, 1, 1)
    return (colours / 255.0 - mean) / std
