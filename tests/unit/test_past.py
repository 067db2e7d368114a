"""What the core remembers for a gateway that was away."""

from typing import Any

import pytest

from edge_service.core.past import KEPT, PAGE, Past
from edge_service.domain.inspection import Judgement, Trigger, TriggerSource, Verdict
from edge_service.errors import RefusedError
from edge_service.handshake.record import Result, make_record


def record(number: int) -> Any:
    """Return a record with that inspection id."""
    trigger = Trigger(number, TriggerSource.SEQUENCE, 0.0, sequence=number, serial=b"A1\0\0")
    result = Result(number, Judgement(Verdict.NG), 1)
    return make_record(number, trigger, result, exposure_ms=1.0, publish_ms=2.0)


async def ask(past: Past, **arguments: Any) -> list[dict[str, Any]]:
    """Ask as the link does."""
    _, answer = past.handlers["past_results"]
    return list((await answer(arguments))["items"])


async def test_inspections_come_newest_first_a_page_at_a_time() -> None:
    """The oldest are gone, a page beyond the end is empty."""
    past = Past(lambda: 7.0)
    for number in range(KEPT + 5):
        past.inspected({"id": str(number)})
    assert (await ask(past, kind="inspections"))[0] == {"at": 7.0, "id": str(KEPT + 4)}
    seen = [
        item["id"] for skip in range(0, KEPT, PAGE) for item in await ask(past, kind="inspections", skip=skip)
    ]
    assert seen == [str(number) for number in reversed(range(5, KEPT + 5))]
    assert await ask(past, kind="inspections", skip=KEPT) == []


async def test_a_record_is_kept_once_however_long_it_is_shown() -> None:
    """As the PLC could read it, by signal name, when it was first shown."""
    now = 0.0
    past = Past(lambda: now)
    first, second = record(1), record(2)
    for shown in (None, first, first, None, second):
        now += 1.0
        past.shown(shown)
    newest, oldest = await ask(past, kind="records")
    assert (newest["at"], newest["Result.InspectionId"]) == (5.0, 2)
    assert (oldest["at"], oldest["Result.Verdict"], oldest["Result.PartSerial"]) == (2.0, 2, "A1")


@pytest.mark.parametrize(
    "wrong", [{}, {"kind": "all"}, {"kind": "records", "skip": -1}, {"kind": "records", "skip": "x"}]
)
async def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """With code 121."""
    with pytest.raises(RefusedError) as refused:
        await ask(Past(), **wrong)
    assert refused.value.reason == 121
