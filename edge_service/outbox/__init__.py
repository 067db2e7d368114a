"""Where inspections wait for the server: a queue of letters in SQLite with their pictures beside it.

The core puts (``DiskOutbox``), the gateway takes and marks (``Queue``); both open the same folder.
"""

from edge_service.outbox.disk_outbox import DiskOutbox
from edge_service.outbox.letters import Sample, encode, sample_letter
from edge_service.outbox.queue import Queue
from edge_service.outbox.retention import ImagePolicy, Quota, free_bytes
from edge_service.outbox.rows import (
    Counter,
    Counts,
    Kind,
    Letter,
    NewLetter,
    NewPicture,
    Picture,
    Purpose,
    SetAside,
    State,
)

__all__ = [
    "Counter",
    "Counts",
    "DiskOutbox",
    "ImagePolicy",
    "Kind",
    "Letter",
    "NewLetter",
    "NewPicture",
    "Picture",
    "Purpose",
    "Queue",
    "Quota",
    "Sample",
    "SetAside",
    "State",
    "encode",
    "free_bytes",
    "sample_letter",
]
