"""Packages on their way down: resumed, checked, and what the core's answer makes of them."""

import errno
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_service.contract.messages import ModelAssignment, ModelAssignments, ModelReference
from edge_service.errors import DiskFullError, LinkError
from edge_service.gateway.uplink import fetching
from edge_service.gateway.uplink.courier import Courier
from edge_service.gateway.uplink.fetching import fetch
from edge_service.gateway.uplink.ledger import FILE, Deliveries
from edge_service.gateway.uplink.trouble import AwayError, NonsenseError
from edge_service.link import Answer, Role
from edge_service.model_store.store import incoming

DATA = bytes(range(256)) * 40


def assignment(data: bytes = DATA, *, recipe: int = 1, version: str = "1") -> ModelAssignment:
    """Return the wish for a package of these bytes."""
    sha256 = hashlib.sha256(data).hexdigest()
    model = ModelReference(name="pcb", version=version, digest="0" * 64)
    return ModelAssignment(
        recipe=recipe, model=model, package_sha256=sha256, size_bytes=len(data), url="/p", key_id="k"
    )


class Server:
    """Gives ``data`` piece by piece; breaks off after ``cut`` bytes where that is set."""

    def __init__(self, data: bytes = DATA, wish: ModelAssignment | None = None) -> None:
        self.data, self.cut = data, len(data)
        self.wish = wish or assignment()
        self.offsets: list[int] = []
        self.knows_ranges = True

    @asynccontextmanager
    async def package(self, _: str, __: int, offset: int) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Open at ``offset``, or at 0."""
        self.offsets.append(offset)
        begin = offset if self.knows_ranges else 0
        yield begin, self._pieces(begin)

    async def _pieces(self, begin: int) -> AsyncIterator[bytes]:
        for start in range(begin, min(len(self.data), self.cut), 1000):
            yield self.data[start : min(start + 1000, self.cut)]

    async def models(self, etag: str) -> ModelAssignments | None:
        """Want the one package."""
        tag = self.wish.package_sha256[:8]
        return None if etag == tag else ModelAssignments(station="s", etag=tag, assignments=(self.wish,))


async def test_a_broken_download_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    """The second try asks for the rest alone, and the whole has the right bytes."""
    server = Server()
    server.cut = 4321
    with pytest.raises(AwayError):
        await fetch(server, assignment(), tmp_path)  # type: ignore[arg-type]
    server.cut = len(DATA)
    path = await fetch(server, assignment(), tmp_path)  # type: ignore[arg-type]
    assert server.offsets == [0, 4321]
    assert path.read_bytes() == DATA
    assert not path.with_suffix(".part").exists()


async def test_a_server_without_ranges_begins_anew(tmp_path: Path) -> None:
    """What was there is overwritten, not added to."""
    server = Server()
    server.cut = 4321
    with pytest.raises(AwayError):
        await fetch(server, assignment(), tmp_path)  # type: ignore[arg-type]
    server.cut, server.knows_ranges = len(DATA), False
    assert (await fetch(server, assignment(), tmp_path)).read_bytes() == DATA  # type: ignore[arg-type]


async def test_other_bytes_are_thrown_away(tmp_path: Path) -> None:
    """Right in size, wrong in content: nothing is staged, and the next try begins at 0."""
    server = Server(DATA[::-1])
    for _ in range(2):
        with pytest.raises(NonsenseError):
            await fetch(server, assignment(), tmp_path)  # type: ignore[arg-type]
    assert server.offsets == [0, 0]
    assert not list(incoming(tmp_path, "0" * 64).parent.iterdir())


async def test_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room for the next piece: DiskFullError with what to do, and what is there stays for later."""

    def full(_part: Path, _size: int) -> int:
        raise fetching.translated(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), _part)

    monkeypatch.setattr(fetching, "_prepare", full)
    with pytest.raises(DiskFullError, match="no room"):
        await fetch(Server(), assignment(), tmp_path)  # type: ignore[arg-type]


class Core:
    """Answers ``take_model`` with the code it is told."""

    def __init__(self) -> None:
        self.code = 0
        self.asked: list[str] = []

    async def command(
        self, name: str, arguments: Mapping[str, Any], role: Role, timeout_s: float = 5.0
    ) -> Answer:
        """Note it and answer."""
        assert (name, role) == ("take_model", Role.ENGINEER)
        assert timeout_s > 60
        self.asked.append(str(arguments["sha256"]))
        return Answer(1, self.code, what="because" if self.code else "")


def courier(folder: Path, core: Core, boot_id: int | None = 1) -> Courier:
    """Return a courier as after a restart of the gateway."""
    return Courier(core, lambda: boot_id, folder, Deliveries(folder), activate=True)


async def test_a_model_is_given_to_the_core_once(tmp_path: Path) -> None:
    """Not again at the next look, nor after a restart of the gateway; again once another was assigned."""
    core, server = Core(), Server()
    one = courier(tmp_path, core)
    await one.turn(server)  # type: ignore[arg-type]
    await one.turn(server)  # type: ignore[arg-type]
    await courier(tmp_path, core).turn(server)  # type: ignore[arg-type]
    assert len(core.asked) == 1
    other = Server(DATA[::-1], assignment(DATA[::-1], version="2"))
    await courier(tmp_path, core).turn(other)  # type: ignore[arg-type]
    await courier(tmp_path, core).turn(server)  # type: ignore[arg-type]
    assert [asked == server.wish.package_sha256 for asked in core.asked] == [True, False, True]


async def test_a_refusal_stands_until_the_core_starts_anew(tmp_path: Path) -> None:
    """111 is final for this core; the next one (keys may have changed) looks once more."""
    core, server = Core(), Server()
    core.code = 111
    for _ in range(2):
        await courier(tmp_path, core).turn(server)  # type: ignore[arg-type]
    assert len(core.asked) == 1
    (settled,) = Deliveries(tmp_path).all()
    assert (settled.state, settled.code, settled.reason) == ("refused", 111, "because")
    await courier(tmp_path, core, boot_id=2).turn(server)  # type: ignore[arg-type]
    assert len(core.asked) == 2


@pytest.mark.parametrize("code", [215, 123, 501])
async def test_what_may_go_better_later_is_tried_again(tmp_path: Path, code: int) -> None:
    """A command that runs, a time-out, a full disk: not settled, and nothing is fetched twice."""
    core, server = Core(), Server()
    core.code = code
    with pytest.raises(LinkError):
        await courier(tmp_path, core).turn(server)  # type: ignore[arg-type]
    core.code = 0
    await courier(tmp_path, core).turn(server)  # type: ignore[arg-type]
    assert (len(core.asked), server.offsets) == (2, [0])


async def test_without_a_core_nothing_is_fetched(tmp_path: Path) -> None:
    """The core decides; until it is there, a package would only lie about."""
    core, server = Core(), Server()
    await courier(tmp_path, core, boot_id=None).turn(server)  # type: ignore[arg-type]
    assert (core.asked, server.offsets) == ([], [])


def test_a_damaged_ledger_counts_as_empty(tmp_path: Path) -> None:
    """Then the package is looked at once more, which does no harm."""
    (tmp_path / FILE).write_bytes(b"{]")
    assert Deliveries(tmp_path).of(1) is None
