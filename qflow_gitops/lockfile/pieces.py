"""The lockfile as its branch has it: a head, and a file for each run.

Pure. Beyond MOST attempts a run goes on in `<run>.2.json` and so on, so that no file grows
without end; nothing ever moves from one to another.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import (
    Json,
    head_from_json,
    head_to_json,
    normal_form,
    run_from_json,
    run_to_json,
    strictly,
)
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.runs import bring
from qflow_gitops.lockfile.summary import RunSummary, glance

HEAD = "qflow.lock"
"""The path of the head: all of the lockfile but its runs."""
BESIDE = ("README.md",)
"""What else may lie on the branch: a page for whoever looks at it there."""
MOST = 100
"""So many attempts stand in one file."""
_NAME = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_TARGET = rf"{_NAME}(?:\.[a-z](?:[a-z0-9-]*[a-z0-9])?)?"  # never one that ends like a part
_RUN = rf"{_NAME}(?:/{_TARGET})?"
_PATH = re.compile(rf"runs/({_NAME})/([0-9a-f]{{2}})/({_RUN})(?:\.([1-9][0-9]{{0,8}}))?\.json")


class Place(NamedTuple):
    """Which attempts a file has: those of a run from (`part` - 1) * MOST + 1 on."""

    environment: str
    run: str
    part: int = 1

    @property
    def key(self) -> RunKey:
        """The run."""
        return (self.environment, self.run)

    @property
    def first(self) -> int:
        """The number of the first attempt in it."""
        return (self.part - 1) * MOST + 1

    @property
    def path(self) -> str:
        """The file's path on the branch."""
        more = f".{self.part}" if self.part > 1 else ""
        return f"runs/{self.environment}/{_folder(self.run)}/{self.run}{more}.json"

    def after(self) -> "Place":
        """Return where the run goes on when this file is full."""
        return self._replace(part=self.part + 1)


def _folder(run: str) -> str:
    return sha256(run.partition("/")[0].encode()).hexdigest()[:2]


def place_of(path: str) -> Place | None:
    """Say what a file is to hold, None for one that doesn't belong, or not there."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    environment, _, run, part = found.groups()
    place = Place(environment, run, int(part or 1))
    return place if place.path == path else None


class Piece(NamedTuple):
    """What one file has of a run: attempts, and in the first one the run's own events."""

    attempts: tuple[Attempt, ...]
    events: tuple[LedgerEvent, ...] = ()


class PieceSummary(NamedTuple):
    """What has to be known of a file without all of it; `place` is the one that it says."""

    place: Place
    summary: RunSummary
    events: tuple[LedgerEvent, ...] = ()


def summary_of(place: Place, piece: Piece) -> PieceSummary:
    """Look at what a file has."""
    return PieceSummary(place, glance(piece.attempts), piece.events)


def piece_to_bytes(place: Place, piece: Piece) -> bytes:
    """Return a file's content in its normal form."""
    name = {"environment": place.environment, "name": place.run}
    return normal_form({**name, **run_to_json(piece.attempts, piece.events)})


Fits = Callable[[Json], bool]
"""Whether what a file says is as the lockfile's JSON Schema has it."""


def piece_from_bytes(content: bytes, place: Place, where: str, fits: Fits | None = None) -> Piece:
    """Read a file, whole and strictly. Raises LockError, which says `where`."""
    return strictly(content, where, lambda data: _piece(_fitting(data, fits), place))


def _fitting(data: Json, fits: Fits | None) -> Json:
    if fits is not None and not fits(data):
        raise ValueError("it doesn't satisfy the lockfile's JSON Schema")
    return data


def run_from_bytes(content: bytes, place: Place, where: str) -> Piece:
    """Read a run that has all of its attempts in one file. Raises LockError."""
    return strictly(content, where, lambda data: _run(data, place))


def _run(data: Json, place: Place) -> Piece:
    environment, name = data.pop("environment"), data.pop("name")
    if (environment, name) != place.key:
        raise ValueError(f"it holds {environment}/{name}, which belongs elsewhere")
    return Piece(*run_from_json(data, "/".join(place.key), place.first))


def _piece(data: Json, place: Place) -> Piece:
    piece = _run(data, place)
    if len(piece.attempts) > MOST:
        raise ValueError(f"it holds more than {MOST} attempts")
    if place.part > 1 and (piece.events or not piece.attempts):
        raise ValueError("it holds events of the run, or no attempt")
    return piece


def head_to_bytes(lockfile: Lockfile) -> bytes:
    """Return the head's content in its normal form."""
    return normal_form(head_to_json(lockfile))


