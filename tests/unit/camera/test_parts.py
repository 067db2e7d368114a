"""Which simulated part comes next: the stream, and the plan in a file."""

from pathlib import Path

import pytest

from edge_service.camera.parts import Parts, read_plan, write_plan
from edge_service.errors import ConfigurationError
from edge_service.simulation import PlannedPart, defect_kinds, schedule


def test_same_seed_same_parts_and_other_seed_other_parts():
    """A demo can be repeated part for part."""
    first, again, other = Parts(1, 0.5), Parts(1, 0.5), Parts(2, 0.5)
    stream = [first.next("pcb") for _ in range(50)]
    assert stream == [again.next("pcb") for _ in range(50)]
    assert not {part.seed for part in stream} & {other.next("pcb").seed for _ in range(50)}


def test_share_of_defects_and_every_kind_in_turn():
    """The share is kept, and no kind of defect comes twice before each came once."""
    parts = Parts(3, 0.3)
    defects = [part.defect for part in (parts.next("crate") for _ in range(400)) if part.defect]
    kinds = defect_kinds("crate")
    assert 0.2 < len(defects) / 400 < 0.4
    assert defects[: 2 * len(kinds)] == list(kinds) * 2


def test_no_share_no_defect():
    """By default every part is good."""
    parts = Parts(1)
    assert {parts.next("pcb").defect for _ in range(100)} == {None}


def test_a_plan_is_shown_in_order_product_by_product(tmp_path: Path):
    """What the demo wrote is what comes by, and the plan begins again after its last part."""
    plan = {"pcb": schedule("pcb", seed=1, good=2, defective=2), "crate": (PlannedPart("crate", 7, "dirt"),)}
    write_plan(tmp_path / "plan.json", plan)
    parts = Parts(1, 0.0, read_plan(tmp_path / "plan.json"))
    assert [parts.next("pcb") for _ in range(2)] == list(plan["pcb"][:2])
    assert parts.next("crate").defect == "dirt"
    assert [parts.next("pcb") for _ in range(3)] == [*plan["pcb"][2:], plan["pcb"][0]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        '{"pcb": [{}]}',
        '{"pcb": [3]}',
        '{"pcb": [{"seed": -1}]}',
        '{"pcb": [{"seed": 1, "defect": "rust"}]}',
        '{"cake": [{"seed": 1}]}',
        "[" * 100_000,
    ],
)
def test_a_broken_plan_is_a_configuration_error(tmp_path: Path, text: str):
    """Whatever is wrong with the file, the message names it and shows what to write."""
    file = tmp_path / "plan.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"plan\.json cannot be used") as caught:
        read_plan(file)
    assert '"seed": 1' in caught.value.remedy


def test_a_missing_plan_is_a_configuration_error(tmp_path: Path):
    """A plan that is not there stops the start, not the first part."""
    with pytest.raises(ConfigurationError, match="cannot be used"):
        read_plan(tmp_path / "plan.json")
