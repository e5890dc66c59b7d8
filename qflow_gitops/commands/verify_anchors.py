"""Hold the lockfile's history against its anchors: what stood there then stands there now."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import LockError, QflowError, UsageProblem
from qflow_gitops.lockfile.anchors import Anchor, contents_of, from_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.lockfile import LockAnchors, LockStore
from qflow_gitops.ports.time_stamps import StampChecker, Untrusted
from qflow_gitops.results.records import AnchorHeld

_NOTHING = "Nothing was checked."


class Trusted(NamedTuple):
    """Who looks at time stamps, and by which certificates, in words."""

    checker: StampChecker
    certificates: str


class AnchorsGiven(NamedTuple):
    """What a person holds the history against: anchors by their files.

    `trusted` gives who looks at time stamps; what it raises is only told, unless `strict`.
    """

    files: Mapping[str, Anchor]
    trusted: Callable[[Lockfile], Trusted] | None
    strict: bool = False


NO_ANCHORS = AnchorsGiven({}, None)


@dataclass(slots=True)
class Held:
    """What came of it. `anchors` is None for a store that can have none.

    `certificates` say against which ones time stamps were checked, "" where none was.
    """

    anchors: tuple[AnchorHeld, ...] | None = None
    certificates: str = ""
    problems: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()


def read_anchor(content: bytes, where: str) -> Anchor:
    """Read what `lock anchor --to` wrote, or an anchor of the branch. Raises UsageProblem."""
    try:
        return from_bytes(content, where)
    except LockError as problem:
        why = problem.message.removeprefix("The lockfile can't be read: ")
        raise UsageProblem(
            f"This is no anchor: {why}",
            where=where,
            not_done=_NOTHING,
            hint="Name a file that `qflow-gitops lock anchor --to FILE` wrote.",
            reason="anchor_form",
        ) from None


def held_anchors(store: LockStore, newest: Lockfile | None, given: AnchorsGiven) -> Held:
    """Hold the history against the anchors on the branch, and those that are given.

    All of the history is in this clone. Raises UsageProblem where a store has no history, and
    what the checker raises where that is `strict`.
    """
    if store.anchors is None:
        if given.files:
            raise UsageProblem(
                "The lockfile is a file of the work tree: nothing shows what stood in it before.",
                where=store.where,
                not_done=_NOTHING,
                hint="Leave out --anchor, or check the branch that the anchor is of.",
                reason="lock_unanchored",
            )
        return Held()
    tip, kept = store.anchors.newest()
    all_of_them = sorted({**kept, **given.files}.items(), key=lambda each: each[1].at)
    held = Held()
    checker = None
    if newest and any(anchor.stamp for _, anchor in all_of_them):
        trusted, held.notes = _trusted(newest, given)
        if trusted:
            checker, held.certificates = trusted
    found = []
    for file, anchor in all_of_them:
        text, stands = _look(store.anchors, tip, anchor, newest)
        stamps = list(_stamped(anchor, text, checker)) if text and checker else []
        held.problems += [f"{file}: {problem}" for problem in (*stands, *stamps)]
        stamped = not stamps if text and checker and anchor.stamp else None
        found.append(AnchorHeld(file, anchor.commit, anchor.serial, anchor.at, not stands, stamped))
    held.anchors = tuple(found)
    return held


def _trusted(newest: Lockfile, given: AnchorsGiven) -> tuple[Trusted | None, tuple[str, ...]]:
    if given.trusted is None:
        return None, ()
    try:
        return given.trusted(newest), ()
    except QflowError as problem:
        if given.strict:
            raise
        return None, (f"No time stamp was checked: {problem.message} {problem.hint}",)


def _look(
    anchors: LockAnchors, tip: str, anchor: Anchor, newest: Lockfile | None
) -> tuple[bytes, tuple[str, ...]]:
    """Return what the anchor's commit holds, b"" and why where it isn't what it was."""
    commit = anchor.commit[:10]
    if newest and anchor.lineage != newest.lineage:
        return b"", (f"It is of another lockfile, with the lineage {anchor.lineage}.",)
    if not anchors.descends(tip, anchor.commit):
        then = f"Commit {commit}, which was the newest one at {anchor.at},"
        gone = "isn't in the history any more: what stood there was taken away or changed since."
        return b"", (f"{then} {gone}",)
    try:
        there = anchors.contents(anchor.commit)
    except ValueError as problem:
        return b"", (f"What commit {commit} holds can't be told: {problem}.",)
    if contents_of(there.text) != anchor.contents:
        return b"", (f"Commit {commit} doesn't hold what it held at {anchor.at}.",)
    if there.head is None or there.head.serial != anchor.serial:
        return b"", (f"It says serial {anchor.serial}, and commit {commit} doesn't.",)
    return there.text, ()


def _stamped(anchor: Anchor, text: bytes, checker: StampChecker) -> Iterator[str]:
    if anchor.stamp is None:
        return
    try:
        at = stamp(checker.check(anchor.stamp.response, text))
    except Untrusted as problem:
        yield f"Its time stamp can't be trusted: {problem}."
        return
    if at != anchor.at:
        yield f"It says {anchor.at}, and its time stamp {at}."
