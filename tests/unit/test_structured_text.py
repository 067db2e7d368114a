"""The Structured Text for PLCs: strict IEC 61131-3, from the one table, and the committed file is current."""

import re
from pathlib import Path

import pytest

from edge_service.cli.registers import Form, Over, Page, render
from edge_service.domain.signals import BY_NAME
from edge_service.plc_code.steps import ALWAYS, STEPS
from tests.support.iec61131 import Program, StError, parse

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "okng.st"
LINES = list(Over)


def text(line: Over = Over.TCP) -> str:
    """Return what the command line prints."""
    return render(Form.ST, Page.REGISTERS, line)


def run(snippet: str) -> Program:
    """Check a text."""
    return Program(parse(snippet), lambda: 0.0)


def test_committed_text_is_the_generated_one():
    """docs/reference/okng.st equals `okng-edge registers --format st`, byte for byte."""
    assert COMMITTED.read_text("utf-8") == text(), "run: okng-edge registers --format st"


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_is_strict(line: Over, language: str, monkeypatch: pytest.MonkeyPatch):
    """Every name is declared, every type fits without conversion, in both languages and for both lines."""
    monkeypatch.setenv("OKNG_LANG", language)
    run(text(line))


def test_text_keeps_to_the_second_edition():
    """No line comment, no pragma, no double underscore, no type or block of later editions."""
    bare = re.sub(r"\(\*.*?\*\)", "", text(), flags=re.DOTALL)
    assert not re.search(r"//|\{|__|\bLINT\b|\bLREAL\b|REFERENCE|POINTER|METHOD|VAR_STAT|UNION", bare)
    assert set(re.findall(r": (TON|TOF|TP|CTU|CTD|CTUD|R_TRIG|F_TRIG|SR|RS)\b", bare)) == {"TON", "CTU"}


def test_masks_and_addresses_are_the_tables():
    """What the block reads of the record and writes to the control word lies where the table says."""
    verdict = BY_NAME["Result.Verdict"].address
    assert f"Shown.Verdict := WORD_TO_UINT(FromStation[{verdict}]);" in text()
    clear = BY_NAME["Command.BufferClear"]
    assert f"ControlWord := WORD#16#{1 << clear.bit:04X};" in text()


def test_every_step_is_reached_and_left():
    """No step of the table is an island or a trap."""
    targets = {move.to for step in STEPS for move in step.moves} | {move.to for move in ALWAYS}
    assert targets == {step.name for step in STEPS}
    assert all(step.moves for step in STEPS)


def body(statement: str, variables: str = "Flag : BOOL; Number : UINT; Bits : WORD; Words : PAIR;") -> str:
    """Return a block with that statement."""
    return (
        "TYPE PAIR : ARRAY [0..1] OF WORD; END_TYPE FUNCTION_BLOCK Probe VAR_INPUT Given : BOOL; END_VAR "
        f"VAR {variables} END_VAR {statement} END_FUNCTION_BLOCK"
    )


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("Flag := Missing;", "not declared"),
        ("Flag := Bits;", "WORD where BOOL"),
        ("Number := 1;", "INT where UINT"),
        ("Number := Bits;", "WORD where UINT"),
        ("Flag := Flag AND Bits;", "WORD where BOOL"),
        ("Flag := Bits > Bits;", "WORD > WORD"),
        ("Given := TRUE;", "not to be written"),
        ("Words[2] := WORD#16#0001;", "outside 0..1"),
        ("Words[Number] := WORD#16#0001;", "UINT where INT"),
        ("IF Number THEN Flag := TRUE; END_IF;", "UINT where BOOL"),
        ("Number := UINT#70000;", "no UINT"),
        ("Flag := TRUE", "should stand"),
        ("(* one (* two *) *)", "comment within"),
        ("// remark", "line 1"),
    ],
)
def test_reader_refuses_what_a_compiler_would(statement: str, complaint: str):
    """The reader that checks our text is strict: each of these is refused, and the reason named."""
    run(body("Flag := (Bits AND WORD#16#0001) <> WORD#16#0000;"))
    with pytest.raises(StError, match=complaint):
        run(body(statement))


def test_reader_refuses_reserved_and_mixed_declarations():
    """Reserved words, doubles, and located beside other variables are refused."""
    for variables in ("Type : BOOL;", "A : BOOL; a : BOOL;", "A AT %IW1 : WORD; B : WORD;", "A : UINT := 1;"):
        with pytest.raises(StError):
            run(body("", variables))
