"""Rules that hold for every test: no task outlives it, and a missing peer program is never silent."""

import asyncio
import functools
import inspect
import os
import shutil
from collections.abc import Awaitable, Callable

import pytest

from tests.support.node_peer import missing_package


def pytest_itemcollected(item: pytest.Item) -> None:
    """Make every asynchronous test fail when it leaves a task of its own running."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        item.obj = _without_leaked_tasks(item.obj)


def _without_leaked_tasks(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def checked(*args: object, **kwargs: object) -> None:
        before = asyncio.all_tasks()
        await test(*args, **kwargs)
        await asyncio.sleep(0)
        leaked = [task for task in asyncio.all_tasks() - before if not task.done()]
        assert not leaked, f"tasks outlived the test: {[task.get_name() for task in leaked]}"

    return checked


@pytest.fixture
def require_program() -> Callable[[str], str]:
    """Return a function that gives a program's path, or skips; with OKNG_REQUIRE_PEERS=1 it fails."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None and os.environ.get("OKNG_REQUIRE_PEERS") == "1":
            pytest.fail(f"{name} is not installed, and OKNG_REQUIRE_PEERS=1 asks for it")
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path

    return find


@pytest.fixture
def require_node(require_program: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that gives node's path when that npm package is there; else as for a program."""

    def find(package: str) -> str:
        node = require_program("node")
        if problem := missing_package(package):
            (pytest.fail if os.environ.get("OKNG_REQUIRE_PEERS") == "1" else pytest.skip)(problem)
        return node

    return find
