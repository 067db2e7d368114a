"""Where the frozen teacher's weights come from: ``bundled``, ``timm:NAME`` or ``file:PATH``.

``bundled`` (the default) and ``file:`` never touch the network. Whatever the source, the run's
manifest records it with a SHA-256, so that two models can be told to share a teacher.

The bundled file is described in ``model_card.md`` beside it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from pickle import UnpicklingError

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file

from edge_service.language import say
from trainer.errors import WeightsError

BUNDLED_FILE = "resnet18_l123_distilled_v0.safetensors"
BUNDLED_SHA256 = "8c144c5313f56dd741103b2cefbd4424caf8667c1ddfa4157ea82484996caca7"
BUNDLED_BACKBONE = "resnet18"
FILE_SUFFIXES = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True, slots=True)
class TeacherWeights:
    """A backbone's values, float32 by timm key name, and where they came from.

    ``sha256`` is that of the file, or for ``timm:`` of all tensors in the order of their names.
    """

    source: str
    backbone: str
    sha256: str
    tensors: Mapping[str, torch.Tensor]


def load_weights(source: str) -> TeacherWeights:
    """Load ``bundled``, ``timm:NAME`` or ``file:PATH``. Raises WeightsError."""
    kind, _, rest = source.partition(":")
    if source == "bundled":
        return _bundled()
    if kind == "file" and rest:
        return _from_file(Path(rest))
    if kind == "timm" and rest:
        return _from_timm(rest)
    raise WeightsError(
        say(f'"{source}" names no weights', f"“{source}”不是有效的权重来源"),
        remedy=say(
            "Say bundled, timm:NAME (downloads) or file:PATH.",
            "请使用 bundled、timm:名称（需下载）或 file:路径。",
        ),
    )


def bundled_content() -> bytes:
    """Return the bytes of the weights file that comes with the trainer. Raises WeightsError."""
    try:
        return resources.files(__package__).joinpath(BUNDLED_FILE).read_bytes()
    except FileNotFoundError as error:
        raise _damaged(BUNDLED_FILE) from error


def _bundled() -> TeacherWeights:
    content = bundled_content()
    if hashlib.sha256(content).hexdigest() != BUNDLED_SHA256:
        raise _damaged(BUNDLED_FILE)
    return TeacherWeights("bundled", BUNDLED_BACKBONE, BUNDLED_SHA256, _as_float32(load(content)))


def _damaged(name: str) -> WeightsError:
    return WeightsError(
        say(f"The bundled weights {name} are missing or damaged", f"内置权重 {name} 缺失或损坏"),
        remedy=say("Install okng again.", "请重新安装 okng。"),
    )


def _from_file(path: Path) -> TeacherWeights:
    if not path.is_file() or path.suffix not in FILE_SUFFIXES:
        raise WeightsError(
            say(f"{path} is not a weights file", f"{path} 不是权重文件"),
            remedy=say(
                f"Give an existing file that ends in {', '.join(FILE_SUFFIXES)}.",
                f"请指定以 {'、'.join(FILE_SUFFIXES)} 结尾的文件。",
            ),
        )
    try:
        tensors = load_file(path) if path.suffix == ".safetensors" else _unpickle(path)
    except (SafetensorError, UnpicklingError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise WeightsError(
            say(f"{path} cannot be read as weights", f"无法将 {path} 读取为权重"),
            remedy=say(
                "Give a safetensors file, or a .pth that holds nothing but tensors.",
                "请提供 safetensors 文件，或只含张量的 .pth 文件。",
            ),
        ) from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return TeacherWeights(f"file:{path.name}", BUNDLED_BACKBONE, digest, _as_float32(tensors))


def _unpickle(path: Path) -> Mapping[str, torch.Tensor]:
    """Read a torch state dict; ``weights_only`` keeps a hostile pickle from running code."""
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise ValueError(f"{path} holds no state dict")
    return loaded


def _from_timm(name: str) -> TeacherWeights:
    """Fetch a published backbone: the one source that uses the network (or timm's local cache)."""
    try:
        network = timm.create_model(name, pretrained=True)
    except Exception as error:  # timm and its hub raise whatever their transport raises
        raise WeightsError(
            say(f"timm:{name} could not be loaded: {error}", f"无法加载 timm:{name}：{error}"),
            remedy=say(
                "Check the name and the network, or use bundled or file:PATH, which need neither.",
                "请检查名称和网络，或使用无需联网的 bundled 或 file:路径。",
            ),
        ) from error
    tensors = {key: value.detach() for key, value in network.state_dict().items()}
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(key.encode())
        digest.update(tensors[key].contiguous().numpy().tobytes())
    backbone = name.partition(".")[0]
    return TeacherWeights(f"timm:{name}", backbone, digest.hexdigest(), _as_float32(tensors))


def _as_float32(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
