"""What an apply did, as lines for a person; the targets of a spec together, as in a plan."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from qflow_gitops.base.names import RunKey, spec_of
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.states import RETRIABLE, UNDER_WAY, State
from qflow_gitops.plan.change import Action, Reason
from qflow_gitops.plan.spent import describe
from qflow_gitops.render.escape import clean
from qflow_gitops.render.failing import at_steps
from qflow_gitops.render.grouped import FEW, names, targets, who
from qflow_gitops.render.layout import Fixed
from qflow_gitops.render.marks import Mark, Marked, hint, with_ids
from qflow_gitops.render.signs import signed
from qflow_gitops.render.textplans import frozen, held, recorded, section, summed_up, up_to_date
from qflow_gitops.results.applies import Applied, Outcome
from qflow_gitops.results.groups import Entry, alike, bundled, entry_of, in_words, own_words
from qflow_gitops.results.outcomes import SIGNS, word


def applied(body: Applied, *, each: bool = False) -> Iterator[str]:
    """What became of each run, and of what was not started."""
    plan = body.planned.plan
    yield from frozen(body.planned.freezes)
    where = f"{clean(body.environment)} on {body.platform or 'no platform'}:"
    yield Marked(Mark.PLACE(where), f" {_counts(body)}")
    about_targets = list(summed_up(_entries(body), each=each))
    yield from [*about_targets, *[""][: len(body.outcomes)]] if about_targets else ()
    for some in bundled(body.outcomes, apart=each):
        if len(some) > 1 or SIGNS.get(some[0].attempt.state) == "✓":
            yield from _outcomes(some)
    yield from _gone_wrong(body.outcomes, each=each)
    yield from _ways_on(body)
    yield from section("To start later", body.waiting, plan, "…", each=each)
    yield from section("Not started", body.not_started, plan, "-", each=each)
    yield from held(plan, body.planned.freezes, each=each)
    yield from _earlier(body)
    yield from _in_doubt(body, each=each)
    yield from _elsewhere(body, each=each)
    if body.rescued:
        yield from _rescued(body)
    elif body.outcomes:
        yield recorded(body.planned.lock.where)


def _counts(body: Applied) -> str:
    """Say how many runs became what; how many are held also where none is."""
    states = Counter(word(outcome.attempt.state) for outcome in body.outcomes)
    held_ = len(body.planned.plan.of(Action.HOLD))
    left = {"not started": len(body.not_started), "later": len(body.waiting)}
    parts = [f"{number:,} {how}" for how, number in (states | left).items() if number]
    waits = held_ or body.doubts or body.elsewhere
    settled = "" if parts or waits else up_to_date(body.planned.plan)
    nothing = "nothing started" if waits else "nothing to do"
    return settled or ", ".join(parts or [nothing]) + f", {held_} held"


def _entries(body: Applied) -> Iterator[Entry]:
    """Say in a word what became of each run."""
    told = {outcome.key for outcome in body.outcomes}
    for outcome in body.outcomes:
        state = outcome.attempt.state
        yield Entry(outcome.key, word(state), SIGNS.get(state) != "✓")
    for change in body.not_started:
        yield Entry(change.key, "not started", named=True)
    yield from map(entry_of, body.waiting)
    rest = (change for change in body.planned.plan.changes if change.key not in told)
    yield from (entry_of(change) for change in rest if not change.is_due)


def _outcomes(some: Sequence[Outcome]) -> Iterator[str]:
    """Say how runs ended: of a spec's targets together, but for a few that didn't succeed."""
    for words, same in in_words(some, _ended):
        sign = SIGNS.get(same[0].attempt.state, "·")
        if len(same) == 1 or (sign != "✓" and len(same) <= FEW):
            for one in same:
                yield signed(sign, who([one]), _with_id(one, f"  {clean(_ended(one))}"))
                yield from at_steps([one], targets)
        else:
            yield signed(sign, who(same), f"  {clean(words)}")
            yield f"      {targets(same)}"
            yield from at_steps(same, targets)


def _gone_wrong(outcomes: Sequence[Outcome], *, each: bool) -> Iterator[str]:
    """Say of runs that didn't succeed what became of them; the same words once."""
    alone = [some[0] for some in bundled(outcomes, apart=each) if len(some) == 1]
    rest = [one for one in alone if SIGNS.get(one.attempt.state) != "✓"]
    for _, same in ((None, [one]) for one in rest) if each else in_words(rest, _ended):
        sign = SIGNS.get(same[0].attempt.state, "·")
        words, own = own_words([_ended(one) for one in same])
        name, lead = (f"{len(same):,} runs", "each ") if len(same) > 1 else (who(same), "")
        yield signed(sign, name, _with_id(same[0], f"  {lead}{clean(words)}"))
        yield from at_steps(same, targets) if len(same) == 1 else ()
        for one, its in zip(same, own, strict=True) if len(same) > 1 else ():
            yield _with_id(one, f"      {who([one])}  {clean(its)}")
            yield from at_steps([one], targets)


