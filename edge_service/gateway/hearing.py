"""Everybody in the gateway who wants to know what the core tells, in the order they came."""

from collections.abc import Callable

from edge_service.link import Event, Snapshot

Listener = Callable[[Snapshot | Event], None]


class Hearing:
    """Passes each message on."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = list(listeners)

    def __call__(self, message: Snapshot | Event) -> None:
        """Tell everybody."""
        for listener in self._listeners:
            listener(message)

    def add(self, listener: Listener) -> None:
        """Tell this one, too, from now on."""
        self._listeners.append(listener)
