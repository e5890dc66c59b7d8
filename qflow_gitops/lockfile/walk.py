"""Follows the lockfile's branch from commit to commit: what each took away or changed.

Pure. The cost is that of what differs: a run that stays as it is isn't looked at.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import anchors, audit
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.pieces import (
    BESIDE,
    HEAD,
    MOST,
    Fits,
    Piece,
    Place,
    head_from_bytes,
    piece_from_bytes,
    place_of,
)

PLAIN = "100644"
"""git's mode of a file that nobody runs, and that is no link."""
GONE = "000000"
"""git's mode of a file that isn't there any more."""


class Changed(NamedTuple):
    """A file before and after a commit: None where it isn't there, or its content isn't at hand.

    `mode` is what git says of it afterwards, GONE where it isn't there. `added`: git says that it
    wasn't there before.
    """

    path: str
    mode: str
    old: bytes | None
    new: bytes | None
    added: bool = False


class Walk:
    """What was read on the way, by path; each version of a file is read once.

    With `owners` it also looks whether an execution is recorded twice, which only somebody who
    began at the first commit can tell. `fits` says of each file whether it is of the right form.
    """

    def __init__(self, *, owners: bool = False, fits: Fits | None = None) -> None:
        """Begin where nothing is known yet."""
        self._fits = fits
        self.head: Lockfile | None = None
        self.pieces: dict[Place, Piece] = {}
        self._gone: set[Place] = set()
        self._owners: dict[str, Place] | None = {} if owners else None

    def knows(self, path: str) -> bool:
        """Whether what a file holds before the next step is known."""
        if path == HEAD:
            return self.head is not None
        place = place_of(path)
        return place is not None and place in self.pieces

    def step(self, changes: Iterable[Changed]) -> Iterator[str]:
        """Say what is wrong with a commit that made these changes, in sentences."""
        placed = [(place_of(change.path), change) for change in changes]
        placed.sort(key=lambda each: each[0] or ("", "", 0))
        for _, change in placed:
            if change.path == HEAD:
                yield from self._head(change)
        added = []
        for place, change in placed:
            if place is not None:
                yield from self._piece(place, change)
                added += [place] if change.mode != GONE else []
            elif anchors.serial_in(change.path) is not None:
                yield from self._anchor(change)
            elif change.mode not in (PLAIN, GONE) and change.path in BESIDE:
                yield _not_plain(change.path)
            elif change.path not in (HEAD, *BESIDE) and change.mode != GONE:
                yield misplaced(change.path)
        if any(place for place, _ in placed) and all(each.path != HEAD for _, each in placed):
            yield "Runs were changed, and the serial wasn't."
        yield from self._fit(added)

    def _head(self, change: Changed) -> Iterator[str]:
        before = self.head
        if change.mode == GONE:
            yield f"{HEAD} is gone."
            return
        if change.mode != PLAIN:
            yield _not_plain(HEAD)
        try:
            if before is None and change.old is not None:
                before = head_from_bytes(change.old, HEAD)
            self.head = head_from_bytes(change.new or b"", HEAD, self._fits)
        except LockError as problem:
            yield _unread(HEAD, problem)
            return
        if before is not None:
            if self.head.serial == before.serial:
                yield f"The content is another one, the serial is still {before.serial}."
            yield from audit.grown_head(before, self.head)

    def _piece(self, place: Place, change: Changed) -> Iterator[str]:
        before = self._before(place, change)
        if change.mode == GONE:
            self._gone.add(place)
            last = before.attempts[-1].number if before and before.attempts else 0
            yield f"{place.path} is gone{f', with the attempts up to #{last}' if last else ''}."
            return
        if change.mode != PLAIN:
            yield _not_plain(place.path)
        if change.added and before is not None and place not in self._gone:
            yield f"{place.path} stands there twice."
        self._gone.discard(place)
        try:
            now = piece_from_bytes(change.new or b"", place, place.path, self._fits)
        except LockError as problem:
            yield _unread(place.path, problem)
            return
        if before is not None:
            yield from audit.grown_piece(place, before, now)
            if before == now:
                yield f"{place.path} was rewritten, with nothing new in it."
        self.pieces[place] = now
        if self._owners is not None:
            yield from _owned(self._owners, place, before, now)

    def _anchor(self, change: Changed) -> Iterator[str]:
        """Say what is wrong with an anchor: it comes, and stays as it is."""
        if change.mode == GONE:
            yield f"{change.path} is gone."
            return
        if change.mode != PLAIN:
            yield _not_plain(change.path)
        if not change.added:
            yield f"{change.path} was changed, and an anchor never is."
        try:
            anchor = anchors.stamped(change.new or b"", change.path, self._fits)
        except LockError as problem:
            yield _unread(change.path, problem)
            return
        if self.head is not None and anchor.serial > self.head.serial:
            yield f"{change.path} is of a later lockfile than the one that holds it."

    def _before(self, place: Place, change: Changed) -> Piece | None:
        if place in self.pieces or change.old is None:
            return self.pieces.get(place)
        try:
            return piece_from_bytes(change.old, place, place.path)
        except LockError:
            return None  # that was said of the commit which wrote it

    def _fit(self, added: Iterable[Place]) -> Iterator[str]:
        """Say which files belong to no environment of the head, or come before their time."""
        for place in added:
            if self.head is not None and place.environment not in self.head.environments:
                yield f"{place.path} is there, and the head has no {place.environment}."
            before = self.pieces.get(place._replace(part=place.part - 1))
            if before is None and self._owners is None:
                continue  # it may be there: what isn't on the way isn't known
            if place.part > 1 and (before is None or len(before.attempts) != MOST):
                yield f"{place.path} is there, and the file before it isn't full."


def is_read(path: str) -> bool:
    """Whether it counts what a file holds: not that of one which doesn't belong."""
    return path == HEAD or place_of(path) is not None or anchors.serial_in(path) is not None


def _owned(
    owners: dict[str, Place], place: Place, before: Piece | None, now: Piece
) -> Iterator[str]:
    """Say which executions another file has already; from here on they are this one's."""
    for execution in _executions(before) if before else ():
        if owners.get(execution) == place:
            del owners[execution]
    for execution in _executions(now):
        if execution in owners:
            other = owners[execution]
            yield f"The execution {execution} is recorded twice: {place.path}, {other.path}."
        owners[execution] = place


def _executions(piece: Piece) -> list[str]:
    return [each.execution_id.lower() for each in piece.attempts if each.execution_id]


def _unread(path: str, problem: LockError) -> str:
    return problem.message.replace("The lockfile", path, 1)


def _not_plain(path: str) -> str:
    return f"{path} isn't a plain file."


def misplaced(path: str) -> str:
    """Say that a file doesn't belong on the branch, or not there."""
    return f"{path} doesn't belong on the lockfile's branch."
