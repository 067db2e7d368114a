"""The history of ``PLC/Result``: the last records that the PLC was shown, read by time (OPC UA part 11).

A record is kept whole, so that the same place in each tag's history belongs to the same part. A server that
starts asks the core for the last of them. Nothing is held for a client between two requests: a continuation
point is the number of the record it was given last.
Overflow rule: the oldest record goes.
"""

import struct
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asyncua import ua
from asyncua.ua import uaprotocol_auto  # what is decoded is of these classes, not of those in ``ua``

MOST_NODES = 50  # in one request
MOST_VALUES = 2_000  # in one answer
_POINT = struct.Struct("<Q")
_NOWHEN = datetime(1601, 1, 2, tzinfo=UTC)  # before it: the client gave no time


@dataclass(frozen=True, slots=True)
class _Record:
    number: int
    inspection_id: int
    at: datetime
    values: Mapping[ua.NodeId, ua.DataValue]


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of time: without ``start`` or with it after ``end`` it is read backwards."""

    start: datetime | None
    end: datetime | None

    @property
    def is_backward(self) -> bool:
        """Whether the newest comes first."""
        return self.start is None or (self.end is not None and self.end < self.start)

    def holds(self, at: datetime) -> bool:
        """Whether a time lies in it: its start does, its end does not, unless it is the start."""
        start, end = self.start, self.end
        if start is not None and start == end:
            return at == start
        if self.is_backward:
            newest, oldest = (end, None) if start is None else (start, end)
            return (newest is None or at <= newest) and (oldest is None or at > oldest)
        return (start is None or at >= start) and (end is None or at < end)


class History:
    """The last ``kept`` records."""

    def __init__(self, kept: int) -> None:
        self._records: deque[_Record] = deque(maxlen=kept)
        self._count = 0
        self._nodes: frozenset[ua.NodeId] = frozenset()

    def have(self, nodes: Iterator[ua.NodeId]) -> None:
        """Say which variables have a history."""
        self._nodes = frozenset(nodes)

    def knows(self, inspection_id: int) -> bool:
        """Whether the record of that inspection is kept."""
        return any(record.inspection_id == inspection_id for record in self._records)

    def keep(self, inspection_id: int, at: datetime, values: Mapping[ua.NodeId, ua.DataValue]) -> None:
        """Keep one record, once."""
        if not self.knows(inspection_id):
            self._count += 1
            self._records.append(_Record(self._count, inspection_id, at, values))

    def read(self, request: Any) -> list[ua.HistoryReadResult]:
        """Answer a HistoryRead request; each node has a status of its own."""
        if request.ReleaseContinuationPoints:
            return [ua.HistoryReadResult() for _ in request.NodesToRead]
        details = request.HistoryReadDetails
        is_raw = isinstance(details, uaprotocol_auto.ReadRawModifiedDetails) and not details.IsReadModified
        share = max(1, MOST_VALUES // len(request.NodesToRead))
        results = []
        for node in request.NodesToRead:
            if not is_raw or node.NodeId not in self._nodes:
                results.append(_bad(ua.StatusCodes.BadHistoryOperationUnsupported))
            elif node.IndexRange:
                results.append(_bad(ua.StatusCodes.BadIndexRangeNoData))
            else:
                results.append(self._raw(details, node, share))
        return results

    def _raw(self, details: Any, node: Any, share: int) -> ua.HistoryReadResult:
        span, wanted = _Span(_time(details.StartTime), _time(details.EndTime)), details.NumValuesPerNode
        is_closed = span.start is not None and span.end is not None
        if not is_closed and (not wanted or span.start is span.end):
            return _bad(ua.StatusCodes.BadHistoryOperationInvalid)
        after = node.ContinuationPoint
        if after and len(after) != _POINT.size:
            return _bad(ua.StatusCodes.BadContinuationPointInvalid)
        found = self._found(span, _POINT.unpack(after)[0] if after else None)
        most = min(wanted or share, share)
        result, data = ua.HistoryReadResult(), ua.HistoryData()
        data.DataValues = [record.values[node.NodeId] for record in found[:most]]
        result.HistoryData = data
        if not data.DataValues:
            result.StatusCode = ua.StatusCode(ua.StatusCodes.GoodNoData)
        if len(found) > most and (is_closed or most < wanted):
            result.ContinuationPoint = _POINT.pack(found[most - 1].number)
        return result

    def _found(self, span: _Span, after: int | None) -> list[_Record]:
        step = -1 if span.is_backward else 1
        records = reversed(self._records) if span.is_backward else iter(self._records)
        return [
            record
            for record in records
            if span.holds(record.at) and (after is None or (record.number - after) * step > 0)
        ]


def _time(given: datetime | None) -> datetime | None:
    if given is None:
        return None
    at = given if given.tzinfo else given.replace(tzinfo=UTC)
    return at if at >= _NOWHEN else None


def _bad(status: int) -> ua.HistoryReadResult:
    result = ua.HistoryReadResult()
    result.StatusCode = ua.StatusCode(status)
    return result
