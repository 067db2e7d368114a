"""The gateway's pages, without a core behind them."""

from dataclasses import dataclass

import httpx

from edge_service.gateway.status import status_app
from edge_service.gateway.view import CoreView
from edge_service.link import Event, Snapshot


@dataclass
class Link:
    """A connection that is away when the test says so."""

    away: bool = False


def seen_from(view: CoreView, host: str = "127.0.0.1") -> httpx.AsyncClient:
    """Return a client of the application."""
    transport = httpx.ASGITransport(app=status_app(view, host))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


def heard(link: Link) -> CoreView:
    """Return a view that heard of one part."""
    view = CoreView(link=link)
    view.hear(Snapshot({"station": "line-1", "signals": {}, "last": None}))
    view.hear(Event("inspection", {"verdict": "OK"}))
    view.hear(Event("frame", {"counter": 5}, b"\xff\xd8frame"))
    view.hear(Event("heat_map", {"counter": 5}, b"\xff\xd8heat"))
    view.hear(Event("of a later version", {}))
    return view


async def test_what_the_core_said_is_shown() -> None:
    """Status as JSON, pictures as JPEG, nothing of it kept by caches."""
    async with seen_from(heard(Link())) as client:
        status = await client.get("/api/status")
        assert status.json()["last"] == {"verdict": "OK"}
        assert status.headers["cache-control"] == "no-store"
        frame = await client.get("/api/last-frame.jpg")
        assert (frame.content, frame.headers["x-counter"]) == (b"\xff\xd8frame", "5")
        assert (await client.get("/api/last-heatmap.jpg")).content == b"\xff\xd8heat"


async def test_an_absent_core_makes_everything_unavailable() -> None:
    """503 with cause and remedy, for the pictures as well: never a last good OK."""
    link = Link()
    async with seen_from(heard(link)) as client:
        link.away = True
        for path in ("/api/status", "/api/last-frame.jpg", "/api/last-heatmap.jpg"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert answer.json()["code"] == 601
            assert answer.json()["remedy"]
        assert (await client.get("/")).status_code == 200  # the page itself says that the core is away


async def test_before_the_first_snapshot_nothing_is_known() -> None:
    """A fresh gateway has no status to show, connected or not."""
    async with seen_from(CoreView(link=Link())) as client:
        assert (await client.get("/api/status")).status_code == 503


async def test_a_new_snapshot_voids_the_old_pictures() -> None:
    """After the core's restart the last part of its former life is gone."""
    view = heard(Link())
    view.hear(Snapshot({"station": "line-1", "signals": {}, "last": None}))
    async with seen_from(view) as client:
        assert (await client.get("/api/last-frame.jpg")).status_code == 404


async def test_a_loopback_page_answers_to_no_foreign_name() -> None:
    """A web page that points its own name at 127.0.0.1 gets nothing; another address answers to any name."""
    async with seen_from(heard(Link())) as client:
        assert (await client.get("/api/status", headers={"host": "evil.example"})).status_code == 400
    async with seen_from(heard(Link()), host="192.168.1.5") as client:
        assert (await client.get("/api/status", headers={"host": "line-1.plant"})).status_code == 200


async def test_the_page_is_self_contained() -> None:
    """Page, style and script come from the gateway, and the policy allows nothing else."""
    async with seen_from(heard(Link())) as client:
        for path, kind in (
            ("/", "text/html"),
            ("/status.css", "text/css"),
            ("/status.js", "text/javascript"),
        ):
            answer = await client.get(path)
            assert answer.headers["content-type"].startswith(kind)
            assert answer.headers["content-security-policy"] == "default-src 'self'"


async def test_every_code_is_explained_in_both_languages() -> None:
    """The page needs no table of its own."""
    async with seen_from(heard(Link())) as client:
        codes = (await client.get("/api/codes")).json()
    assert codes["110"]["severity"] == "fault"
    assert codes["110"]["en"]["remedy"].startswith("Install and activate one")
    assert codes["110"]["zh"]["cause"] == "没有可用的模型。"
