"""The gateway process: everything that people and other systems look at or fetch.

It may die and come back without the line noticing. It knows the station only through the link, and
says so when the core is away: never a last good OK.
"""

from edge_service.gateway.app import run_gateway

__all__ = ["run_gateway"]
