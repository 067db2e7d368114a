"""A package on this box's devices: self-tested there, in the variant that is the fastest."""

from pathlib import Path

from edge_service.config.station import InferenceSection
from edge_service.contract.model_package import ModelPackage
from edge_service.inference.engine import OpenVinoEngine
from edge_service.inference.graph import box_fingerprint
from edge_service.model_store.choice import Choice, Measured
from edge_service.model_store.self_test import self_test
from edge_service.model_store.store import ModelStore

RETRY_S = 30.0  # a device that was given up is tried again after so long, then at twice the distance


def load_package(
    package: ModelPackage,
    section: InferenceSection,
    store: ModelStore,
    *,
    cache_folder: Path | None,
    retry_s: float = 0.0,
    afresh: bool = False,
) -> OpenVinoEngine:
    """Return an engine for ``package``; blocks while it compiles, tests and, the first time, measures.

    Which variant was the fastest is recorded in ``store``, where the package is in it, and taken from there
    the next time, unless ``afresh``. Raises PackageError, SelfTestError, InferenceError.
    """
    threads = section.threads or 0
    name, version = package.manifest.name, package.manifest.version
    box = box_fingerprint(section.devices, threads)
    recorded = None if afresh else store.choice(name, version)
    holds = recorded is not None and (recorded.box, recorded.digest) == (box, package.digest)
    graph = package.graph()
    int8 = package.graph("int8") if "int8" in package.variants() else None
    engine = OpenVinoEngine.load(
        graph.xml,
        graph.weights,
        int8=(int8.xml, int8.weights) if int8 else None,
        allowed=section.variants,
        devices=section.devices,
        cache_folder=cache_folder,
        threads=threads,
        examine=lambda device: self_test(package, device),
        known={recorded.device: recorded.variant} if recorded and holds else None,
        retry_s=retry_s,
    )
    choice = _choice(package, box, engine)
    if not (recorded and holds and (recorded.device, recorded.variant) == (choice.device, choice.variant)):
        store.record_choice(name, version, choice)
    return engine


def _choice(package: ModelPackage, box: str, engine: OpenVinoEngine) -> Choice:
    tried = tuple(
        Measured(variant=trial.variant, median_ms=trial.median_ms, problem=trial.problem)
        for trial in engine.chosen.trials
    )
    return Choice(
        digest=package.digest, box=box, device=engine.device, variant=engine.chosen.variant, tried=tried
    )
