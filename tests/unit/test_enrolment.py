"""The file that makes a box and a server known to each other."""

import stat
from pathlib import Path

import pytest

from edge_service.enrolment import Enrolment, EnrolmentFile
from edge_service.errors import ConfigurationError, DiskFullError
from tests.support.disks import FullDisk

HERE = Enrolment(url="https://server:8443", token="a secret of some length", station="line-1", key_id="ab")


def test_it_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600, whole, and the stamp changes with it."""
    file = EnrolmentFile(tmp_path / "data" / "server.json")
    assert (file.read(), file.exists(), file.stamp()) == (None, False, None)
    file.write(HERE)
    assert file.read() == HERE
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    before = file.stamp()
    file.write(HERE)
    assert file.stamp() != before
    assert (file.remove(), file.remove()) == (True, False)


def test_the_token_is_never_shown() -> None:
    """Neither in a log line nor in a message."""
    assert "secret" not in f"{HERE} {HERE!r}"


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    """The box is not let in by half a token."""
    path = tmp_path / "server.json"
    path.write_bytes(b'{"url": "https://server:8443"')
    with pytest.raises(ConfigurationError) as raised:
        EnrolmentFile(path).read()
    assert "okng-edge enrol" in raised.value.remedy


def test_a_full_disk_keeps_the_old_one(tmp_path: Path) -> None:
    """No room: the enrolment before stands."""
    EnrolmentFile(tmp_path / "server.json").write(HERE)
    with pytest.raises(DiskFullError):
        EnrolmentFile(tmp_path / "server.json", FullDisk()).write(HERE.model_copy(update={"token": "x"}))
    assert EnrolmentFile(tmp_path / "server.json").read() == HERE
