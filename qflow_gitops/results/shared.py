"""What targets of one spec ask for: what they have alike, and what differs with the targets."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from qflow_gitops.base.jsondiff import MISSING, Difference, differences
from qflow_gitops.base.names import RunKey, spec_of, target_of
from qflow_gitops.plan.change import Change, Reason
from qflow_gitops.specs.spec import RunSpec, hidden


class Value(NamedTuple):
    """What one or more targets have alike at a place of their requests."""

    difference: Difference
    targets: tuple[str, ...]


class Shared(NamedTuple):
    """What a place of the request is in several targets, or becomes: the most common first."""

    pointer: str
    values: tuple[Value, ...]
    everywhere: bool


def hiding_alike(changes: Iterable[Change], every: Iterable[Change]) -> Iterator[Change]:
    """Return decisions with specs that hide what any target of the same spec does.

    `every` are all decisions of the plan: what a spec says for all targets is the value of each.
    """
    changes = tuple(changes)
    asking = {spec_of(each.key) for each in changes}
    found: dict[RunKey, set[str]] = {}
    for change in every:
        key = spec_of(change.key)
        if key in asking and target_of(change.key) and change.spec and change.spec.sensitive:
            found.setdefault(key, set()).update(change.spec.sensitive)
    for change in changes:
        pointers = found.get(spec_of(change.key), set()) if target_of(change.key) else set()
        if change.spec and pointers.difference(change.spec.sensitive):
            said = {each.name: getattr(change.spec, each.name) for each in fields(RunSpec)}
            spec = RunSpec(**{**said, "sensitive": tuple(sorted(pointers))})
            change = change._replace(spec=spec)  # noqa: PLW2901  the same, as it is shown
        yield change


def asked(
    change: Change, *, beside: Collection[str] = (), whole: bool = False
) -> tuple[Difference, ...]:
    """Return what differs from the request that a run sent last, or all of its first one.

    But for what stands `beside` the latter; `whole`: all of any one that differs in nothing that
    is known. Masked as its spec says. () where that isn't known.
    """
    spec, found = change.spec, change.since or ()
    if spec is None:
        return found
    if not found and (whole or (change.due or change.reason) is Reason.ADDED):
        nothing: dict[str, Any] = {"input": {}, "variables": {}}
        all_of_it = differences(nothing, {**nothing, **spec.masked})
        return tuple(each for each in all_of_it if each.pointer not in beside)
    return tuple(
        Difference(at, hidden(old, at, spec.sensitive), hidden(new, at, spec.sensitive))
        for at, old, new in found
    )


def shared(
    changes: Sequence[Change], *, beside: Collection[str] = (), whole: bool = False
) -> tuple[Shared, ...]:
    """Return what targets of one spec ask for, as `asked` does: first what all have alike."""
    found: dict[str, dict[str, tuple[Difference, list[str]]]] = {}
    last: dict[str, tuple[Difference, list[str]]] = {}
    for change in changes:
        name = target_of(change.key)
        for each in asked(change, beside=beside, whole=whole):
            same = last.get(each.pointer)
            if not same or same[0].old is not each.old or same[0].new is not each.new:
                values = found.setdefault(each.pointer, {})
                same = last[each.pointer] = values.setdefault(_key(each), (each, []))
            same[1].append(name)
    rows = []
    for pointer, values in found.items():
        some = [Value(each, tuple(names)) for each, names in values.values()]
        some.sort(key=lambda value: -len(value.targets))
        rows.append(Shared(pointer, tuple(some), len(some[0].targets) == len(changes)))
    return tuple(sorted(rows, key=lambda row: not row.everywhere))


def _key(found: Difference) -> str:
    return json.dumps([["absent"] if x is MISSING else [x, ""] for x in (found.old, found.new)])


def most_common(values: Iterable[str]) -> tuple[str, ...]:
    """Return different values, the most common first, else as they come."""
    return tuple(value for value, _ in Counter(values).most_common())
