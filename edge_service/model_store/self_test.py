"""The self-test: this box's own device must see a package's golden images as the training server did.

Two things have to hold for every golden image: its score comes within the stated tolerance, and score and
map belong together (the manifest's score definition, applied to the map, gives the score).
"""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.contract import score
from edge_service.contract.manifest import GoldenImage, Manifest
from edge_service.contract.model_package import ModelPackage
from edge_service.domain.inspection import RawScore
from edge_service.errors import OkngError, SelfTestError
from edge_service.language import say

_MAP_AGREEMENT = 0.02  # relative: half precision sums in another order


class Scorer(Protocol):
    """The part of an engine that a self-test needs."""

    def score(self, pixels: NDArray[np.uint8]) -> RawScore:
        """Return raw score and map of a picture (uint8, BGR)."""
        ...


@dataclass(frozen=True, slots=True)
class GoldenResult:
    """What this box made of one golden image. Scores are raw."""

    file: str
    kind: str
    expected: float
    got: float
    tolerance: float
    inference_ms: float
    device: str


def self_test(package: ModelPackage, engine: Scorer) -> list[GoldenResult]:
    """Score every golden image. Raises SelfTestError naming the image, what was expected and what came."""
    return [_examine(package, golden, engine) for golden in package.manifest.golden]


def _examine(package: ModelPackage, golden: GoldenImage, engine: Scorer) -> GoldenResult:
    try:
        raw = engine.score(_decoded(package, golden.file))
    except SelfTestError:
        raise
    except OkngError as error:
        raise _failed(package.label, golden.file, error.what) from error
    if not abs(raw.score - golden.score) <= golden.tolerance:
        raise _failed(
            package.label,
            golden.file,
            say(
                f"expected {golden.score:.6g} ± {golden.tolerance:.2g}, got {raw.score:.6g} on {raw.device}",
                f"应为 {golden.score:.6g} ± {golden.tolerance:.2g}，{raw.device} 上得到 {raw.score:.6g}",
            ),
        )
    _hold_score_to_map(package, golden, raw)
    return GoldenResult(
        golden.file, golden.kind, golden.score, raw.score, golden.tolerance, raw.inference_ms, raw.device
    )


def _hold_score_to_map(package: ModelPackage, golden: GoldenImage, raw: RawScore) -> None:
    """See that the manifest's score definition, applied to the map, gives the score."""
    manifest: Manifest = package.manifest
    if raw.anomaly_map.shape != (manifest.map_size.height, manifest.map_size.width):
        raise _failed(
            package.label, golden.file, f"map {raw.anomaly_map.shape}, manifest {manifest.map_size}"
        )
    if not score.can_compute(manifest.score):
        return
    computed = score.compute(manifest.score, raw.anomaly_map)
    if not abs(computed - raw.score) <= max(golden.tolerance, _MAP_AGREEMENT * abs(raw.score)):
        raise _failed(
            package.label,
            golden.file,
            say(
                f"score {raw.score:.6g} does not follow from its map, which gives {computed:.6g}",
                f"分数 {raw.score:.6g} 与异常图不符（由图得 {computed:.6g}）",
            ),
        )


def _decoded(package: ModelPackage, name: str) -> NDArray[np.uint8]:
    data = package.files[name]
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        raise _failed(package.label, name, say("it is no picture", "不是图像"))
    return np.asarray(picture, np.uint8)


def _failed(label: str, file: str, reason: str) -> SelfTestError:
    return SelfTestError(
        say(
            f"model {label} does not judge its golden image {file} as it should: {reason}",
            f"模型 {label} 对标准图像 {file} 的判定不符：{reason}",
        ),
        remedy=say(
            "the model in use stays. Try another device order (inference.devices), or export the model "
            "again with okng-trainer; okng-edge doctor measures this box",
            "当前模型保持不变。请更改设备顺序（inference.devices），或用 okng-trainer 重新导出；"
            "okng-edge doctor 可检测本机",
        ),
    )
