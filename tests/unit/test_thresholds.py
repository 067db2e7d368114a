"""Thresholds changed at run time: what holds, what ends them, what is kept, and what they would change."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge_service.core.score_book import KEPT, Past, ScoreBook, last_scores, what_would_change
from edge_service.core.thresholds import Thresholds
from edge_service.domain.inspection import Recipe, Verdict
from edge_service.errors import DiskFullError
from edge_service.station import Done, Equipment
from tests.support.disks import FullDisk
from tests.support.fakes import MODEL, FakeEngine
from tests.support.inspected import inspected

RECIPE = Recipe(1, "board", "pcb")


def test_a_change_survives_a_restart_and_can_be_reset(tmp_path: Path):
    """What an engineer set is in force after the next start, too, until it is taken back."""
    Thresholds(tmp_path).set(RECIPE, 0.6, by="mueller", reason="new light")
    again = Thresholds(tmp_path)
    assert again.in_force(RECIPE) == 0.6
    assert again.in_force(replace(RECIPE, number=2)) is None
    again.reset(RECIPE, by="mueller")
    assert Thresholds(tmp_path).in_force(RECIPE) is None


def test_an_edited_configuration_ends_a_change(tmp_path: Path):
    """Who gives the recipe another threshold in the file is obeyed; a file as it was leaves the change."""
    Thresholds(tmp_path).set(replace(RECIPE, threshold=0.5), 0.6, by="plc")
    assert Thresholds(tmp_path).in_force(replace(RECIPE, threshold=0.5)) == 0.6
    assert Thresholds(tmp_path).in_force(replace(RECIPE, threshold=0.55)) == 0.55


def test_the_history_says_who_changed_what_from_what_and_why(tmp_path: Path):
    """Every change of every recipe, oldest first."""
    book = Thresholds(tmp_path)
    book.set(RECIPE, 0.6, by="mueller", reason="new light")
    book.set(replace(RECIPE, number=2), 0.4, by="plc")
    book.reset(RECIPE, by="meier", reason="old light again")
    told = [(each["before"], each["after"], each["by"], each["reason"]) for each in book.history(1)]
    assert told == [(None, 0.6, "mueller", "new light"), (0.6, None, "meier", "old light again")]
    assert len(book.history()) == 3


def test_a_full_disk_leaves_the_old_threshold(tmp_path: Path):
    """What could not be kept is not in force."""
    book = Thresholds(tmp_path, FullDisk())
    with pytest.raises(DiskFullError):
        book.set(RECIPE, 0.6, by="plc")
    assert book.in_force(RECIPE) is None
    assert book.history() == []


def test_a_damaged_file_means_the_configuration(tmp_path: Path):
    """Half a file changes no verdict."""
    (tmp_path / "thresholds.json").write_text('{"1": {"share"')
    assert Thresholds(tmp_path).in_force(replace(RECIPE, threshold=0.5)) == 0.5


async def test_scores_of_judged_parts_are_remembered_on_the_models_own_scale(tmp_path: Path):
    """OK and NG parts of the model in use, in order; samples, errors and other models' parts are not."""
    equipment = Equipment(RECIPE, MODEL, FakeEngine(), model_threshold=2.0)
    book = ScoreBook(tmp_path, lambda: equipment)
    await book(Done(inspected(1, Verdict.OK, score=1.0)))
    await book(Done(inspected(2, Verdict.NG, score=3.0)))
    await book(Done(inspected(3, Verdict.ERROR)))
    await book(Done(inspected(4, Verdict.SAMPLE)))
    await book(Done(replace(inspected(5), model=replace(MODEL, version="0"))))
    book.close()
    found = last_scores(tmp_path, 1, 10)
    assert [(past.score, past.verdict) for past in found] == [(0.25, Verdict.OK), (0.75, Verdict.NG)]
    assert [past.score for past in last_scores(tmp_path, 1, 1)] == [0.75]
    assert last_scores(tmp_path, 2, 10) == last_scores(tmp_path / "nowhere", 1, 10) == []
    assert KEPT > 10_000


def test_what_a_threshold_would_change_is_told_part_by_part():
    """Raised, NG parts below it become OK; lowered, OK parts at or above it become NG."""
    past = [
        Past("a", "pcb 1", 0.2, Verdict.OK),
        Past("b", "pcb 1", 0.4, Verdict.OK),
        Past("c", "pcb 1", 0.55, Verdict.NG),
        Past("d", "pcb 1", 0.9, Verdict.NG),
    ]
    higher, lower, same = (what_would_change(past, share) for share in (0.6, 0.4, 0.5))
    assert [each.id for each in higher.become_ok] == ["c"]
    assert [each.id for each in lower.become_ng] == ["b"]
    assert (lower.ok_now, lower.ok_then, lower.parts) == (2, 1, 4)
    assert (same.become_ok, same.become_ng) == ((), ())
