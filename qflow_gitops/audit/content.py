"""The report's content: every attempt in a span of time, out of the lockfile and git."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from qflow_gitops.audit.attempts import Around, ledger_event, told
from qflow_gitops.audit.masking import Masking
from qflow_gitops.base.names import RunKey, spec_of, target_of
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.circumstances import circumstances
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.ports.git import Repository
from qflow_gitops.results.evidence import AttemptEvidence, EventTold, RunEvidence
from qflow_gitops.results.failing import known
from qflow_gitops.results.stories import CommitTold
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.specs import as_sent, why_unknown
from qflow_gitops.specs.spec import RunSpec

_AT_ONCE = 500
"""So many attempts' specs are held in memory at a time."""


class Span(NamedTuple):
    """A span of time, RFC 3339 in UTC; "" for no limit. `until` itself isn't in it."""

    since: str = ""
    until: str = ""

    def holds(self, at: str) -> bool:
        """Whether a time is in it."""
        return self.since <= at and (not self.until or at < self.until)

    def before(self, attempt: Attempt) -> bool:
        """Whether nothing happened to an attempt since it began."""
        return attempt.changed_at < self.since

    def after(self, attempt: Attempt) -> bool:
        """Whether an attempt began after it."""
        return bool(self.until) and attempt.opened_at >= self.until


@dataclass(frozen=True)
class Gatherer:
    """Tells runs of a lockfile. `masking` learns from each spec that is read."""

    git: Repository
    project: Project
    lockfile: Lockfile
    span: Span
    masking: Masking
    _commits: dict[str, tuple[CommitTold | None, str]] = field(default_factory=dict)

    def runs(self, wanted: Callable[[RunKey], bool]) -> list[RunEvidence]:
        """Tell each run that is meant and of which something happened in the span, by name.

        Only masked once all of it is told: `masking` has to know every spec.
        """
        found: list[RunEvidence] = []
        for some in self._groups(wanted):
            found += self._told(some)
        return found

    def _groups(self, wanted: Callable[[RunKey], bool]) -> Iterator[list["_Of"]]:
        group: list[_Of] = []
        count = 0
        for environment, record in sorted(self.lockfile.environments.items()):
            runs: Mapping[str, Sequence[Attempt]] = record.runs
            alone = {run: () for run in record.events if run not in runs}
            for run, attempts in chain(runs.items(), alone.items()):
                if not wanted((environment, run)):
                    continue
                group.append(self._of((environment, run), attempts))
                count += len(group[-1].attempts)
                if count >= _AT_ONCE:
                    yield group
                    group, count = [], 0
        yield group

    def _of(self, key: RunKey, attempts: Sequence[Attempt]) -> "_Of":
        earlier = sum(self.span.before(each) for each in attempts)
        later = sum(self.span.after(each) for each in attempts)
        kept = [each for each in attempts if not (self.span.before(each) or self.span.after(each))]
        events = [e for e in self.lockfile.events(*key) if self.span.holds(e.at)]
        return _Of(key, kept, events, earlier, later)

    def _told(self, some: Sequence["_Of"]) -> Iterator[RunEvidence]:
        attempts = [attempt for each in some for attempt in each.attempts]
        sent = as_sent(self.git, self.project, attempts)
        self.masking.learn(spec for spec in sent if spec)
        self._read_commits(attempt.fact("commit") for attempt in attempts)
        specs = iter(sent)
        for each in some:
            told_of = tuple(self._attempt(each.key, one, next(specs)) for one in each.attempts)
            if told_of or each.events:
                yield RunEvidence(
                    each.key,
                    told_of,
                    tuple(map(ledger_event, each.events)),
                    group=spec_of(each.key) if target_of(each.key) else None,
                    earlier=each.earlier,
                    later=each.later,
                )

    def _attempt(self, key: RunKey, attempt: Attempt, spec: RunSpec | None) -> AttemptEvidence:
        told_of, message = self._commits.get(attempt.fact("commit"), (None, ""))
        around = Around(
            spec.masked if spec else None,
            "" if spec else why_unknown(self.git, attempt),
            told_of,
            message,
            known(self.lockfile, attempt),
            self.lockfile.events(*spec_of(key)) if target_of(key) else (),
            circumstances(self.lockfile, attempt),
        )
        return told(key, attempt, around)

    def _read_commits(self, ids: Iterable[str]) -> None:
        wanted = {commit for commit in ids if commit and commit not in self._commits}
        found = self.git.all_seen(wanted) if wanted else {}
        for commit in wanted:
            seen = found.get(commit)
            told_of = CommitTold(commit, *seen[:3]) if seen else CommitTold(commit)
            self._commits[commit] = told_of, seen.message if seen else ""


class _Of(NamedTuple):
    """A run, and what of it is in the span."""

    key: RunKey
    attempts: Sequence[Attempt]
    events: Sequence[LedgerEvent]
    earlier: int
    later: int


def events_of(
    lockfile: Lockfile, span: Span, environments: Collection[str]
) -> tuple[tuple[str, EventTold], ...]:
    """Tell the events of the head ("") and of environments, by time."""
    found = [("", event) for event in (*lockfile.notes, *lockfile.places)]
    for name, record in lockfile.environments.items():
        if not environments or name in environments:
            found += [(name, event) for event in record.notes]
    some = [(name, ledger_event(event)) for name, event in found if span.holds(event.at)]
    return tuple(sorted(some, key=lambda each: each[1].at))
