"""The how-to on configuration: its examples load, its message is the real one."""

import re
from pathlib import Path

import pytest

from edge_service.config import parse
from edge_service.errors import ConfigurationError

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "how-to" / "configure.md").read_text("utf-8")
STATION_FILES = [
    (page.name, text)
    for page in sorted(DOCS.rglob("*.md"))
    for text in re.findall(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    if text.startswith("station:")
]


@pytest.mark.parametrize(("page", "text"), STATION_FILES)
def test_every_example_loads(page: str, text: str):
    """What a page shows as a configuration is one."""
    assert parse(text.encode(), page, DOCS).station.id


def test_there_are_examples():
    """The examples of the page are found at all, and every kind of camera is among them."""
    kinds = {parse(text.encode(), page, DOCS).camera.kind for page, text in STATION_FILES}
    assert kinds == {"simulated", "folder", "video"}


def test_the_message_shown_is_the_real_one():
    """The broken example gives exactly the message printed under it."""
    found = re.search(r"^```yaml broken\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    with pytest.raises(ConfigurationError) as caught:
        parse(found.group(1).encode(), "edge.yaml", DOCS)
    assert str(caught.value) + "\n" == found.group(2)
