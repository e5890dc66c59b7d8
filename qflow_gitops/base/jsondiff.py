"""What differs between two requests, value by value."""

from typing import Any, NamedTuple

from qflow_gitops.base.pointer import step

MISSING = object()


class Difference(NamedTuple):
    """One value that differs. `pointer` is its JSON pointer; `old` or `new` may be MISSING."""

    pointer: str
    old: Any
    new: Any


def differences(old: Any, new: Any, pointer: str = "") -> tuple[Difference, ...]:
    """Return what has to change in `old` to become `new`, in the order of the pointers.

    Objects are compared key by key, arrays element by element; 1 and true differ.
    """
    found: list[Difference] = []
    _walk(old, new, pointer, found)
    return tuple(found)


def _walk(old: Any, new: Any, pointer: str, found: list[Difference]) -> None:
    if old is new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            place = f"{pointer}/{step(key)}"
            _walk(old.get(key, MISSING), new.get(key, MISSING), place, found)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else MISSING
            after = new[index] if index < len(new) else MISSING
            _walk(before, after, f"{pointer}/{index}", found)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        found.append(Difference(pointer, old, new))