def _ways_on(body: Applied) -> Iterator[str]:
    """Say what comes next for what isn't over, or didn't go well."""
    by_state = alike(body.outcomes, lambda outcome: outcome.attempt.state)
    found = {some[0].attempt.state: [one.key for one in some] for some in by_state}
    again = [key for state in RETRIABLE for key in found.get(state, ())]
    left = [key for state in UNDER_WAY for key in found.get(state, ())]
    if again:
        yield hint(f"{next_steps.again(again)}, or change {_its(again, 'spec')}")
    if unclear := found.get(State.ENDED):
        first, *others = map("/".join, unclear)
        more = f", and {len(others):,} more alike" if others else ""
        yield hint(f"{clean(first)}{more}: {next_steps.settle_end(first)}")
    if left:
        how = "how it ends" if len(left) == 1 else "how they end"
        yield hint(f"{next_steps.look_again(body.environment)} shows {how}, as the next apply does")
    if found.get(State.UNSENT):
        yield hint(f"What wasn't sent is due again: `qflow-gitops apply -e {body.environment}`")


def _its(keys: Sequence[RunKey], what: str) -> str:
    return f"its {what}" if len(keys) == 1 else f"their {what}s"


def _with_id(outcome: Outcome, text: str) -> str:
    return with_ids(text, outcome.attempt.execution_id)


def _ended(outcome: Outcome) -> str:
    """Say how an attempt stands; one that this apply only waited for, apart from its own."""
    before = "" if outcome.spec else f"attempt {outcome.attempt.number}, sent before, "
    return f"{before}{describe(outcome.attempt)}"


def _earlier(body: Applied) -> Iterator[str]:
    """Say of an apply that only holds what failed before that its exit is 0, and what tells it."""
    held = {change.reason for change in body.planned.plan.of(Action.HOLD)}
    did = (*body.outcomes, *body.doubts, *body.elsewhere, *body.not_started)
    if held and held <= {Reason.FAILED, Reason.REFUSED} and not did:
        asks = f"`qflow-gitops status -e {body.environment} --exit-code`"
        yield hint(f"What failed before doesn't count for this exit code; {asks} asks for all")


def _in_doubt(body: Applied, *, each: bool) -> Iterator[str]:
    """What may have run, where no held run has told it already."""
    held = body.planned.plan.of(Action.HOLD)
    told = {(*(c.owner or c.key), c.attempt.number) for c in held if c.attempt}
    doubts = [o for o in body.doubts if (o.environment, o.name, o.attempt.number) not in told]
    if not doubts:
        return
    yield ""
    words = " these may have run, and will not be sent again by themselves."
    yield Marked(Mark.DOUBT("In doubt:"), words)
    together = bundled(doubts, apart=each)
    alone = [some[0] for some in together if len(some) == 1]
    yield from chain.from_iterable(_to_look_for(some, who(some)) for some in together if some[1:])
    for some in bundled(alone, apart=True) if each else alike(alone, _workflow):
        yield from _to_look_for(some, who(some) if len(some) == 1 else f"{len(some):,} runs")
    again = next_steps.look_up(body.environment)
    yield hint(f"{again} looks for them again, as each apply does first")


def _workflow(outcome: Outcome) -> str:
    return outcome.attempt.fact("workflowId")


def _to_look_for(some: Sequence[Outcome], name: str) -> Iterator[str]:
    """Say which executions of a workflow a person looks for in Qualys."""
    at = sorted({doubt.attempt.opened_at for doubt in some})
    until = f" to {at[-1]}" if len(at) > 1 else ""
    what = "an execution" if len(some) == 1 else "executions"
    workflow = _workflow(some[0])
    rest = f": look in Qualys for {what} of workflow {workflow} at about {at[0]}{until}"
    yield signed("?", name, with_ids(rest, workflow))
    if len(some) > 1:
        of_one = len({spec_of(doubt.key) for doubt in some}) == 1
        yield f"      {targets(some) if of_one else names(['/'.join(d.key) for d in some])}"


def _elsewhere(body: Applied, *, each: bool) -> Iterator[str]:
    """What another apply has in hand."""
    if not body.elsewhere:
        return
    yield ""
    yield "Another apply sends these now, or was stopped: what becomes of them isn't known yet."
    for same in bundled(body.elsewhere, apart=each):
        for some in alike(same, _sender):
            name = some[0].name if len(some) == 1 else who(some).partition("/")[2]
            yield signed("…", clean(name), f": {clean(_sender(some[0]))} at most")
            if len(some) > 1:
                yield f"      {targets(some)}"
    yield hint(f"`qflow-gitops apply -e {body.environment}` looks for them after that time")


def _sender(outcome: Outcome) -> str:
    first = outcome.attempt.events[0].extra
    by = first.get("by")
    sender = ", ".join(map(str, by.values())) if isinstance(by, dict) else "somebody"
    return f"by {sender}, until {first.get('leaseUntil', '')}"


def _rescued(body: Applied) -> Iterator[str]:
    """Answers that aren't in the lockfile, and how they get there."""
    yield ""
    yield f"These answers could not be recorded, and were saved: {clean(body.rescued)}"
    if not body.rescued_lines:
        yield hint("`qflow-gitops lock push`")
        return
    yield from (Fixed(clean(line)) for line in body.rescued_lines.splitlines())
    yield hint(
        "`qflow-gitops lock push`, or with the lines above on its stdin `qflow-gitops lock push -`"
        if body.is_kept
        else "`qflow-gitops lock push -`, with the lines above on its stdin"
    )
