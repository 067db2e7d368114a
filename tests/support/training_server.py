"""A real training server for tests: HTTP over loopback, in a thread of the test's process."""

import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import uvicorn

from edge_service.contract import routes
from edge_service.contract.keys import SigningKey
from edge_service.contract.messages import EnrolmentRequest, Software, write
from tests.support.certificates import Pair
from trainer.access import Role
from trainer.api import Rooms, build_app
from trainer.app.serve import furnish
from trainer.config import TrainerConfig, parse
from trainer.storage import open_storage

WAIT_S = 30.0


class TrainingServer:
    """A running server: ``url``, its rooms, and clients for boxes and people."""

    def __init__(self, url: str, rooms: Rooms, key: SigningKey, config: TrainerConfig) -> None:
        self.url, self.rooms, self.key, self.config = url, rooms, key, config
        self._clients: list[httpx.Client] = []

    def client(self, token: str = "") -> httpx.Client:
        """Return a client that shows ``token``."""
        head = {"Authorization": f"Bearer {token}"} if token else {}
        made = httpx.Client(base_url=self.url, headers=head, timeout=WAIT_S, trust_env=False)
        self._clients.append(made)
        return made

    def box(self, station: str = "line-3") -> httpx.Client:
        """Enrol a box as a box does, and return its client."""
        code = self.rooms.boxes.new_code("test").code
        request = EnrolmentRequest(code=code, station=station, software=Software(okng="0.1.0"))
        answer = self.client().post(routes.ENROL, content=write(request))
        assert answer.status_code == 200, answer.text
        return self.client(answer.json()["token"])

    def person(self, role: Role = Role.ADMIN, name: str = "") -> httpx.Client:
        """Let somebody in and return their client."""
        return self.client(self.rooms.people.add(name or f"{role}-{time.monotonic_ns()}", role))

    def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            client.close()


@contextlib.contextmanager
def training_server(
    folder: Path,
    yaml: str = "",
    *,
    change: Callable[[Rooms], Rooms] = lambda rooms: rooms,
    tls: Pair | None = None,
    **facts: Any,
) -> Iterator[TrainingServer]:
    """Run a server on ``folder`` for as long as the block lasts. ``facts`` replace what its rooms have.

    ``tls``: speak https with this certificate, as a proxy in front of it does.
    """
    config = parse(yaml.encode() or b"storage: {keep_free_mb: 0}", "trainer.yaml", folder)
    storage = open_storage(config)
    rooms = change(replace(furnish(config, storage), **facts))
    server = uvicorn.Server(
        uvicorn.Config(
            build_app(rooms, "127.0.0.1"),
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
    )
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), name="training-server")
    thread.start()
    url = f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
    running = TrainingServer(url, rooms, storage.key, config)
    try:
        yield running
    finally:
        running.close()
        server.should_exit = True
        thread.join(WAIT_S)
        listener.close()
        storage.database.close()


def photograph(seed: int = 0, size: int = 64) -> tuple[str, bytes]:
    """Return a small PNG with its SHA-256."""
    pixels = np.random.default_rng(seed).integers(0, 255, (size, size, 3), np.uint8)
    encoded, content = cv2.imencode(".png", pixels)
    assert encoded
    data = bytes(content.tobytes())
    return hashlib.sha256(data).hexdigest(), data


def golden(kind: str) -> dict[str, Any]:
    """Return the golden message of this kind as a dictionary."""
    path = Path(__file__).parents[1] / "unit" / "golden_messages" / f"{kind}.v1.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found
