"""How far an environment has come: which commit was applied last, and through which all of it."""

import contextlib
from collections.abc import Sequence

from qflow_gitops.apply import ancestry, belonging, notices
from qflow_gitops.apply.admission import granted_releases, releases
from qflow_gitops.apply.overdue import beat, missed, telling
from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.apply.services import ApplyServices
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import LockError
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.inheritance import Inheritance
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Note
from qflow_gitops.plan import decide
from qflow_gitops.plan.change import Change, Reason
from qflow_gitops.plan.context import Context
from qflow_gitops.ports.lockfile import LockSession, LostRace
from qflow_gitops.sources.specs import applied_parts

_TRIES = 20
_WAITING = (Reason.RENAMED, Reason.SAME_REQUEST, Reason.PLATFORM, Reason.INVALID)


def advance(
    session: LockSession,
    services: ApplyServices,
    planned: PlannedApply,
    written: frozenset[str] = frozenset(),
    held: Sequence[Change] = (),
) -> None:
    """Move `latest`, and `appliedThrough` where nothing due is left, if that says anything new.

    Never to a commit that no branch has: the branches would not descend from it. What became of
    notices is said in the same write: who has them, and which are `written` on their tickets by
    now. What is held by the plan, and was `held` later, is told by it. Raises LockError, but not
    where notices alone can't be recorded: they are told once more, and nothing that was done is
    lost.
    """
    notices.close(services)
    for _ in range(_TRIES):
        aside = planned.source.aside
        reached = None if aside else _reached(session.lockfile, services, planned)
        mark = notices.noted(reached, session.lockfile, services, planned, written, held)
        if mark is None:
            return
        try:
            session.record([], mark)
        except LostRace:
            continue
        except LockError:
            if reached is not None:
                raise
        return


def note_the_time(session: LockSession, services: ApplyServices, planned: PlannedApply) -> None:
    """Note that an apply of the environment got through, where the settings ask for that.

    Not one of some runs only, nor of a commit that no branch has: no schedule is it. Where it can't
    be noted the next one does: it is nothing that was done.
    """
    if planned.source.aside or planned.context.selects:
        return
    source, now = planned.source, services.clock.now()
    with contextlib.suppress(LostRace, LockError):
        if at := beat(session.lockfile, source.project, source.environment, now):
            about = session.lockfile, source.project, source.environment, now
            late = missed(*about, by_runs=False)  # this apply's own are recorded by now
            told = telling(session.lockfile, late, at) if late else None
            mark = told or Checkpoint(source.environment)
            session.record([], mark._replace(last_apply=at))


def _reached(
    lockfile: Lockfile, services: ApplyServices, planned: PlannedApply
) -> Checkpoint | None:
    source = planned.source
    head, record = source.commit, lockfile.environment(source.environment)
    left = record.latest in ("", source.let_go)
    if not left and not ancestry.follows(services.git, record.latest, head):
        return None  # another apply went further meanwhile
    done = _is_done(lockfile, planned)
    noted = notes(planned, lockfile, services)
    through = head if done and not has_errors(source.specs.diagnostics) else record.applied_through
    if (record.latest, record.applied_through) == (head, through) and not noted:
        return None
    nothing_new = not left and record.applied_through == record.latest and done and not noted
    counts = applied_parts(source.project)
    if nothing_new and not services.git.changes(record.latest, head, counts):
        return None  # a commit of the lockfile itself, say, is no reason to write it again
    folder = (source.project.folder.name or ".") if through == head else ""
    return Checkpoint(source.environment, head, through or None, noted, folder)


def _is_done(lockfile: Lockfile, planned: PlannedApply) -> bool:
    """Whether nothing of the commit is due any more."""
    source = planned.source
    if any(change.reason is Reason.EMPTY for change in planned.plan.changes):
        return False
    context = Context(source.project, lockfile, (source.environment,), touched=frozenset())
    rest = decide.compute(source.specs, context)
    inheritance = _inheritance(lockfile, planned)
    return not any(_is_open(change, inheritance) for change in rest.changes)


def _is_open(change: Change, inheritance: Inheritance) -> bool:
    """Whether a run still waits for its attempt; an earlier request's doubt is not its own."""
    if change.is_due or change.reason in _WAITING:
        return True
    return change.spec is not None and not any(
        each.attempt.counted and each.attempt.digest == change.spec.digest
        for each in inheritance.attempts(change.key)
    )


def notes(planned: PlannedApply, lockfile: Lockfile, services: ApplyServices) -> tuple[Note, ...]:
    """Say which names were carried over, and what was released, as far as that isn't recorded."""
    at = stamp(services.clock.now())
    inheritance = _inheritance(lockfile, planned)
    carried = inheritance.notes(planned.source.environment, at, services.author)
    here = belonging.first_place(services.store, lockfile, at, services.author)
    let_go = granted_releases(lockfile, planned, at, services.author)
    return (*carried, *releases(lockfile, planned, at, services.author), *let_go, *here)


def _inheritance(lockfile: Lockfile, planned: PlannedApply) -> Inheritance:
    specs = planned.source.specs
    return Inheritance(lockfile, planned.source.project, specs.specs, specs.invalid)
