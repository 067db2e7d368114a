"""``okng-edge registers``: the PLC interface for people and for a PLC's import."""

from enum import StrEnum
from typing import Annotated

import typer

from edge_service.language import say

HELP = say(
    "Print the register map (Markdown or a CSV tag list), the codes, or the handshake's states.",
    "打印寄存器表（Markdown 或 CSV 标签表）、代码表或握手状态。",
)


class Form(StrEnum):
    """What the output is for."""

    MD = "md"
    CSV = "csv"


class Page(StrEnum):
    """Which part of the reference."""

    REGISTERS = "registers"
    CODES = "codes"
    HANDSHAKE = "handshake"


def registers(
    form: Annotated[
        Form, typer.Option("--format", help=say("md to read, csv to import", "md 用于阅读，csv 用于导入"))
    ] = Form.MD,
    page: Annotated[
        Page, typer.Option(help=say("what to print (csv: registers only)", "打印内容（csv 仅限寄存器表）"))
    ] = Page.REGISTERS,
) -> None:
    """Print a page of the reference, made from the station's own tables."""
    if form is Form.CSV and page is not Page.REGISTERS:
        raise typer.BadParameter(say("only the registers come as csv", "只有寄存器表有 csv 形式"))
    print(render(form, page), end="")


def render(form: Form, page: Page) -> str:
    """Return the page's text."""
    from edge_service.domain import code_reference
    from edge_service.fieldbus import reference as register_reference
    from edge_service.handshake import reference as handshake_reference

    pages = {
        Page.REGISTERS: register_reference.markdown,
        Page.CODES: code_reference.markdown,
        Page.HANDSHAKE: handshake_reference.markdown,
    }
    return register_reference.tag_list() if form is Form.CSV else pages[page]()
