"""Where this box keeps its models, and what it runs them on, for the verbs about models.

``--data-dir D`` alone is enough (``D/models``, ``D/trust``, ``D/cache``, GPU before CPU); without it the
configuration file says. Where D belongs to a simulated station, that station's own file says, so that its
ready models are trusted as they are there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_service.config.station import InferenceSection
from edge_service.contract.model_package import ModelPackage
from edge_service.contract.trust import TrustStore
from edge_service.core.package_engine import load_package
from edge_service.inference.on_device import Trial
from edge_service.model_store.self_test import GoldenResult, self_test
from edge_service.model_store.store import ModelStore


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """Store, trust and devices of one station."""

    store_dir: Path
    trust_dir: Path
    cache_dir: Path | None
    inference: InferenceSection = field(default_factory=InferenceSection)
    trusted_digests: Sequence[str] = ()

    def trust(self) -> TrustStore:
        """Return the folder of trusted keys."""
        return TrustStore(self.trust_dir, digests=self.trusted_digests)

    def store(self) -> ModelStore:
        """Return the store of models."""
        return ModelStore(self.store_dir, self.trust().load)

    def examine(self, package: ModelPackage) -> list[GoldenResult]:
        """Run the package's self-test on this box's device, in the variant that is the fastest there.

        Raises SelfTestError, InferenceError.
        """
        with load_package(package, self.inference, self.store(), cache_folder=self.cache_dir) as engine:
            return self_test(package, engine)

    def measure(self, package: ModelPackage) -> tuple[str, tuple[Trial, ...], str]:
        """Try every variant afresh; return the device in use, what each came to there, and the one chosen."""
        with load_package(
            package, self.inference, self.store(), cache_folder=self.cache_dir, afresh=True
        ) as engine:
            return engine.device, engine.chosen.trials, engine.chosen.variant


def find_place(config: Path, data_dir: Path | None) -> ModelPlace:
    """Return the place that the options name. Raises ConfigurationError when the file does not do."""
    from edge_service.cli.simulation import CONFIG
    from edge_service.config import load
    from edge_service.simulation.ready import ready_digests

    if data_dir is not None:
        folder = data_dir.expanduser().absolute()
        config = folder / CONFIG
        if not config.is_file():
            return ModelPlace(folder / "models", folder / "trust", folder / "cache")
    tree = load(config)
    trusted = ready_digests() if tree.camera.kind == "simulated" else ()
    return ModelPlace(tree.store_dir, tree.trust_dir, tree.cache_dir, tree.inference, trusted)
