"""Facts of the station as plain values that JSON can carry."""

import math
from collections.abc import Mapping
from typing import Any

from edge_service.domain.inspection import Inspection
from edge_service.domain.sequence import wrapped
from edge_service.domain.signal import SignalValue


def plain_signals(signals: Mapping[str, SignalValue]) -> dict[str, Any]:
    """Return every signal; bytes as Latin-1 text without trailing NULs, numbers that are none as null."""
    return {name: _plain(value) for name, value in signals.items()}


def plain_inspection(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection as the gateway shows it."""
    judgement, trigger, model = inspection.judgement, inspection.trigger, inspection.model
    return {
        "id": inspection.global_id,
        "counter": inspection.counter,
        "inspection_id": wrapped(inspection.counter),
        "verdict": judgement.verdict.name,
        "code": int(judgement.code),
        "score": _plain(judgement.score),
        "threshold": _plain(judgement.threshold),
        "normalised_score": _plain(judgement.normalised_score),
        "defect": None if judgement.defect_x is None else [judgement.defect_x, judgement.defect_y],
        "defect_area_px": judgement.defect_area_px,
        "defect_class": judgement.defect_class,
        "recipe": inspection.recipe,
        "model": f"{model.name} {model.version}" if model else None,
        "source": trigger.source.name,
        "sequence": trigger.sequence,
        "acquisition_id": trigger.acquisition_id,
        "serial": _plain(trigger.serial),
        "encoder": trigger.encoder,
        "configuration_checksum": inspection.configuration_checksum,
        "captured_at": inspection.captured_at,
        "trigger_to_exposure_ms": _plain(inspection.trigger_to_exposure_ms),
        "inference_ms": _plain(inspection.inference_ms),
        "trigger_to_publish_ms": _plain(inspection.trigger_to_publish_ms),
        "simulated": inspection.simulated,
        "on_cpu": inspection.on_cpu,
    }


def _plain(value: SignalValue) -> bool | int | float | str | None:
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode("latin-1")
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
