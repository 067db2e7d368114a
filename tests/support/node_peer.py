"""Runs the Node.js scripts of ``tests/peers``: masters and clients that others wrote.

A script prints one line of JSON a fact and ends with 0; whatever else happens fails the test and shows what
the script said::

    facts = await run_node(node, "jsmodbus_tcp.mjs", host, str(port), "20")
"""

import asyncio
import json
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parents[1] / "peers"


def missing_package(name: str) -> str | None:
    """Return how to get that npm package, None when it is installed."""
    if (PEERS / "node_modules" / name / "package.json").exists():
        return None
    return f"npm package {name} is not installed (cd tests/peers && npm ci --omit=dev)"


async def run_node(node: str, script: str, *arguments: str, timeout_s: float = 60.0) -> list[Any]:
    """Run a script of ``tests/peers`` to its end; return what it printed, a JSON value a line."""
    process = await asyncio.create_subprocess_exec(
        *(node, script, *arguments),
        cwd=PEERS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_s):
            output, errors = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, f"{script}: {process.returncode}\n{output.decode()}{errors.decode()}"
    return [json.loads(line) for line in output.decode().splitlines()]
