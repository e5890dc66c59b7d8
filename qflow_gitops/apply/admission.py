"""What is found out about a commit before its plan is carried out, and what was released for it.

Whether it may follow the one applied last, by which rules it is judged, whether a branch has it,
whether it took all specs of its environment away.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from qflow_gitops.apply import ancestry
from qflow_gitops.apply.planned import ApplySource, PlannedApply
from qflow_gitops.apply.preconditions import PLACE, REWRITTEN, ApplyRequest
from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import UsageProblem
from qflow_gitops.lockfile.granted import granted, released
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import RELEASED, LedgerEvent, Note
from qflow_gitops.plan.change import Reason
from qflow_gitops.plan.context import Context, apply_command
from qflow_gitops.plan.order import with_rollout
from qflow_gitops.policy.rules import PolicyContext
from qflow_gitops.ports.git import Branches, Repository
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.branches import Unmerged, rules_of, unmerged
from qflow_gitops.sources.emptied import Now, emptied
from qflow_gitops.sources.policies import NEW_RECORD, bases_of, facts_of


class Admission(NamedTuple):
    """What was found out: `let_go` as in `ApplySource`; `absent` is None where a branch has it."""

    let_go: str
    facts: PolicyContext
    absent: Unmerged | None

    def aside(self, request: ApplyRequest) -> bool:
        """Whether nothing of the commit is recorded as applied: its branches go on without it.

        Where only earlier settings keep it out, a person's release lets the newer ones in.
        """
        let_in = request.acks.get(Reason.UNMERGED) == 1
        return self.absent is not None and not (self.absent.earlier and let_in)


def admit(
    request: ApplyRequest,
    git: Repository,
    branches: Branches,
    project: Project,
    lockfile: Lockfile,
    environment: str,
    head: str,
) -> Admission:
    """Look at a commit, here and at the remote. Raises StaleError and UsageProblem."""
    about = (git, branches, project, lockfile, environment, head)
    step = ancestry.stands(ancestry.look, *about)
    let_go = ancestry.let_go(request, step)
    gone = partial(ancestry.is_nowhere, git, branches, project, ask=True)
    settings = (git, lockfile, environment, head, project.folder)
    bases = bases_of(*settings, remote=project.lock.remote, is_nowhere=gone)
    rules = rules_of(git, project, bases, environment)
    return Admission(
        let_go,
        facts_of(git, project, bases, sending=True),
        unmerged(branches, rules, head, ask=True),
    )


def asked(
    request: ApplyRequest, ask: Callable[[str], bool] | None, planned: PlannedApply
) -> ApplyRequest:
    """Ask a person whether a commit is to be applied that no branch has; a yes releases it.

    Nobody is asked where nothing of it is due, or it was released already. Raises UsageProblem
    for a no.
    """
    held = [change for change in planned.plan.changes if change.reason is Reason.UNMERGED]
    if ask is None or planned.source.absent is None or not held or Reason.UNMERGED in request.acks:
        return request
    said = planned.source.absent.describe(planned.source.commit)
    if not ask(f"{said}. Apply it to {planned.source.environment} all the same?"):
        raise UsageProblem(
            "The commit was not confirmed.",
            not_done="Nothing was sent.",
            hint=held[0].hint,
            reason="not_confirmed",
        )
    reason = request.reason or "confirmed at the terminal"
    return replace(request, acks={**request.acks, Reason.UNMERGED.value: 1}, reason=reason)


def left_alone(planned: PlannedApply) -> tuple[str, ...]:
    """Say that nothing is recorded of a commit that no branch has, where nothing of it is due."""
    changes = planned.plan.changes
    if planned.source.absent is None or any(
        Reason.UNMERGED in (change.reason, *change.released) for change in changes
    ):
        return ()
    said = planned.source.absent.describe(planned.source.commit)
    return (f"{said}: nothing of it is due, and it isn't recorded as applied.",)


def with_holds(context: Context, git: Repository, source: ApplySource) -> Context:
    """Add what holds a commit as a whole: no branch has it, or it took all specs away.

    The second only where the commit is recorded as applied, or it would be asked about again.
    """
    environment, commit = source.environment, source.commit
    if source.absent:
        command = apply_command(environment, context, Reason.UNMERGED)
        settings = source.project.folder.settings
        hold = source.absent.hold(command, environment, commit, settings)
        context = context._replace(brakes=context.brakes._replace(unmerged=hold))
    if source.aside:
        return context
    now = Now(source.project, source.specs, commit)
    command = apply_command(environment, context, Reason.EMPTY)
    gone = emptied(git, now, context.lockfile, environment, command)
    return context._replace(emptied={environment: gone} if gone else {})


def still_needed(acks: Mapping[str, int], source: ApplySource) -> dict[str, int]:
    """Leave out releases that the next apply doesn't need, as this one records what they were for.

    None of them is about a run.
    """
    once = (PLACE,) if source.aside else (PLACE, REWRITTEN, NEW_RECORD)
    return {name: count for name, count in acks.items() if name not in once}


def check_follows(
    request: ApplyRequest, git: Repository, branches: Branches, planned: PlannedApply
) -> None:
    """Refuse what doesn't follow the newest record; the release was for one commit alone."""
    step = _step(ancestry.look, git, branches, planned)
    if step.standing is not ancestry.Relation.FOLLOWS:
        raise ancestry.refused(step, to=request.to)


