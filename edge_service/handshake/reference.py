"""``docs/reference/handshake.md``: the machine's tables, drawn from what the code steps through."""

from collections.abc import Iterator
from typing import Any

from edge_service.handshake.command import COMMAND_TABLE
from edge_service.handshake.parts import PART_TABLE
from edge_service.handshake.results import RESULT_TABLE
from edge_service.handshake.table import Table

_HEAD = """\
# The handshake's states

<!-- Made by `okng-edge registers --page handshake`; do not edit. -->

Three small machines make the conversation: one for each part in flight, one for the result that the PLC
sees, one for the command. The tables below are the ones the code steps through; a pair that is not there
cannot happen.

握手由三个小状态机组成：每个在途工件一个、PLC 所见的结果一个、命令一个。
下列表格即代码所用的转移表；表中没有的组合不会发生。
"""


def markdown() -> str:
    """Return the page."""
    tables: tuple[Table[Any, Any], ...] = (PART_TABLE, RESULT_TABLE, COMMAND_TABLE)
    return "\n".join([_HEAD, *("\n".join(_section(table)) + "\n" for table in tables)])


def _section(table: Table[Any, Any]) -> Iterator[str]:
    yield f"\n## {table.title}\n"
    yield from (f"- **{state.name}**: {state.value}" for state in type(table.start))
    yield f"\n```mermaid\n{table.mermaid()}\n```"
