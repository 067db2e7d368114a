"""The way to the training server: results, pictures and samples go up, models come down.

Nothing of it is on the PLC's path: it lives in the gateway, reads the outbox's database, and may die and
come back at any instant.
"""

from edge_service.gateway.uplink.uplink import Uplink

__all__ = ["Uplink"]
