"""What is known of the lockfile's parts, so that a long one needn't be read as a whole.

For those who only look, as `plan` does: who sends or records reads every byte, strictly.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence

from qflow_gitops.lockfile.notes import from_json, to_json
from qflow_gitops.lockfile.pieces import PieceSummary, Place
from qflow_gitops.lockfile.states import State
from qflow_gitops.lockfile.summary import RunSummary
from qflow_gitops.ports.cache import Cache


class RunSummaries:
    """Implements `ports.lockfile.Summaries` in a cache, for this version of the program."""

    def __init__(self, cache: Cache) -> None:
        """Take where they are kept."""
        self._cache = cache

    def known(self, blobs: Sequence[str]) -> Mapping[str, PieceSummary]:
        """Return what is known of these blobs; any of it may be gone."""
        found = {}
        wanted = set(blobs)
        for blob, (_, text) in self._cache.verdicts(self._context, blobs).items():
            if blob in wanted:
                with contextlib.suppress(ValueError, TypeError, LookupError):
                    found[blob] = _from_text(text)
        return found

    def keep(self, found: Mapping[str, PieceSummary]) -> None:
        """Keep what was found out."""
        texts = {blob: (0, _to_text(piece)) for blob, piece in found.items()}
        self._cache.keep_verdicts(self._context, texts)

    def whole(self, where: str) -> bytes | None:
        """Return what was kept last of the whole lockfile there, None where it is gone."""
        return self._cache.content(f"{self._context} {where}")

    def keep_whole(self, where: str, found: bytes) -> None:
        """Keep what was found out about the whole lockfile there."""
        self._cache.keep_content(f"{self._context} {where}", found)

    @property
    def _context(self) -> str:
        return f"lockfile {self._cache.tool}"


def _to_text(piece: PieceSummary) -> str:
    summary = piece.summary
    data = [
        [*piece.place],
        summary.file,
        sorted(summary.states),
        summary.sent,
        sorted(summary.platforms),
        summary.executions,
        summary.attempts,
        [to_json(event) for event in piece.events],
    ]
    return json.dumps(data, separators=(",", ":"))


def _from_text(text: str) -> PieceSummary:
    place, file, states, sent, platforms, executions, attempts, events = json.loads(text)
    environment, run, part = place
    summary = RunSummary(
        file,
        frozenset(map(State, states)),
        tuple(sent),
        frozenset(platforms),
        tuple((execution, number) for execution, number in executions),
        attempts,
    )
    return PieceSummary(Place(environment, run, part), summary, tuple(map(from_json, events)))
