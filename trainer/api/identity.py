"""Who is asking: ``Authorization: Bearer TOKEN``, a box's or a person's."""

from typing import Annotated

from fastapi import Depends, Request

from edge_service.language import say
from trainer.access import Person, Role
from trainer.api.rooms import Here
from trainer.errors import Refusal, RequestError


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RequestError(
            Refusal.UNAUTHORISED,
            say("no token was shown", "未提供令牌"),
            remedy=say(
                "send the header Authorization: Bearer TOKEN", "请发送 Authorization: Bearer TOKEN 头"
            ),
        )
    return token.strip()


def _station(request: Request, rooms: Here) -> str:
    return rooms.boxes.station(_token(request))


class _Person:
    """Asks for somebody with a role."""

    def __init__(self, role: Role) -> None:
        self._role = role

    def __call__(self, request: Request, rooms: Here) -> Person:
        person = rooms.people.who(_token(request))
        if not person.role.includes(self._role):
            raise RequestError(
                Refusal.FORBIDDEN,
                say(
                    f"{person.name} is {person.role}; this needs {self._role}",
                    f"{person.name} 的角色是 {person.role}，此操作需要 {self._role}",
                ),
                remedy=say("ask an admin", "请联系管理员"),
            )
        return person


Station = Annotated[str, Depends(_station)]
"""The box that asks, as a handler's parameter."""
Viewer = Annotated[Person, Depends(_Person(Role.VIEWER))]
Engineer = Annotated[Person, Depends(_Person(Role.ENGINEER))]
Admin = Annotated[Person, Depends(_Person(Role.ADMIN))]
