"""Edge boxes: a one-time code lets one in, its token speaks for it until it is revoked.

::

    code = boxes.new_code("anna")                  # a person reads it to the box
    token = boxes.enrol(request)                   # the box shows it, once
    station = boxes.station(token)                 # every request afterwards
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from edge_service.contract.messages import EnrolmentRequest, HealthReport, read, write
from edge_service.language import say
from trainer.access.tokens import hashed, hashed_code, new_code, new_token
from trainer.db import Database
from trainer.db.tables import edges, enrolment_codes
from trainer.errors import Refusal, RequestError

USUAL_VALIDITY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """A code for one box. ``station`` empty: whichever shows it first."""

    code: str
    station: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Box:
    """A box that was let in, and what it last said of itself."""

    station: str
    enrolled_at: float
    revoked: bool
    software: dict[str, Any]
    health: HealthReport | None
    health_at: float | None
    silent_s: float | None


class Boxes:
    """The boxes that this server knows."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def new_code(
        self, made_by: str, station: str = "", validity_s: float = USUAL_VALIDITY_S
    ) -> EnrolmentCode:
        """Make a code for one box."""
        made = EnrolmentCode(new_code(), station, self._clock() + validity_s)
        row = {"code_sha256": hashed_code(made.code), "station": station or None, "made_by": made_by}
        times = {"made_at": self._clock(), "expires_at": made.expires_at}
        with self._database.change() as connection:
            connection.execute(insert(enrolment_codes).values(**row, **times))
        return made

    def enrol(self, request: EnrolmentRequest) -> str:
        """Use the code up and return the box's token; an older token of the same station is void.

        Raises RequestError WRONG_CODE.
        """
        token = new_token("okng")
        facts = {
            "token_sha256": hashed(token),
            "enrolled_at": self._clock(),
            "software": write(request.software).decode(),
        }
        known = select(edges.c.station).where(edges.c.station == request.station)
        with self._database.change() as connection:
            used = connection.execute(
                delete(enrolment_codes)
                .where(enrolment_codes.c.code_sha256 == hashed_code(request.code))
                .where(enrolment_codes.c.expires_at > self._clock())
                .where(enrolment_codes.c.station.is_(None) | (enrolment_codes.c.station == request.station))
            )
            if used.rowcount != 1:
                raise _wrong_code()
            if connection.execute(known).first() is None:
                connection.execute(insert(edges).values(station=request.station, **facts))
            else:
                connection.execute(update(edges).where(edges.c.station == request.station).values(**facts))
        return token

    def station(self, token: str) -> str:
        """Return whose token this is. Raises RequestError UNAUTHORISED."""
        query = select(edges.c.station).where(edges.c.token_sha256 == hashed(token))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise RequestError(
                Refusal.UNAUTHORISED,
                say(
                    "this token is not known here, or was revoked",
                    "本服务器不认识该令牌，或该令牌已被吊销",
                ),
                remedy=say(
                    "make a code on the server (okng-trainer edges code) and enrol the box again",
                    "请在服务器上生成注册码（okng-trainer edges code），然后重新注册本机",
                ),
            )
        return str(row.station)

    def revoke(self, station: str) -> None:
        """Let the box in no more. Raises RequestError NOT_FOUND."""
        with self._database.change() as connection:
            done = connection.execute(
                update(edges).where(edges.c.station == station).values(token_sha256=None)
            )
            if done.rowcount == 0:
                raise _unknown(station)

    def report(self, health: HealthReport) -> None:
        """Keep what a box says of itself; the report before it is forgotten."""
        facts = {
            "health": write(health).decode(),
            "health_at": self._clock(),
            "software": write(health.software).decode(),
        }
        with self._database.change() as connection:
            connection.execute(update(edges).where(edges.c.station == health.station).values(**facts))

    def all(self) -> list[Box]:
        """Return every box by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(edges).order_by(edges.c.station)).all()
        return [self._box(row) for row in rows]

    def get(self, station: str) -> Box:
        """Return one box. Raises RequestError NOT_FOUND."""
        with self._database.read() as connection:
            row = connection.execute(select(edges).where(edges.c.station == station)).first()
        if row is None:
            raise _unknown(station)
        return self._box(row)

    def _box(self, row: Any) -> Box:
        health = None if row.health is None else read(HealthReport, row.health)
        silent_s = None if row.health_at is None else max(0.0, self._clock() - row.health_at)
        revoked = row.token_sha256 is None
        software = json.loads(row.software)
        return Box(row.station, row.enrolled_at, revoked, software, health, row.health_at, silent_s)


def _wrong_code() -> RequestError:
    return RequestError(
        Refusal.WRONG_CODE,
        say(
            "the code is not known, was used before, has expired, or is for another station",
            "注册码无效、已使用、已过期，或属于其他工位",
        ),
        remedy=say(
            "make a new one on the server: okng-trainer edges code",
            "请在服务器上重新生成：okng-trainer edges code",
        ),
    )


def _unknown(station: str) -> RequestError:
    return RequestError(
        Refusal.NOT_FOUND,
        say(f"no box {station} was enrolled here", f"工位 {station} 未在此注册"),
        remedy=say(
            "okng-trainer edges list shows those that were", "okng-trainer edges list 可查看已注册的工位"
        ),
    )
