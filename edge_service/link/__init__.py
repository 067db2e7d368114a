"""The local socket between core and gateway: snapshot, events, commands.

The core listens on a Unix socket. Who connects gets a full ``Snapshot`` first, then ``Event`` after
``Event``; commands go the other way with the caller's role and each gets its ``Answer``. Neither side
ever waits for the other: a reader that cannot keep up loses events and gets a fresh snapshot instead.
"""

from edge_service.link.client import LinkClient
from edge_service.link.messages import Answer, Command, Event, Message, Role, Snapshot
from edge_service.link.server import LinkServer

__all__ = ["Answer", "Command", "Event", "LinkClient", "LinkServer", "Message", "Role", "Snapshot"]
