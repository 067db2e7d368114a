"""The golden-sample test: when it falls due, what a wrong answer does, and who may lift it."""

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from edge_service.core.golden import GoldenTest
from edge_service.core.golden_record import TOGETHER_S, GoldenRecord, Schedule
from edge_service.errors import InferenceError, SelfTestError
from edge_service.handshake.health import Health, OfflineReason
from edge_service.handshake.machine import Machine
from edge_service.handshake.settings import HandshakeSettings
from edge_service.station import Equipment
from tests.support.fakes import MODEL, THRESHOLD, FakeCamera, FakeEngine, FakeOutfitter

NOON = datetime(2026, 3, 4, 12, 0).timestamp()  # noqa: DTZ001 - by the clock on the wall


class Station:
    """What the test tells the station, and its camera."""

    def __init__(self) -> None:
        self.camera = FakeCamera()
        self.machine = SimpleNamespace(settings=SimpleNamespace(exposure_timeout_s=1.0))
        self.noted: dict[str, bool] = {}
        self.equipment: Equipment | None = None

    def note_golden_test(self, **noted: bool) -> None:
        """Remember it."""
        self.noted = noted


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    """A golden test with a fake station and a clock that stands at noon."""
    clock = SimpleNamespace(now=NOON)
    outfitter, station = FakeOutfitter(), Station()
    record = GoldenRecord(tmp_path)
    golden = GoldenTest(record, outfitter, clock=lambda: clock.now)
    golden.station = station  # type: ignore[assignment]
    engine = FakeEngine()
    recipe = SimpleNamespace(number=1, threshold=None)
    equipment = Equipment(recipe, MODEL, engine, THRESHOLD)  # type: ignore[arg-type]
    return SimpleNamespace(**{k: v for k, v in locals().items() if k != "tmp_path"}, folder=tmp_path)


def machine_of(**condition: bool) -> Machine:
    """Return a machine that is ready but for this condition."""
    machine = Machine(HandshakeSettings(), boot_id=1, first_inspection_id=1)
    machine.observe(Health(starting=False, model=MODEL, recipe=1, **condition), 0.0)
    return machine


def store(folder: Path, kind: str, name: str = "1.png") -> None:
    """Keep a picture as a golden sample of recipe 1."""
    (folder / "golden" / "1" / kind).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "golden" / "1" / kind / name), np.zeros((8, 8, 3), np.uint8))


async def test_right_answers_pass(bench: Any):
    """The model's own images and the station's good and bad one are judged; the time is kept."""
    store(bench.folder, "good")
    store(bench.folder, "bad")
    bench.engine.scores = [0.2, 3.0]
    await bench.golden(bench.equipment, 0)
    assert bench.outfitter.asked == ["golden"]
    assert bench.station.noted == {"due": False, "failed": False}
    assert GoldenRecord(bench.folder).record.passed_at == NOON


@pytest.mark.parametrize(("kind", "score"), [("good", 3.0), ("bad", 0.2)])
async def test_a_wrong_answer_interlocks_until_a_test_is_passed(bench: Any, kind: str, score: float):
    """A good sample judged NG, or a bad one judged OK, stops the line, also across a restart."""
    store(bench.folder, kind)
    bench.engine.scores = [score]
    with pytest.raises(SelfTestError, match=r"1\.png"):
        await bench.golden(bench.equipment, 0)
    assert bench.station.noted["failed"]
    assert "1.png" in GoldenRecord(bench.folder).blocks(NOON + 1e6)
    bench.engine.scores = [THRESHOLD - 0.5 if kind == "good" else THRESHOLD + 1.0]
    await bench.golden(bench.equipment, 0)
    assert bench.station.noted == {"due": False, "failed": False}


async def test_no_answer_is_a_wrong_answer(bench: Any):
    """A model that fails on a golden sample has not passed."""
    store(bench.folder, "good")
    bench.engine.fault = InferenceError("the device is gone")
    with pytest.raises(SelfTestError, match="the device is gone"):
        await bench.golden(bench.equipment, 0)
    assert bench.station.noted["failed"]


