"""A PLC that measures has a processor of its own on a line; here it shares this machine's with the station.

So it goes before everything ordinary, like the station's thread that answers it, in every condition alike.
Not where a model runs meanwhile: in real time it would take the cores from the model's threads
(docs/decisions/0014-one-thread-goes-first.md).
"""

import sys

from edge_service.lifecycle import go_first


def be_the_plc() -> None:
    """Let this process's main thread go first; say so where that is not permitted."""
    if reason := go_first(lambda: None):
        print(f"the PLC competes with everything else on this machine ({reason})", file=sys.stderr)
