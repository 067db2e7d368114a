"""Characters to tokens, after IEC 61131-3, clause 2.1 and 2.2."""

import re
from dataclasses import dataclass

_RESERVED = """
    ACTION AND ANY ANY_BIT ANY_DATE ANY_DERIVED ANY_ELEMENTARY ANY_INT ANY_MAGNITUDE ANY_NUM ANY_REAL
    ANY_STRING ARRAY AT BOOL BY BYTE CAL CALC CALCN CASE CONFIGURATION CONSTANT DATE DATE_AND_TIME DINT DO DT
    DWORD ELSE ELSIF EN END_ACTION END_CASE END_CONFIGURATION END_FOR END_FUNCTION END_FUNCTION_BLOCK END_IF
    END_PROGRAM END_REPEAT END_RESOURCE END_STEP END_STRUCT END_TRANSITION END_TYPE END_VAR END_WHILE ENO
    EXIT FALSE FOR FROM FUNCTION FUNCTION_BLOCK F_EDGE IF INITIAL_STEP INT INTERVAL JMP JMPC JMPCN LD LDN
    LINT LREAL LWORD MOD NON_RETAIN NOT OF ON OR PRIORITY PROGRAM READ_ONLY READ_WRITE REAL REPEAT RESOURCE
    RET RETAIN RETC RETCN RETURN R_EDGE SINGLE SINT ST STEP STN STRING STRUCT TASK THEN TIME TIME_OF_DAY TO
    TOD TRANSITION TRUE TYPE UDINT UINT ULINT UNTIL USINT VAR VAR_ACCESS VAR_CONFIG VAR_EXTERNAL VAR_GLOBAL
    VAR_INPUT VAR_IN_OUT VAR_OUTPUT VAR_TEMP WHILE WITH WORD WSTRING XOR
    ABS ACOS ADD ASIN ATAN CONCAT COS CTD CTU CTUD DELETE DIV EQ EXP EXPT FIND F_TRIG GE GT INSERT LE LEFT
    LEN LIMIT LN LOG LT MAX MID MIN MOVE MUL MUX NE REPLACE RIGHT ROL ROR RS RTC R_TRIG SEL SEMA SHL SHR SIN
    SQRT SR SUB TAN TOF TON TP TRUNC
"""
KEYWORDS = frozenset(_RESERVED.split())

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>\(\*.*?\*\))
  | (?P<time>T\#\d+(?:ms|s))
  | (?P<typed>[A-Z]+\#(?:16\#[0-9A-F]+|\d+))
  | (?P<place>%[IQ](?:X\d+\.\d|W\d+))
  | (?P<word>[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*)
  | (?P<number>\d+(?![\d.]*\#))
  | (?P<mark>:=|\.\.|<>|<=|>=|[=<>+\-*/()\[\],;:.])
    """,
    re.VERBOSE | re.DOTALL,
)


class StError(Exception):
    """The text is not what the standard allows."""


@dataclass(frozen=True)
class Token:
    """One token; ``text`` of a word is upper case, as the standard does not tell cases apart."""

    kind: str
    text: str
    line: int


def tokens(text: str) -> list[Token]:
    """Return the tokens without spaces and comments, and an end mark."""
    found, at, line = [], 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise StError(f"line {line}: {text[at : at + 20]!r}")
        kind, piece = str(match.lastgroup), match.group()
        if kind == "comment" and "(*" in piece[2:]:
            raise StError(f"line {line}: a comment within a comment")
        if kind not in {"space", "comment"}:
            found.append(Token(kind, piece.upper() if kind == "word" else piece, line))
        line += piece.count("\n")
        at = match.end()
    return [*found, Token("end", "", line)]
