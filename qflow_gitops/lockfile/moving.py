"""A lockfile's way to another place, decided anew at each step by what stands in both.

All of it is copied to the new place, which is `pending` there; the old place is closed
(`movedTo`), by compare-and-swap on exactly what was copied; then the new one is `opened`. So there
are never two that are open, and whoever finds a move that was broken off, or that somebody else
is at, goes on with it. Pure; the words are those of `places`.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from qflow_gitops.errors import AGAIN, LockError
from qflow_gitops.lockfile import audit
from qflow_gitops.lockfile.codec import head_to_json
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import MOVED, OPENED, PENDING, LedgerEvent
from qflow_gitops.lockfile.pieces import all_pieces
from qflow_gitops.lockfile.places import (
    Site,
    closed,
    is_known,
    known_at,
    last_move,
    merged,
    names_any,
    site_of,
)

_STAYS = "Nothing was moved: the lockfile is where it was."


class Step(StrEnum):
    """What is to be done next."""

    COPY = "copy"
    CLOSE = "close"
    OPEN = "open"
    DONE = "done"


class Way(NamedTuple):
    """From where to where; `address` is the new place's, as `places.hashed` takes it."""

    origin: Site
    to: Site
    address: str


def next_step(source: Lockfile, target: Lockfile | None, way: Way) -> Step:
    """Say what comes next; `target` is None where nothing is there.

    Raises LockError where the lockfile has gone elsewhere, or another one is there.
    """
    last = last_move(source.places)
    problem = closed(source, str(way.origin))
    if last is not None and last.event == MOVED and way.to.is_same(site_of(last.extra.get("to"))):
        return _after_closing(source, target, way, last.text("nonce"))
    if problem:
        raise problem
    if target is None or _is_blank(target):
        return Step.COPY
    pending = last_move(target.places)
    if target.lineage != source.lineage or pending is None or pending.event == OPENED:
        raise _another(target, source, way)
    is_ours = pending.event == PENDING and way.origin.is_same(site_of(pending.extra.get("from")))
    if is_ours and is_copy(source, target):
        return Step.CLOSE
    _check_beginning(source, target, way)
    return Step.COPY


def _after_closing(source: Lockfile, target: Lockfile | None, way: Way, nonce: str) -> Step:
    of_it = [event for event in (target.places if target else ()) if event.text("nonce") == nonce]
    if target is None or target.lineage != source.lineage or not of_it:
        raise _gone(way)
    if any(event.event == OPENED for event in of_it):
        return Step.DONE
    return Step.OPEN if is_copy(source, target) else Step.COPY


def copied(
    source: Lockfile, target: Lockfile | None, way: Way, at: str, by: Mapping[str, str]
) -> Lockfile:
    """Return what the new place is to hold: all of the old one, pending. `at` is RFC 3339."""
    before = target.places if target and not _is_blank(target) else ()
    last = last_move(before)
    nonce = last.text("nonce") if last and last.event == PENDING else secrets.token_hex(16)
    theirs = [event for event in source.places if event.event != MOVED or event in before]
    places = merged(before, theirs)
    here = replace(source, places=places)
    if not is_known(here, way.address) or (way.address and not names_any(here)):
        places = (*places, known_at(source.lineage, way.address, at, by))
    ends = {"from": way.origin.to_json(), "to": way.to.to_json()}
    more = {"serial": source.serial, "nonce": nonce, "by": dict(by)}
    return replace(source, places=(*places, LedgerEvent(at, PENDING, {**ends, **more})))


def closing(target: Lockfile, way: Way, at: str, by: Mapping[str, str]) -> LedgerEvent:
    """Return what closes the old place, once the new one has all of it."""
    last = last_move(target.places)
    nonce = last.text("nonce") if last else ""
    return LedgerEvent(at, MOVED, {"to": way.to.to_json(), "nonce": nonce, "by": dict(by)})


def opening(target: Lockfile, at: str, by: Mapping[str, str]) -> LedgerEvent:
    """Return what opens the new place, once the old one is closed."""
    last = last_move(target.places)
    nonce = last.text("nonce") if last else ""
    return LedgerEvent(at, OPENED, {"nonce": nonce, "by": dict(by)})


def is_copy(source: Lockfile, target: Lockfile) -> bool:
    """Whether two lockfiles record the same; all attempts are read for it."""
    return _of_the_head(source) == _of_the_head(target) and dict(all_pieces(source)) == dict(
        all_pieces(target)
    )


def _of_the_head(lockfile: Lockfile) -> object:
    return head_to_json(replace(lockfile, serial=0, places=()))


def _gone(way: Way) -> LockError:
    again = (
        "Push it again from a clone that has it, and run this again. "
        "`git for-each-ref refs/qflow-gitops` lists what a clone has."
    )
    if way.to.store == "worktree":
        again = f"Commit {way.to} in the clone that has it, push, and pull it here: `git pull`"
    return LockError(
        f"The lockfile was moved to {way.to}, and isn't there"
        f"{' in this clone' if way.to.store == 'worktree' else ' any more'}.",
        where=str(way.to),
        not_done="Nothing was written.",
        hint=again,
        reason="lock_missing",
    )


def _is_blank(lockfile: Lockfile) -> bool:
    """Whether it is one that was begun for the copy, or for nothing: it says nothing at all."""
    return not (lockfile.environments or lockfile.notes or lockfile.places)


def _check_beginning(source: Lockfile, target: Lockfile, way: Way) -> None:
    """Refuse to write over what isn't a beginning of the lockfile. Raises LockError."""
    for lost in _losses(target, source):
        raise LockError(
            f"There is something of this lockfile that it hasn't itself: {lost}",
            where=str(way.to),
            not_done=_STAYS,
            hint="Look what wrote it, and move to another place: "
            "`qflow-gitops lock move --to branch --branch NAME`",
            reason="lock_there",
        )


def _losses(old: Lockfile, new: Lockfile) -> Iterator[str]:
    serial = max(old.serial, new.serial)
    head = replace(new, serial=serial, places=old.places)
    yield from audit.grown_head(old, head)
    now = dict(all_pieces(new))
    for place, piece in all_pieces(old):
        if place not in now:
            yield f"The run {'/'.join(place.key)} is gone."
        else:
            yield from audit.grown_piece(place, piece, now[place])


def _another(target: Lockfile, source: Lockfile, way: Way) -> LockError:
    same = target.lineage == source.lineage
    way_on = "Choose another branch: `qflow-gitops lock move --to branch --branch NAME`"
    if way.to.store == "worktree":
        way_on = f"If nothing is applied with it any more, move the file away; then: `{AGAIN}`"
    return LockError(
        f"There is {'a copy of this lockfile, which is open' if same else 'another lockfile'}.",
        where=str(way.to),
        not_done=_STAYS,
        hint=way_on,
        reason="lock_there",
    )
