"""The manifest of a model package, format version 1: who the model is and how to judge with it.

Readers keep fields that they do not know, so a newer writer may add some without a new format
version. A new ``format_version`` means: an older edge must not use this package.

Lengths are pixels, scores are in the raw units of the graph's ``score`` output.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, FiniteFloat, StringConstraints, model_validator

from edge_service.contract.messages import Name, Part, Sha256

FORMAT_VERSION = 1

_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_FILE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){0,2}$")

PositiveFloat = Annotated[FiniteFloat, Field(gt=0)]
Pixels = Annotated[int, Field(ge=1, le=16384)]


class Size(Part):
    """Height and width, in that order everywhere."""

    height: Pixels
    width: Pixels


class Backbone(Part):
    """The frozen teacher and where its weights came from."""

    name: str  # "resnet18"
    weights: str  # "bundled", "timm:resnet18.tv_in1k", "file:weights.safetensors"
    weights_sha256: Sha256 | None = None


class ScoreDefinition(Part):
    """How the raw score follows from the raw anomaly map; ``contract.score`` computes it in numpy."""

    kind: str = "max"
    parameters: dict[str, int | float | str] = Field(default_factory=dict)


class Uncertainty(Part):
    """The interval that holds the true threshold with probability ``level``."""

    lower: FiniteFloat
    upper: FiniteFloat
    level: Annotated[float, Field(gt=0, lt=1)]


class Threshold(Part):
    """The raw score from which on a part is NG, and how it was found."""

    value: PositiveFloat
    method: str
    n: Annotated[int, Field(ge=0)]  # good scores it was found from
    false_reject_rate: Annotated[float, Field(ge=0, le=1)] | None = None  # stated, not promised
    uncertainty: Uncertainty | None = None


class PixelStatistics(Part):
    """What the graph does to the camera's pixels; written for people, the graph does it itself.

    ``mean`` and ``std`` are in ``colour`` order on the 0..1 scale.
    """

    colour: Literal["RGB", "BGR"] = "RGB"
    mean: tuple[FiniteFloat, FiniteFloat, FiniteFloat]
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]


class TrainingSet(Part):
    """Which photographs it learned from."""

    digest: Sha256
    size: Annotated[int, Field(ge=1)]


class GoldenImage(Part):
    """A picture in the package with the score that the server computed for it.

    The box that is to judge must come within ``tolerance`` (raw units) of ``score``.
    """

    file: str
    kind: Literal["good", "defective"]
    score: FiniteFloat
    tolerance: PositiveFloat


class FileEntry(Part):
    """Size in bytes and SHA-256 of one file of the package."""

    size: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Manifest(Part):
    """manifest.json. The writer fills in ``key_id`` and ``files``; everything else is given."""

    format_version: Literal[1] = 1
    name: Name
    version: Name
    created_at: AwareDatetime
    algorithm: str
    backbone: Backbone
    input_size: Size
    map_size: Size
    score: ScoreDefinition
    score_range: Literal["raw", "clamped"] = "raw"
    threshold: Threshold
    pixel_statistics: PixelStatistics | None = None
    training_set: TrainingSet
    golden: Annotated[tuple[GoldenImage, ...], Field(min_length=1, max_length=64)]
    figures: dict[str, Any] = Field(default_factory=dict)
    key_id: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""  # empty: unsigned
    files: dict[str, FileEntry] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _file_names_stay_inside(self) -> "Manifest":
        for name in (*self.files, *(golden.file for golden in self.golden)):
            if not is_file_name(name):
                raise ValueError(f"file name {name[:80]!r} is not allowed in a package")
        return self


def is_file_name(name: str) -> bool:
    """Tell whether a package may hold a file of this name: relative, no dots in front, no odd characters."""
    return _FILE.fullmatch(name) is not None


def is_model_name(name: str) -> bool:
    """Tell whether a model or version may be called this: safe as a file name, never hidden."""
    return _MODEL_NAME.fullmatch(name) is not None