async def test_a_sample_that_is_no_picture_fails_the_test(bench: Any):
    """A damaged file proves nothing."""
    store(bench.folder, "bad")
    (bench.folder / "golden/1/bad/1.png").write_bytes(b"no picture")
    with pytest.raises(SelfTestError, match="no picture"):
        await bench.golden(bench.equipment, 0)


async def test_the_two_parts_may_be_shown_to_the_camera(bench: Any):
    """A good part judged OK and a bad one judged NG soon after are a passed test; one alone is not."""
    bench.engine.scores = [0.2, 3.0]
    await bench.golden(bench.equipment, 1)
    assert bench.record.record.passed_at == 0.0
    bench.clock.now += TOGETHER_S - 1
    await bench.golden(bench.equipment, 2)
    assert bench.record.record.passed_at == bench.clock.now


async def test_parts_shown_too_far_apart_do_not_make_a_test(bench: Any):
    """The good part of the early shift and the bad part of the late one prove nothing together."""
    bench.engine.scores = [0.2, 3.0]
    await bench.golden(bench.equipment, 1)
    bench.clock.now += TOGETHER_S + 1
    await bench.golden(bench.equipment, 2)
    assert bench.record.record.passed_at == 0.0


async def test_an_engineer_overrides_and_it_is_kept_who_and_why(bench: Any):
    """The interlock goes; the record says on whose word."""
    store(bench.folder, "good")
    bench.engine.scores = [3.0]
    with pytest.raises(SelfTestError):
        await bench.golden(bench.equipment, 0)
    bench.golden.override("mueller", "sample is scratched, new one ordered")
    assert bench.station.noted == {"due": False, "failed": False}
    assert bench.golden.state()["overridden_by"] == "mueller: sample is scratched, new one ordered"


def test_it_falls_due_at_the_start_of_a_shift_and_blocks_after_the_grace(tmp_path: Path):
    """Passed in the last shift is not passed in this one."""
    record = GoldenRecord(tmp_path, Schedule(at=("06:00", "12:00"), grace_s=600.0))
    record.passed(NOON - 60)
    assert not record.due(NOON - 1)
    assert record.due(NOON)
    assert record.blocks(NOON + 599) == ""
    assert "in time" in record.blocks(NOON + 600)
    record.passed(NOON + 700)
    assert not record.due(NOON + 5 * 3600)
    assert record.due(NOON + 18 * 3600)


def test_it_falls_due_so_many_hours_after_the_last_and_at_the_start(tmp_path: Path):
    """Every so often; and where it is asked for, whenever the station starts."""
    hourly = GoldenRecord(tmp_path / "a", Schedule(every_s=3600.0))
    assert hourly.due(NOON)
    hourly.passed(NOON)
    assert not hourly.due(NOON + 3599)
    assert hourly.due(NOON + 3600)
    starting = GoldenRecord(tmp_path / "b", Schedule(started_at=NOON))
    assert starting.due(NOON + 1)
    starting.passed(NOON + 1)
    assert not starting.due(NOON + 1e6)


def test_without_a_schedule_it_is_never_due(tmp_path: Path):
    """A station that nobody asked to test itself does not."""
    assert not GoldenRecord(tmp_path).due(NOON)
    assert GoldenRecord(tmp_path).blocks(NOON) == ""


def test_a_record_that_cannot_be_read_proves_nothing(tmp_path: Path):
    """A damaged record blocks until a test is passed."""
    (tmp_path / "golden.json").write_text("{")
    assert "could not be read" in GoldenRecord(tmp_path).blocks(NOON)


def test_the_machine_takes_no_part_while_the_test_stands_failed():
    """Ready off, reason error, code 404 in ERROR_CODE and as the reject reason; commands go on."""
    machine = machine_of(golden_test_failed=True)
    assert machine.offline_reason is OfflineReason.ERROR
    assert machine.obstacle(from_plc=False) == 404
    assert machine.outputs["Status.ErrorCode"] == 404
    machine = machine_of(golden_test_due=True)
    assert machine.obstacle(from_plc=False) == 0
    assert machine.outputs["Status.GoldenTestDue"] is True
