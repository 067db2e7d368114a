"""The verbs that look at the box and at the camera."""

import asyncio
import json
import socket
from pathlib import Path

import cv2
import pytest

from edge_service.cli import main
from edge_service.domain.inspection import Verdict
from edge_service.simulation.plc import SimulatedPlc
from edge_service.simulation.ready import ready_digests, ready_packages
from tests.support.process import service
from tests.support.station_folder import StationFolder

pytestmark = pytest.mark.timeout(120)


def okng(*arguments: object) -> int:
    """Run the command line in this process; return its exit code."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def doctor(
    folder: StationFolder, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, dict[str, str]]]:
    """Run ``doctor --json``; return exit code and findings by subject."""
    code = okng("doctor", "--json", "--config", folder.config)
    return code, {each["subject"]: each for each in json.loads(capsys.readouterr().out)}


def test_the_doctor_finds_a_sound_station_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing fails; the model's line has measured milliseconds."""
    code, found = doctor(StationFolder(tmp_path), capsys)
    assert code == 0
    assert {each["level"] for each in found.values()} <= {"ok", "warn"}
    assert "median" in found["model pcb"]["what"]
    assert "64 x 64" in found["camera"]["what"]


def test_the_doctor_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Empty camera folder, missing model, taken port: each its own line, each with a remedy."""
    folder = StationFolder(tmp_path, model=False)
    for picture in (tmp_path / "parts").iterdir():
        picture.unlink()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        folder.tree["modbus"]["tcp"]["port"] = taken.getsockname()[1]
        folder.tree["inference"]["devices"] = ["GPU", "CPU"]
        folder.write()
        code, found = doctor(folder, capsys)
    assert code == 1
    levels = {subject: each["level"] for subject, each in found.items()}
    assert (levels["camera"], levels["model pcb"], levels["modbus port"]) == ("fail", "fail", "warn")
    assert all(each["remedy"] for each in found.values() if each["level"] != "ok")


def test_the_doctor_reports_a_broken_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that does not do is the one line of the report."""
    folder = StationFolder(tmp_path)
    folder.config.write_text("nonsense: 1\n")
    code, found = doctor(folder, capsys)
    assert code == 1
    assert found["configuration"]["level"] == "fail"


def test_the_doctor_prints_for_people_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json each finding is a line with its level."""
    assert okng("doctor", "--config", StationFolder(tmp_path).config) == 0
    assert "ok" in capsys.readouterr().out


def test_collect_keeps_frames_of_the_configured_camera(tmp_path: Path) -> None:
    """N PNG files, lossless, in the folder named."""
    folder = StationFolder(tmp_path)
    assert okng("collect", 3, tmp_path / "good", "--config", folder.config) == 0
    kept = sorted((tmp_path / "good").glob("*.png"))
    assert len(kept) == 3
    first, original = cv2.imread(str(kept[0])), cv2.imread(str(tmp_path / "parts" / "1-good.png"))
    assert first is not None
    assert original is not None
    assert (first == original).all()


def test_collect_from_an_empty_folder_is_a_clear_refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, the folder's name and what to do, nothing half-done."""
    folder = StationFolder(tmp_path)
    for picture in (tmp_path / "parts").iterdir():
        picture.unlink()
    assert okng("collect", 3, tmp_path / "good", "--config", folder.config) == 2
    assert "holds no image\n  -> " in capsys.readouterr().err
    assert not (tmp_path / "good").exists()


def test_help_of_every_verb_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` of each verb shows how it is called."""
    for verb in ("run", "core", "gateway", "doctor", "collect", "check-config"):
        assert okng(verb, "--help") == 0
        assert "okng-edge" in capsys.readouterr().out.replace("Usage: okng-edge", "")


def test_the_ready_models_are_the_ones_trusted() -> None:
    """Every package that --sim installs is trusted by digest, and no digest stands for nothing."""
    assert len(ready_packages()) == len(ready_digests()) > 0


def test_a_simulated_station_needs_nothing_else(tmp_path: Path) -> None:
    """``run --sim`` says ready, and tells good rendered parts from defective ones more often than not."""

    async def six_parts(where: tuple[str, int]) -> list[Verdict]:
        async with SimulatedPlc(*where, mode="sequence", result_timeout_s=15.0) as plc:
            return [(await plc.inspect()).verdict for _ in range(6)]

    with service(
        tmp_path, "run", "--sim", "--modbus-port", "0", "--data-dir", str(tmp_path / "sim")
    ) as station:
        verdicts = asyncio.run(six_parts(station.ready()))
        assert set(verdicts) <= {Verdict.OK, Verdict.NG}
        assert Verdict.OK in verdicts
        assert station.stop() == 0
