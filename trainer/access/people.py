"""People and their roles. The first start makes a local admin, whose token lies in a file on the server.

A role includes those before it: a **viewer** looks, an **engineer** trains and assigns models, an **admin**
lets boxes and people in.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, insert, select, update

from edge_service.language import say
from trainer.access.tokens import hashed, new_token
from trainer.db import Database, insert_new
from trainer.db.tables import people
from trainer.errors import Refusal, RequestError

LOCAL_ADMIN = "local-admin"


class Role(StrEnum):
    """What a person may do, in ascending order."""

    VIEWER = "viewer"
    ENGINEER = "engineer"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Tell whether this role may do what ``other`` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token."""

    name: str
    role: Role


class People:
    """The people that this server knows."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def add(self, name: str, role: Role) -> str:
        """Let somebody in and return their token, shown this once. Raises RequestError CONFLICT."""
        token = new_token("okngp")
        row = {"name": name, "role": role.value, "token_sha256": hashed(token), "made_at": self._clock()}
        with self._database.change() as connection:
            if not insert_new(connection, people, row):
                raise RequestError(
                    Refusal.CONFLICT,
                    say(f"there is somebody named {name} already", f"已存在名为 {name} 的人员"),
                    remedy=say("choose another name, or remove that one", "请换一个名称，或先删除该人员"),
                )
        return token

    def keep_admin(self, token: str) -> None:
        """Make ``token`` the local admin's, whatever it was before."""
        facts = {"role": Role.ADMIN.value, "token_sha256": hashed(token)}
        with self._database.change() as connection:
            done = connection.execute(update(people).where(people.c.name == LOCAL_ADMIN).values(**facts))
            if done.rowcount == 0:
                row = {"name": LOCAL_ADMIN, "made_at": self._clock(), **facts}
                connection.execute(insert(people).values(**row))

    def remove(self, name: str) -> None:
        """Let somebody in no more. Raises RequestError NOT_FOUND."""
        with self._database.change() as connection:
            if connection.execute(delete(people).where(people.c.name == name)).rowcount == 0:
                raise RequestError(
                    Refusal.NOT_FOUND, say(f"nobody is named {name}", f"没有名为 {name} 的人员")
                )

    def all(self) -> list[Person]:
        """Return everybody by name."""
        query = select(people.c.name, people.c.role).order_by(people.c.name)
        with self._database.read() as connection:
            return [Person(name, Role(role)) for name, role in connection.execute(query)]

    def who(self, token: str) -> Person:
        """Return whose token this is. Raises RequestError UNAUTHORISED."""
        query = select(people.c.name, people.c.role).where(people.c.token_sha256 == hashed(token))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise RequestError(
                Refusal.UNAUTHORISED,
                say("this token is not known here", "本服务器不认识该令牌"),
                remedy=say(
                    "ask an admin for one (okng-trainer people add NAME)",
                    "请向管理员索取（okng-trainer people add 名称）",
                ),
            )
        return Person(row.name, Role(row.role))
