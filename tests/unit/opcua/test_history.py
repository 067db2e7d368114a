"""The history of the result tags, read as a client reads it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, Node, ua

from edge_service.gateway.opcua import history
from edge_service.link import Event
from tests.support.opcua_bench import OpcUaBench, client_of, station_state

KEPT, SHOWN = 6, 8


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaBench]:
    """A server that was shown eight records and keeps six: 3 to 8, one a little after the other."""
    with OpcUaBench(tmp_path_factory.mktemp("opcua") / "pki", allow_none=True, results=KEPT) as server:
        for number in range(1, SHOWN + 1):
            record = {
                "Result.InspectionId": number,
                "Result.Score": number / 2,
                "Result.InspectionIdEnd": number,
            }
            server.hear(Event("signals", station_state()["signals"] | record))
            server.hear(Event("signals", {"Status.Heartbeat": number}))
        server.hear(Event("signals", {"Result.InspectionId": 0}))
        yield server


def result(client: Client, name: str = "InspectionId") -> Node:
    """Return a tag with a history."""
    return client.get_node(f"ns=2;s=PLC.Result.{name}")


def numbers(values: list[ua.DataValue]) -> list[Any]:
    """Return what they hold."""
    return [value.Value.Value for value in values]


def details(start: datetime | None, end: datetime | None, most: int = 0) -> ua.ReadRawModifiedDetails:
    """Return a request for raw values."""
    wanted = ua.ReadRawModifiedDetails()
    wanted.IsReadModified = wanted.ReturnBounds = False
    wanted.StartTime, wanted.EndTime = start or ua.get_win_epoch(), end or ua.get_win_epoch()
    wanted.NumValuesPerNode = most
    return wanted


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_records_are_read_by_time_in_both_directions(bench: OpcUaBench):
    """The oldest are gone, no record is none, the same place in each tag is the same part."""
    later = datetime.now(UTC) + timedelta(hours=1)
    async with await client_of(bench) as client:
        values = await result(client).read_raw_history(LONG_AGO, later, return_bounds=False)
        assert numbers(values) == [3, 4, 5, 6, 7, 8]
        assert numbers(await result(client, "Score").read_raw_history(LONG_AGO, later)) == [
            number / 2 for number in range(3, 9)
        ]
        fourth, sixth = (values[place].SourceTimestamp for place in (1, 3))
        assert numbers(await result(client).read_raw_history(fourth, sixth)) == [4, 5]
        assert numbers(await result(client).read_raw_history(sixth, fourth)) == [6, 5]
        assert numbers(await result(client).read_raw_history(fourth, None, 2)) == [4, 5]
        assert numbers(await result(client).read_raw_history(None, sixth, 2)) == [6, 5]
        assert numbers(await result(client).read_raw_history(fourth, fourth)) == [4]
        assert await result(client).read_raw_history(LONG_AGO, LONG_AGO + timedelta(days=1)) == []
        assert ua.AccessLevel.HistoryRead in await result(client).get_access_level()


async def test_a_long_answer_comes_in_parts(bench: OpcUaBench, monkeypatch: pytest.MonkeyPatch):
    """By continuation points, in both directions; the server holds nothing between them."""
    monkeypatch.setattr(history, "MOST_VALUES", 4)
    later = datetime.now(UTC) + timedelta(hours=1)
    async with await client_of(bench) as client:
        assert numbers(await result(client).read_raw_history(LONG_AGO, later)) == [3, 4, 5, 6, 7, 8]
        assert numbers(await result(client).read_raw_history(later, LONG_AGO)) == [8, 7, 6, 5, 4, 3]
        first = await result(client).history_read(details(LONG_AGO, later, 5))
        second = await result(client).history_read(details(LONG_AGO, later, 5), first.ContinuationPoint)
        assert (numbers(first.HistoryData.DataValues), numbers(second.HistoryData.DataValues)) == (
            [3, 4, 5, 6],
            [7, 8],
        )
        assert second.ContinuationPoint is None


async def test_a_jump_of_the_clock_loses_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Records keep their order and come once, in parts too, when the second was shown an hour before."""
    with OpcUaBench(tmp_path / "pki", allow_none=True, results=KEPT) as jumping:
        for number, hours in ((1, 0), (2, -1), (3, -1)):

            class Jumped(datetime):
                """The wall clock of another hour."""

                @classmethod
                def now(cls, tz: Any = None, shift: int = hours) -> datetime:
                    """Return it."""
                    return datetime.now(tz) + timedelta(hours=shift)

            monkeypatch.setattr("edge_service.gateway.opcua.server.datetime", Jumped)
            jumping.hear(Event("signals", station_state()["signals"] | {"Result.InspectionId": number}))
        monkeypatch.undo()
        monkeypatch.setattr(history, "MOST_VALUES", 2)
        later = datetime.now(UTC) + timedelta(hours=2)
        async with await client_of(jumping) as client:
            assert numbers(await result(client).read_raw_history(LONG_AGO, later)) == [1, 2, 3]
            an_hour_ago = datetime.now(UTC) - timedelta(minutes=30)
            assert numbers(await result(client).read_raw_history(LONG_AGO, an_hour_ago)) == [2, 3]


async def test_what_has_no_history_says_so(bench: OpcUaBench):
    """Other nodes, other kinds of history, no time at all, a point that is none, too many nodes."""
    later = datetime.now(UTC)
    async with await client_of(bench) as client:

        async def status(node: Node, wanted: Any, point: bytes | None = None) -> str:
            return (await node.history_read(wanted, point)).StatusCode.name

        heartbeat = client.get_node("ns=2;s=PLC.Status.Heartbeat")
        assert await status(heartbeat, details(LONG_AGO, later)) == "BadHistoryOperationUnsupported"
        modified = details(LONG_AGO, later)
        modified.IsReadModified = True
        assert await status(result(client), modified) == "BadHistoryOperationUnsupported"
        assert await status(result(client), ua.ReadAtTimeDetails()) == "BadHistoryOperationUnsupported"
        assert await status(result(client), details(None, None, 5)) == "BadHistoryOperationInvalid"
        assert await status(result(client), details(LONG_AGO, None)) == "BadHistoryOperationInvalid"
        forged = b"of another make"
        assert await status(result(client), details(LONG_AGO, later), forged) == "BadContinuationPointInvalid"
        many = ua.HistoryReadParameters()
        many.HistoryReadDetails = details(LONG_AGO, later)
        many.ReleaseContinuationPoints = False
        many.NodesToRead = [ua.HistoryReadValueId(NodeId=result(client).nodeid)] * (history.MOST_NODES + 1)
        with pytest.raises(ua.uaerrors.BadTooManyOperations):
            await client.uaclient.history_read(many)


async def test_the_past_stays_readable_without_the_core(bench: OpcUaBench):
    """What was shown then was true then; only the present is unknown."""
    bench.away(away=True)
    try:
        async with await client_of(bench) as client:
            values = await result(client).read_raw_history(LONG_AGO, None, 1)
            assert numbers(values) == [3]
            with pytest.raises(ua.uaerrors.BadNoCommunication):
                await result(client).read_value()
    finally:
        bench.away(away=False)
