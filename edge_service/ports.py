"""What the station needs from the world, as small Protocols. Adapters implement them, tests fake them."""

from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from edge_service.domain.inspection import CameraSettings, Frame, Inspection, RawScore
from edge_service.domain.signal import SignalValue
from edge_service.errors import CameraError
from edge_service.handshake.inputs import PlcInputs


class Camera(AbstractAsyncContextManager["Camera"], Protocol):
    """A source of frames; opens on enter, closes on exit, owns its blocking thread."""

    name: str
    simulated: bool

    async def grab(self, after: float, timeout_s: float) -> Frame:
        """Return a frame whose exposure began at or after monotonic time ``after``.

        Raises NoFrameError when none came within ``timeout_s``, CameraError when the camera is lost.
        """
        ...

    async def set_up(self, settings: CameraSettings) -> None:
        """Take every frame that is asked for from now on with ``settings``; what is None stays as it is.

        Returns when it is in force. Raises RecipeError when the camera does not know a setting or takes
        another value, with everything as it was; CameraError when the camera is lost.
        """
        ...

    async def until_lost(self) -> CameraError:
        """Return why, once the camera is lost, also between two parts; wait while it is there."""
        ...

    def alive(self) -> bool:
        """Whether its thread still turns: False when it died or hangs in a call past its allowance.

        A camera that is lost but whose thread reports so in time is alive.
        """
        ...


class Engine(Protocol):
    """A loaded model on a device, warmed up."""

    @property
    def device(self) -> str:
        """The device in use: "GPU", "CPU"."""
        ...

    @property
    def fallback_reason(self) -> str:
        """Why the devices before the one in use are not; empty when it is the first."""
        ...

    def infer(self, frame: Frame) -> Awaitable[RawScore]:
        """Judge nothing, only measure: raw score and raw map. Awaiting it raises InferenceError.

        An engine with a thread of its own begins when this is called, not only when it is awaited.
        """
        ...

    def alive(self) -> bool:
        """Whether its thread still turns: False when it died or hangs in a call past its allowance."""
        ...

    def close(self) -> None:
        """Give the device and the thread back; nothing may be asked of the engine afterwards."""
        ...


class Outbox(Protocol):
    """Where inspections wait for the server. Called only after the PLC has its answer."""

    async def put(self, inspection: Inspection, frame: Frame | None, raw: RawScore | None) -> None:
        """Keep the inspection; return when it is safe on disk."""
        ...


class Fieldbus(AbstractAsyncContextManager["Fieldbus"], Protocol):
    """An adapter that lets a PLC talk to the station; serves from enter to exit."""

    def address(self) -> str:
        """Where it listens, for people: "127.0.0.1:502", "/dev/ttyUSB0"."""
        ...


class Conversation(Protocol):
    """What a fieldbus adapter talks to: the station's side of the PLC interface.

    Synchronous on purpose: a write is applied whole and its edges are evaluated once, before the
    reply is sent, and a read is one snapshot. A ``writer`` is who is at the other end, as far as that
    outlives a connection: an IP address without the port, a serial port's name.
    """

    def update(self, inputs: PlcInputs, writer: str, *, polled: bool = False, baseline: bool = False) -> None:
        """Take the whole command block as it stands after one write of ``writer``.

        ``polled``: the station read it from the PLC itself (client mode). ``baseline``: only remember it,
        nothing in it counts as new. Raises NotOwnerError (nothing applied) when another writer owns it.
        """
        ...

    def link(self, name: str, *, there: bool) -> None:
        """Tell that a link which the station itself keeps (a serial port, a polled PLC) is there or lost.

        ``name`` is the writer's name at its other end.
        """
        ...

    def heard(self, writer: str) -> None:
        """Note that a valid request came from ``writer``; reads count, too."""
        ...

    def owner(self) -> str | None:
        """Who owns the command block now."""
        ...

    def outputs(self) -> Mapping[str, SignalValue]:
        """One consistent snapshot of every station-to-PLC signal, by signal name.

        The same object as before as long as nothing changed.
        """
        ...
