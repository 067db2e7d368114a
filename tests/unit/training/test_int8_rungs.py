"""Which way to quantise goes into the package: the first that passes its gate."""

from typing import Any, Self

import numpy as np
import pytest

pytest.importorskip("torch")
from trainer.export.agreement import VariantAgreement
from trainer.export.int8 import RUNGS
from trainer.export.openvino_ir import IntermediateRepresentation
from trainer.pipeline import acceptance

pytestmark = pytest.mark.training
CLOSE, FAR = 0.01, 0.2


class Engine:
    """Computes in the variant that it is asked for; the gate's figures come from the test."""

    def __init__(self, allowed: tuple[str, ...] = ("f32",), **_: Any) -> None:
        self.precision = allowed[0]

    @classmethod
    def load(cls, *_: Any, **options: Any) -> Self:
        """Take any graph."""
        return cls(**options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def score(self, _: Any) -> None:
        """Measure nothing."""


@pytest.mark.parametrize(("passing", "made"), [(0, 1), (1, 2), (2, 3), (None, 3)])
def test_the_next_way_is_tried_only_where_one_does_not_pass(
    monkeypatch: pytest.MonkeyPatch, passing: int | None, made: int
) -> None:
    """The first that passes is kept and named; where none does, there is no twin."""
    tried: list[str] = []

    def to_int8(_graph: Any, _pictures: Any, rung: str) -> IntermediateRepresentation:
        tried.append(rung)
        return IntermediateRepresentation(rung.encode(), b"")

    def compare(variant: str, *_: Any) -> VariantAgreement:
        good = variant != "int8" or len(tried) - 1 == passing
        return VariantAgreement(variant, 2, 1.0, CLOSE if good else FAR, 0)

    monkeypatch.setattr(acceptance, "OpenVinoEngine", Engine)
    monkeypatch.setattr(acceptance, "to_int8", to_int8)
    monkeypatch.setattr(acceptance, "compare", compare)
    pictures = np.zeros((2, 32, 32, 3), np.uint8)
    found = acceptance.quantise(IntermediateRepresentation(b"", b""), pictures, 1.0, lambda _: None)
    assert tried == list(RUNGS[:made])
    assert (found.int8 and found.int8.xml) == (None if passing is None else RUNGS[passing].encode())
    assert found.figures()["int8"]["rung"] == RUNGS[made - 1]  # type: ignore[index]
