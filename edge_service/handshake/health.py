"""What the station tells the machine about itself, as one frozen fact."""

from dataclasses import dataclass
from enum import IntEnum

from edge_service.domain.inspection import ModelIdentity


class OfflineReason(IntEnum):
    """Why the station takes no parts, as the PLC reads it."""

    ONLINE = 0
    MAINTENANCE = 1  # a person at the HMI, or Halt
    DISCRETE_INPUT = 2
    SET_OFFLINE = 3  # the PLC asked for it
    STARTING = 4
    NO_RECIPE_OR_MODEL = 5
    CAMERA_LOST = 6
    ERROR = 7


@dataclass(frozen=True, slots=True)
class Health:
    """The station's condition. ``dataclasses.replace`` makes the next one."""

    starting: bool = True
    maintenance: bool = False
    halted: bool = False
    continuous: bool = False  # parts are taken one after the other, without a trigger for each
    discrete_input: bool = False
    camera_lost: bool = False
    numbers_used_up: bool = False  # the disk refuses to reserve further inspection ids
    model: ModelIdentity | None = None
    recipe: int = 0  # active recipe, 0 = none
    cpu_fallback: bool = False
    simulation: bool = False
    golden_test_due: bool = False
    clock_unsynchronised: bool = False
    golden_test_failed: bool = False  # or not taken in time: no part until it is passed or overridden
    configuration_checksum: int = 0

    def offline_reason(self, *, set_offline: bool, blocking_error: bool) -> OfflineReason:
        """Return the reason that a person should look at first."""
        causes = (
            (self.starting, OfflineReason.STARTING),
            (self.camera_lost, OfflineReason.CAMERA_LOST),
            (blocking_error or self.numbers_used_up or self.golden_test_failed, OfflineReason.ERROR),
            (self.model is None or self.recipe == 0, OfflineReason.NO_RECIPE_OR_MODEL),
            (self.maintenance or self.halted, OfflineReason.MAINTENANCE),
            (self.discrete_input, OfflineReason.DISCRETE_INPUT),
            (set_offline, OfflineReason.SET_OFFLINE),
        )
        return next((reason for holds, reason in causes if holds), OfflineReason.ONLINE)
