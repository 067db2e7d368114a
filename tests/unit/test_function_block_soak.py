"""``FB_OKNG`` against the handshake machine on a bad line; the long run is a benchmark."""

import pytest

from edge_service.plc_code.structured_text import structured_text
from tests.support.block_soak import BlockSoak

SCANS = 1_500


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_goes_astray(seed: int):
    """No verdict of another part, no OK that was not given, no trigger twice; Ready comes back."""
    soak = BlockSoak(seed)
    for _ in range(SCANS):
        soak.scan()
    soak.calm()
    assert soak.counts["station restarts"]
    assert soak.counts["PLC restarts"]
    assert soak.codes[0]


def test_the_soak_sees_an_astray_verdict(monkeypatch: pytest.MonkeyPatch):
    """The check can fail: a block that takes whatever record is shown is found out."""
    careless = structured_text().replace(" AND (Shown.TriggerSeq = Sequence) THEN", " THEN")
    assert careless != structured_text()
    monkeypatch.setattr("tests.support.block_soak.structured_text", lambda: careless)
    with pytest.raises(AssertionError, match="has the verdict of"):
        soak_many()


def soak_many() -> None:
    """Run until something is found."""
    for seed in range(20):
        soak = BlockSoak(seed)
        for _ in range(SCANS):
            soak.scan()
