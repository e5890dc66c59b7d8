"""What an apply came to: what was done, what was not, and what could not be recorded."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from qflow_gitops.apply.doubt import doubts_in
from qflow_gitops.apply.job import Job, LaunchResult
from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.apply.polling import Watch, watch_of
from qflow_gitops.base import logjson
from qflow_gitops.base.names import RunKey, spec_of
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Transition, is_leased
from qflow_gitops.lockfile.attempt_json import attempt_to_json, transition_to_json
from qflow_gitops.lockfile.inheritance import names_of
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import UNDER_WAY
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.results.applies import Applied, Outcome


@dataclass(slots=True)
class ApplyOutcome:
    """What there was to do, and what came of it. `unknown` are held for their workflow.

    `held` are those that their tickets held, as they stand at the end. `kept` is where answers were
    saved that the store didn't take, `lines` are they. `left` is what was put off by the runs
    before it, as it stands at the end.
    """

    watches: list[Watch]
    waited: bool
    unknown: tuple[Change, ...] = ()
    result: LaunchResult = field(default_factory=LaunchResult)
    left: tuple[Change, ...] = ()
    held: tuple[Change, ...] = ()
    kept: str = ""
    lines: str = ""


def under_way(lockfile: Lockfile, environment: str, gateways: Gateways) -> list[Watch]:
    """Return what an environment waits for, on the platform where it is now."""
    return [
        watch_of(name, run, attempt)
        for name in names_of(lockfile, gateways.project, environment)
        for run, attempts in lockfile.runs_in_states(name, UNDER_WAY)
        for attempt in attempts
        if attempt.state in UNDER_WAY and gateways.is_here(environment, attempt)
    ]


def rescued(unrecorded: Sequence[Transition], lockfile: Lockfile) -> str:
    """Write what the store didn't take as lines of JSON, each with its whole attempt."""
    lines = []
    for transition in unrecorded:
        with contextlib.suppress(LockError):  # it contradicts the lockfile: a person sees both
            lockfile = lockfile.recorded([transition])
        attempt = lockfile.attempts(transition.environment, transition.run)[transition.number - 1]
        entry = {
            "rescueVersion": 1,
            "lineage": lockfile.lineage,
            "transition": transition_to_json(transition),
            "attempt": attempt_to_json(attempt),
        }
        lines.append(logjson.dumps(entry) + "\n")
    return "".join(lines)


def applied_body(
    planned: PlannedApply, lockfile: Lockfile, work: ApplyOutcome, now: str
) -> Applied:
    """Put together what was done, and what was not."""
    result, environment = work.result, planned.source.environment
    specs = {change.key: change.spec for change in planned.plan.due}
    outcomes = [
        Outcome(each, run, lockfile.attempts(each, run)[number - 1], specs.get((each, run)))
        for each, run, number in result.opened
    ]
    done = {(outcome.environment, outcome.name, outcome.attempt.number) for outcome in outcomes}
    for watch in work.watches:
        if (watch.environment, watch.name, watch.number) not in done:
            attempt = lockfile.attempts(watch.environment, watch.name)[watch.number - 1]
            outcomes.append(Outcome(watch.environment, watch.name, attempt))
    mine = set(result.opened)
    open_ones = [
        Outcome(doubt.environment, doubt.run, doubt.attempt)
        for doubt in doubts_in(lockfile, planned.source.project, environment)
    ]
    elsewhere = tuple(
        outcome
        for outcome in open_ones
        if is_leased(outcome.attempt, now)
        and (outcome.environment, outcome.name, outcome.attempt.number) not in mine
    )
    return Applied(
        planned=planned.body,
        environment=environment,
        platform=planned.source.project.environments[environment].platform,
        outcomes=tuple(outcomes),
        not_started=(
            *work.unknown,
            *work.held,
            *(change for change in work.left if change.action is Action.HOLD),
            *(_not_started(job.change, result) for job in result.not_started),
            *(_left(job.change) for job in left_out(result, lockfile)),
        ),
        doubts=tuple(outcome for outcome in open_ones if outcome not in elsewhere),
        elsewhere=elsewhere,
        waiting=tuple(change for change in work.left if change.action is Action.WAIT),
        rescued=work.kept,
        rescued_lines=work.lines,
        waited=work.waited,
    )


def waiting_notes(left: Iterable[Change], *, selects: bool) -> Iterator[str]:
    """Say of each spec what waits, and when it goes on.

    An apply that `selects` may leave out what it waits for.
    """
    apply = "the next apply of everything" if selects else "the next apply"
    groups: dict[RunKey, list[Change]] = {}
    for change in left:
        if change.action is Action.WAIT:
            groups.setdefault(spec_of(change.key), []).append(change)
    for (_, name), some in groups.items():
        opens = min((change.opens for change in some if change.opens), default="")
        when = f"from {opens} on" if opens else f"({some[0].detail})"
        many = f"{len(some)} of {name}" if "/" in some[0].name else name
        waits = "waits" if len(some) == 1 else "wait"
        yield f"{many} {waits} {when}: {apply} goes on."


def left_out(result: LaunchResult, lockfile: Lockfile) -> list[Job]:
    """Return what became not due during the launch, though nobody has sent it."""
    return [
        job
        for job in result.elsewhere
        if not any(
            attempt.counted and attempt.digest == job.digest
            for attempt in lockfile.attempts(*job.change.key)
        )
    ]


def _left(change: Change) -> Change:
    """A run that the newer record of another process doesn't let this apply send any more."""
    return change._replace(
        action=Action.HOLD,
        reason=Reason.STOPPED,
        detail="not started: another process wrote the lockfile meanwhile, and it isn't due as "
        "shown",
        hint="Look at it again: `qflow-gitops plan`",
    )


def _not_started(change: Change, result: LaunchResult) -> Change:
    return change._replace(
        action=Action.HOLD,
        reason=result.stopped_by,
        detail=f"not started: {result.why_stopped}",
        hint=result.way_on or "It is due again at the next apply.",
    )
