"""The whole file that ``okng-edge registers --format st`` prints."""

from collections.abc import Iterator

from edge_service.language import say
from edge_service.plc_code import words
from edge_service.plc_code.block import function_block
from edge_service.plc_code.declaration import Variable, comment, variables
from edge_service.plc_code.example import Line, configuration, program
from edge_service.plc_code.words import FROM_STATION


def structured_text(line: Line = Line.TCP) -> str:
    """Return types, functions, ``FB_OKNG``, ``FB_OKNG_INFO``, an example program and its configuration."""
    parts = (_head(line), words.types(), words.FUNCTIONS.splitlines(), function_block(), _information())
    return "\n\n".join("\n".join(part) for part in (*parts, program(line), configuration())) + "\n"


def _head(line: Line) -> Iterator[str]:
    yield comment(
        say(
            f"Made by: okng-edge registers --format st --line {line}",
            f"由 okng-edge registers --format st --line {line} 生成",
        )
    )
    for text in (
        say(
            "IEC 61131-3, second edition. Your Modbus client fills FromStation (input registers 0-119)",
            "IEC 61131-3 第二版。由您的 Modbus 客户端填充 FromStation（输入寄存器 0-119）",
        ),
        say(
            "and writes ToStation (holding registers 0-35), cyclically, each in one request.",
            "并写出 ToStation（保持寄存器 0-35），循环进行，各用一次请求。",
        ),
        say(
            "The station keeps its default word_order ABCD. One part at a time; steps and codes:",
            "工位保持默认 word_order ABCD。一次一件；步与代码：",
        ),
        "docs/reference/function-block.md",
    ):
        yield comment(text)


def _information() -> Iterator[str]:
    yield "FUNCTION_BLOCK FB_OKNG_INFO"
    yield "VAR_INPUT"
    yield f"  {FROM_STATION} : OKNG_INPUT_WORDS;"
    yield "END_VAR"
    yield from variables("VAR_OUTPUT", _OUTPUTS)
    yield from (f"  {line}" for line in words.decode("Statistics", "Statistics"))
    yield from (f"  {line}" for line in words.decode("Station", "Station"))
    yield "END_FUNCTION_BLOCK"


_OUTPUTS = (
    Variable("Statistics", "OKNG_STATISTICS", "", ""),
    Variable("Station", "OKNG_STATION", "", ""),
)
