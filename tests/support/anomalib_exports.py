"""Plain anomalib models with weights made here, exported by anomalib itself: no model hub, no training.

They judge nothing sensible; what matters is that their graphs are anomalib's own, and what they compute.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import torch

from trainer.quiet import importing_quietly

with importing_quietly():
    from anomalib.models import EfficientAd, Padim, Patchcore, Stfpm
    from anomalib.models.components import AnomalibModule
    from anomalib.models.image.stfpm.anomaly_map import AnomalyMapGenerator
    from anomalib.models.image.stfpm.torch_model import STFPMModel

from trainer.training.network import build_student, pair_up

_AT_ITS_OWN = {"evaluator": False, "visualizer": False}


def around(pair: STFPMModel) -> Stfpm:
    """Return anomalib's STFPM around a teacher and student that are there: its own would fetch weights."""
    pair.anomaly_map_generator = AnomalyMapGenerator()
    with patch("anomalib.models.image.stfpm.lightning_model.STFPMModel", lambda **_: pair):
        return Stfpm(**_AT_ITS_OWN).eval()


def stfpm() -> AnomalibModule:
    """Return STFPM whose teacher and student are both random."""
    layers = ("layer1", "layer2", "layer3")
    teacher, student = build_student("resnet18", layers), build_student("resnet18", layers)
    return around(pair_up(teacher, student, "resnet18"))


def padim() -> AnomalibModule:
    """Return PaDiM on a random backbone, fitted to noise."""
    model = Padim(pre_trained=False, n_features=20, **_AT_ITS_OWN)
    model.model.train()
    with torch.no_grad():
        model.model(_noise(24))
    model.model.fit()
    return model.eval()


def patchcore() -> AnomalibModule:
    """Return PatchCore on a random ResNet-18 with a small bank."""
    model = Patchcore(backbone="resnet18", pre_trained=False, **_AT_ITS_OWN)
    model.model.train()
    with torch.no_grad():
        model.model(_noise(2))
    with _quiet():  # anomalib warns of its own default
        model.model.subsample_embedding(0.02)
    return model.eval()


def efficient_ad() -> AnomalibModule:
    """Return EfficientAd with random networks; its maps are scaled by quantiles that are set here."""
    model = EfficientAd(**_AT_ITS_OWN)
    with torch.no_grad():
        for name, value in model.model.quantiles.items():
            value.fill_(1.0 if name.startswith("qb") else 0.1)
        for name, value in model.model.mean_std.items():
            value.fill_(1.0 if name.startswith("std") else 0.0)
    return model.eval()


MODELS: dict[str, Callable[[], AnomalibModule]] = {
    "stfpm": stfpm,
    "padim": padim,
    "patchcore": patchcore,
    "efficient_ad": efficient_ad,
}


def export(model: AnomalibModule, folder: Path, *, side: int | None = None) -> Path:
    """Export to OpenVINO as anomalib does, for any size or squares of ``side``; return model.xml."""
    with _quiet():
        size = (side, side) if side else None
        return Path(model.to_openvino(folder, input_size=size))


def _noise(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 256, 256, generator=torch.Generator().manual_seed(0))


@contextmanager
def _quiet() -> Iterator[None]:
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
