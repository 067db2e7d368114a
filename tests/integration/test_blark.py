"""blark, an independent grammar of IEC 61131-3 with a vendor's extensions, reads our Structured Text.

It is a check of the syntax only: blark neither knows types nor runs anything (``tests/support/iec61131``
does both). It has no CONFIGURATION, and most of the lines that copy or decode single words are left out:
they are all alike, and it takes its time.
"""

import re

import pytest
from blark.parse import new_parser, parse_source_code

from edge_service.plc_code.structured_text import structured_text

COPIES = re.compile(
    r"^ *((FromStation|ToStation|WordsIn\[)\d\d+|(Status|Shown|Statistics|Station)\.[A-R]\w* := ).*\n",
    re.MULTILINE,
)


def declarations() -> dict[str, str]:
    """Return the text of each type, function, block and program by its first line."""
    text = COPIES.sub("", structured_text()).split("\nCONFIGURATION ")[0]
    parts = re.split(r"(?m)^(?=(?:TYPE|FUNCTION|FUNCTION_BLOCK|PROGRAM)\b)", text)[1:]
    return {" ".join(part.split()[:2]): part for part in parts}


DECLARATIONS = declarations()


@pytest.fixture(scope="module")
def parser():
    """One grammar for all."""
    return new_parser()


@pytest.mark.parametrize("name", DECLARATIONS)
def test_blark_reads_it(name: str, parser: object):
    """Each declaration follows the grammar."""
    result = parse_source_code(DECLARATIONS[name], parser=parser)
    assert result.exception is None, str(result.exception)


def test_blark_refuses_a_mistake(parser: object):
    """The check can fail: a block without a semicolon is no block."""
    broken = DECLARATIONS["FUNCTION OKNG_NEXT"].replace("UINT#1;", "UINT#1", 1)
    assert parse_source_code(broken, parser=parser).exception is not None
