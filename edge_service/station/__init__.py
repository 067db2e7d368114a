"""The inspection loop: what the PLC asks is photographed, measured, judged and answered.

It knows the world only through ``ports`` and the PLC only through the handshake's machine::

    station = Station(machine, facts, make_camera=..., outfitter=..., site=..., steps=(...), reserve=...)
    await station.run(stop, first_recipe)      # until ``stop`` is set and the part in hand has its answer
"""

from edge_service.station.aftermath import Aftermath, Done, Rest
from edge_service.station.camera_keeper import CameraKeeper
from edge_service.station.equipment import Equipment, Outfitter
from edge_service.station.numbers import Claim, Numbers
from edge_service.station.orders import Orders, Site
from edge_service.station.reserve import Reserve
from edge_service.station.station import Facts, Station

__all__ = [
    "Aftermath",
    "CameraKeeper",
    "Claim",
    "Done",
    "Equipment",
    "Facts",
    "Numbers",
    "Orders",
    "Outfitter",
    "Reserve",
    "Rest",
    "Site",
    "Station",
]
