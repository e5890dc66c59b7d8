"""Reads the lockfile's one file for whoever writes nothing: with what is known of its runs by now.

A file of which all is known is told by its sum. What can't be told at a glance is read as a whole,
strictly, by `codec`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.codec import Json, from_bytes, head_from_json, strictly
from qflow_gitops.lockfile.columns import ColumnSummary, to_data
from qflow_gitops.lockfile.cutting import Cut, blob_id, cut, cut_at
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, from_json, to_json
from qflow_gitops.lockfile.pieces import PieceSummary, Place, run_from_bytes, summary_of
from qflow_gitops.lockfile.runs import Attempts, LazyRuns
from qflow_gitops.lockfile.summary import RunSummary
from qflow_gitops.ports.lockfile import Summaries


class _Runs(NamedTuple):
    """The runs of an environment: where each begins in the lockfile, and what is known of it."""

    begins: Mapping[str, int]
    summaries: Mapping[str, RunSummary]
    events: Mapping[str, tuple[LedgerEvent, ...]]


class _Picture(NamedTuple):
    """What is known of a lockfile: its text without runs, and those of each environment."""

    head: bytes
    runs: Mapping[str, _Runs]


@dataclass(frozen=True)
class Glance:
    """Reads a lockfile: a callable like `codec.from_bytes`."""

    summaries: Summaries

    def __call__(self, content: bytes, where: str) -> Lockfile:
        """Return the lockfile. Raises LockError as `codec.from_bytes` does."""
        try:
            known = self._known(content, where)
            return known or self._glanced(content, where)
        except (ValueError, LookupError, LockError):
            return from_bytes(content, where)  # which says what is wrong, if anything is

    def _known(self, content: bytes, where: str) -> Lockfile | None:
        """Return the lockfile if all of it is known, None otherwise."""
        digest, _, kept = (self.summaries.whole(where) or b"").partition(b"\n")
        if digest != _digest(content):
            return None
        try:
            picture = _from_bytes(kept)
            return _lockfile(picture, content, where)
        except (ValueError, TypeError, LookupError, AttributeError, LockError):
            return None

    def _glanced(self, content: bytes, where: str) -> Lockfile:
        text, runs = cut(content)
        head, names = strictly(text, where, _head)
        if head.extra:
            raise ValueError("what is new here may hold what looks like a run")
        cuts: dict[str, dict[str, Cut]] = {name: {} for name in head.environments}
        for run in runs:
            cuts[names[run.environment]][run.run] = run
        picture = _Picture(
            text, {name: self._runs(name, some, where) for name, some in cuts.items()}
        )
        lockfile = _lockfile(picture, content, where)
        recorded = sum(
            len(summary.executions)
            for some in picture.runs.values()
            for summary in some.summaries.values()
        )
        if sum(map(len, cuts.values())) != len(runs) or recorded != lockfile.executions:
            raise ValueError("something stands there twice")
        try:
            kept = _to_bytes(picture)
        except ValueError:
            return lockfile  # it is told by its runs each time
        self.summaries.keep_whole(where, _digest(content) + b"\n" + kept)
        return lockfile

    def _runs(self, environment: str, cuts: Mapping[str, Cut], where: str) -> _Runs:
        texts = {run: each.named(environment) for run, each in cuts.items()}
        ids = {run: blob_id(text) for run, text in texts.items()}
        known = dict(self.summaries.known(list(ids.values())))
        new: dict[str, PieceSummary] = {}
        for run, text in texts.items():
            place = Place(environment, run)
            # The branch may hold the same text as a later part of a run, where it begins with #101.
            if ids[run] not in known or known[ids[run]].place != place:
                new[ids[run]] = summary_of(place, run_from_bytes(text, place, where))
        if new:
            self.summaries.keep(new)
        known |= new
        pieces = {run: known[blob] for run, blob in ids.items()}
        return _Runs(
            {run: each.begin for run, each in cuts.items()},
            {run: piece.summary for run, piece in pieces.items() if piece.summary.attempts},
            {run: piece.events for run, piece in pieces.items() if piece.events},
        )


def _lockfile(picture: _Picture, content: bytes, where: str) -> Lockfile:
    """Return the lockfile with this content; attempts are read from it when they are asked for."""
    head, _ = strictly(picture.head, where, _head)
    environments = {}
    for name, record in head.environments.items():
        begins, summaries, events = picture.runs[name]
        runs = LazyRuns(summaries, partial(_read, name, begins, content, where))
        environments[name] = record._replace(runs=runs, events=events)
    return replace(head, environments=environments)


def _head(data: Json) -> tuple[Lockfile, Mapping[int, str]]:
    """Read the head, and which number stands for the runs of which environment."""
    names: dict[int, str] = {}
    for name, record in data["environments"].items():
        if type(record["runs"]) is int:
            names[record["runs"]] = name
        elif record["runs"] != {}:
            raise ValueError("runs that weren't cut out")
    if sorted(names) != list(range(len(names))):
        raise ValueError("runs that weren't cut out")
    return head_from_json(data), names


def _read(
    environment: str, begins: Mapping[str, int], content: bytes, where: str, runs: Sequence[str]
) -> Iterator[tuple[str, Attempts]]:
    for run in runs:
        text = cut_at(content, 0, begins[run]).named(environment)
        yield run, run_from_bytes(text, Place(environment, run), where).attempts


# --- what is kept of a whole lockfile ------------------------------------------------


def _digest(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()


def _to_bytes(picture: _Picture) -> bytes:
    """Return a picture's text. Raises ValueError for what has no such form."""
    runs = {
        name: {
            "names": [*some.begins],
            "begins": [*some.begins.values()],
            "summaries": to_data(some.summaries),
            "events": {run: [*map(to_json, events)] for run, events in some.events.items()},
        }
        for name, some in picture.runs.items()
    }
    return json.dumps([picture.head.decode(), runs], separators=(",", ":")).encode()


def _from_bytes(content: bytes) -> _Picture:
    """Read a picture. Raises ValueError, TypeError, LookupError, AttributeError for none."""
    head, runs = json.loads(content)
    return _Picture(
        head.encode(),
        {
            name: _Runs(
                dict(zip(some["names"], some["begins"], strict=True)),
                ColumnSummary(some["summaries"]),
                {run: tuple(map(from_json, events)) for run, events in some["events"].items()},
            )
            for name, some in runs.items()
        },
    )
