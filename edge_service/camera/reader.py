"""The thread that drains a video source and hands out frames that are fresh (``freshness.py``)."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_service.camera.capture import Capture
from edge_service.camera.freshness import Freshness
from edge_service.domain.inspection import CameraSettings
from edge_service.errors import CameraError, OkngError
from edge_service.language import say
from edge_service.lifecycle import inheriting


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame out of the reader. Times are monotonic seconds."""

    pixels: NDArray[np.uint8]
    exposure_began: float
    read_ended: float


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody waits for a frame exposed after ``after``; ``answer`` is called once, on the thread."""

    after: float
    answer: Callable[[Shot | OkngError], None]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Somebody wants the source set up; ``answer`` is called once, on the thread, with None when it is."""

    settings: CameraSettings
    answer: Callable[[OkngError | None], None]


class Reader:
    """Owns the source and the thread that reads it, from ``start`` to ``stop``.

    ``opened`` is called once, on the thread, with None or with what went wrong; ``ended`` is called
    when the thread ends. ``lost`` says why there are no frames any more, None while there are.
    """

    def __init__(
        self,
        open_source: Callable[[], Capture],
        *,
        name: str,
        latency_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_source, self._name, self._latency_s, self._clock = open_source, name, latency_s, clock
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._adjustments: list[Adjustment] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost: CameraError | None = None
        self.last_frame_at = clock()

    def start(self, opened: Callable[[OkngError | None], None], ended: Callable[[], None]) -> None:
        """Start the thread, a daemon: a driver that hangs cannot keep the process from ending."""
        self._thread = threading.Thread(
            target=inheriting(self._run), args=(opened, ended), name=f"camera {self._name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end after the read in hand; never waits."""
        self._stopping.set()

    def ask(self, request: Request) -> None:
        """Answer ``request`` with the first frame that is fresh enough, or with the loss of the camera."""
        with self._lock:
            if self.lost is None:
                self._requests.append(request)
                return
        request.answer(self.lost)

    def adjust(self, adjustment: Adjustment) -> None:
        """Set the source up between two frames, or answer with why not."""
        with self._lock:
            if self.lost is None:
                self._adjustments.append(adjustment)
                return
        adjustment.answer(self.lost)

    def withdraw(self, request: Request) -> None:
        """Forget a request that nobody waits for any more."""
        with self._lock:
            self._requests = [other for other in self._requests if other is not request]

    def give_up(self, why: CameraError) -> None:
        """Count the camera as lost because its thread is held up; callable from any thread."""
        self._stopping.set()
        with self._lock:
            self.lost = self.lost or why
            waiting, self._requests = self._requests, []
            adjustments, self._adjustments = self._adjustments, []
        for request in waiting:
            request.answer(self.lost)
        for adjustment in adjustments:
            adjustment.answer(self.lost)

    def turning(self) -> bool:
        """Whether the thread runs, or has ended by saying why."""
        return self.lost is not None or (self._thread is not None and self._thread.is_alive())

    def _run(self, opened: Callable[[OkngError | None], None], ended: Callable[[], None]) -> None:
        try:
            capture = self._open_source()
        except OkngError as error:
            opened(error)
            ended()
            return
        try:
            self.last_frame_at = self._clock()
            opened(None)
            self._drain(capture)
        finally:
            capture.release()
            self.give_up(_gone(self._name))
            ended()

    def _drain(self, capture: Capture) -> None:
        freshness = Freshness(self._latency_s, capture.rate_hz)
        while not self._stopping.is_set():
            self._set_up(capture)
            began = self._clock()
            if not capture.grab():
                return
            ended = self._clock()
            self.last_frame_at = ended
            exposed = freshness.exposure_began(began, ended, capture.stamp_s())
            if exposed is not None and (served := self._take(exposed)):
                answer = self._shot(capture, exposed, ended)
                for request in served:
                    request.answer(answer)

    def _set_up(self, capture: Capture) -> None:
        with self._lock:
            adjustments, self._adjustments = self._adjustments, []
        for adjustment in adjustments:
            try:
                capture.set_up(adjustment.settings)
            except OkngError as error:
                adjustment.answer(error)
            else:
                adjustment.answer(None)

    def _take(self, exposure_began: float) -> list[Request]:
        with self._lock:
            served = [request for request in self._requests if exposure_began > request.after]
            self._requests = [request for request in self._requests if request not in served]
        return served

    def _shot(self, capture: Capture, exposure_began: float, read_ended: float) -> Shot | OkngError:
        try:
            pixels = capture.retrieve()
        except OkngError as error:
            return error
        pixels.setflags(write=False)
        return Shot(pixels, exposure_began, read_ended)


def _gone(name: str) -> CameraError:
    return CameraError(
        say(f"camera {name} delivers no more frames", f"相机 {name} 不再提供图像"),
        remedy=say(
            "check its cable, power and network; the station goes on trying to open it",
            "请检查相机电缆、电源和网络；工位会继续尝试打开",
        ),
    )
