"""What lockfile and git tell of a run: its attempts, what each sent, who did it and from where."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from qflow_gitops.commands.show_found import Finder, OneRun
from qflow_gitops.lockfile.attempt import Attempt, telling
from qflow_gitops.lockfile.circumstances import circumstances
from qflow_gitops.lockfile.decisions import unexplained
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.next_steps import explain
from qflow_gitops.lockfile.states import UNCOUNTED, UNDER_WAY, State
from qflow_gitops.lockfile.ways_on import way_on
from qflow_gitops.plan.spent import since
from qflow_gitops.ports.git import Repository
from qflow_gitops.results.failing import known
from qflow_gitops.results.stories import AttemptTold, CommitTold, ExecutionTold, Story
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.specs import as_sent, why_unknown
from qflow_gitops.specs.connector_catalogs import Names
from qflow_gitops.specs.spec import RunSpec

READ = 10
"""So many of a run's newest attempts are read from git, with what each sent."""
_WORDS = {
    State.INTENT: "is being sent, or was",
    State.ACCEPTED: "has started",
    State.RUNNING: "is running",
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.CANCELLED: "was cancelled",
    State.ENDED: "ended unexplained",
    State.REFUSED: "was refused by Qualys",
    State.UNSENT: "was not sent",
    State.IN_DOUBT: "is in doubt: it may have run",
    State.ABSENT: "did not run",
    State.ADOPTED: "was found to have started",
    State.ASSUMED: "is assumed to have run",
    State.EXPIRED: "has been in doubt for longer than Qualys can tell",
    State.BASELINED: "was declared as done, and not sent",
}


@dataclass
class AsSent:
    """Reads the specs that attempts sent, each once."""

    git: Repository
    project: Project
    _known: dict[int, RunSpec | None] = field(default_factory=dict)

    def bring(self, attempts: Sequence[Attempt]) -> None:
        """Read those of some attempts in one go."""
        found = as_sent(self.git, self.project, attempts)
        self._known |= {id(each): spec for each, spec in zip(attempts, found, strict=True)}

    def of(self, attempt: Attempt) -> RunSpec | None:
        """Return the spec of an attempt that was brought, None where it isn't in this clone."""
        return self._known.get(id(attempt))


def story_of(found: OneRun, finder: Finder, sent: AsSent, names: Names, now: str) -> Story:
    """Tell a run by what is recorded of it."""
    key, spec = found.key, finder.specs.specs.get(found.key)
    if not found.attempts:
        hint = f"`qflow-gitops plan {'/'.join(key)}` shows whether it is due"
        return Story(key, "was never sent", (hint,), spec=spec, names=names)
    newest = telling([each.attempt for each in found.attempts])
    told = found.told or next(each for each in found.attempts if each.attempt is newest)
    attempt = told.attempt
    about = found.attempts[-READ:]
    about = about if told in about else (told, *about)
    sent.bring([each.attempt for each in about])
    return Story(
        key=key,
        state=_WORDS[attempt.state],
        since=_since(attempt),
        next=tuple(_next(found, told, spec, finder, now)),
        platform=attempt.fact("platform"),
        execution_id=attempt.execution_id,
        attempts=tuple(_attempts(about, sent)),
        told=about.index(told),
        earlier=len(found.attempts) - len(about),
        commit=_commit(sent.git, attempt.fact("commit")),
        spec=spec,
        names=names,
        events=finder.lockfile.events(*key),
        apply=circumstances(finder.lockfile, attempt),
        execution=ExecutionTold(culprit=known(finder.lockfile, attempt)),
    )


def _since(attempt: Attempt) -> str:
    return attempt.opened_at if attempt.state in UNDER_WAY else attempt.changed_at


def _next(
    found: OneRun, told: Placed, spec: RunSpec | None, finder: Finder, now: str
) -> Iterator[str]:
    """Say what a person types about the run as it stands now."""
    run, attempt = "/".join(found.key), told.attempt
    heir, settings = finder.inheritance.heir(found.key), finder.project.folder.settings
    newest = telling([each.attempt for each in found.attempts])
    if attempt is not newest:
        yield f"Its newest attempt: `qflow-gitops show {run}`"
        return
    wanted = spec is not None and spec.digest == attempt.digest
    if hint := way_on(run, attempt, now, wanted=wanted):
        yield hint
        if word := unexplained(attempt):
            yield explain(word, settings)
    elif attempt.state in UNDER_WAY:
        yield f"`qflow-gitops show {run} --watch` waits for its end"
    elif heir:
        yield f"Its attempts count for another name: `qflow-gitops show {'/'.join(heir)}`"
    elif spec is None:
        yield "Its spec was removed: nobody asks for it any more"
    elif not wanted or attempt.state in UNCOUNTED:
        yield f"`qflow-gitops plan {run}` shows what is due: another request, or this one again"


def _attempts(about: Sequence[Placed], sent: AsSent) -> Iterator[AttemptTold]:
    before: RunSpec | None = None
    for number, (*key, attempt) in enumerate(about):
        spec = sent.of(attempt)
        yield AttemptTold(
            (key[0], key[1]),
            attempt,
            spec.masked if spec else None,
            "" if spec else why_unknown(sent.git, attempt),
            since(before, spec) if number and before and spec else None,
        )
        before = spec


def _commit(git: Repository, commit: str) -> CommitTold | None:
    if not commit:
        return None
    seen = git.seen(commit)
    return CommitTold(commit, *seen[:3]) if seen else CommitTold(commit)
