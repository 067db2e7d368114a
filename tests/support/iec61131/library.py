"""The standard's blocks and conversions that our text may use (IEC 61131-3, clause 2.5)."""

from collections.abc import Callable
from typing import Any

RANGES = {"INT": (-32768, 32767), "UINT": (0, 65535), "UDINT": (0, (1 << 32) - 1), "WORD": (0, 65535)}
CONVERSIONS = {
    f"{source}_TO_{target}": (source, target)
    for source in ("WORD", "UINT", "UDINT", "INT")
    for target in ("WORD", "UINT", "UDINT", "INT")
    if source != target
}
INTERFACES: dict[str, dict[str, tuple[str, str]]] = {
    "TON": {
        "IN": ("VAR_INPUT", "BOOL"),
        "PT": ("VAR_INPUT", "TIME"),
        "Q": ("VAR_OUTPUT", "BOOL"),
        "ET": ("VAR_OUTPUT", "TIME"),
    },
    "CTU": {
        "CU": ("VAR_INPUT", "BOOL"),
        "R": ("VAR_INPUT", "BOOL"),
        "PV": ("VAR_INPUT", "INT"),
        "Q": ("VAR_OUTPUT", "BOOL"),
        "CV": ("VAR_OUTPUT", "INT"),
    },
}


class Ton:
    """On-delay timer, figure 15: Q is TRUE once IN has been TRUE for PT."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.values: dict[str, Any] = {"IN": False, "PT": 0.0, "Q": False, "ET": 0.0}
        self._clock = clock
        self._since: float | None = None

    def __call__(self) -> None:
        """Run it once with the inputs as they are."""
        values = self.values
        if not values["IN"]:
            self._since = None
        elif self._since is None:
            self._since = self._clock()
        running = 0.0 if self._since is None else self._clock() - self._since
        values["ET"] = min(running, values["PT"])
        values["Q"] = self._since is not None and running >= values["PT"]


class Ctu:
    """Up-counter, clause 2.5.2.3.3: counts rising edges of CU up to PV."""

    def __init__(self, _: Callable[[], float]) -> None:
        self.values: dict[str, Any] = {"CU": False, "R": False, "PV": 0, "Q": False, "CV": 0}
        self._before = False

    def __call__(self) -> None:
        """Run it once with the inputs as they are."""
        values = self.values
        if values["R"]:
            values["CV"] = 0
        elif values["CU"] and not self._before and values["CV"] < values["PV"]:
            values["CV"] += 1
        self._before = values["CU"]
        values["Q"] = values["CV"] >= values["PV"]


BLOCKS: dict[str, Callable[[Callable[[], float]], Any]] = {"TON": Ton, "CTU": Ctu}
