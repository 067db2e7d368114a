"""The committed reference pages are what the code generates."""

from pathlib import Path

import pytest

from edge_service.cli.registers import Form, Page, render
from tests.support import server_api

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("page", list(Page))
def test_committed_page_is_the_generated_one(page: Page):
    """docs/reference/PAGE.md equals `okng-edge registers --page PAGE`, byte for byte."""
    committed = (REFERENCE / f"{page}.md").read_text(encoding="utf-8")
    assert committed == render(Form.MD, page), f"run: okng-edge registers --page {page}"


def test_tag_list_counts_addresses_three_ways():
    """The CSV gives raw, five-digit and six-digit addresses that agree."""
    lines = render(Form.CSV, Page.REGISTERS).splitlines()
    verdict = next(line for line in lines if line.startswith("Result.Verdict,")).split(",")
    assert verdict[1:9] == ["UINT", "read", "1013", "41014", "401014", "13", "30014", "300014"]
    ready = next(line for line in lines if line.startswith("Status.ResultsValid,")).split(",")
    assert ready[9:13] == ["11", "", "11", "1"]


def test_the_servers_page_is_the_generated_one():
    """docs/reference/server-api.md equals what the routes say; enrolling and health alone are for anyone."""
    committed = server_api.PAGE.read_text(encoding="utf-8")
    assert committed == server_api.page(), "run: python -m tests.support.server_api"
    assert [line.split("`")[1] for line in committed.splitlines() if "| anyone |" in line] == [
        "POST /api/v1/edge/enrol",
        "GET /api/v1/health",
    ]
