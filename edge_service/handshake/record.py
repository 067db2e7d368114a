"""The result of one part as the PLC reads it, and as the station hands it in."""

import math
from dataclasses import dataclass

from edge_service.domain.inspection import Judgement, ModelIdentity, Trigger, Verdict

NO_POSITION = 65535
_U16 = 0xFFFF
_U32 = 0xFFFFFFFF
_FINITE = 3.0e38


@dataclass(frozen=True, slots=True)
class Result:
    """What the station found out about one acquisition."""

    acquisition_id: int
    judgement: Judgement
    recipe: int = 0
    model: ModelIdentity | None = None
    captured_at: float | None = None  # Unix seconds UTC
    inference_ms: float = 0.0
    configuration_checksum: int = 0
    simulated: bool = False
    on_cpu: bool = False
    golden: bool = False
    clock_unsynchronised: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One result, ready for the wire: every number saturated into its register's range."""

    inspection_id: int
    trigger_seq: int
    acquisition_id: int
    verdict: Verdict
    code: int
    score_x10000: int
    threshold_x10000: int
    defect_class: int
    recipe: int
    trigger_source: int
    score: float
    encoder: int
    captured_at: int
    captured_ms: int
    trigger_to_exposure_ms: int
    inference_ms: int
    trigger_to_publish_ms: int
    defect_x: int
    defect_y: int
    defect_area: int
    model_hash: int
    configuration_checksum: int
    simulated: bool
    on_cpu: bool
    golden: bool
    sample: bool
    overrun_before: bool
    clock_unsynchronised: bool
    part_serial: bytes


def saturate(value: float, limit: int = _U16) -> int:
    """Round into 0..limit; what is not a number becomes the limit, the worst."""
    if math.isnan(value):
        return limit
    return round(min(max(value, 0.0), float(limit)))


def make_record(
    inspection_id: int,
    trigger: Trigger,
    result: Result,
    *,
    exposure_ms: float,
    publish_ms: float,
) -> Record:
    """Write the whole record of one part; the queue sets ``overrun_before``."""
    judged = result.judgement
    captured = result.captured_at or 0.0
    return Record(
        inspection_id=inspection_id,
        trigger_seq=trigger.sequence,
        acquisition_id=trigger.acquisition_id,
        verdict=judged.verdict,
        code=judged.code,
        score_x10000=_scaled(judged.normalised_score),
        threshold_x10000=5000 if judged.threshold > 0 else 0,
        defect_class=saturate(judged.defect_class),
        recipe=saturate(result.recipe),
        trigger_source=int(trigger.source),
        score=judged.score if abs(judged.score) < _FINITE else _FINITE,
        encoder=trigger.encoder & _U32,
        captured_at=saturate(math.floor(captured), _U32),
        captured_ms=int(captured % 1 * 1000),
        trigger_to_exposure_ms=saturate(exposure_ms),
        inference_ms=saturate(result.inference_ms),
        trigger_to_publish_ms=saturate(publish_ms),
        defect_x=NO_POSITION if judged.defect_x is None else saturate(judged.defect_x, NO_POSITION - 1),
        defect_y=NO_POSITION if judged.defect_y is None else saturate(judged.defect_y, NO_POSITION - 1),
        defect_area=saturate(judged.defect_area_px, _U32),
        model_hash=result.model.hash32 if result.model else 0,
        configuration_checksum=result.configuration_checksum & _U32,
        simulated=result.simulated,
        on_cpu=result.on_cpu,
        golden=result.golden,
        sample=judged.verdict is Verdict.SAMPLE,
        overrun_before=False,
        clock_unsynchronised=result.clock_unsynchronised,
        part_serial=trigger.serial,
    )


def _scaled(normalised: float) -> int:
    """Return the score x 10000, rounded down: what is below the threshold reads below 5000."""
    scaled = normalised * 10000
    return saturate(math.floor(scaled) if math.isfinite(scaled) else scaled)
