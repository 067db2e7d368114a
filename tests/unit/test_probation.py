"""A new model that fails on parts is rolled back; one that only finds parts bad is not."""

from dataclasses import dataclass, field, replace

import pytest

from edge_service.core.probation import FAILURES, PROVEN, Probation
from edge_service.domain.codes import Code, refusal
from edge_service.domain.inspection import Judgement, ModelIdentity, Recipe, Verdict
from edge_service.handshake.command import CommandCode
from edge_service.station import Done, Equipment
from tests.support.fakes import MODEL, THRESHOLD, FakeEngine
from tests.support.inspected import inspected

FAILED = Judgement(Verdict.ERROR, code=Code.INFERENCE)
NG = Judgement(Verdict.NG)


@dataclass
class Line:
    """A station with one model, and what was asked of it."""

    probation: bool = True
    model: ModelIdentity = MODEL
    busy: bool = False
    orders: list[int] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    blamed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = Probation(self, self.equipment, self.order)

    def equipment(self) -> Equipment:
        """Return what it judges with."""
        return Equipment(Recipe(1, "board", "pcb"), self.model, FakeEngine(), THRESHOLD)

    async def order(self, command: int) -> int:
        """Take a command."""
        if self.busy:
            raise refusal(Code.COMMAND_RUNS)
        self.orders.append(command)
        return 1

    async def on_probation(self, model: str) -> bool:
        """As the test says."""
        assert model == "pcb"
        return self.probation

    async def prove(self, model: str, version: str) -> None:
        """Note it."""
        self.proven.append(f"{model} {version}")

    def blame(self, model: str, failure: str) -> None:
        """Note it."""
        self.blamed.append(f"{model}: {failure}")

    async def inspect(self, judgement: Judgement, times: int = 1) -> None:
        """Have parts judged."""
        for number in range(times):
            await self.watch(Done(replace(inspected(number + 1), judgement=judgement)))


async def test_a_new_model_that_fails_on_parts_in_a_row_is_rolled_back_once():
    """Three failures in a row order the way back, with the reason; a fourth orders nothing more."""
    line = Line()
    await line.inspect(FAILED, FAILURES - 1)
    await line.inspect(NG)
    await line.inspect(FAILED, FAILURES - 1)
    assert line.orders == []
    await line.inspect(FAILED, 2)
    assert line.orders == [CommandCode.ROLL_BACK_MODEL]
    assert line.blamed == [f"pcb: code 401 on {FAILURES} parts"]


async def test_a_proven_model_is_not_rolled_back():
    """What has judged well for long fails because of something else: the error stands, the model stays."""
    line = Line(probation=False)
    await line.inspect(FAILED, 10)
    assert line.orders == []


async def test_a_model_that_finds_every_part_bad_is_not_rolled_back():
    """NG, and a camera that gives no frame, are not the model's failures."""
    line = Line()
    await line.inspect(NG, 10)
    await line.inspect(Judgement(Verdict.ERROR, code=Code.NO_FRAME), 10)
    assert line.orders == []


async def test_a_model_is_proven_after_enough_parts():
    """It is noted once; another model begins anew."""
    line = Line()
    await line.inspect(NG, PROVEN + 5)
    assert line.proven == ["pcb 1"]
    line.model = ModelIdentity("pcb", "2", "cd" * 32)
    await line.inspect(NG, PROVEN - 1)
    assert line.proven == ["pcb 1"]
    await line.inspect(NG)
    assert line.proven == ["pcb 1", "pcb 2"]


@pytest.mark.parametrize("code", [Code.INFERENCE, Code.SCORE_NOT_FINITE])
async def test_a_refused_roll_back_is_asked_for_again(code: Code):
    """While another command runs the station cannot go back; the next failure asks once more."""
    line = Line(busy=True)
    await line.inspect(Judgement(Verdict.ERROR, code=code), FAILURES)
    assert line.orders == []
    line.busy = False
    await line.inspect(Judgement(Verdict.ERROR, code=code))
    assert line.orders == [CommandCode.ROLL_BACK_MODEL]
