"""Inspections for tests of what comes after the PLC's answer."""

import numpy as np

from edge_service.domain.inspection import (
    Frame,
    Inspection,
    Judgement,
    ModelIdentity,
    RawScore,
    Trigger,
    TriggerSource,
    Verdict,
)

STATION = "line-1"
MODEL = ModelIdentity("pcb", "1", "ab" * 32)


def inspected(
    counter: int, verdict: Verdict = Verdict.OK, *, score: float = 0.2, boot_id: int = 1
) -> Inspection:
    """Return inspection ``counter`` of recipe 1."""
    return Inspection(
        station=STATION,
        boot_id=boot_id,
        counter=counter,
        trigger=Trigger(counter % 65_535 + 1, TriggerSource.SEQUENCE, 0.0, serial=b"SN-1"),
        judgement=Judgement(verdict, score=score, threshold=1.0),
        recipe=1,
        model=MODEL,
        captured_at=1_700_000_000.0 + counter,
        trigger_to_exposure_ms=1.0,
        inference_ms=2.0,
        trigger_to_publish_ms=3.0,
        configuration_checksum=7,
        simulated=True,
    )


def frame(level: int = 128, side: int = 64) -> Frame:
    """Return a noisy grey picture; every level has pixels of its own."""
    noise = np.random.default_rng(level).integers(0, 40, (side, side, 3), np.uint8)
    return Frame(noise + np.uint8(level % 200), 0.0, 0.0, 1_700_000_000.0, "fake", simulated=True)


def raw(score: float = 0.2) -> RawScore:
    """Return a measurement with an even map."""
    return RawScore(score, np.full((8, 8), score, np.float32), 1.5, "CPU")
