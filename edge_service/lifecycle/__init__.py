"""How a process of the station lives: its threads, its watchdog, its signals, its children, its end."""

from edge_service.lifecycle.backoff import Backoff
from edge_service.lifecycle.failure import only_error
from edge_service.lifecycle.notify import Notifier, stay_alive
from edge_service.lifecycle.owned_thread import OwnedThread
from edge_service.lifecycle.parent import end_with_parent
from edge_service.lifecycle.precedence import go_first, inheriting
from edge_service.lifecycle.signals import stop_on_signals
from edge_service.lifecycle.supervisor import Child, supervise
from edge_service.lifecycle.watchdog import Watchdog

__all__ = [
    "Backoff",
    "Child",
    "Notifier",
    "OwnedThread",
    "Watchdog",
    "end_with_parent",
    "go_first",
    "inheriting",
    "only_error",
    "stay_alive",
    "stop_on_signals",
    "supervise",
]
