"""What a person types about runs that need one, told together where it is the same."""

from collections.abc import Callable, Iterator, Sequence

from qflow_gitops.base.names import spec_of, target_of
from qflow_gitops.render.escape import clean
from qflow_gitops.render.failing import at_steps
from qflow_gitops.render.grouped import names, who
from qflow_gitops.render.marks import Mark, hint
from qflow_gitops.render.signs import signed
from qflow_gitops.results.records import StatusRow

SHOWN = 20
"""So many of them are told; a thousand targets of a spec are one."""


def to_do(rows: Sequence[StatusRow]) -> Iterator[str]:
    """Say of runs that need a person what that one types: once where it is the same for all."""
    found = [*_alike([row for row in rows if row.way])]
    if found:
        yield ""
        yield Mark.TITLE(f"What to do ({sum(map(len, found)):,})")
    for some in found[:SHOWN]:
        own, listed = _own(some), _listed(some)
        yield signed("!", _who(some), f"  {_state(some[0])}")
        yield from [f"      {listed(some)}"] if len(some) > 1 else ()
        yield from at_steps(some, listed)
        same = len({row.way for row in some}) == 1
        first = "" if same else f"{own(some[0])}, and the others alike: "
        yield hint(clean(first + some[0].way), 6)
    if len(found) > SHOWN:
        left = sum(map(len, found[SHOWN:]))
        yield f"  … {left:,} more (--format json: all)"


def _who(some: Sequence[StatusRow]) -> str:
    """Name a run, or the spec of several targets; of runs of several specs say how many."""
    return who(some) if _of_one_spec(some) else f"{len(some):,} runs"


def _own(some: Sequence[StatusRow]) -> Callable[[StatusRow], str]:
    """Say how each of several is named: a target alone where all are of one spec."""
    if _of_one_spec(some):
        return lambda row: target_of(row.key)
    return lambda row: "/".join(row.key)


def _listed(some: Sequence[StatusRow]) -> Callable[[Sequence[StatusRow]], str]:
    own = _own(some)
    return lambda few: names([own(row) for row in few])


def _of_one_spec(some: Sequence[StatusRow]) -> bool:
    return len({spec_of(row.key) for row in some}) == 1


def _state(row: StatusRow) -> str:
    return row.attempt.state.replace("_", " ") if row.attempt else ""


def _alike(rows: Sequence[StatusRow]) -> Iterator[list[StatusRow]]:
    """Put runs together: those about which the same is typed, but for their names."""
    by_way: dict[str, list[StatusRow]] = {}
    for row in rows:
        by_way.setdefault(row.way, []).append(row)
    by_spec: dict[tuple[object, ...], list[StatusRow]] = {}
    for some in by_way.values():
        by_spec.setdefault((some[0].way,) if len(some) > 1 else _alone(some[0]), []).extend(some)
    yield from by_spec.values()


def _alone(row: StatusRow) -> tuple[object, ...]:
    """Return what targets of one spec share in one state, and other runs in one way."""
    run = "/".join(row.key)
    way = spec_of(row.key) if target_of(row.key) else row.way.replace(run, "RUN")
    return (way, _state(row))
