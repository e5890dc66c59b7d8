"""Looks at one part after the other, and makes a line of whatever stops a look."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from qflow_gitops.errors import QflowError
from qflow_gitops.results.checks import Check, Examined, Verdict


class Part(NamedTuple):
    """A part to look at; `look` gives its checks one by one, and may stop with a QflowError."""

    title: str
    look: Callable[[], Iterable[Check]]


def examine(parts: Iterable[Part]) -> Iterator[Examined]:
    """Look at each part. What stops one is its last line, and the next one goes on."""
    for part in parts:
        found: list[Check] = []
        try:
            found.extend(part.look())
        except QflowError as problem:
            found.extend(told(part.title.lower(), "", problem))
        yield Examined(part.title, tuple(found))


def told(name: str, about: str, problem: QflowError) -> Iterator[Check]:
    """Make a line of a problem, and of each that came up beside it."""
    for each in (problem, *problem.also):
        where = f"{each.where}: " if each.where else ""
        yield Check(name, about, Verdict.FAILED, where + each.message, each.hint)
