"""``okng-edge opcua``: users, trusted clients, the server's own certificate."""

import io
import json
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edge_service.cli import main
from edge_service.errors import ConfigurationError
from edge_service.gateway.opcua.own_certificate import own_certificate
from edge_service.gateway.opcua.users import Users
from edge_service.link import Role
from tests.support.opcua_bench import credentials


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A station's file."""
    path = tmp_path / "edge.yaml"
    path.write_text("station: {id: line-1, data_dir: data}\ncamera: {kind: simulated}\n")
    return path


def okng(config: Path, *arguments: object) -> int:
    """Run a verb; return its exit code."""
    with pytest.raises(SystemExit) as end:
        main(["opcua", *map(str, arguments), "--config", str(config)])
    return end.value.code or 0


def test_users_are_kept_as_hashes_only_the_station_can_read(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Added, listed, changed, removed; the password lies nowhere."""
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert okng(config, "user", "add", "anna", "--role", "operator", "--password-stdin") == 0
    path = config.parent / "data" / "opcua" / "users.json"
    assert "correct" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Users(path.parent).role_by_password("anna", "correct horse") is Role.OPERATOR
    assert Users(path.parent).role_by_password("anna", "correct house") is None
    assert Users(path.parent).role_by_password("nobody", "correct horse") is None
    mine, _ = credentials().write(config.parent, "client")
    assert okng(config, "user", "add", "anna", "--role", "engineer", "--certificate", mine) == 0
    capsys.readouterr()
    assert okng(config, "user", "list", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["role"], row["password"], len(row["certificates"])) == ("engineer", True, 1)
    assert okng(config, "user", "remove", "anna") == 0
    assert okng(config, "user", "remove", "anna") == 1


def test_what_is_no_user_or_password_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """An unknown role, a short password, a file that is no list."""
    assert okng(config, "user", "add", "anna", "--role", "boss", "--password-stdin") == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert okng(config, "user", "add", "anna", "--role", "operator", "--password-stdin") == 2
    folder = config.parent / "data" / "opcua"
    folder.mkdir(parents=True)
    (folder / "users.json").write_text("[]")
    capsys.readouterr()
    assert okng(config, "user", "list") == 2
    assert "is not a list of users" in capsys.readouterr().err


def test_a_client_is_trusted_by_its_file_and_distrusted_by_its_fingerprint(
    config: Path, capsys: pytest.CaptureFixture[str]
):
    """A PEM called .crt will do; a picture will not."""
    mine = credentials()
    file = config.parent / "client.crt"
    file.write_bytes(mine.certificate.public_bytes(Encoding.PEM))
    assert okng(config, "trust", file) == 0
    capsys.readouterr()
    assert okng(config, "clients", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["trusted"]
    assert okng(config, "distrust", row["fingerprint"][:12]) == 0
    assert okng(config, "distrust", row["fingerprint"][:12]) == 1
    file.write_bytes(b"\xff\xd8 a picture")
    assert okng(config, "trust", file) == 2
    assert okng(config, "trust", "abcdef") == 2


def test_the_own_certificate_is_made_once(config: Path, capsys: pytest.CaptureFixture[str]):
    """It names station, host and loopback, its key is the station's alone, and it stays."""
    assert okng(config, "certificate") == 0
    path = Path(capsys.readouterr().out.splitlines()[0])
    first = path.read_bytes()
    assert okng(config, "certificate") == 0
    assert path.read_bytes() == first
    assert stat.S_IMODE((path.parent / "key.pem").stat().st_mode) == 0o600
    names = x509.load_der_x509_certificate(first).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:okng:line-1"]
    assert "localhost" in names.value.get_values_for_type(x509.DNSName)
    assert "127.0.0.1" in map(str, names.value.get_values_for_type(x509.IPAddress))


def test_a_key_of_another_certificate_is_told(tmp_path: Path):
    """Files that do not belong together start no server."""
    own = own_certificate(tmp_path, "line-1")
    own.path.write_bytes(credentials().der)
    with pytest.raises(ConfigurationError, match="do not belong together"):
        own_certificate(tmp_path, "line-1")
