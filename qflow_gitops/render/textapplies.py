"""What an apply did, as lines for a person; the targets of a spec together, as in a plan."""

from collections import Counter
from collections.abc import Iterator, Sequence

from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action
from qflow_gitops.plan.spent import describe
from qflow_gitops.render.escape import clean
from qflow_gitops.render.grouped import FEW, targets, who
from qflow_gitops.render.textplans import frozen, held, section, summed_up
from qflow_gitops.results.applies import Applied, Outcome
from qflow_gitops.results.groups import Entry, alike, bundled, entry_of, in_words


def applied(body: Applied, *, each: bool = False) -> Iterator[str]:
    """What became of each run, and of what was not started."""
    plan = body.planned.plan
    states = Counter(str(outcome.attempt.state) for outcome in body.outcomes)
    did = ", ".join(f"{number:,} {state}" for state, number in states.items()) or "nothing started"
    holds = len(plan.of(Action.HOLD))
    later = f"{len(body.waiting):,} later, " if body.waiting else ""
    yield from frozen(body.planned.freezes)
    yield (
        f"{clean(body.environment)} on {body.platform or 'no platform'}: {did}; "
        f"{len(body.not_started):,} not started, {later}{holds} held"
    )
    about_targets = list(summed_up(_entries(body), each=each))
    yield from [*about_targets, ""] if about_targets else ()
    for some in bundled(body.outcomes, apart=each):
        yield from _outcomes(some)
    yield from section("To start later", body.waiting, plan, "…", each=each)
    yield from section("Not started", body.not_started, plan, "-", each=each)
    yield from held(plan, None, each=each)
    yield from _in_doubt(body, each=each)
    yield from _elsewhere(body, each=each)
    if body.rescued:
        yield from _rescued(body)
    elif body.outcomes:
        yield f"Recorded in {clean(body.planned.lock.where)}"


def _entries(body: Applied) -> Iterator[Entry]:
    """Say in a word what became of each run."""
    told = {outcome.key for outcome in body.outcomes}
    for outcome in body.outcomes:
        state = outcome.attempt.state
        yield Entry(outcome.key, state.replace("_", " "), _OUTCOME_SIGNS.get(state) != "✓")
    for change in body.not_started:
        yield Entry(change.key, "not started", named=True)
    yield from map(entry_of, body.waiting)
    rest = (change for change in body.planned.plan.changes if change.key not in told)
    yield from (entry_of(change) for change in rest if not change.is_due)


def _outcomes(some: Sequence[Outcome]) -> Iterator[str]:
    """Say how runs ended: of a spec's targets together, but for a few that didn't succeed."""
    for words, same in in_words(some, _ended):
        sign = _OUTCOME_SIGNS.get(same[0].attempt.state, "·")
        if len(same) == 1 or (sign != "✓" and len(same) <= FEW):
            for one in same:
                yield f"  {sign} {who([one])}  {clean(_ended(one))}"
        else:
            yield f"  {sign} {who(same)}  {clean(words)}"
            yield f"      {targets(same)}"


def _ended(outcome: Outcome) -> str:
    detail = outcome.attempt.events[-1].extra.get("detail", "")
    return describe(outcome.attempt) + (f": {detail}" if detail else "")


def _in_doubt(body: Applied, *, each: bool) -> Iterator[str]:
    """What may have run, where no held run has told it already."""
    held = body.planned.plan.of(Action.HOLD)
    told = {(*(c.owner or c.key), c.attempt.number) for c in held if c.attempt}
    doubts = [o for o in body.doubts if (o.environment, o.name, o.attempt.number) not in told]
    if not doubts:
        return
    yield ""
    yield "In doubt: these may have run, and will not be sent again by themselves."
    for some in bundled(doubts, apart=each):
        other = "" if some[0].environment == body.environment else f"{some[0].environment}/"
        name = some[0].name if len(some) == 1 else who(some).partition("/")[2]
        at = sorted({doubt.attempt.opened_at for doubt in some})
        until = f" to {at[-1]}" if len(at) > 1 else ""
        what = "an execution" if len(some) == 1 else "executions"
        yield (
            f"  ? {clean(other + name)}: look in Qualys for {what} of workflow "
            f"{some[0].attempt.fact('workflowId')} at about {at[0]}{until}"
        )
        if len(some) > 1:
            yield f"      {targets(some)}"
    again = next_steps.look_up(body.environment)
    yield f"  → {again} looks for them again, as each apply does first"


def _elsewhere(body: Applied, *, each: bool) -> Iterator[str]:
    """What another apply has in hand."""
    if not body.elsewhere:
        return
    yield ""
    yield "Another apply sends these now, or was stopped: what becomes of them isn't known yet."
    for same in bundled(body.elsewhere, apart=each):
        for some in alike(same, _sender):
            name = some[0].name if len(some) == 1 else who(some).partition("/")[2]
            yield f"  … {clean(name)}: {clean(_sender(some[0]))} at most"
            if len(some) > 1:
                yield f"      {targets(some)}"
    yield f"  → `qflow-gitops apply -e {body.environment}` looks for them after that time"


def _sender(outcome: Outcome) -> str:
    first = outcome.attempt.events[0].extra
    by = first.get("by")
    sender = ", ".join(map(str, by.values())) if isinstance(by, dict) else "somebody"
    return f"by {sender}, until {first.get('leaseUntil', '')}"


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