def head_from_bytes(content: bytes, where: str, fits: Fits | None = None) -> Lockfile:
    """Read a head, strictly: a lockfile without runs. Raises LockError."""
    return strictly(content, where, lambda data: _fitted_head(data, fits))


def _fitted_head(data: Json, fits: Fits | None) -> Lockfile:
    head = _head(data)  # which says first what another version is
    _fitting(data, fits)
    return head


def _head(data: Json) -> Lockfile:
    head = head_from_json(data)
    for name, record in data["environments"].items():
        if "runs" in record:
            raise ValueError(f"the head holds runs of {name}, which belong in files of their own")
        if not re.fullmatch(_NAME, name):
            raise ValueError(f"{name!r} is no name of an environment")
    return head


def pieces_of(lockfile: Lockfile, key: RunKey) -> Iterator[tuple[Place, Piece]]:
    """Return what the files of a run hold, in their order. Raises LockError for an odd name."""
    environment, run = key
    if not (re.fullmatch(_NAME, environment) and re.fullmatch(_RUN, run)):
        raise LockError(
            f"{environment}/{run} can't be recorded: a name has lower-case letters, digits and "
            "hyphens.",
            not_done="Nothing was written.",
            hint="Give it such a name.",
            reason="lock_name",
        )
    attempts, events = lockfile.attempts(*key), lockfile.events(*key)
    place = Place(environment, run)
    yield place, Piece(attempts[:MOST], events)
    for first in range(MOST, len(attempts), MOST):
        place = place.after()
        yield place, Piece(attempts[first : first + MOST])


def files_of(lockfile: Lockfile, places: Collection[Place] | None = None) -> dict[str, bytes]:
    """Return the lockfile's files by their paths: all, or the head and those of some places."""
    keys = (
        {
            (name, run)
            for name, record in lockfile.environments.items()
            for run in (*record.runs, *record.events)
        }
        if places is None
        else {place.key for place in places}
    )
    return {
        HEAD: head_to_bytes(lockfile),
        **{
            place.path: piece_to_bytes(place, piece)
            for key in sorted(keys)
            for place, piece in pieces_of(lockfile, key)
            if places is None or place in places
        },
    }


def changed_by(transitions: Iterable[Transition], mark: Checkpoint | None) -> set[Place]:
    """Say in which places files change with what is recorded."""
    found = {
        Place(each.environment, each.run, (each.number - 1) // MOST + 1) for each in transitions
    }
    for note in mark.notes if mark else ():
        if note.run:
            found.add(Place(note.environment, note.run))
    return found


def differing(old: Lockfile, new: Lockfile) -> set[Place]:
    """Say in which places two lockfiles differ; all attempts of both are read for it."""
    was, now = (dict(all_pieces(lockfile)) for lockfile in (old, new))
    return {place for place in {*was, *now} if was.get(place) != now.get(place)}


def all_pieces(lockfile: Lockfile) -> Iterator[tuple[Place, Piece]]:
    """Return what all files but the head hold; every attempt is read for it."""
    for name, record in lockfile.environments.items():
        bring(record.runs, record.runs)
        for run in sorted({*record.runs, *record.events}):
            yield from pieces_of(lockfile, (name, run))


def lockfile_of(head: Lockfile, pieces: Mapping[Place, Piece]) -> Lockfile:
    """Return the lockfile that a head and all of its pieces make. Raises ValueError."""
    check_places(head, {place: len(piece.attempts) for place, piece in pieces.items()}.get, pieces)
    runs: dict[str, dict[str, tuple[Attempt, ...]]] = {name: {} for name in head.environments}
    events: dict[str, dict[str, tuple[LedgerEvent, ...]]] = {name: {} for name in runs}
    for place in sorted(pieces):
        piece = pieces[place]
        if piece.attempts:
            known = runs[place.environment].get(place.run, ())
            runs[place.environment][place.run] = known + piece.attempts
        if piece.events:
            events[place.environment][place.run] = piece.events
    environments = {
        name: record._replace(runs=runs[name], events=events[name])
        for name, record in head.environments.items()
    }
    return replace(head, environments=environments)


def check_places(
    head: Lockfile, count: Callable[[Place], int | None], places: Iterable[Place]
) -> None:
    """Refuse files that the head knows nothing of, and parts without all before them.

    `count` says how many attempts a file has, None for one that isn't there. Raises ValueError,
    which names the path.
    """
    for place in places:
        if place.environment not in head.environments:
            raise ValueError(f"{place.path} is there, and the head has no {place.environment}")
        before = place._replace(part=place.part - 1)
        if place.part > 1 and count(before) != MOST:
            raise ValueError(f"{place.path} is there, and {before.path} isn't full")
