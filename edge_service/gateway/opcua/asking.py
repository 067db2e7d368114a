"""Asking the core on behalf of a user: the way every method and every write goes.

The core decides; here its answer becomes what OPC UA says. ``Error`` of a method is 0 or the negative code::

    error, data = await core.error("start_job", {"serial": "A1"}, identity)   # (0, {"job": "line-1-12-7"})
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from edge_service.domain.codes import Code
from edge_service.errors import LinkError, NotOwnerError, OkngError, RefusedError
from edge_service.gateway.opcua.identity import Identity
from edge_service.link import Answer, Role

SOON_S = 0.5
LONG_S = 125.0  # a golden test or a new model takes its time; the core ends it by itself
_LONGEST_SERIAL = 40

Ask = Callable[[str, Mapping[str, Any], Role, float], Awaitable[Answer]]
"""Name of the command, its arguments, the user's role, seconds to wait. Raises LinkError."""


class Core:
    """The core, at the other end of the link."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def error(
        self, name: str, arguments: Mapping[str, Any], identity: Identity, timeout_s: float = SOON_S
    ) -> tuple[int, Mapping[str, Any]]:
        """Have something done; return 0 or the negative code, and what came with it."""
        try:
            answer = await self._ask(name, arguments, identity.role, timeout_s)
        except LinkError as error:
            return -error.code, {}
        return -answer.code, answer.data

    async def write(self, values: dict[str, Any], identity: Identity) -> None:
        """Write signals of the command block as one write. Raises OkngError."""
        arguments = {"values": values, "writer": writer(identity)}
        answer = await self._ask("write_command", arguments, identity.role, SOON_S)
        if answer.code:
            raise _refused(answer)

    async def past(self, kind: str, most: int, known: Callable[[Any], bool]) -> list[Mapping[str, Any]]:
        """Return results from before, ``inspections`` or ``records``, the oldest first.

        At most ``most``, and those alone that are younger than the youngest ``known`` one; fewer where the
        core does not say more.
        """
        found: list[Mapping[str, Any]] = []
        asked = 0
        with contextlib.suppress(LinkError, TimeoutError):
            async with asyncio.timeout(SOON_S):
                while len(found) < most:
                    arguments = {"kind": kind, "skip": asked}
                    answer = await self._ask("past_results", arguments, Role.OBSERVER, SOON_S)
                    page = answer.data.get("items", ())
                    new = [item for item in page if not known(item)]
                    found += new
                    asked += len(page)
                    if not page or len(new) < len(page):
                        break
        return found[:most][::-1]

    async def heard(self, identity: Identity) -> None:
        """Say that a writer is still there. Raises LinkError."""
        await self._ask("heard", {"writer": writer(identity)}, identity.role, SOON_S)


def writer(identity: Identity) -> str:
    """Return the name under which a user owns the command block."""
    return f"opcua:{identity.name or 'anonymous'}"


def _refused(answer: Answer) -> OkngError:
    if answer.code == NotOwnerError.code:
        return NotOwnerError(answer.what, remedy=answer.remedy)
    if answer.code == Code.CORE_AWAY:
        return LinkError(answer.what, remedy=answer.remedy)
    return RefusedError(answer.code, answer.what, remedy=answer.remedy)


def fits_serial(serial: str | None) -> bool:
    """Whether a serial can be a part's: 40 characters of Latin-1 at most."""
    try:
        return len((serial or "").encode("latin-1")) <= _LONGEST_SERIAL
    except UnicodeEncodeError:
        return False
