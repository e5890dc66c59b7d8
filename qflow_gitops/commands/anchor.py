"""Anchor the lockfile: prove to whoever looks later what stood there, and when."""

from collections.abc import Callable

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import LockError, UsageProblem
from qflow_gitops.lockfile.anchors import Anchor, TimeStamp, contents_of, to_bytes
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.lockfile import LockAnchors, LockStore, Standing
from qflow_gitops.ports.time_stamps import StampServer
from qflow_gitops.results.records import Anchored
from qflow_gitops.results.report import Report

_NOTHING = "No anchor was written."


def anchor(store: LockStore, server: Callable[[Standing], StampServer], *, again: bool) -> Report:
    """Get a time stamp of what stands there, and keep it beside it.

    Where it has one already nothing is asked, unless `again`. Raises LockError, UsageProblem,
    InvalidInput, UnreachableError.
    """
    anchors = anchors_of(store)
    now = anchors.standing()
    serial = now.lockfile.serial
    earlier = {path: each for path, each in now.anchors.items() if each.serial == serial}
    if earlier and not again:
        path, there = max(earlier.items(), key=lambda each: each[1].at)
        return _report(store, there, path, new=False)
    text = _text(anchors, now, store.where)
    by = server(now)
    response, at = by.stamp(text)
    made = Anchor(
        now.commit,
        serial,
        now.lockfile.lineage,
        contents_of(text),
        stamp(at),
        TimeStamp(by.address, response),
    )
    path, kept = anchors.keep(made, again=again)
    return _report(store, kept, path, new=kept is made)


def deposit(store: LockStore, clock: Clock, file: str, write: Callable[[bytes], None]) -> Report:
    """Write what a person may keep anywhere, and hold the lockfile against later.

    Raises LockError, UsageProblem, and what `write` raises.
    """
    anchors = anchors_of(store)
    now = anchors.standing()
    at, lockfile = stamp(clock.now()), now.lockfile
    made = Anchor(
        now.commit,
        lockfile.serial,
        lockfile.lineage,
        contents_of(_text(anchors, now, store.where)),
        at,
        says=f"At {at} this commit was the newest one of the lockfile's branch in {store.address}. "
        "`contents` is the SHA-256 over all that stood there. Whoever keeps this file where nobody "
        "can change it may hold the lockfile against it: qflow-gitops lock verify --anchor FILE",
    )
    write(to_bytes(made))
    return _report(store, made, file, new=True)


def anchors_of(store: LockStore) -> LockAnchors:
    """Return the anchors of a store. Raises UsageProblem where it can have none."""
    if store.anchors is None:
        raise UsageProblem(
            "The lockfile is a file of the work tree, which has no anchors: nothing there shows "
            "what stood in it before.",
            where=store.where,
            not_done=_NOTHING,
            hint="Keep it on a branch: `qflow-gitops lock move --to branch`",
            reason="lock_unanchored",
        )
    return store.anchors


def _text(anchors: LockAnchors, now: Standing, where: str) -> bytes:
    try:
        return anchors.contents(now.commit).text
    except ValueError as problem:
        raise LockError(
            f"The lockfile's branch can't be anchored: {problem}.",
            where=where,
            not_done=_NOTHING,
            hint="`qflow-gitops lock verify` says which commit did that.",
            reason="lock_broken",
        ) from None


def _report(store: LockStore, made: Anchor, path: str, *, new: bool) -> Report:
    server = made.stamp.server if made.stamp else ""
    return Report(
        "lock",
        body=Anchored(store.where, made.commit, made.serial, made.at, path, server, new=new),
    )
