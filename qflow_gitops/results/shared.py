"""What targets of one spec ask for: what they have alike, and what differs with the targets."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from qflow_gitops.base.jsondiff import MISSING, Difference, differences
from qflow_gitops.base.names import RunKey
from qflow_gitops.plan.change import Change, Reason
from qflow_gitops.results.groups import spec_of, target_of
from qflow_gitops.specs.spec import hidden, mask


class Value(NamedTuple):
    """What one or more targets have alike at a place of their requests."""

    difference: Difference
    targets: tuple[str, ...]


class Shared(NamedTuple):
    """What a place of the request is in several targets, or becomes: the most common first."""

    pointer: str
    values: tuple[Value, ...]
    everywhere: bool


def asked(
    change: Change, sensitive: Sequence[str] = (), *, beside: Collection[str] = ()
) -> tuple[Difference, ...]:
    """Return what differs from the request that a run sent last, or all of its first one.

    But for what stands `beside` the latter. Masked as its own spec says, and by `sensitive`.
    () where that isn't known.
    """
    found = change.since or ()
    if not found and change.spec and (change.due or change.reason) is Reason.ADDED:
        nothing: dict[str, Any] = {"input": {}, "variables": {}}
        request = mask(change.spec.masked, sensitive) if sensitive else change.spec.masked
        whole = differences(nothing, {**nothing, **request})
        return tuple(each for each in whole if each.pointer not in beside)
    return tuple(
        Difference(at, hidden(old, at, sensitive), hidden(new, at, sensitive))
        for at, old, new in found
    )


def secrets(every: Iterable[Change]) -> Mapping[RunKey, tuple[str, ...]]:
    """Return of each spec what is sensitive in any of its targets: what all share is each one's."""
    found: dict[RunKey, set[str]] = {}
    for change in every:
        if target_of(change.key) and change.spec and change.spec.sensitive:
            found.setdefault(spec_of(change.key), set()).update(change.spec.sensitive)
    return {key: tuple(sorted(pointers)) for key, pointers in found.items()}


def shared(
    changes: Sequence[Change],
    sensitive: Mapping[RunKey, Sequence[str]],
    *,
    beside: Collection[str] = (),
) -> tuple[Shared, ...]:
    """Return what targets of one spec ask for, as `asked` does: first what all have alike.

    `sensitive` is what `secrets` gives.
    """
    hide = sensitive.get(spec_of(changes[0].key), ())
    found: dict[str, dict[str, tuple[Difference, list[str]]]] = {}
    last: dict[str, tuple[Difference, list[str]]] = {}
    for change in changes:
        name = target_of(change.key)
        for each in asked(change, hide, beside=beside):
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
