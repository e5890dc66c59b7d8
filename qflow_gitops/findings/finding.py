"""A finding about a file, as a value: collected, sorted and rendered, never raised."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How bad a finding is. Only `error` makes a file invalid."""

    ERROR = "error"
    WARNING = "warning"


class Position(NamedTuple):
    """A place in a text: line and column, both from 1, the column in characters.

    A tuple, as the next one is: there are a hundred of them in each file.
    """

    line: int
    column: int


class Range(NamedTuple):
    """A stretch of text; `end` is the first position that no longer belongs to it."""

    start: Position
    end: Position


class Rule(NamedTuple):
    """A kind of finding.

    `id` is stable, `why` one sentence on why the rule exists. `bad` and `good` are what
    stands in a file, without the lines that every file has.
    """

    id: str
    severity: Severity
    why: str
    bad: str
    good: str


MAX_FINDINGS = 100
"""So many findings of a file are shown: nobody reads more, and each costs time and room."""

START_OF_FILE = Range(Position(1, 1), Position(1, 1))


class Excerpt(NamedTuple):
    """The line that a finding begins on, without what may not be shown.

    `start` and `end` are the offsets of the characters that the finding is about.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `rule` is a stable id (`connector-variable`), `message` one sentence on what is wrong,
    `hint` one on how to fix it ("" where the message says it all). `file` is relative to
    the repository's root, with `/`. `excerpt` is None where no line can be shown.
    """

    severity: Severity
    rule: str
    message: str
    file: str
    range: Range = START_OF_FILE
    hint: str = ""
    excerpt: Excerpt | None = None


def error(
    rule: str, message: str, file: str, where: Range = START_OF_FILE, hint: str = ""
) -> Diagnostic:
    """A finding that makes the file invalid."""
    return Diagnostic(Severity.ERROR, rule, message, file, where, hint)


def warning(
    rule: str, message: str, file: str, where: Range = START_OF_FILE, hint: str = ""
) -> Diagnostic:
    """A finding that a person should look at; the file stays valid."""
    return Diagnostic(Severity.WARNING, rule, message, file, where, hint)


def has_errors(found: Iterable[Diagnostic]) -> bool:
    """Whether one of them makes its file invalid."""
    return any(finding.severity is Severity.ERROR for finding in found)


def bounded(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the first `MAX_FINDINGS` of each file, errors first, and how many more there are."""
    of_file: dict[str, list[Diagnostic]] = {}
    for finding in found:
        of_file.setdefault(finding.file, []).append(finding)
    return [finding for file, each in of_file.items() for finding in _first(file, each)]


def _first(file: str, found: list[Diagnostic]) -> list[Diagnostic]:
    if len(found) <= MAX_FINDINGS:
        return found
    by_weight = sorted(
        found, key=lambda finding: (finding.severity is not Severity.ERROR, finding.range.start)
    )
    left_out = by_weight[MAX_FINDINGS]
    more = len(found) - MAX_FINDINGS
    return [
        *by_weight[:MAX_FINDINGS],
        warning(
            "too-many-findings",
            f"There are {more} more findings in this file, which aren't shown.",
            file,
            left_out.range,
            "Fix those that are shown, and look again.",
        ),
    ]


def in_order(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by file, then place, then rule, each once."""
    return tuple(sorted(set(found), key=lambda d: (d.file, d.range.start, d.rule, d.message)))


def once(found: list[Diagnostic]) -> list[Diagnostic]:
    """One cause, one finding: of several errors at one place the first, YAML's own, stays."""
    taken: dict[tuple[str, object], Diagnostic] = {}
    for finding in found:
        if finding.severity is Severity.ERROR:
            taken.setdefault((finding.file, finding.range), finding)
    return [
        finding
        for finding in found
        if finding.severity is not Severity.ERROR or taken[(finding.file, finding.range)] is finding
    ]
