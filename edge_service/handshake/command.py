"""Commands: one at a time, started when no part is in flight, answered once."""

from dataclasses import dataclass
from enum import Enum, IntEnum

from edge_service.domain.codes import Code
from edge_service.handshake.settings import HandshakeSettings
from edge_service.handshake.table import Table

DONE = 1
_U16 = 65535
_LARGEST_RECIPE = 999


class CommandCode(IntEnum):
    """What a PLC can ask for; 100-199 are the project's own."""

    SELECT_RECIPE = 1
    GOLDEN_TEST = 2
    COLLECT = 3
    RELOAD_CONFIGURATION = 4
    ACTIVATE_MODEL = 5
    ROLL_BACK_MODEL = 6
    SET_THRESHOLD = 7
    SET_CLOCK = 8


PROJECT_COMMANDS = range(100, 200)


class CommandState(Enum):
    """Where the command stands."""

    IDLE = "no command"
    DRAINING = "Ready 0, parts in flight end first"
    EXECUTING = "the station carries it out"
    COMPLETED = "CommandCompleted = 1"
    FAILED = "CommandFailed = 1"


class CommandEvent(Enum):
    """What moves it."""

    ACCEPT = "ExecuteCommand 0->1, or a new COMMAND_SEQ"
    DRAINED = "nothing in flight"
    DONE = "done"
    FAIL = "refused, failed or out of time (123)"
    RELEASE = "ExecuteCommand 0"


COMMAND_TABLE: Table[CommandState, CommandEvent] = Table(
    "Command",
    CommandState.IDLE,
    {
        (CommandState.IDLE, CommandEvent.ACCEPT): CommandState.DRAINING,
        (CommandState.DRAINING, CommandEvent.DRAINED): CommandState.EXECUTING,
        (CommandState.DRAINING, CommandEvent.FAIL): CommandState.FAILED,
        (CommandState.EXECUTING, CommandEvent.DONE): CommandState.COMPLETED,
        (CommandState.EXECUTING, CommandEvent.FAIL): CommandState.FAILED,
        (CommandState.COMPLETED, CommandEvent.ACCEPT): CommandState.DRAINING,
        (CommandState.COMPLETED, CommandEvent.RELEASE): CommandState.IDLE,
        (CommandState.FAILED, CommandEvent.ACCEPT): CommandState.DRAINING,
        (CommandState.FAILED, CommandEvent.RELEASE): CommandState.IDLE,
    },
)


@dataclass(frozen=True, slots=True)
class Order:
    """One accepted command."""

    ticket: int
    command: int
    parameters: tuple[int, int, int, int]
    from_plc: bool
    deadline: float


def complaint(command: int, parameters: tuple[int, int, int, int]) -> int:
    """Return 0 when the order makes sense by itself, else the code that says why not."""
    first = parameters[0]
    if command not in PROJECT_COMMANDS and command not in set(CommandCode):
        return Code.COMMAND_UNKNOWN
    recipe_wrong = command == CommandCode.SELECT_RECIPE and not 1 <= first <= _LARGEST_RECIPE
    threshold_wrong = command == CommandCode.SET_THRESHOLD and first == 0
    return Code.COMMAND_PARAMETER if recipe_wrong or threshold_wrong else 0


class Commands:
    """The command in hand and the answer that the PLC sees."""

    def __init__(self, settings: HandshakeSettings) -> None:
        self._settings = settings
        self._tickets = 0
        self._state = CommandState.IDLE
        self._answer = CommandState.IDLE  # what the PLC's last command came to
        self.order: Order | None = None
        self.seq_ack = 0
        self.result = 0

    @property
    def running(self) -> bool:
        """A command waits for parts to leave, or executes."""
        return self._state in (CommandState.DRAINING, CommandState.EXECUTING)

    @property
    def executing(self) -> Order | None:
        """The order that the station has in hand."""
        return self.order if self._state is CommandState.EXECUTING else None

    @property
    def draining(self) -> Order | None:
        """The order that waits until nothing is in flight."""
        return self.order if self._state is CommandState.DRAINING else None

    @property
    def completed(self) -> bool:
        """The PLC's last command was done."""
        return self._answer is CommandState.COMPLETED

    @property
    def failed(self) -> bool:
        """The PLC's last command failed."""
        return self._answer is CommandState.FAILED

    def accept(
        self, command: int, parameters: tuple[int, int, int, int], *, sequence: int | None, now: float
    ) -> Order:
        """Take an order; ``sequence`` None means that it is not the PLC's. Call only when none runs."""
        self._tickets += 1
        from_plc = sequence is not None
        self._state = COMMAND_TABLE.step(self._state, CommandEvent.ACCEPT)
        self.order = Order(self._tickets, command, parameters, from_plc, now + self._time_for(command))
        if sequence is not None:
            self.seq_ack = sequence
            self.result = 0
            self._answer = CommandState.IDLE
        return self.order

    def start(self) -> None:
        """Nothing is in flight any more: the station carries it out."""
        self._state = COMMAND_TABLE.step(self._state, CommandEvent.DRAINED)

    def answer(self, code: int) -> None:
        """End the order: 1 done, else why not."""
        event = CommandEvent.DONE if code == DONE else CommandEvent.FAIL
        self._state = COMMAND_TABLE.step(self._state, event)
        if self.order is not None and self.order.from_plc:
            self.result = min(code, _U16)
            self._answer = self._state

    def release(self) -> None:
        """ExecuteCommand fell: Completed and Failed go."""
        if self._state in (CommandState.COMPLETED, CommandState.FAILED):
            self._state = COMMAND_TABLE.step(self._state, CommandEvent.RELEASE)
        self._answer = CommandState.IDLE

    @property
    def deadline(self) -> float | None:
        """When the command in hand is out of time."""
        return self.order.deadline if self.order is not None and self.running else None

    def _time_for(self, command: int) -> float:
        times: dict[int, float] = {
            CommandCode.SELECT_RECIPE: self._settings.recipe_command_s,
            CommandCode.GOLDEN_TEST: self._settings.golden_command_s,
            CommandCode.ACTIVATE_MODEL: self._settings.model_command_s,
            CommandCode.ROLL_BACK_MODEL: self._settings.model_command_s,
        }
        return times.get(command, self._settings.other_command_s)
