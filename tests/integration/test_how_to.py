"""What the how-tos for PLC programmers say is what the station does."""

import asyncio
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymodbus.client import AsyncModbusTcpClient

from edge_service.domain.signals import BY_NAME
from tests.support.machine_station import MachineStation
from tests.support.served_station import serving

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = DOCS / "how-to"


async def test_the_steps_by_hand():
    """The table of modbus-tcp.md, done literally, inspects parts one after the other."""
    station = MachineStation(inference_s=0.02)
    async with serving(station) as (host, port):
        client = AsyncModbusTcpClient(host, port=port)
        await client.connect()
        words = [0] * 36

        async def write(**registers: int) -> None:
            for name, value in registers.items():
                words[int(name.removeprefix("hr"))] = value
            await client.write_registers(0, words)

        async def until(holds: Callable[[list[int]], bool]) -> list[int]:
            async with asyncio.timeout(5):
                while not holds(ir := (await client.read_input_registers(0, count=120)).registers):
                    pass
            return ir

        await write()
        await until(lambda ir: not ir[0] & 1 and not ir[0] >> 8 & 1)
        await write(hr1=0x0080)
        await write(hr1=0)
        await until(lambda ir: not ir[0] >> 11 & 1)
        await write(hr0=0x0025)
        for _ in range(3):
            before = await until(lambda ir: bool(ir[0] & 1))
            sequence = before[4] % 65535 + 1
            await write(hr16=0x4142, hr2=sequence)
            await until(lambda ir, sequence=sequence: ir[4] == sequence)
            record = await until(
                lambda ir, sequence=sequence: (
                    bool(ir[0] >> 11 & 1) and ir[10] == ir[63] and ir[11] == sequence
                )
            )
            assert (record[3], record[13], record[42]) == (before[3], 1, 0x4142)
            await write(hr3=record[10])
            await until(lambda ir, shown=record[10]: not ir[0] >> 11 & 1 or ir[10] != shown)
        client.close()
    assert [published.trigger.sequence for published in station.published] == [1, 2, 3]


def test_numbers_named_in_the_pages_are_the_tables():
    """The registers that modbus-tcp.md names by number carry the signals it means."""
    wanted = {
        "Status.BootId": 3,
        "Status.TriggerSeqAck": 4,
        "Status.TriggerSeqRejected": 5,
        "Status.ErrorCode": 9,
        "Result.InspectionId": 10,
        "Result.TriggerSeq": 11,
        "Result.Verdict": 13,
        "Result.InspectionIdEnd": 63,
        "Station.WarningCode": 89,
        "Station.RejectReason": 93,
        "Station.MapVersion": 96,
        "Command.TriggerSeq": 2,
        "Command.ResultAckId": 3,
        "Command.PlcHeartbeat": 4,
        "Command.ExpectedRecipe": 7,
        "Command.PartSerial": 16,
    }
    assert {name: BY_NAME[name].address for name in wanted} == wanted


async def test_the_frames_of_omron_md():
    """The bytes written there are answered with as many bytes as it says."""
    text = (HOW_TO / "omron.md").read_text("utf-8")
    read, write = (
        bytes.fromhex(re.search(rf"^{name} +((?:[0-9A-F]{{2}} +)+)", text, re.MULTILINE)[1])
        for name in ("read", "write")
    )
    async with serving(MachineStation()) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(read)
        answer = await reader.readexactly(9 + 240)
        assert answer[:9] == bytes.fromhex("0001 0000 00f3 01 04 f0")
        writer.write(write + bytes(72))
        assert (await reader.readexactly(12))[6:] == bytes.fromhex("01 10 0000 0024")
        writer.close()
        await writer.wait_closed()


async def test_the_functions_of_node_red_md(require_program: Callable[[str], str]):
    """Both function nodes, run by node: the one triggers, the other reads the result."""
    node = require_program("node")
    watch, trigger = re.findall(r"```js\n(.*?)```", (HOW_TO / "node-red.md").read_text("utf-8"), re.DOTALL)
    kept: dict[str, Any] = {}

    def run(code: str, payload: Any) -> Any:
        return _node(node, code, payload, kept)

    async with serving(MachineStation()) as (host, port):
        client = AsyncModbusTcpClient(host, port=port)
        await client.connect()
        for payload in ({"start": True}, {}):
            request = await asyncio.to_thread(run, trigger, payload)
            assert (request["fc"], request["quantity"], len(request["value"])) == (16, 36, 36)
            await client.write_registers(request["address"], request["value"])
        words = [0] * 120
        while not words[0] >> 11 & 1:
            words = (await client.read_input_registers(0, count=120)).registers
        seen = await asyncio.to_thread(run, watch, words)
        assert (seen["id"], seen["sequence"], seen["ok"], seen["threshold"], seen["total"]) == (
            1,
            1,
            True,
            0.5,
            1,
        )
        assert await asyncio.to_thread(run, watch, words) is None, "the same result is told once"
        client.close()


def _node(node: str, code: str, payload: Any, kept: dict[str, Any]) -> Any:
    """Run a function node's body as Node-RED does; ``kept`` is its context. Return msg.payload, or None."""
    script = f"""
        const kept = {json.dumps(kept)};
        const context = {{ get: name => kept[name], set: (name, value) => {{ kept[name] = value; }} }};
        const body = new Function("msg", "context", {json.dumps(code)});
        const found = body({{ payload: {json.dumps(payload)} }}, context);
        console.log(JSON.stringify({{ kept, payload: found && found.payload }}));
    """
    told = subprocess.run([node, "-e", script], capture_output=True, check=True, timeout=30)
    answer = json.loads(told.stdout)
    kept.update(answer["kept"])
    return answer["payload"]
