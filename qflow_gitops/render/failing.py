"""By which steps runs failed, told together: what several have alike is said once."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from qflow_gitops.render.grouped import FEW
from qflow_gitops.render.steps import culprit, in_a_line
from qflow_gitops.results.groups import Keyed, alike, in_words
from qflow_gitops.results.stories import Culprit


class Failed(Keyed, Protocol):
    """What is about one run, and knows by which step it failed, if anybody does."""

    @property
    def failed_at(self) -> Culprit | None:
        """By which step, None for unknown."""


Some = TypeVar("Some", bound=Failed)


def by_step(some: Sequence[Some]) -> list[tuple[str, tuple[Some, ...]]]:
    """Put runs together that failed by one step with the same words, `…` for what varies.

    Those of which nobody knows are left out. The words are safe to print.
    """
    known = [each for each in some if each.failed_at]
    return [found for same in alike(known, _step) for found in in_words(same, _line)]


def _step(each: Failed) -> str:
    return culprit(each.failed_at) if each.failed_at else ""


def _line(each: Failed) -> str:
    return in_a_line(each.failed_at) if each.failed_at else ""


def at_steps(some: Sequence[Some], named: Callable[[Sequence[Some]], str]) -> Iterator[str]:
    """Say it in lines below these runs; `named` says which of them."""
    found = by_step(some)
    for words, same in found[:FEW]:
        yield f"      at {words}"
        if len(same) < len(some):
            yield f"        {named(same)}"
    if left := sum(len(same) for _, same in found[FEW:]):
        yield f"      … {left:,} more (--format json: all)"
