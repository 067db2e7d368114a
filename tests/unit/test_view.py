"""What the gateway knows of the core."""

from edge_service.gateway.hearing import Hearing
from edge_service.gateway.view import CoreView
from edge_service.link import Event, Snapshot


def test_whoever_comes_late_learns_what_is_so_now():
    """State, command block and conditions follow the events, not the first snapshot."""
    view = CoreView()
    hearing = Hearing(view.hear)
    hearing(Snapshot({"state": 1, "signals": {}}))
    hearing(Event("moments", {"moments": [{"at": 1.0, "state": 6}, {"at": 1.1, "exposed": "x"}]}))
    hearing(Event("command", {"Command.TriggerSeq": 7}))
    hearing(Event("conditions", {"errors": [302], "warnings": []}))
    assert view.state["state"] == 6
    assert view.state["command"] == {"Command.TriggerSeq": 7}
    assert view.state["conditions"]["errors"] == [302]
    late: list[object] = []
    hearing.add(late.append)
    hearing(Event("anything", {}))
    assert late == [Event("anything", {})]
