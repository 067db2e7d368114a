"""A recipe's mask: a grey picture of the part, white where it is judged, black where nothing counts.

Any size: it is laid over the frame as a whole; a place of the anomaly map counts where most of it is white.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.contract import score
from edge_service.contract.manifest import Manifest
from edge_service.errors import RecipeError
from edge_service.language import say

_WHITE = 128


def load_mask(path: Path, manifest: Manifest) -> NDArray[np.bool_]:
    """Return the mask in the size of the model's map, True where the part is judged.

    Raises RecipeError: no picture there, nothing left to judge, or a model whose score only its graph knows.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
    if picture is None:
        raise _unusable(path, say("it is no picture", "不是图像"))
    size = (manifest.map_size.width, manifest.map_size.height)
    mask = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)) >= _WHITE
    if not mask.any():
        raise _unusable(path, say("it leaves nothing to judge", "未留下任何检测区域"))
    if not score.can_compute(manifest.score):
        raise _unusable(
            path,
            say(
                f"the score of {manifest.name} {manifest.version} cannot be computed under a mask",
                f"模型 {manifest.name} {manifest.version} 的分数无法在掩膜下计算",
            ),
        )
    return mask


def _unusable(path: Path, reason: str) -> RecipeError:
    return RecipeError(
        say(f"mask {path} cannot be used: {reason}", f"掩膜 {path} 无法使用：{reason}"),
        remedy=say(
            "give a grey picture of the part, white where it is judged, or leave the mask away",
            "请提供灰度图像，白色为检测区域；或去掉掩膜",
        ),
    )
