"""``okng-edge registers``: the PLC interface for people and for a PLC's import."""

from enum import StrEnum
from typing import Annotated

import typer

from edge_service.language import say

HELP = say(
    "Print what a PLC programmer needs, made from the station's own tables: the register map (`md` to read, "
    "`csv` a tag list to import), the function block `FB_OKNG` with an example (`st`, IEC 61131-3 Structured "
    "Text), or another page of the reference.\n\n"
    "Examples: `okng-edge registers --format st > okng.st`, `okng-edge registers --format csv > tags.csv`, "
    "`okng-edge registers --page codes`",
    "打印 PLC 编程所需的内容，均由工位自身的表生成：寄存器表（`md` 阅读，`csv` 标签表导入）、"
    "功能块 `FB_OKNG` 及示例（`st`，IEC 61131-3 结构化文本），或参考手册的其他页。\n\n"
    "示例：`okng-edge registers --format st > okng.st`，`okng-edge registers --format csv > tags.csv`，"
    "`okng-edge registers --page codes`",
)


class Form(StrEnum):
    """What the output is for."""

    MD = "md"
    CSV = "csv"
    ST = "st"


class Page(StrEnum):
    """Which part of the reference."""

    REGISTERS = "registers"
    CODES = "codes"
    HANDSHAKE = "handshake"
    FUNCTION_BLOCK = "function-block"
    OPC_UA = "opc-ua"


class Over(StrEnum):
    """What the words travel over."""

    TCP = "tcp"
    RTU = "rtu"


def registers(
    form: Annotated[
        Form,
        typer.Option(
            "--format",
            help=say("md to read, csv tag list, st function block", "md 用于阅读，csv 标签表，st 功能块"),
        ),
    ] = Form.MD,
    page: Annotated[Page, typer.Option(help=say("with md: which page", "配合 md：哪一页"))] = Page.REGISTERS,
    line: Annotated[
        Over, typer.Option(help=say("with st: times for this line", "配合 st：按此线路设定时限"))
    ] = Over.TCP,
) -> None:
    """Print a page of the reference, made from the station's own tables."""
    if form is not Form.MD and page is not Page.REGISTERS:
        raise typer.BadParameter(say(f"{page} comes as md only", f"{page} 只有 md 形式"))
    print(render(form, page, line), end="")


def render(form: Form, page: Page, line: Over = Over.TCP) -> str:
    """Return the page's text."""
    from edge_service.domain import code_reference
    from edge_service.fieldbus import reference as register_reference
    from edge_service.handshake import reference as handshake_reference
    from edge_service.plc_code import reference as block_reference
    from edge_service.plc_code.example import Line
    from edge_service.plc_code.structured_text import structured_text

    pages = {
        Page.REGISTERS: register_reference.markdown,
        Page.CODES: code_reference.markdown,
        Page.HANDSHAKE: handshake_reference.markdown,
        Page.FUNCTION_BLOCK: block_reference.markdown,
    }
    if page is Page.OPC_UA:
        from edge_service.gateway.opcua import reference as opcua_reference

        return opcua_reference.markdown()
    if form is Form.ST:
        return structured_text(Line(line))
    return register_reference.tag_list() if form is Form.CSV else pages[page]()
