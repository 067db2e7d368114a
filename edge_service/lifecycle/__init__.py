"""How a process of the station lives: its threads, its watchdog, its signals, its children, its end."""

from edge_service.lifecycle.owned_thread import OwnedThread

__all__ = ["OwnedThread"]
