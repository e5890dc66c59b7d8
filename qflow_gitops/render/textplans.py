"""A plan, and what an apply did, as lines for a person."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from qflow_gitops.base.jsondiff import Difference, differences
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action, Change, Plan, Reason
from qflow_gitops.plan.spent import describe
from qflow_gitops.render.describe import difference, run, where
from qflow_gitops.render.escape import clean, count
from qflow_gitops.results.applies import Applied
from qflow_gitops.results.plans import LockSeen, Planned
from qflow_gitops.specs.spec import PLACE_VARIABLES

_SIGNS = {
    "added": "+",
    "modified": "~",
    "rerun": "↻",
    "unsent": "↻",
    "retry": "↻",
}


# --- the plan ------------------------------------------------------------------------


def planned(body: Planned) -> Iterator[str]:
    """What an apply would refuse or ask first; what runs, what is held, what is done."""
    plan = body.plan
    for warning in body.first:
        yield f"! {clean(warning.message)}"
        if warning.hint:
            yield f"  → {clean(warning.hint)}"
    yield from frozen(body.freezes)
    for name, platform in sorted(plan.platforms.items()):
        yield f"{clean(name)} on {platform or 'no platform yet (set QFLOW_PLATFORM)'}"
    yield _counts(plan)
    yield _basis(body)
    yield from _due(plan, body)
    yield from _held(plan.of(Action.HOLD), body)
    yield from _section("Nothing to do", plan.of(Action.SKIP), "·")
    yield ""
    yield f"Plan digest: {plan.digest}"
    if len(plan.platforms) > 1:
        for name in sorted(plan.platforms):
            yield f"  {clean(name)}: {plan.digest_of([name])}"


def _counts(plan: Plan) -> str:
    done = len(plan.of(Action.SKIP)) + plan.unchanged
    return (
        f"{count(len(plan.of(Action.RUN)), 'run')} to start, "
        f"{len(plan.of(Action.HOLD))} held, {done:,} with nothing to do"
    )


def _basis(body: Planned) -> str:
    what = f"commit {body.commit[:10]}" if body.commit else "the work tree, uncommitted changes too"
    against = f", compared with {body.base[:10]}" if body.base else ""
    looked = "every spec" if body.full else "the specs that changed or need a look"
    return f"From {what}{against}; {looked}; {lock(body.lock)}"


def lock(lock: LockSeen) -> str:
    """Say which state of the lockfile was seen."""
    if not lock.exists:
        return f"no lockfile yet ({clean(lock.where)} comes with the first apply)"
    copy = (
        f", as it was here at {clean(lock.copied_at)} (its place can't be asked now)"
        if lock.copied_at
        else ""
    )
    return f"lockfile {clean(lock.where)}, version {lock.serial}{copy}"


def frozen(freezes: tuple[Freeze, ...]) -> Iterator[str]:
    """Say what holds everything, first of all and also where nothing is due."""
    for freeze in freezes:
        yield f"Frozen: {clean(freeze.detail)}"
        yield f"  → {clean(freeze.hint)}"


def _due(plan: Plan, body: Planned) -> Iterator[str]:
    due = plan.of(Action.RUN)
    if not due:
        return
    yield ""
    yield f"To start ({len(due):,})"
    for change in due:
        yield f"  {_SIGNS[change.reason]} {run(change)}  {change.reason}: {clean(change.detail)}"
        yield from _request(change, body)


def _request(change: Change, body: Planned) -> Iterator[str]:
    """Say where a run works, and what it would send or what changes in that."""
    if change.spec:
        yield f"      {where(change.spec, body.names)}"
        name = clean(body.workflow_name(change.spec.workflow_id))
        named = f"{name} ({change.spec.workflow_id})" if name else change.spec.workflow_id
        yield f"      workflow {named} · {clean(change.spec.file)}"
    if change.since is None and change.attempt:
        yield "      (what it sent before isn't in this clone)"
    for each in change.since or _whole_request(change):
        sign, words = difference(each)
        yield f"        {sign} {words}"


def _held(changes: tuple[Change, ...], body: Planned | None) -> Iterator[str]:
    """What is held for one and the same reason is said once, then its runs.

    With the plan that they are of, also what those would send that a rule holds.
    """
    alike: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        alike.setdefault((change.reason, change.detail, change.hint), []).append(change)
    if changes:
        yield ""
        yield f"Held ({len(changes):,})"
    for (reason, detail, hint), some in alike.items():
        many = len(some) > 1
        who = f"{len(some):,} runs" if many else run(some[0])
        yield f"  ! {who}  {reason}: {clean(detail)}"
        if hint:
            yield f"      → {clean(hint)}"
        for change in some:
            if many:
                yield f"    {_SIGNS[change.due] if change.due else '·'} {run(change)}"
            if change.due and body:
                yield from _request(change, body)


_SHOWN_ABOVE = frozenset(f"/variables/{name}" for name in ("connectorId", *PLACE_VARIABLES))


def _whole_request(change: Change) -> tuple[Difference, ...]:
    """What a run that was never sent before would send, beside what stands above it."""
    if change.spec is None or (change.due or change.reason) is not Reason.ADDED:
        return ()
    nothing: dict[str, Any] = {"input": {}, "variables": {}}
    found = differences(nothing, {**nothing, **change.spec.masked})
    return tuple(each for each in found if each.pointer not in _SHOWN_ABOVE)


def _section(title: str, changes: tuple[Change, ...], sign: str) -> Iterator[str]:
    if not changes:
        return
    yield ""
    yield f"{title} ({len(changes):,})"
    for change in changes:
        yield f"  {sign} {run(change)}  {change.reason}: {clean(change.detail)}"
        if change.hint:
            yield f"      → {clean(change.hint)}"


# --- what was done -------------------------------------------------------------------


def applied(body: Applied) -> Iterator[str]:
    """What became of each run, and of what was not started."""
    plan = body.planned.plan
    states = Counter(str(outcome.attempt.state) for outcome in body.outcomes)
    did = ", ".join(f"{number:,} {state}" for state, number in states.items()) or "nothing started"
    held = len(plan.of(Action.HOLD))
    yield from frozen(body.planned.freezes)
    yield (
        f"{clean(body.environment)} on {body.platform or 'no platform'}: {did}; "
        f"{len(body.not_started):,} not started, {held} held"
    )
    for outcome in body.outcomes:
        sign = _OUTCOME_SIGNS.get(outcome.attempt.state, "·")
        name = f"{outcome.environment}/{outcome.name}"
        yield f"  {sign} {clean(name)}  {clean(describe(outcome.attempt))}{_why(outcome.attempt)}"
    yield from _section("Not started", body.not_started, "-")
    yield from _held(plan.of(Action.HOLD), None)
    yield from _in_doubt(body)
    yield from _elsewhere(body)
    if body.rescued:
        yield from _rescued(body)
    elif body.outcomes:
        yield f"Recorded in {clean(body.planned.lock.where)}"


def _in_doubt(body: Applied) -> Iterator[str]:
    """What may have run, where no held run has told it already."""
    held = body.planned.plan.of(Action.HOLD)
    told = {(*(c.owner or c.key), c.attempt.number) for c in held if c.attempt}
    doubts = [o for o in body.doubts if (o.environment, o.name, o.attempt.number) not in told]
    if not doubts:
        return
    yield ""
    yield "In doubt: these may have run, and will not be sent again by themselves."
    for doubt in doubts:
        other = "" if doubt.environment == body.environment else f"{doubt.environment}/"
        yield (
            f"  ? {clean(other + doubt.name)}: look in Qualys for an execution of workflow "
            f"{doubt.attempt.fact('workflowId')} at about {doubt.attempt.opened_at}"
        )
    again = next_steps.look_up(body.environment)
    yield f"  → {again} looks for them again, as each apply does first"


def _elsewhere(body: Applied) -> Iterator[str]:
    """What another apply has in hand."""
    if not body.elsewhere:
        return
    yield ""
    yield "Another apply sends these now, or was stopped: what becomes of them isn't known yet."
    for outcome in body.elsewhere:
        by = outcome.attempt.events[0].extra.get("by")
        who = ", ".join(map(str, by.values())) if isinstance(by, dict) else "somebody"
        until = outcome.attempt.events[0].extra.get("leaseUntil", "")
        yield f"  … {clean(outcome.name)}: by {clean(who)}, until {clean(str(until))} at most"
    yield f"  → `qflow-gitops apply -e {body.environment}` looks for them after that time"


def _rescued(body: Applied) -> Iterator[str]:
    """Answers that aren't in the lockfile, and how they get there."""
    yield ""
    yield f"These answers could not be recorded, and were saved: {clean(body.rescued)}"
    yield from map(clean, body.rescued_lines.splitlines())
    kept = not body.rescued.startswith("not to a file")
    yield (
        "  → `qflow-gitops lock push`, or with the lines above on its stdin "
        "`qflow-gitops lock push -`"
        if kept
        else "  → `qflow-gitops lock push -`, with the lines above on its stdin"
    )


_OUTCOME_SIGNS = {
    State.SUCCEEDED: "✓",
    State.FAILED: "✗",
    State.CANCELLED: "✗",
    State.ENDED: "✗",
    State.REFUSED: "✗",
    State.UNSENT: "-",
    State.IN_DOUBT: "?",
    State.INTENT: "?",
    State.ACCEPTED: "…",
    State.RUNNING: "…",
}


def _why(attempt: Attempt) -> str:
    detail = attempt.events[-1].extra.get("detail", "")
    return f": {clean(str(detail))}" if detail else ""
