"""The freshness rule of a free-running source: a frame of the part before is never handed out."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_service.camera.freshness import SETTLING
from edge_service.camera.reader import Reader, Request, Shot
from edge_service.camera.settings import no_settings
from edge_service.domain.inspection import CameraSettings
from edge_service.errors import BadImageError, CameraError, OkngError

RATE_HZ = 50.0
INTERVAL_S = 1.0 / RATE_HZ
LATENCY_S = 0.03


@dataclass
class Line:
    """A make-believe line with its own clock: a camera that exposes all the time, into a buffer.

    ``pauses_s``: how long the reader is held up before each of its reads.
    """

    pauses_s: Iterator[float]
    frames: int
    transfer_s: float = LATENCY_S
    now: float = 0.0
    rate_hz: float = RATE_HZ
    taken: int = 0
    released: bool = False
    exposures: dict[int, float] = field(default_factory=dict)

    def clock(self) -> float:
        """Return the line's time."""
        return self.now

    def grab(self) -> bool:
        """Give the oldest frame in the buffer, or wait for the next one."""
        if self.taken == self.frames:
            return False
        exposed = self.taken * INTERVAL_S
        self.now = max(self.now + 0.0001, exposed + self.transfer_s)
        self.exposures[self.taken % 256] = exposed
        self.taken += 1
        return True

    def stamp_s(self) -> float | None:
        """Say nothing of its own clock."""
        return None

    def retrieve(self) -> np.ndarray:
        """Return pixels that tell which frame this is."""
        return np.full((2, 2, 3), (self.taken - 1) % 256, np.uint8)

    def set_up(self, settings: CameraSettings) -> None:
        """Have nothing to set."""
        raise no_settings("line", settings)

    def release(self) -> None:
        """Note that the device is free."""
        self.released = True


class HeldUpLine(Line):
    """The same, with stamped frames and a reader that is held up at any moment."""

    def stamp_s(self) -> float:
        """Return the exposure on a clock of the camera's own."""
        return 1000.0 + self.exposures[(self.taken - 1) % 256]

    def clock(self) -> float:
        """Advance by a pause whenever the reader looks at the clock, before or after a read."""
        self.now += next(self.pauses_s)
        return self.now


def run(line: Line, afters: list[float]) -> tuple[Reader, list[Shot | OkngError]]:
    """Read the line to its end with all requests standing from the start."""
    reader = Reader(lambda: line, name="line", latency_s=LATENCY_S, clock=line.clock)
    answers: list[Shot | OkngError] = []
    for after in afters:
        reader.ask(Request(after, answers.append))
    ended = threading.Event()
    reader.start(lambda _: None, ended.set)
    assert ended.wait(10)
    return reader, answers


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.001, 0.015, 0.1, 0.5]), min_size=1, max_size=40),
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=5),
    st.floats(0.0, LATENCY_S - 0.002),  # the latency is configured with a little to spare
)
def test_a_frame_is_never_older_than_its_trigger(pauses: list[float], afters: list[float], transfer_s: float):
    """However the reader is held up, the light of the frame it hands out fell after the trigger.

    A reader that comes late finds old frames in the buffer; none of them is handed out.
    """
    endless = iter([0.0] * 2 * SETTLING + pauses + [0.0] * 1000)
    line = HeldUpLine(endless, frames=200, transfer_s=transfer_s)
    _, answers = run(line, afters)
    shots = [answer for answer in answers if isinstance(answer, Shot)]
    for shot in shots:
        exposed = line.exposures[int(shot.pixels[0, 0, 0])]
        assert shot.exposure_began <= exposed <= shot.read_ended
    for after, answer in zip(
        sorted(afters), sorted(shots, key=lambda shot: shot.exposure_began), strict=False
    ):
        assert answer.exposure_began > after


def test_the_first_frame_whose_read_began_late_enough_is_taken():
    """With a reader that keeps up, the frame is the first read later than trigger plus latency."""
    line = Line(iter(()), frames=100)
    _, (shot,) = run(line, [0.5])
    assert isinstance(shot, Shot)
    read_began = shot.exposure_began + LATENCY_S
    assert 0.5 + LATENCY_S < read_began <= 0.5 + LATENCY_S + INTERVAL_S


def test_frames_that_were_ready_at_once_are_never_judged():
    """A source that never makes the reader wait is a buffer of unknown age: no frame is better."""
    line = Line(iter(()), frames=100, transfer_s=-1e9)
    reader, (answer,) = run(line, [0.0])
    assert isinstance(answer, CameraError)
    assert reader.lost is answer


def test_the_end_of_the_source_tells_everyone_who_waits():
    """A source that ends is a lost camera: all requests get its error, the device is free."""
    line = Line(iter(()), frames=3)
    reader, answers = run(line, [100.0, 200.0])
    reader.ask(Request(0.0, answers.append))
    assert [type(answer) for answer in answers] == [CameraError] * 3
    assert line.released
    assert reader.turning()


class Unopened:
    """A source that is not there."""

    def __call__(self) -> Line:
        """Refuse."""
        raise CameraError("not there")


def test_a_source_that_does_not_open_says_so():
    """The opener's error reaches whoever opened the camera."""
    reader = Reader(Unopened(), name="x", latency_s=0.0)
    told: list[OkngError | None] = []
    ended = threading.Event()
    reader.start(told.append, ended.set)
    assert ended.wait(10)
    assert [str(error) for error in told] == ["not there"]


class Garbled(Line):
    """A line whose frames cannot be decoded."""

    def retrieve(self) -> np.ndarray:
        """Refuse."""
        raise BadImageError("garbled")


def test_a_frame_that_cannot_be_decoded_is_one_parts_trouble():
    """A garbled frame answers its own request with an error and the next one is read as ever."""
    reader, answers = run(Garbled(iter(()), frames=100), [0.3, 0.5])
    assert [type(answer) for answer in answers] == [BadImageError, BadImageError]
    assert isinstance(reader.lost, CameraError)


@pytest.mark.parametrize("withdrawn", [True, False])
def test_a_withdrawn_request_is_not_answered(withdrawn: bool):  # noqa: FBT001 - a case, not an option
    """Who gave up waiting is not called any more."""
    line = Line(iter(()), frames=20)
    reader = Reader(lambda: line, name="line", latency_s=0.0, clock=line.clock)
    answers: list[Shot | OkngError] = []
    request = Request(0.0, answers.append)
    reader.ask(request)
    if withdrawn:
        reader.withdraw(request)
    ended = threading.Event()
    reader.start(lambda _: None, ended.set)
    assert ended.wait(10)
    assert len(answers) == (0 if withdrawn else 1)