def check_overtaken(git: Repository, branches: Branches, planned: PlannedApply) -> None:
    """Refuse to go on where another apply has gone on meanwhile; nobody is asked any more."""
    step = _step(ancestry.as_known, git, branches, planned)
    if step.standing is not ancestry.Relation.FOLLOWS:
        raise ancestry.overtaken(step.of, step.latest, step.head)


def _step(
    look_at: ancestry.Look, git: Repository, branches: Branches, planned: PlannedApply
) -> ancestry.Step:
    """Say how the commit stands to the newest record, but for what a person let go of."""
    source, lockfile = planned.source, planned.lockfile
    about = (git, branches, source.project, lockfile, source.environment, source.commit)
    step = ancestry.stands(look_at, *about)
    follows = step._replace(standing=ancestry.Relation.FOLLOWS)
    return follows if source.let_go and step.latest == source.let_go else step


_STAY = ("window", Reason.TICKET, Reason.ROLLOUT)
"""What is released for the rest of a rollout, beside limits."""


# --- what was released for the whole environment -------------------------------------


def releases(
    lockfile: Lockfile, planned: PlannedApply, at: str, author: Mapping[str, str]
) -> tuple[Note, ...]:
    """Return what the lockfile doesn't say yet of what was released; no attempt may tell it.

    `at` is RFC 3339.
    """
    record, released = lockfile.environment(planned.source.environment), []
    last = ancestry.applied_last(lockfile, planned.source.project, planned.source.environment)
    if planned.source.let_go in (worked.latest for worked in last):
        released.append({"hold": REWRITTEN, "from": planned.source.let_go})
    changes, commit = planned.plan.changes, planned.source.commit
    if record.applied_through != commit and any(
        Reason.EMPTY in change.released for change in changes
    ):
        released.append({"hold": Reason.EMPTY.value})
    more = {"commit": commit, "reason": planned.source.reason, "by": dict(author)}
    return tuple(
        Note(planned.source.environment, "", LedgerEvent(at, RELEASED, {**release, **more}))
        for release in ([] if planned.source.aside else released)
    )


def granted_releases(
    lockfile: Lockfile, planned: PlannedApply, at: str, author: Mapping[str, str]
) -> tuple[Note, ...]:
    """Return what was released for the rest of a rollout, as far as the lockfile doesn't say it.

    `at` is RFC 3339.
    """
    wanted: dict[tuple[RunKey, str], set[str]] = {}
    rollouts = with_rollout(planned.source.specs, planned.context)
    for change in planned.plan.due:
        if change.spec and change.key in rollouts:
            for hold in change.released:
                if hold in _STAY or hold.startswith("limit:"):
                    wanted.setdefault((change.spec.group, hold), set()).add(change.spec.digest)
    more = {
        "commit": planned.source.commit,
        "reason": planned.source.reason,
        **({"by": dict(author)} if author else {}),
    }
    found = []
    for (group, hold), digests in wanted.items():
        known = granted(lockfile, group)
        forgiven = planned.plan.forgiven.get(group, ()) if hold == Reason.ROLLOUT else ()
        if not all(
            hold in known.holds(each) and known.forgiven(each).issuperset(forgiven)
            for each in digests
        ):
            found.append(Note(*group, released(at, hold, digests, forgiven, more)))
    return tuple(found)
