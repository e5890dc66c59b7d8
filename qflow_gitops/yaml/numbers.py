"""Read an unquoted scalar that looks like a number, by YAML 1.2's core schema.

One number has one form: a whole one is an integer, however it was written, and what JSON
readers would take for another number than was written is none.
"""

import math
import re
from typing import NamedTuple

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


class NoNumber(NamedTuple):
    """Why a number isn't taken: the rule, what is wrong, and what to do."""

    rule: str
    message: str
    hint: str


_BEYOND = NoNumber(
    "yaml-integer-range",
    "The number is beyond ±(2^53-1), where JSON readers disagree on its value.",
    "Put it in quotes if it is an id.",
)
_TOO_LONG = NoNumber(
    "yaml-precision",
    "The number has more digits than a JSON number keeps.",
    "Write it with at most 15 digits, or put it in quotes.",
)
_TOO_NEAR_0 = NoNumber(
    "yaml-precision",
    "The number is nearer to 0 than a JSON number can be.",
    "Write 0, or put it in quotes.",
)


def read(text: str) -> int | float | str | NoNumber:
    """Read a scalar; give the text itself where it is no number at all."""
    if _LEADING_ZERO.fullmatch(text):
        return NoNumber(
            "yaml-leading-zero",
            f"The number `{text[:40]}` begins with a zero.",
            f'Put an id (an AWS account, say) in quotes: "{text[:40]}".',
        )
    base = 16 if _HEXADECIMAL.fullmatch(text) else 8 if _OCTAL.fullmatch(text) else 10
    if base != 10 or _INTEGER.fullmatch(text):
        number = int(text, base) if len(text) <= 24 else MAX_INTEGER + 1
        return number if abs(number) <= MAX_INTEGER else _BEYOND
    if _NOT_FINITE.fullmatch(text) or (_FLOAT.fullmatch(text) and math.isinf(float(text))):
        return NoNumber(
            "yaml-not-finite",
            f"JSON has no number `{text[:40]}`.",
            "Write a number, or put it in quotes if it is a text.",
        )
    return _fraction(text) if _FLOAT.fullmatch(text) else text


def _fraction(text: str) -> int | float | NoNumber:
    number = float(text)
    if abs(number) > MAX_INTEGER:
        return _BEYOND
    if not _keeps_all_digits(text, number):
        return _TOO_LONG if number else _TOO_NEAR_0
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
