"""A frozen backbone with given weights, built without a network connection."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from edge_service.language import say
from trainer.errors import WeightsError
from trainer.quiet import importing_quietly
from trainer.teacher.weights import TeacherWeights

with importing_quietly():
    from anomalib.models.components import TimmFeatureExtractor

_COUNTERS = "num_batches_tracked"


def build_teacher(weights: TeacherWeights, layers: Sequence[str]) -> nn.Module:
    """Return anomalib's feature extractor with ``weights``, frozen, in eval mode.

    It maps normalised RGB float32 (n, 3, height, width) to a dict from layer name to features. Weights of
    later layers are not needed and ignored; a missing or misshapen one raises WeightsError.
    """
    extractor = TimmFeatureExtractor(weights.backbone, list(layers), pre_trained=False)
    network = extractor.feature_extractor
    _fill(network, weights)
    for parameter in extractor.parameters():
        parameter.requires_grad = False
    frozen: nn.Module = extractor.eval()
    return frozen


def _fill(network: nn.Module, weights: TeacherWeights) -> None:
    wanted: dict[str, Tensor] = network.state_dict()
    needed = [key for key in wanted if not key.endswith(_COUNTERS)]
    missing = [key for key in needed if key not in weights.tensors]
    misshapen = [
        key for key in needed if key not in missing and weights.tensors[key].shape != wanted[key].shape
    ]
    if missing or misshapen:
        wrong = (missing + misshapen)[0]
        raise WeightsError(
            say(
                f"The weights {weights.source} are not those of {weights.backbone}: "
                f"{len(missing)} missing, {len(misshapen)} of another shape, first {wrong}",
                f"权重 {weights.source} 不属于 {weights.backbone}：缺少 {len(missing)} 项，"
                f"形状不符 {len(misshapen)} 项，首项为 {wrong}",
            ),
            remedy=say(
                "Give a ResNet-18 with timm or torchvision key names, or use bundled.",
                "请提供采用 timm 或 torchvision 键名的 ResNet-18，或使用 bundled。",
            ),
        )
    values = {key: weights.tensors[key] for key in needed}
    if not all(torch.isfinite(value).all() for value in values.values()):
        raise WeightsError(
            say(
                f"The weights {weights.source} hold numbers that are not finite",
                f"权重 {weights.source} 含非有限数值",
            ),
            remedy=say("Fetch or export the file again.", "请重新获取或导出该文件。"),
        )
    network.load_state_dict(values, strict=False)
