"""Anomalib's methods as they come: model, loss, optimiser, transforms and engine at their defaults.

Only the teacher's weights are ours to choose: the file that our own training uses is offered to timm under
a name of its own, so all methods look through the same eyes and nothing is fetched::

    model = train_stock("stfpm", photographs, weights=BUNDLED, epochs=400)
    score, anomaly_map = model.judge(pixels)

PaDiM and PatchCore use that ResNet-18 too; everything else of them (100 features a place, a coreset of a
tenth, nine neighbours) is anomalib's default.
"""

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino as ov
import timm
import torch
from numpy.typing import NDArray
from timm.models import register_model
from torch import Tensor, nn

from trainer.domain import Picture
from trainer.quiet import importing_quietly

with importing_quietly():
    from anomalib.data import Folder
    from anomalib.engine import Engine
    from anomalib.models import Padim, Patchcore, Stfpm

METHODS = ("stfpm", "padim", "patchcore")
SIDE = 256  # pixels: the default of all three

_BACKBONE = "resnet18_from_file"
_PADIM_FEATURES = 100  # anomalib's for resnet18; it only knows backbones by their own names
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


class StockModel:
    """A trained model of anomalib's."""

    def __init__(self, model: Any) -> None:
        self._graph = _Graph(model.model, model.pre_processor).eval()

    @torch.no_grad()
    def judge(self, pixels: Picture) -> tuple[float, NDArray[np.float32]]:
        """Return score and anomaly map (256 x 256) of a picture (uint8, BGR)."""
        colours = torch.from_numpy(pixels[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
        score, anomaly_map = self._graph(colours[None])
        return float(score), anomaly_map.reshape(anomaly_map.shape[-2:]).numpy()

    @torch.no_grad()
    def graph(self) -> ov.Model:
        """Return its OpenVINO graph for a picture of 256 x 256 pixels, to be timed."""
        example = torch.rand(1, 3, SIDE, SIDE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ov.convert_model(self._graph, example_input=example, input=[1, 3, SIDE, SIDE])


class _Graph(nn.Module):
    """Anomalib's transform and network: RGB 0..1 (n, 3, H, W) -> score, map."""

    def __init__(self, network: nn.Module, prepare: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.prepare = prepare

    def forward(self, colours: Tensor) -> tuple[Tensor, Tensor]:
        found = self.network(self.prepare(colours))
        return found.pred_score, found.anomaly_map


def train_stock(
    method: str, photographs: Sequence[Picture], *, weights: Path, epochs: int = 400, seed: int = 0
) -> StockModel:
    """Train on good photographs (uint8 BGR). ``epochs``: of STFPM; the others need one."""
    _weights_files.append(weights)
    torch.manual_seed(seed)
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
        model = _model(method)
        engine = Engine(
            max_epochs=epochs if method == "stfpm" else 1,
            accelerator="cpu",
            devices=1,
            logger=False,
            limit_val_batches=0,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=scratch,
        )
        engine.fit(model, datamodule=data)
    return StockModel(model.eval())


def _model(method: str) -> Any:
    usual = {"backbone": _BACKBONE, "evaluator": False, "visualizer": False}
    if method == "stfpm":
        return Stfpm(**usual)
    if method == "padim":
        return Padim(**usual, n_features=_PADIM_FEATURES)
    return Patchcore(**usual)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the engine's advice off the table that the benchmark prints."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)
