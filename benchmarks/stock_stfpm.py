"""Anomalib's STFPM as it comes: its model, loss, optimiser, transforms and engine at their defaults.

Only the teacher's weights are ours to choose: the file that our own training uses is offered to timm under
a name of its own, so both methods look through the same eyes and nothing is fetched::

    judge = train_stock(photographs, weights=BUNDLED, epochs=400)
    judge(pixels)      # the largest value of anomalib's anomaly map
"""

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import timm
import torch
from timm.models import register_model
from torch import nn

from trainer.domain import Picture
from trainer.quiet import importing_quietly

with importing_quietly():
    from anomalib.data import Folder
    from anomalib.engine import Engine
    from anomalib.models import Stfpm

Judge = Callable[[Picture], float]

_BACKBONE = "resnet18_from_file"
_weights_files: list[Path] = []


@register_model
def resnet18_from_file(*, pretrained: bool = False, **options: object) -> nn.Module:
    """Build timm's ResNet-18; pretrained means: with the weights file in use (it lacks the last stage)."""
    if not pretrained:
        return timm.create_model("resnet18", pretrained=False, **options)
    for chosen_by_timm in ("pretrained_cfg", "pretrained_cfg_overlay"):
        options.pop(chosen_by_timm, None)
    overlay = {"file": str(_weights_files[-1]), "hf_hub_id": None, "url": ""}
    return timm.create_model(
        "resnet18", pretrained=True, pretrained_cfg_overlay=overlay, pretrained_strict=False, **options
    )


def train_stock(photographs: Sequence[Picture], *, weights: Path, epochs: int) -> Judge:
    """Train on good photographs (uint8 BGR) and return what scores a picture."""
    _weights_files.append(weights)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch, _quiet():
        (Path(scratch) / "good").mkdir()
        for number, pixels in enumerate(photographs):
            cv2.imwrite(str(Path(scratch) / "good" / f"{number}.png"), pixels)
        data = Folder(
            name="good",
            root=scratch,
            normal_dir="good",
            num_workers=0,
            test_split_mode="none",
            val_split_mode="none",
        )
        model = Stfpm(backbone=_BACKBONE, evaluator=False, visualizer=False)
        engine = Engine(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            limit_val_batches=0,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=scratch,
        )
        engine.fit(model, datamodule=data)
    return _judge(model.eval())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the engine's advice off the table that the benchmark prints."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


def _judge(model: Stfpm) -> Judge:
    @torch.no_grad()
    def score(pixels: Picture) -> float:
        colours = torch.from_numpy(pixels[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
        return float(model.model(model.pre_processor(colours[None])).pred_score)

    return score
