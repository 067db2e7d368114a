"""What an engineer does at the command line: thresholds, golden test, pins, revoked keys, a memory stick."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge_service.cli import main
from edge_service.contract.keys import new_signing_key
from edge_service.contract.model_package import build_package, read_package
from edge_service.contract.trust import TrustStore
from edge_service.core.golden_record import GoldenRecord
from edge_service.core.score_book import ScoreBook
from edge_service.domain.inspection import Verdict
from edge_service.errors import PackageError, SignatureError
from edge_service.inference.engine import OpenVinoEngine
from edge_service.model_store.self_test import self_test
from edge_service.station import Done, Equipment
from tests.support.fakes import MODEL, FakeEngine
from tests.support.inspected import inspected
from tests.support.process import service
from tests.support.tiny_model import tiny_ir, tiny_package
from tests.support.trust import server_key, signed_package

CONFIG = """
station: {id: s1, data_dir: data}
camera: {kind: simulated}
recipes: [{number: 1, name: board, model: pcb}]
inference: {devices: [CPU], threads: 1}
modbus: {tcp: {host: 127.0.0.1, port: 0}}
gateway: {http: {port: 0}}
"""


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A station's folder that trusts the server; its file is where the verbs look."""
    (tmp_path / "edge.yaml").write_text(CONFIG)
    monkeypatch.setenv("OKNG_CONFIG", str(tmp_path / "edge.yaml"))
    TrustStore(tmp_path / "data/trust").add(server_key().public)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run okng-edge; return exit code and what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out + told.err


def test_a_memory_stick_of_packages_is_installed(station: Path, capsys: pytest.CaptureFixture[str]):
    """Every package in the folder that verifies; one that does not is named, and the exit code says so."""
    stick = station / "stick"
    stick.mkdir()
    (stick / "pcb-1.okng").write_bytes(signed_package())
    (stick / "pcb-2.okng").write_bytes(signed_package(version="2")[:-100])
    (stick / "pcb-3.okng").write_bytes(signed_package(version="3"))
    code, told = run(capsys, "model", "install", str(stick))
    assert code == 2
    assert "installed: pcb 1" in told
    assert "pcb-2.okng" in told
    assert "installed: pcb 3" in told
    (station / "empty").mkdir()
    assert run(capsys, "model", "install", str(station / "empty"))[0] == 2


def test_a_pinned_model_is_shown_kept_and_let_go(station: Path, capsys: pytest.CaptureFixture[str]):
    """Pin, refuse, unpin, change; the history tells all of it."""
    for version in ("1", "2"):
        (station / "p.okng").write_bytes(signed_package(version=version))
        run(capsys, "model", "install", str(station / "p.okng"))
    run(capsys, "model", "pin", "pcb")
    code, told = run(capsys, "model", "activate", "pcb", "2")
    assert code == 2
    assert "pinned to version 1" in told
    run(capsys, "model", "unpin", "pcb")
    assert run(capsys, "model", "activate", "pcb", "2")[0] == 0
    told = run(capsys, "model", "history", "pcb")[1]
    events = [line.split()[1] for line in told.splitlines()]
    assert events == ["installed", "activated", "installed", "pinned", "unpinned", "activated"]


def test_measuring_records_the_fastest_variant(station: Path, capsys: pytest.CaptureFixture[str]):
    """Each variant's time is shown, and the one chosen is in the store."""
    (station / "p.okng").write_bytes(signed_package())
    run(capsys, "model", "install", str(station / "p.okng"))
    found = json.loads(run(capsys, "model", "measure", "pcb", "--json")[1])
    assert found["chosen"] in [trial["variant"] for trial in found["tried"]]
    assert (station / "data/models/pcb/1/.choice.json").exists()


def test_a_revoked_key_signs_nothing_any_more(station: Path, capsys: pytest.CaptureFixture[str]):
    """Neither installing nor loading; trusting it again does not help, and the message says revoked."""
    (station / "p.okng").write_bytes(signed_package())
    run(capsys, "model", "install", str(station / "p.okng"))
    key = server_key().public
    assert run(capsys, "trust", "revoke", key.key_id)[0] == 0
    TrustStore(station / "data/trust").add(key)
    with pytest.raises(SignatureError, match="revoked"):
        read_package(signed_package(), TrustStore(station / "data/trust").load())
    told = run(capsys, "model", "list", "--json")[1]
    assert "revoked" in json.loads(told)[0]["problem"]
    assert run(capsys, "trust", "revoke", "../../x")[0] == 2


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_fail_the_self_test(value: float):
    """A package signed and whole whose weights hold NaN or infinity judges no part."""
    xml, weights = tiny_ir()
    spoilt = bytearray(weights)
    constants = np.frombuffer(spoilt, np.float32, count=len(spoilt) // 4)
    constants[np.isclose(constants, 255.0)] = value
    data = build_package(*tiny_package(ir=(xml, bytes(spoilt))), key := new_signing_key())
    store = TrustStore(Path("/nonexistent")).load()
    package = read_package(data, type(store).of(key.public))
    with pytest.raises(PackageError, match="golden"):
        OpenVinoEngine.load(
            package.graph().xml,
            package.graph().weights,
            devices=("CPU",),
            examine=lambda device: self_test(package, device),
        )


async def _remember(folder: Path) -> None:
    equipment = Equipment(None, MODEL, FakeEngine(), 1.0)  # type: ignore[arg-type]  # no recipe is needed
    book = ScoreBook(folder, lambda: equipment)
    for number, score in enumerate((0.4, 0.9, 1.1, 3.0), start=1):
        verdict = Verdict.OK if score < 1.0 else Verdict.NG
        await book(Done(inspected(number, verdict, score=score)))
    book.close()


async def test_a_threshold_is_previewed_and_remembered(station: Path, capsys: pytest.CaptureFixture[str]):
    """What would change is told before; set without a running station it holds from the next start."""
    await _remember(station / "data")
    found = json.loads(run(capsys, "threshold", "preview", "1", "0.6", "--json")[1])
    assert [part["id"] for part in found["become_ok"]] == ["line-1-1-3"]
    assert (found["parts"], found["ok_now"], found["ok_then"]) == (4, 2, 3)


def test_a_running_station_takes_a_threshold_and_an_override(
    station: Path, capsys: pytest.CaptureFixture[str]
):
    """Through the socket: the threshold is in force at once, the interlock is lifted with name and reason."""
    (station / "p.okng").write_bytes(signed_package())
    run(capsys, "model", "install", str(station / "p.okng"))
    GoldenRecord(station / "data").failed(1.0, "good-1.png should be OK, and is NG")
    with service(station, "core", "--config", "edge.yaml") as core:
        core.logged("started")
        assert "good-1.png" in run(capsys, "golden", "status")[1]
        assert run(capsys, "golden", "override", "--reason", "")[0] == 2
        assert run(capsys, "golden", "override", "--reason", "new sample ordered")[0] == 0
        core.ready()
        assert run(capsys, "golden", "test")[0] == 0
        code, told = run(capsys, "threshold", "set", "1", "0.7", "--yes", "--reason", "new light")
        assert code == 0, told
        assert core.logged("recipe_active", 2)["threshold"] == pytest.approx(0.14)
        core.stop()
    history = json.loads(run(capsys, "threshold", "history", "--json")[1])
    assert (history["after"], history["reason"]) == (0.7, "new light")
    assert run(capsys, "threshold", "reset", "1")[0] == 0
    assert json.loads(run(capsys, "threshold", "list", "--json")[1])[0]["threshold"] is None
