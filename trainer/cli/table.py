"""Lists of facts on a terminal: a table for people, JSON for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

_WIDE = 500


def tell(answer: Any, *, as_json: bool, columns: Mapping[str, str], none: str) -> None:
    """Print ``answer`` (a list of facts), with ``columns`` as key -> heading; ``none`` when it is empty."""
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    if not answer:
        print(none)
        return
    table = Table(box=None, pad_edge=False)
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for fact in answer:
        table.add_row(*(_cell(_deep(fact, key.split("."))) for key in columns))
    console = Console(soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDE  # a file or a pipe: one line a fact
    console.print(table)


def tell_done(done: Mapping[str, Any], told: str, *, as_json: bool) -> None:
    """Print what was done: the sentence ``told`` for people, the facts ``done`` for programs."""
    print(json.dumps(done, ensure_ascii=False, indent=2) if as_json else told)


def tell_whole(fact: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one fact with all it has, a line for each value."""
    if as_json:
        print(json.dumps(fact, ensure_ascii=False, indent=2))
        return
    for name, value in _lines(fact):
        shown = moment(value) if name.endswith("_at") and isinstance(value, float) else _cell(value)
        print(f"{name:<28} {shown}")


def ago(seconds: float | None) -> str:
    """Return a time span for people."""
    if seconds is None:
        return "-"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def moment(unix_s: float | None) -> str:
    """Return a time for people, in this machine's zone."""
    if unix_s is None:
        return "-"
    return datetime.fromtimestamp(unix_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _deep(fact: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        fact = fact.get(key) if isinstance(fact, Mapping) else None
    return fact


def _lines(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value within with its dotted name; what is empty has no line."""
    match value:
        case Mapping():
            inner = list(value.items())
        case list():
            inner = list(enumerate(value))
        case None | "":
            return
        case _:
            yield name, value
            return
    for key, each in inner:
        yield from _lines(each, f"{name}.{key}" if name else str(key))


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "+" if value else ""
        case float():
            return f"{value:.4g}"
        case _:
            return str(value)
