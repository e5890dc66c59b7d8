"""Read an unquoted scalar that looks like a number, by YAML 1.2's core schema.

One number has one form: a whole one is an integer, however it was written, and what JSON
readers would take for another number than was written is none.
"""

import math
import re

from qflow_gitops.yaml import messages
from qflow_gitops.yaml.messages import Message

MAX_INTEGER = 2**53 - 1  # beyond it JSON readers disagree on the value (RFC 8259 section 6)

_INTEGER = re.compile(r"[-+]?[0-9]+")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SIXTIETHS = r"(?::[0-5]?[0-9])+"
_ELSEWHERE = re.compile(  # YAML 1.1 (PyYAML, ruamel.yaml), and Go's readers
    r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+"
    rf"|[1-9][0-9_]*{_SIXTIETHS}|[0-9][0-9_]*{_SIXTIETHS}\.[0-9_]*"
    r"|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?)"
)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def read(text: str) -> int | float | str | Message:
    """Read a scalar; give the text itself where it is no number at all."""
    if _LEADING_ZERO.fullmatch(text):
        return messages.leading_zero(text)
    base = 16 if _HEXADECIMAL.fullmatch(text) else 8 if _OCTAL.fullmatch(text) else 10
    if base != 10 or _INTEGER.fullmatch(text):
        number = int(text, base) if len(text) <= 24 else MAX_INTEGER + 1
        return number if abs(number) <= MAX_INTEGER else messages.BEYOND
    if _NOT_FINITE.fullmatch(text) or (_FLOAT.fullmatch(text) and math.isinf(float(text))):
        return messages.not_finite(text)
    return _fraction(text) if _FLOAT.fullmatch(text) else text


def _fraction(text: str) -> int | float | Message:
    number = float(text)
    if abs(number) > MAX_INTEGER:
        return messages.BEYOND
    if not _keeps_all_digits(text, number):
        return messages.TOO_LONG if number else messages.TOO_NEAR_0
    return int(number) if number.is_integer() else number


def _keeps_all_digits(text: str, number: float) -> bool:
    """Whether the shortest text that is read as this double is the number that was written."""
    from decimal import Decimal, InvalidOperation

    try:
        return Decimal(text) == Decimal(repr(number))
    except InvalidOperation:  # an exponent beyond all bounds
        return False


def is_one_elsewhere(text: str) -> bool:
    """Whether a scalar that is no number here is one for other YAML readers."""
    return _ELSEWHERE.fullmatch(text) is not None
