"""Reads the lockfile's one file for whoever writes nothing: with what is known of its runs by now.

What can't be told at a glance is read as a whole, strictly, by `codec`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.codec import Json, from_bytes, head_from_json, strictly
from qflow_gitops.lockfile.cutting import blob_id, cut
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.pieces import PieceSummary, Place, run_from_bytes, summary_of
from qflow_gitops.lockfile.runs import Attempts, LazyRuns
from qflow_gitops.ports.lockfile import Summaries

Texts = Mapping[str, bytes]
"""Each run's file as the branch would have it, but for all attempts in one."""


@dataclass(frozen=True)
class Glance:
    """Reads a lockfile: a callable like `codec.from_bytes`."""

    summaries: Summaries

    def __call__(self, content: bytes, where: str) -> Lockfile:
        """Return the lockfile. Raises LockError as `codec.from_bytes` does."""
        try:
            return self._glanced(content, where)
        except (ValueError, LookupError, LockError):
            return from_bytes(content, where)  # which says what is wrong, if anything is

    def _glanced(self, content: bytes, where: str) -> Lockfile:
        text, runs = cut(content)
        head, names = strictly(text, where, _head)
        if head.extra:
            raise ValueError("what is new here may hold what looks like a run")
        texts: dict[str, dict[str, bytes]] = {name: {} for name in head.environments}
        for run in runs:
            texts[names[run.environment]][run.run] = run.named(names[run.environment])
        lockfile = replace(
            head,
            environments={
                name: record._replace(**self._runs(name, texts[name], where))
                for name, record in head.environments.items()
            },
        )
        recorded = sum(
            len(summary.executions)
            for name in head.environments
            for summary in lockfile.overview(name).summaries.values()
        )
        if sum(map(len, texts.values())) != len(runs) or recorded != lockfile.executions:
            raise ValueError("something stands there twice")
        return lockfile

    def _runs(self, environment: str, texts: Texts, where: str) -> dict[str, Any]:
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
        return {
            "runs": LazyRuns(
                {run: piece.summary for run, piece in pieces.items() if piece.summary.attempts},
                partial(_read, environment, texts, where),
            ),
            "events": {run: piece.events for run, piece in pieces.items() if piece.events},
        }


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
    environment: str, texts: Texts, where: str, runs: Sequence[str]
) -> Iterator[tuple[str, Attempts]]:
    for run in runs:
        yield run, run_from_bytes(texts[run], Place(environment, run), where).attempts
