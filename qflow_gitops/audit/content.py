"""The report's content: every attempt in a span of time, out of the lockfile and git."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from qflow_gitops.audit.attempts import Around, ledger_event, told
from qflow_gitops.audit.files import At, Files
from qflow_gitops.audit.projects import Projects
from qflow_gitops.audit.span import Span
from qflow_gitops.audit.worked import Bases
from qflow_gitops.base.names import RunKey, spec_of, target_of
from qflow_gitops.lockfile.attempt import Attempt, AttemptKey
from qflow_gitops.lockfile.circumstances import bring_circumstances, circumstances
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.runs import each_of
from qflow_gitops.policy.rules import needed_approvals
from qflow_gitops.ports.git import Repository
from qflow_gitops.results.evidence import AttemptEvidence, EventTold, RunEvidence
from qflow_gitops.results.failing import known
from qflow_gitops.results.stories import CommitTold
from qflow_gitops.sources.specs import why_unknown
from qflow_gitops.specs.spec import RunSpec

_AT_ONCE = 500
"""So many attempts' specs are held in memory at a time."""


@dataclass(frozen=True)
class Gatherer:
    """Tells runs of a lockfile, none of it masked yet.

    `other` gets the attempts whose file, as it was, doesn't ask for what their digests say.
    """

    git: Repository
    lockfile: Lockfile
    span: Span
    files: Files
    projects: Projects
    bases: Bases
    other: set[AttemptKey] = field(default_factory=set)
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
            names = sorted({*record.runs, *record.events})  # a branch keeps them by a hash
            meant = [run for run in names if wanted((environment, run))]
            for run, attempts in each_of(record.runs, meant):
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
        attempts = [(each.key, attempt) for each in some for attempt in each.attempts]
        commits = [attempt.fact("commit") for _, attempt in attempts]
        self._read_commits(commits)
        bring_circumstances(self.lockfile, [attempt for _, attempt in attempts])
        bases = (self.bases.before(key[0], one.opened_at) for key, one in attempts)
        self.projects.bring([*commits, *bases])
        default = self.projects.now.default_environment
        places = [
            At(one.fact("file"), one.fact("blob"), one.fact("commit"), default)
            for _, one in attempts
        ]
        specs = iter(self.files.specs(places))
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

    def _attempt(
        self, key: RunKey, attempt: Attempt, specs: tuple[RunSpec, ...] | None
    ) -> AttemptEvidence:
        spec = next((one for one in specs or () if one.digest == attempt.digest), None)
        unknown = "" if spec else why_unknown(self.git, attempt)
        if specs is not None and spec is None:
            self.other.add((*key, attempt.number))
            unknown = f"{attempt.fact('file')} as it was asks for something else"
        commit, message = self._commits.get(attempt.fact("commit"), (None, ""))
        around = Around(
            spec.masked if spec else None,
            unknown,
            commit,
            message,
            known(self.lockfile, attempt),
            self.lockfile.events(*spec_of(key)) if target_of(key) else (),
            circumstances(self.lockfile, attempt),
            self._needed(key, attempt, spec) if spec else None,
        )
        return told(key, attempt, around)

    def _needed(self, key: RunKey, attempt: Attempt, spec: RunSpec) -> int | None:
        """Return how many approvals the policy asked for, at both ends of what was applied."""
        base = self.bases.before(key[0], attempt.opened_at)
        ends = [self.projects.at(each) for each in (attempt.fact("commit"), base) if each]
        if not ends or None in ends:
            return None
        meant = replace(spec, environment=key[0]) if spec.environment != key[0] else spec
        return needed_approvals([each.policy for each in ends if each], meant)

    def specs_of(self, attempts: Sequence[AttemptEvidence]) -> list[RunSpec | None]:
        """Return the specs that attempts sent, None for what isn't in this clone."""
        default = self.projects.now.default_environment
        places = [
            At(
                one.file,
                str(one.facts.get("blob", "")),
                one.commit.id if one.commit else "",
                default,
            )
            for one in attempts
        ]
        return [
            next((spec for spec in specs or () if spec.digest == one.digest), None)
            for one, specs in zip(attempts, self.files.specs(places), strict=True)
        ]

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
