"""Looks at one part after the other, and makes a line of whatever stops a look."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from qflow_gitops.errors import QflowError
from qflow_gitops.results.checks import Check, Examined, Verdict

_HINT = 8_000
"""Characters; a longer command comes of names that nobody types."""


class Part(NamedTuple):
    """A part to look at; `look` gives its checks one by one, and may stop with a QflowError."""

    title: str
    look: Callable[[], Iterable[Check]]


def examine(parts: Iterable[Part]) -> Iterator[Examined]:
    """Look at each part. What stops one is its last line, and the next one goes on."""
    for part in parts:
        found: list[Check] = []
        try:
            found.extend(map(brief, part.look()))
        except QflowError as problem:
            found.extend(told(part.title.lower(), "", problem))
        yield Examined(part.title, tuple(found))


def brief(check: Check) -> Check:
    """Cut what a name of a repository or of a host makes long; half a command is none."""
    return check._replace(
        about=_cut(check.about, 300),
        found=_cut(check.found, 2_000),
        hint=check.hint if len(check.hint) <= _HINT else "",
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def told(name: str, about: str, problem: QflowError) -> Iterator[Check]:
    """Make a line of a problem, and of each that came up beside it."""
    for each in (problem, *problem.also):
        where = f"{each.where}: " if each.where else ""
        yield Check(name, about, Verdict.FAILED, where + each.message, each.hint)
