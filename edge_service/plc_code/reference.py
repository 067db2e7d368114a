"""``docs/reference/function-block.md``: the block's variables, steps and codes, from its own tables."""

from collections.abc import Iterable, Iterator

from edge_service.plc_code.block import INPUTS, OUTPUTS
from edge_service.plc_code.declaration import Variable
from edge_service.plc_code.steps import ALWAYS, MEANINGS, STEPS, Fault, Move

_HEAD = """\
# FB_OKNG

<!-- Made by `okng-edge registers --page function-block`; do not edit. -->

The function block that drives the handshake in sequence mode, one part at a time, in IEC 61131-3 Structured
Text: `okng-edge registers --format st > okng.st` prints it with its types, `FB_OKNG_INFO` (statistics and
station), an example program and a configuration. Your Modbus client fills `FromStation` and writes
`ToStation`, cyclically, each in one request. Call the block in every cycle.

本功能块以序号模式、一次一件驱动握手，语言为 IEC 61131-3 结构化文本。由您的 Modbus 客户端循环填充
`FromStation`、写出 `ToStation`，各用一次请求。每个周期都要调用本功能块。

```
Inspection(Enable := TRUE, Trigger := PartSensor, FromStation := WordsIn);
Gate := Inspection.Done AND Inspection.Ok;      (* nothing else lets a part pass *)
WordsOut := Inspection.ToStation;
```

- **Only `Done` with `Ok` lets a part pass.** `Ok` is FALSE from `Trigger` until this part's record says OK.
- **`Trigger` while `Ready` is FALSE is a part without inspection**: `Missed`, `Done` without `Ok`, code 6. It
  is not made up for later.
- **After a fault the block starts over by itself** (ZEROS): nothing has to be reset. Late results are thrown
  away.
- **A restart of the PLC** begins at OFF, and so does the block: open parts of before are thrown away. A bit
  that is TRUE at the start must be seen FALSE before it counts.
- **A restart of the station** (BOOT_ID): the open part is not OK, code 5; numbers go on.
- `AnswerTime` and `SettleTime` must be longer than two exchanges of the words: over RTU take T#2s and T#1s
  (`--line rtu` does so in the example).
- The example's words lie at `%IW100`-`%IW219` and `%QW100`-`%QW135`, where soft PLCs of the OpenPLC kind put
  the first Modbus device: read 120 input registers from 0, write 36 holding registers to 0. It inspects by
  itself (`Rehearsal`) until a sensor is wired.
- `Compact` for slow serial lines: only words 0-15 are read and 0-4 written. Then serial, recipe, commands and
  the second INSPECTION_ID are not there, and not checked.
- The station keeps `word_order: ABCD`. While `Enable` is FALSE `ToStation` holds zeros: stop the client's
  writes when another master takes over.
"""


def markdown() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_inputs_outputs(), *_steps(), *_codes()]) + "\n"


def _inputs_outputs() -> Iterator[str]:
    for title, declared in (("Inputs / 输入", INPUTS), ("Outputs / 输出", OUTPUTS)):
        yield f"## {title}\n"
        yield "| Name | Type | Default | Meaning | 含义 |"
        yield "| --- | --- | --- | --- | --- |"
        yield from (_row(variable) for variable in declared)
        yield ""


def _row(variable: Variable) -> str:
    cells = (f"`{variable.name}`", variable.kind, variable.initial, variable.en, variable.zh)
    return "| " + " | ".join(cells) + " |"


def _steps() -> Iterator[str]:
    yield "## Steps / 步\n"
    yield "| State | Step | | |"
    yield "| --- | --- | --- | --- |"
    yield from (f"| {step.number} | {step.name} | {step.en} | {step.zh} |" for step in STEPS)
    yield "\n```mermaid\nstateDiagram-v2"
    yield "    [*] --> OFF"
    for step in STEPS:
        yield from _arrows(step.name, step.moves)
    yield "```\n"
    yield "From every step / 任意步：\n"
    yield from (f"- to {move.to}: {move.en} / {move.zh}" for move in ALWAYS)
    yield ""


def _arrows(name: str, moves: Iterable[Move]) -> Iterator[str]:
    for move in moves:
        yield f"    {name} --> {move.to}: {move.en.replace(':', ',')}"


def _codes() -> Iterator[str]:
    yield "## Codes below 100 / 小于 100 的代码\n"
    yield "In `Code`, `NotReadyCode` and `CommandResult`; 100 and up are [the station's](codes.md).\n"
    yield "| Code | Meaning | 含义 |"
    yield "| --- | --- | --- |"
    for reason in Fault:
        en, zh = MEANINGS[reason]
        yield f"| {reason.value} | {en} | {zh} |"
