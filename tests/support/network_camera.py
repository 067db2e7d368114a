"""A network camera on loopback: Motion-JPEG over HTTP, each frame showing its own number."""

import socket
import threading
import time
from types import TracebackType
from typing import Self

import cv2
import numpy as np

STEP = 8  # grey levels between two numbers: JPEG does not blur them together
NUMBERS = 30


class NetworkCamera:
    """Exposes ``rate_hz`` frames a second while a client is there; ``exposed`` keeps when each was."""

    def __init__(self, rate_hz: float = 25.0, port: int = 0) -> None:
        self._interval_s = 1.0 / rate_hz
        self._listener = socket.create_server(("127.0.0.1", port))
        self._unplugged = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="network camera", daemon=True)
        self.exposed: list[float] = []
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Where the stream is."""
        return f"http://127.0.0.1:{self.port}/stream.mjpg"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Drop the client and listen no more."""
        self._unplugged.set()
        self._listener.close()
        self._thread.join(10)

    def number_of(self, pixels: np.ndarray) -> int:
        """Return which of the last ``NUMBERS`` frames this is, by its grey."""
        grey = round((float(pixels.mean()) - STEP / 2) / STEP) % NUMBERS
        last = len(self.exposed) - 1
        return last - (last - grey) % NUMBERS

    def _serve(self) -> None:
        self._listener.settimeout(0.1)
        while not self._unplugged.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with client:
                self._stream(client)

    def _stream(self, client: socket.socket) -> None:
        head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
        due = time.monotonic()
        try:
            client.sendall(head)
            while not self._unplugged.wait(max(0.0, due - time.monotonic())):
                due += self._interval_s
                client.sendall(self._part())
        except OSError:
            return

    def _part(self) -> bytes:
        number = len(self.exposed) % NUMBERS
        self.exposed.append(time.monotonic())
        picture = np.full((96, 128, 3), number * STEP + STEP // 2, np.uint8)
        data = cv2.imencode(".jpg", picture)[1].tobytes()
        return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(data), data)
