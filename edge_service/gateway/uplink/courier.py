"""Brings down the models that the server wants on this box, and has the core take them.

The courier asks with the ETag of what it knows, fetches (``fetching``), and gives the core the word. The core
alone verifies and activates; its refusal is kept (``ledger``) and reported. What may go better later (a
command runs, a full disk, no core) is tried again.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import structlog

from edge_service.contract.archive import LIMITS
from edge_service.contract.messages import ModelAssignment
from edge_service.domain.codes import Code
from edge_service.errors import LinkError
from edge_service.gateway.uplink.fetching import fetch, forget
from edge_service.gateway.uplink.ledger import Deliveries, Settled
from edge_service.gateway.uplink.server import Server
from edge_service.gateway.uplink.trouble import RefusalError
from edge_service.language import say
from edge_service.link import Answer, Role

log = structlog.get_logger()

TAKE_S = 240.0  # a cold compile of a large model on a small GPU, and its golden images
FINAL = frozenset({Code.RECIPE_UNKNOWN, *range(110, 120), Code.INFERENCE})
"""Codes of the core after which the same package would be refused again."""


class Core(Protocol):
    """What the courier needs of the core, through the link."""

    async def command(
        self, name: str, arguments: Mapping[str, Any], role: Role, timeout_s: float = 5.0
    ) -> Answer:
        """Have the core do something. Raises LinkError: it is away."""
        ...


class Courier:
    """``boot_id``: of the core that is there now, None while it is away."""

    def __init__(
        self,
        core: Core,
        boot_id: Callable[[], int | None],
        store_dir: Path,
        deliveries: Deliveries,
        *,
        activate: bool,
    ) -> None:
        self._core, self._boot_id, self._store_dir = core, boot_id, store_dir
        self._deliveries, self._activate = deliveries, activate
        self._etag = ""
        self._wanted: tuple[ModelAssignment, ...] = ()

    async def turn(self, server: Server) -> bool:
        """Look once and settle what is new. Raises OkngError where it has to be tried again."""
        assignments = await server.models(self._etag)
        if assignments is not None:
            self._wanted = assignments.assignments
            self._etag = assignments.etag
        boot_id = self._boot_id()
        if boot_id is None:
            return False
        for assignment in self._wanted:
            settled = await asyncio.to_thread(self._deliveries.of, assignment.recipe)
            if settled is None or not settled.stands(assignment, boot_id):
                await self._deliver(server, assignment, boot_id)
        return False

    async def _deliver(self, server: Server, assignment: ModelAssignment, boot_id: int) -> None:
        if assignment.size_bytes > LIMITS.total_bytes:
            await self._refused(assignment, boot_id, Code.NO_MODEL, f"{assignment.size_bytes} bytes")
            return
        await asyncio.to_thread(forget, self._store_dir, assignment.package_sha256)
        try:
            await fetch(server, assignment, self._store_dir)
        except RefusalError as error:  # assigned, but not to be had: look again later
            raise LinkError(error.what, remedy=error.remedy) from error
        answer = await self._core.command(
            "take_model",
            {"sha256": assignment.package_sha256, "recipe": assignment.recipe, "activate": self._activate},
            Role.ENGINEER,
            TAKE_S,
        )
        if answer.code == 0:
            await self._settle(assignment, boot_id, "activated" if self._activate else "installed")
        elif answer.code in FINAL:
            await self._refused(assignment, boot_id, answer.code, answer.what)
        else:
            raise LinkError(
                say(
                    f"the core cannot take the model now (code {answer.code}): {answer.what}",
                    f"核心进程暂时无法接收模型（代码 {answer.code}）：{answer.what}",
                ),
                remedy=answer.remedy,
            )

    async def _refused(self, assignment: ModelAssignment, boot_id: int, code: int, reason: str) -> None:
        label = f"{assignment.model.name} {assignment.model.version}"
        log.error("model_refused", model=label, recipe=assignment.recipe, code=code, reason=reason)
        await self._settle(assignment, boot_id, "refused", int(code), reason[:500])

    async def _settle(
        self,
        assignment: ModelAssignment,
        boot_id: int,
        state: Literal["activated", "installed", "refused"],
        code: int = 0,
        reason: str = "",
    ) -> None:
        settled = Settled(assignment=assignment, state=state, boot_id=boot_id, code=code, reason=reason)
        await asyncio.to_thread(self._deliveries.settle, settled)
        await asyncio.to_thread(forget, self._store_dir)
