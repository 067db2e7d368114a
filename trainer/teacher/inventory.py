"""What a weights file is and whether it is whole: read, filled into its network, and looked at.

A model card is the Markdown file of the same name beside the weights (``model_card.md`` for the bundled
ones); its line ``| Licence | ... |`` states the licence.
"""

from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from trainer.domain import LAYERS
from trainer.errors import WeightsError
from trainer.teacher.backbone import build_teacher
from trainer.teacher.weights import BUNDLED_BACKBONE, BUNDLED_FILE, load_weights

_BUNDLED_CARD = "model_card.md"


@dataclass(frozen=True, slots=True)
class Inspected:
    """One source of weights. ``damage``: what is wrong with it, empty when it is whole.

    ``layers``: stages that a teacher can be built of. ``card``, ``licence``: empty where there is none.
    """

    source: str
    file: str
    backbone: str
    damage: str = ""
    sha256: str = ""
    bytes: int = 0
    parameters: int = 0
    layers: tuple[str, ...] = ()
    licence: str = ""
    card: str = ""

    def facts(self) -> dict[str, object]:
        """Return what ``--json`` prints."""
        return {**asdict(self), "ok": not self.damage}


def inspect(source: str) -> Inspected:
    """Look at ``bundled`` or ``file:PATH``; what is wrong with it is told, not raised."""
    path = Path(source.removeprefix("file:")) if source != "bundled" else _bundled(BUNDLED_FILE)
    card = path.with_suffix(".md") if source != "bundled" else _bundled(_BUNDLED_CARD)
    try:
        weights = load_weights(source)
        layers = _layers(set(weights.tensors))
        build_teacher(weights, layers or LAYERS[:1])
    except WeightsError as error:
        return Inspected(source, path.name, BUNDLED_BACKBONE, damage=error.what)
    text = card.read_text("utf-8") if card.is_file() else ""
    return Inspected(
        source,
        path.name,
        weights.backbone,
        sha256=weights.sha256,
        bytes=path.stat().st_size,
        parameters=sum(tensor.numel() for tensor in weights.tensors.values() if tensor.is_floating_point()),
        layers=layers,
        licence=_licence(text),
        card=str(card) if text else "",
    )


def _bundled(name: str) -> Path:
    return Path(str(resources.files(__package__).joinpath(name)))


def _layers(keys: set[str]) -> tuple[str, ...]:
    """Return the stages from the first on that have a convolution among ``keys``."""
    there: list[str] = []
    for layer in LAYERS:
        if f"{layer}.0.conv1.weight" not in keys:
            break
        there.append(layer)
    return tuple(there)


def _licence(card: str) -> str:
    for line in card.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) > 1 and cells[0].lower() in {"licence", "license"}:
            return cells[1]
    return ""
