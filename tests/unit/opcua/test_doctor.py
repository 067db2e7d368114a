"""What the doctor says of the OPC UA server's certificate and key."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_service.cli.checks import Finding
from edge_service.cli.opcua_check import certificate_findings
from edge_service.config import EdgeConfig, load
from edge_service.gateway.opcua.own_certificate import own_certificate
from tests.support.opcua_bench import credentials


@pytest.fixture
def config(tmp_path: Path) -> EdgeConfig:
    """A station without a certificate yet."""
    path = tmp_path / "edge.yaml"
    path.write_text("station: {id: line-1, data_dir: data}\ncamera: {kind: simulated}\n")
    return load(path)


@pytest.fixture
def own(config: EdgeConfig) -> Path:
    """The folder of the certificate that a first start made."""
    return own_certificate(config.opcua_dir, "line-1").path.parent


def only(config: EdgeConfig, now: datetime | None = None) -> Finding:
    """Return the one line of the report."""
    (finding,) = certificate_findings(config, now)
    return finding


def test_looking_makes_no_certificate(config: EdgeConfig):
    """Before the first start there is none, which is fine, and none afterwards."""
    assert only(config).level == "ok"
    assert not config.opcua_dir.exists()


def test_a_fresh_certificate_is_sound(config: EdgeConfig, own: Path):
    """It names this box, its key is its owner's alone, it ends in years."""
    assert own.is_dir()
    assert (only(config).level, only(config).remedy) == ("ok", "")


def test_a_certificate_that_lost_its_key_is_told_and_kept(config: EdgeConfig, own: Path):
    """The next start would make a new pair that no client trusts."""
    (own / "key.pem").unlink()
    assert only(config).level == "warn"
    assert not (own / "key.pem").exists()


@pytest.mark.parametrize(("days", "level"), [(-10, "fail"), (365 * 20 - 30, "warn"), (365 * 20 + 30, "fail")])
def test_the_end_is_told_before_it_comes(config: EdgeConfig, own: Path, days: int, level: str):
    """Two months ahead, when it is over, and when the clock says that it has not begun."""
    assert own.is_dir()
    finding = only(config, datetime.now(UTC) + timedelta(days=days))
    assert finding.level == level
    assert str(own) in finding.remedy


def test_a_key_that_others_may_read_fails(config: EdgeConfig, own: Path):
    """With the command that closes it."""
    (own / "key.pem").chmod(0o640)
    assert only(config).level == "fail"
    assert only(config).remedy == f"chmod 600 {own / 'key.pem'}"


def test_a_pair_that_does_not_belong_together_fails(config: EdgeConfig, own: Path):
    """No server would start with it."""
    (own / "certificate.der").write_bytes(credentials().der)
    assert only(config).level == "fail"


def test_a_box_with_another_name_than_its_certificate_is_told(
    config: EdgeConfig, own: Path, monkeypatch: pytest.MonkeyPatch
):
    """Clients that check the host would refuse it; a domain behind the name is no other name."""
    assert own.is_dir()
    name = socket.gethostname()
    monkeypatch.setattr(socket, "gethostname", lambda: f"{name.partition('.')[0]}.plant.example")
    assert only(config).level == "ok"
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed-box")
    assert only(config).level == "warn"
    assert "renamed-box" in only(config).what
