"""What people read: links lead somewhere, both languages say the same, names are those of the code."""

import re
from pathlib import Path

import pytest

from edge_service.domain.signals import BY_NAME
from edge_service.gateway.opcua.reference import markdown

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TRANSLATED = [page for page in PAGES if page.with_name(f"{page.stem}.zh-CN.md") in PAGES]
OPC_UA = sorted((ROOT / "docs" / "how-to" / "opc-ua").glob("*.md"))
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    """Return a page's path in the project."""
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the names under which a page's headings can be reached."""
    text = FENCED.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path):
    """Every relative link names a file that is there, and a heading that it has."""
    for link in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def facts(page: Path) -> set[str]:
    """Return the commands, node ids, keys and menu words that a page names."""
    text = page.read_text("utf-8")
    ours = re.findall(
        r"okng-edge opcua [a-z]+(?: add)?|ns=\d;[is]=[\w.]+|(?:gateway|trigger)\.[\w.]+\w", text
    )
    return {*ours, *re.findall(r"OPC_UA_\w+|\bPLC[./][A-Z][\w./]+\w|Bad_?[A-Z]\w+", text)}


@pytest.mark.parametrize("page", [page for page in TRANSLATED if page in OPC_UA], ids=name_of)
def test_both_languages_name_the_same(page: Path):
    """Commands, node ids, configuration keys and status codes of an OPC UA page stand in both."""
    assert facts(page) == facts(page.with_name(f"{page.stem}.zh-CN.md"))


def test_every_opc_ua_page_is_there_in_both_languages():
    """And leads to nothing else."""
    english = {page.name for page in OPC_UA if ".zh-CN" not in page.name}
    assert {f"{name.removesuffix('.md')}.zh-CN.md" for name in english} == {
        page.name for page in OPC_UA if ".zh-CN" in page.name
    }


@pytest.mark.parametrize("page", OPC_UA, ids=name_of)
def test_opc_ua_pages_name_what_the_server_has(page: Path):
    """Every ``ns=2;s=PLC.`` node is a signal or a method of the reference."""
    methods = set(re.findall(r"`ns=2;s=PLC\.(\w+)`", markdown()))
    assert methods
    for node in re.findall(r"ns=2;s=PLC\.([\w.]+\w)", page.read_text("utf-8")):
        assert node in BY_NAME or node in methods, node
