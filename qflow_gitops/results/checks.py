"""What a doctor looked at, and what was found there."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from qflow_gitops.errors import ExitCode
from qflow_gitops.results.report import Report


class Verdict(StrEnum):
    """What a look came to. UNKNOWN: it could not be told; LEFT_OUT: nobody looked."""

    FAILED = "failed"
    WARNING = "warning"
    UNKNOWN = "unknown"
    LEFT_OUT = "not_looked_at"
    OK = "ok"


class Check(NamedTuple):
    """One thing that was looked at.

    `name` is a stable word, `about` says in a few words what was looked at, `found` in a sentence
    what there was (of UNKNOWN and LEFT_OUT: why nobody knows). `hint` is the next command or
    change, "" where there is nothing to do.
    """

    name: str
    about: str
    verdict: Verdict
    found: str
    hint: str = ""


class Examined(NamedTuple):
    """The checks of one part, in the order in which they were made."""

    title: str
    checks: tuple[Check, ...]


class Fact(NamedTuple):
    """What a tenant shows of something that Qualys' documentation leaves open.

    `about` is the question, `source` the section of docs/api.md, `seen` what was observed ("" for
    nothing) and `how` by which call. `assumed` is what this program takes for true instead, ""
    where nothing that was seen contradicts it.
    """

    about: str
    source: str
    seen: str
    how: str
    assumed: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was looked at. `facts` is None where nobody asked for them."""

    parts: tuple[Examined, ...]
    facts: tuple[Fact, ...] | None = None

    def count(self, verdict: Verdict) -> int:
        """Say how many checks came to this."""
        return sum(check.verdict is verdict for part in self.parts for check in part.checks)


def examined(body: Examination) -> Report:
    """Report on an examination: 1 where a check failed, whatever it is about."""
    if body.count(Verdict.FAILED):
        return Report("doctor", ExitCode.RUN_FAILED, "check_failed", body=body)
    return Report("doctor", body=body)


def ok(name: str, about: str, found: str) -> Check:
    """Say that something is in order."""
    return Check(name, about, Verdict.OK, found)


def warning(name: str, about: str, found: str, hint: str = "") -> Check:
    """Say that something works, and may not go on so."""
    return Check(name, about, Verdict.WARNING, found, hint)


def failed(name: str, about: str, found: str, hint: str) -> Check:
    """Say that something doesn't work, and what mends it."""
    return Check(name, about, Verdict.FAILED, found, hint)


def unknown(name: str, about: str, why: str, hint: str = "") -> Check:
    """Say that something can't be told, and why."""
    return Check(name, about, Verdict.UNKNOWN, why, hint)


def all_unknown(names: Iterable[tuple[str, str]], why: str) -> tuple[Check, ...]:
    """Say of checks, by name and what they are about, that something else is in their way."""
    return tuple(Check(name, about, Verdict.UNKNOWN, why) for name, about in names)


def left_out(names: Iterable[tuple[str, str]], why: str, hint: str = "") -> tuple[Check, ...]:
    """Say of checks, by name and what they are about, that nobody looked."""
    return tuple(Check(name, about, Verdict.LEFT_OUT, why, hint) for name, about in names)
