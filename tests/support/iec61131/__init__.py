"""A strict reader of the part of IEC 61131-3 (second edition) that our Structured Text keeps to.

``parse`` reads the text, ``Program`` checks it and runs it, scan by scan: no implicit conversion, no
undeclared or reserved name, no write to an input, no index out of range, no arithmetic that overflows. It
is no vendor's compiler; it is one more reader that shares nothing with the generator but the standard.
"""

from tests.support.iec61131.parser import StError, parse
from tests.support.iec61131.runtime import Program

__all__ = ["Program", "StError", "parse"]
