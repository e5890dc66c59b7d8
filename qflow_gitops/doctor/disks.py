"""Whether there is room, and the right to write, where something has to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.results.checks import Check, failed, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIB = 1 << 20
SCARCE, NONE_LEFT = 100 * MIB, 5 * MIB
_ROOM = "Make room on it: apply sends nothing that it can't record first."


class Place(NamedTuple):
    """A folder that something is written to.

    `what` says what that is, `free` how many bytes there is room for (None where nobody knows),
    `needed` whether an apply can't do without.
    """

    what: str
    path: str
    free: int | None
    writable: bool
    needed: bool = True


def checks(places: Sequence[Place]) -> Iterator[Check]:
    """Judge the places, all of them in two lines."""
    yield _room([place for place in places if place.free is not None])
    yield _rights(places)


def _room(places: Sequence[Place]) -> Check:
    name, about = "disk", "disk"
    tightest = min(places, key=lambda place: place.free or 0, default=None)
    if tightest is None or tightest.free is None:
        return ok(name, about, "how much room there is isn't told here")
    said = f"{tightest.free // MIB:,} MiB free for {tightest.what} ({tightest.path})"
    if tightest.free < NONE_LEFT:
        return failed(name, about, said, _ROOM)
    if tightest.free < SCARCE:
        return warning(name, about, said, _ROOM)
    return ok(name, about, "more than 100 MiB free wherever something is written")


def _rights(places: Sequence[Place]) -> Check:
    name, about = "writable", "rights to write"
    closed = sorted(
        (place for place in places if not place.writable), key=lambda place: not place.needed
    )
    if not closed:
        return ok(name, about, ", ".join(place.what for place in places))
    first = closed[0]
    more = f", nor {len(closed) - 1} more" if len(closed) > 1 else ""
    said = f"no right to write {first.what} ({first.path}){more}"
    hint = "Give yourself the right to write there, or work in a clone of your own."
    return failed(name, about, said, hint) if first.needed else warning(name, about, said, hint)
