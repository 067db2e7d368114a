"""A small program that uses ``FB_OKNG``, and the configuration that runs it."""

from collections.abc import Iterator
from enum import StrEnum

from edge_service.domain.signal import Block
from edge_service.language import say
from edge_service.plc_code.declaration import Variable, comment, indented, variables

FIRST = 100  # %IW100 and %QW100: where soft PLCs put the words of the first Modbus device


class Line(StrEnum):
    """What the words travel over; it decides the times that the example sets."""

    TCP = "tcp"
    RTU = "rtu"

    @property
    def times(self) -> tuple[str, str]:
        """AnswerTime and SettleTime."""
        return ("T#500ms", "T#200ms") if self is Line.TCP else ("T#2s", "T#1s")


def program(line: Line) -> Iterator[str]:
    """Yield the program's lines."""
    yield "PROGRAM OKNG_EXAMPLE"
    yield from variables("VAR", _located())
    yield from variables("VAR", _variables())
    yield from indented(_body(line))
    yield "END_PROGRAM"


def configuration() -> Iterator[str]:
    """Yield a configuration that runs the program every 20 ms."""
    yield "CONFIGURATION Config0"
    yield "  RESOURCE Res0 ON PLC"
    yield "    TASK Task0(INTERVAL := T#20ms, PRIORITY := 0);"
    yield "    PROGRAM Instance0 WITH Task0 : OKNG_EXAMPLE;"
    yield "  END_RESOURCE"
    yield "END_CONFIGURATION"


def _located() -> Iterator[Variable]:
    yield Variable("PartSensor", "BOOL", "a part stands before the camera", "工件位于相机前", at="%IX0.0")
    yield Variable("Gate", "BOOL", "TRUE lets the part pass", "TRUE 放行工件", at="%QX0.0")
    yield Variable("RejectPart", "BOOL", "the last part was not OK", "上一件不合格", at="%QX0.1")
    yield Variable("GoodParts", "UINT", "", "", at="%QW0")
    yield Variable("BadParts", "UINT", "", "", at="%QW1")
    for index in range(Block.STATION.words):
        yield Variable(f"FromStation{index}", "WORD", "", "", at=f"%IW{FIRST + index}")
    for index in range(Block.COMMAND.words):
        yield Variable(f"ToStation{index}", "WORD", "", "", at=f"%QW{FIRST + index}")


def _variables() -> Iterator[Variable]:
    yield Variable(
        "Rehearsal",
        "BOOL",
        "TRUE: parts come by themselves, without a sensor; FALSE once PartSensor is wired",
        "TRUE：无需传感器，自动产生工件；接好 PartSensor 后改为 FALSE",
        "TRUE",
    )
    yield Variable("PartHere", "BOOL", "", "")
    yield Variable("Pause", "TON", "", "")
    yield Variable("CountGood", "CTU", "", "")
    yield Variable("CountBad", "CTU", "", "")
    yield Variable("Inspection", "FB_OKNG", "", "")
    yield Variable("WordsIn", "OKNG_INPUT_WORDS", "", "")
    yield Variable("WordsOut", "OKNG_OUTPUT_WORDS", "", "")
    yield Variable("Serial", "OKNG_SERIAL", "fill in from your scanner", "由扫码器填入")


def _body(line: Line) -> Iterator[str]:
    answer, settle = line.times
    for index in range(Block.STATION.words):
        yield f"WordsIn[{index}] := FromStation{index};"
    yield comment(say("a part every 200 ms in the rehearsal", "预演时每 200 ms 一件"))
    yield "Pause(IN := Rehearsal AND Inspection.Ready, PT := T#200ms);"
    yield "PartHere := PartSensor OR Pause.Q;"
    yield "Inspection("
    yield "  Enable := TRUE,"
    yield "  Trigger := PartHere,"
    yield "  PartSerial := Serial,"
    yield "  Recipe := UINT#0,"
    yield f"  AnswerTime := {answer},"
    yield f"  SettleTime := {settle},"
    yield "  FromStation := WordsIn);"
    yield comment(say("only Done with Ok lets a part pass", "仅 Done 且 Ok 才放行"))
    yield "Gate := Inspection.Done AND Inspection.Ok;"
    yield "RejectPart := Inspection.Done AND NOT Inspection.Ok;"
    yield "CountGood(CU := Inspection.NewResult AND Inspection.Ok, R := FALSE, PV := 32767);"
    yield "CountBad(CU := Inspection.NewResult AND NOT Inspection.Ok, R := FALSE, PV := 32767);"
    yield "GoodParts := INT_TO_UINT(CountGood.CV);"
    yield "BadParts := INT_TO_UINT(CountBad.CV);"
    yield "WordsOut := Inspection.ToStation;"
    for index in range(Block.COMMAND.words):
        yield f"ToStation{index} := WordsOut[{index}];"
