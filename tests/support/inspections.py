"""An inspection as the station hands it over, for tests of what comes after the answer."""

from edge_service.domain.inspection import Inspection, Judgement, Trigger, TriggerSource, Verdict


def ok_part(counter: int) -> Inspection:
    """Return a part that was judged OK."""
    return Inspection(
        station="line-1",
        boot_id=1,
        counter=counter,
        trigger=Trigger(counter, TriggerSource.SEQUENCE, 0.0),
        judgement=Judgement(Verdict.OK, score=0.1, threshold=1.0),
        recipe=1,
        model=None,
        captured_at=None,
        trigger_to_exposure_ms=0.0,
        inference_ms=0.0,
        trigger_to_publish_ms=0.0,
        configuration_checksum=0,
    )
