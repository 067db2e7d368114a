"""Makes docs/reference/server-api.md from the training server's own routes.

Run: ``python -m tests.support.server_api > docs/reference/server-api.md``.
"""

from pathlib import Path

from fastapi.routing import APIRoute

from trainer.api import about, datasets, edge, edges, jobs, models, people, results
from trainer.api.identity import _Person, _station

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "server-api.md"
ROOMS = (edge, edges, datasets, jobs, models, results, people, about)

HEAD = """\
# API of the training server

Made from the server's routes (`python -m tests.support.server_api`). A running server describes itself in
full at `/openapi.json`.

Whoever asks shows a token: `Authorization: Bearer TOKEN`. A *box* gets its own by enrolling, people get
theirs by `okng-trainer people add`; an *engineer* may do what a *viewer* may, an *admin* what an engineer
may. JSON goes in and comes out where nothing else is said. A refusal is an `ErrorAnswer`: what is wrong, and
what to do. The messages of boxes are in `edge_service/contract/`; what stands behind them, in
[Box and server](../explanation/box-and-server.md).
"""


def page() -> str:
    """Return the whole page."""
    sections = [HEAD]
    for room in ROOMS:
        routes = [route for route in room.router.routes if isinstance(route, APIRoute)]
        lines = [f"\n## {room.__name__.rpartition('.')[2]}\n", "| | who | |", "|---|---|---|"]
        lines += [_row(route) for route in routes]
        sections.append("\n".join(lines) + "\n")
    return "".join(sections)


def _row(route: APIRoute) -> str:
    (method,) = route.methods
    what = " ".join(route.description.split()).replace("|", "\\|").replace("``", "`")
    return f"| `{method} {route.path}`{_asked(route)} | {_who(route)} | {what} |"


def _asked(route: APIRoute) -> str:
    """Return the names of the query and of the body's fields."""
    told = []
    for place, params in (("query", route.dependant.query_params), ("body", route.dependant.body_params)):
        names: list[str] = []
        for param in params:
            names += getattr(param.field_info.annotation, "model_fields", [param.alias])
        if names:
            told.append(f"{place} {', '.join(f'`{name}`' for name in names)}")
    return "".join(f"<br>{each}" for each in told)


def _who(route: APIRoute) -> str:
    for needed in route.dependant.dependencies:
        if isinstance(needed.call, _Person):
            return needed.call._role.value
        if needed.call is _station:
            return "box"
    return "anyone"


if __name__ == "__main__":
    print(page(), end="")
