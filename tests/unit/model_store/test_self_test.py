"""The self-test on golden images: a device that disagrees does not get a model."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_service.contract.model_package import build_package
from edge_service.domain.inspection import RawScore
from edge_service.errors import (
    InferenceError,
    SelfTestError,
)
from edge_service.model_store.self_test import self_test
from edge_service.model_store.store import ModelStore
from tests.support.model_stores import PlainScorer, passes
from tests.support.tiny_model import tiny_package
from tests.support.trust import server_key, signed_package


def test_a_model_that_fails_its_self_test_is_not_activated(store: ModelStore):
    """The message names the image, what was expected and what came; the model in use stays."""
    store.install(signed_package())
    store.activate("pcb", "1", passes)
    store.install(signed_package(version="2", golden_score=0.25))
    with pytest.raises(SelfTestError, match=r"golden/good-1.png .* expected 0.25 ± 0.005, got 0 on CPU"):
        store.activate("pcb", "2", passes)
    assert store.active_version("pcb") == "1"


def test_a_rollback_is_self_tested_too(store: ModelStore):
    """A box whose device changed since does not go back to a model that it cannot judge with."""
    for version in ("1", "2"):
        store.install(signed_package(version=version))
        store.activate("pcb", version, passes)
    with pytest.raises(SelfTestError):
        store.rollback("pcb", lambda package: self_test(package, PlainScorer(0.1)))
    assert store.active_version("pcb") == "2"


@pytest.mark.parametrize("error", [0.006, -0.006, float("nan"), float("inf")])
def test_a_device_that_disagrees_fails_the_self_test(store: ModelStore, error: float):
    """A score outside the tolerance, or none at all, is a disagreement."""
    package = store.install(signed_package())
    with pytest.raises(SelfTestError, match="good-1"):
        self_test(package, PlainScorer(error))


def test_a_score_must_follow_from_its_map(store: ModelStore):
    """A device that gets the score right and the map wrong is found out: masks and heat maps rest on it."""

    class WrongMap(PlainScorer):
        def score(self, pixels: NDArray[np.uint8]) -> RawScore:
            raw = super().score(pixels)
            return RawScore(raw.score, raw.anomaly_map * np.float32(0.5) + np.float32(0.3), 1.0, "CPU")

    with pytest.raises(SelfTestError, match="does not follow from its map"):
        self_test(store.install(signed_package()), WrongMap())


def test_a_map_of_another_size_fails_the_self_test(store: ModelStore):
    """The manifest states the map's size, and masks are drawn for it."""

    class SmallMap(PlainScorer):
        def score(self, pixels: NDArray[np.uint8]) -> RawScore:
            raw = super().score(pixels)
            return RawScore(raw.score, raw.anomaly_map[:4, :4].copy(), 1.0, "CPU")

    with pytest.raises(SelfTestError, match="map"):
        self_test(store.install(signed_package()), SmallMap())


def test_a_device_that_breaks_fails_the_self_test(store: ModelStore):
    """An engine that raises on a golden image is a failed self-test that names the image."""

    class Broken:
        def score(self, pixels: NDArray[np.uint8]) -> RawScore:
            raise InferenceError(f"no memory for {pixels.shape}")

    with pytest.raises(SelfTestError, match=r"good-1.png .* no memory"):
        self_test(store.install(signed_package()), Broken())


def test_a_golden_image_that_is_no_image_fails_the_self_test(store: ModelStore):
    """A signed file that no decoder reads is told by name."""
    manifest, contents = tiny_package()
    package = store.install(
        build_package(manifest, contents | {"golden/good-1.png": b"no image"}, server_key())
    )
    with pytest.raises(SelfTestError, match=r"good-1.png .* no picture"):
        self_test(package, PlainScorer())


def test_golden_results_are_told(store: ModelStore):
    """A passed self-test says per image what was expected and what came."""
    results = self_test(store.install(signed_package()), PlainScorer(0.001))
    assert [(result.kind, round(result.got - result.expected, 6)) for result in results] == [
        ("good", 0.001),
        ("defective", 0.001),
    ]


def test_golden_images_are_decoded_as_the_camera_sees(store: ModelStore):
    """A golden image reaches the engine as uint8 BGR of its own size."""
    seen: list[NDArray[np.uint8]] = []

    class Watching(PlainScorer):
        def score(self, pixels: NDArray[np.uint8]) -> RawScore:
            seen.append(pixels)
            return super().score(pixels)

    package = store.install(signed_package())
    self_test(package, Watching())
    content = np.frombuffer(package.files["golden/good-1.png"], np.uint8)
    assert np.array_equal(seen[0], cv2.imdecode(content, cv2.IMREAD_COLOR))
