"""``okng-edge model`` and ``okng-edge trust`` as an operator types them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_service.cli import main
from tests.support.trust import server_key, signed_package

Okng = Callable[..., tuple[int, str, str]]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two packages, the server's key, and an empty data folder named in the environment."""
    (tmp_path / "pcb-1.okng").write_bytes(signed_package())
    (tmp_path / "pcb-2.okng").write_bytes(signed_package(version="2"))
    (tmp_path / "bad-3.okng").write_bytes(signed_package(version="3", golden_score=0.3))
    (tmp_path / "server.pub").write_bytes(server_key().public.pem())
    monkeypatch.setenv("OKNG_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def okng(capfd: pytest.CaptureFixture[str]) -> Okng:
    """Run a command in this process; return exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def listed(okng: Okng) -> dict[str, str]:
    """Return version -> state as ``model list --json`` tells."""
    models = json.loads(okng("model", "list", "--json")[1])
    return {m["version"]: "active" if m["active"] else "previous" if m["previous"] else "" for m in models}


def test_the_way_of_a_model(box: Path, okng: Okng):
    """Trust, install, install the next, activate, roll back: as the documents say."""
    code, _, said = okng("model", "install", box / "pcb-1.okng")
    assert code == 2
    assert "okng-edge trust add" in said
    code, said, _ = okng("trust", "add", box / "server.pub")
    assert (code, said.split(": ")[1].replace(" ", "").strip()) == (0, server_key().public.key_id)
    assert json.loads(okng("trust", "list", "--json")[1]) == [server_key().public.key_id]
    assert okng("model", "list")[0] == 0
    assert okng("model", "install", box / "pcb-1.okng")[0] == 0
    assert listed(okng) == {"1": "active"}
    code, said, _ = okng("model", "install", box / "pcb-2.okng")
    assert "okng-edge model activate pcb 2" in said
    assert listed(okng) == {"1": "active", "2": ""}
    assert okng("model", "activate", "pcb", "2")[0] == 0
    assert listed(okng) == {"1": "previous", "2": "active"}
    assert okng("model", "rollback", "pcb")[0] == 0
    assert listed(okng) == {"1": "active", "2": "previous"}
    code, said, _ = okng("model", "list")
    assert "previous" in said
    assert okng("model", "install", box / "pcb-2.okng", "--activate")[0] == 0
    assert listed(okng) == {"1": "previous", "2": "active"}


def test_a_failed_self_test_keeps_the_active_model(box: Path, okng: Okng):
    """Exit code 2, the image named, no traceback, and the model in use unchanged."""
    okng("trust", "add", box / "server.pub")
    okng("model", "install", box / "pcb-1.okng")
    code, _, said = okng("model", "install", box / "bad-3.okng", "--activate")
    assert code == 2
    assert "golden/good-1.png" in said
    assert "Traceback" not in said
    assert listed(okng) == {"1": "active", "3": ""}


def test_verify_tells_without_installing(box: Path, okng: Okng):
    """A package is checked on this box's device and the store stays empty."""
    okng("trust", "add", box / "server.pub")
    code, said, _ = okng("model", "verify", box / "pcb-1.okng", "--json")
    told = json.loads(said)
    assert (code, told["name"], [golden["kind"] for golden in told["golden"]]) == (
        0,
        "pcb",
        ["good", "defective"],
    )
    assert okng("model", "verify", box / "pcb-1.okng")[0] == 0
    assert okng("model", "verify", box / "bad-3.okng")[0] == 2
    assert listed(okng) == {}


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"\x89PNG\r\n"])
def test_a_file_that_is_no_package_is_told(box: Path, okng: Okng, content: bytes | None):
    """Missing, empty, cut and foreign files: exit code 2, what and what to do, no traceback."""
    file = box / "broken.okng"
    if content is not None:
        file.write_bytes(content)
    for verb in ("install", "verify"):
        code, _, said = okng("model", verb, file)
        assert code == 2
        assert "->" in said
        assert "Traceback" not in said


def test_a_key_file_that_is_none_is_told(box: Path, okng: Okng):
    """A package given as a key, or a missing file, is refused in words."""
    for file in (box / "pcb-1.okng", box / "none.pub"):
        code, _, said = okng("trust", "add", file)
        assert code == 2
        assert str(file) in said


def test_chinese_is_spoken_where_asked(box: Path, okng: Okng, monkeypatch: pytest.MonkeyPatch):
    """With OKNG_LANG=zh messages and remedies are Chinese."""
    monkeypatch.setenv("OKNG_LANG", "zh")
    assert "模型" in okng("model", "install", box / "none.okng")[2]


def test_the_configuration_names_the_folders(box: Path, okng: Okng, monkeypatch: pytest.MonkeyPatch):
    """Without --data-dir the store and the trusted keys are where the configuration says."""
    monkeypatch.delenv("OKNG_DATA_DIR")
    config = box / "edge.yaml"
    config.write_text(
        "station: {id: s1, data_dir: data}\ncamera: {kind: simulated}\n"
        "inference: {devices: [CPU]}\nmodels: {store_dir: elsewhere}\n"
    )
    assert okng("trust", "add", box / "server.pub", "--config", config)[0] == 0
    assert okng("model", "install", box / "pcb-1.okng", "--config", config)[0] == 0
    assert (box / "elsewhere/pcb/1/package.okng").exists()
    assert [file.suffix for file in (box / "data/trust").iterdir()] == [".pem"]


@pytest.mark.usefixtures("box")
def test_as_a_process():
    """The real command exits with 2 and prints what and what to do on stderr, nothing on stdout."""
    ended = subprocess.run(
        [sys.executable, "-m", "edge_service", "model", "activate", "pcb", "9"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[0] == "okng-edge: model pcb 9 is not installed"
    assert "Traceback" not in ended.stderr


def test_a_simulated_stations_folder_is_understood(box: Path, okng: Okng):
    """In the data folder of ``run --sim`` the verbs use that station's own configuration."""
    (box / "data").mkdir()
    (box / "data/sim.yaml").write_text(
        f"station: {{id: sim, data_dir: '{box / 'data'}'}}\ncamera: {{kind: simulated}}\n"
        "models: {store_dir: elsewhere}\n"
    )
    assert okng("trust", "add", box / "server.pub")[0] == 0
    assert okng("model", "install", box / "pcb-1.okng")[0] == 0
    assert (box / "data/elsewhere/pcb/1/package.okng").exists()
