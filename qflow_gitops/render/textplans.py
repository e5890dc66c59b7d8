"""A plan as lines for a person; the targets of a spec together, unless each is asked for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.plan.change import Action, Change, Plan
from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.grouped import (
    TOGETHER,
    differences,
    overview,
    targets,
    told_first,
    ways_on,
    ways_on_of_all,
    wheres,
    who,
)
from qflow_gitops.render.marks import Mark, Marked, hint, with_ids
from qflow_gitops.render.signs import BY_SIGN, signed
from qflow_gitops.results.groups import (
    Block,
    Entry,
    alike,
    blocks,
    entry_of,
    overviews,
    own_words,
    same_hold,
    sizes,
)
from qflow_gitops.results.plans import LockSeen, Planned
from qflow_gitops.results.shared import hiding_alike, shared
from qflow_gitops.specs.spec import PLACE_VARIABLES

_SIGNS = {
    "added": "+",
    "modified": "~",
    "rerun": "↻",
    "unsent": "↻",
    "retry": "↻",
}


# --- the plan ------------------------------------------------------------------------


def planned(body: Planned, *, each: bool = False) -> Iterator[str]:
    """What an apply would refuse or ask first; what runs, what is held, what is done."""
    plan = _hiding(body.plan)
    for warning in body.first:
        yield Mark.WARNING(f"! {clean(warning.message)}")
        if warning.hint:
            yield hint(clean(warning.hint))
    yield from frozen(body.freezes)
    settled = up_to_date(plan)
    for name, platform in sorted(plan.platforms.items()):
        place = f"{clean(name)} on {platform or 'no platform yet (set QFLOW_PLATFORM)'}"
        alone = f": {settled}" if settled and len(plan.platforms) == 1 else ""
        yield Marked(Mark.PLACE(place), alone)
    if not settled:
        yield _counts(plan)
    elif len(plan.platforms) > 1:
        yield f"All {settled}"
    yield _basis(body)
    yield from summed_up(map(entry_of, plan.changes), body.targets, each=each, look="plan")
    yield from _due(Action.RUN, plan, body, each=each)
    yield from _due(Action.WAIT, plan, body, each=each)
    yield from held(plan, body.freezes, body, each=each)
    yield from section("Nothing to do", plan.of(Action.SKIP), plan, each=each)
    yield ""
    yield f"Plan digest: {plan.digest}"
    if (later := plan.thawed.digest) != plan.digest:
        yield f"  frozen, so it is of no run; once that is lifted, and in a comment: {later}"
    if len(plan.platforms) > 1:
        for name in sorted(plan.platforms):
            yield f"  {clean(name)}: {plan.digest_of([name])}"


def _hiding(plan: Plan) -> Plan:
    """Hide in each target that is asked for what any of its spec does."""
    asked = [change for change in plan.changes if change.action is not Action.SKIP]
    hidden = hiding_alike(asked, plan.changes)
    return plan._replace(changes=(*hidden, *plan.of(Action.SKIP)))


def _counts(plan: Plan) -> str:
    done = len(plan.of(Action.SKIP)) + plan.unchanged
    later = f"{len(plan.of(Action.WAIT)):,} later, " if plan.of(Action.WAIT) else ""
    return (
        f"{count(len(plan.of(Action.RUN)), 'run')} to start, {later}"
        f"{len(plan.of(Action.HOLD))} held, {done:,} with nothing to do"
    )


def up_to_date(plan: Plan) -> str:
    """Say how many runs are recorded where nothing is due, now or later, or held; else ""."""
    done = plan.of(Action.SKIP)
    number = sum(change.attempt is not None for change in done) + plan.unchanged
    if not number or len(done) < len(plan.changes):
        return ""
    return f"up to date, {count(number, 'run')} recorded"


def _basis(body: Planned) -> str:
    what = f"commit {body.commit[:10]}" if body.commit else "the work tree, uncommitted changes too"
    other = body.base and body.base != body.commit
    against = f", compared with {body.base[:10]}" if other else ""
    looked = "every spec" if body.full else "the specs that changed or aren't done yet"
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
        yield Marked(Mark.FAILED("Frozen:"), f" {clean(freeze.detail)}")
        yield hint(clean(freeze.hint))


def summed_up(
    entries: Iterable[Entry],
    totals: Mapping[RunKey, int] = {},
    *,
    each: bool,
    whole: bool = False,
    look: str = "status",
) -> Iterator[str]:
    """Say how the targets of each spec stand; where they all do alike, only if that is the whole.

    And that they are told together, if any are, and by which command each is told by itself.
    """
    known = () if each else tuple(entries)
    lines = [overview(one) for one in overviews(known, totals) if whole or len(one.counts) > 1]
    if any(number > 1 for number in sizes(entry.key for entry in known).values()):
        lines.append(TOGETHER.format(look=look))
    yield from ["", *lines] if lines else ()


def _due(action: Action, plan: Plan, body: Planned, *, each: bool) -> Iterator[str]:
    """Say what is sent now, or later without a decision, and what it asks for."""
    due = plan.of(action)
    if not due:
        return
    yield ""
    yield Mark.TITLE(f"To start{' later' if action is Action.WAIT else ''} ({len(due):,})")
    for block in blocks(due, plan.changes, apart=each):
        yield from _told(block, _SIGNS[block.changes[0].due or block.told[0].reason])
        yield from _request(block.changes, body)


def _told(block: Block, sign: str) -> Iterator[str]:
    """Say which runs a block is about, why, and the way on."""
    several, reasons = len(block.changes) > 1, block.told
    if len(reasons) == 1:
        why = f"{reasons[0].reason}: {clean(reasons[0].detail)}"
        yield signed(sign, who(block.changes), with_ids(f"  {why}", *ids(block.changes)))
        if several:
            yield f"      {targets(block.changes)}"
    else:
        yield signed(sign, who(block.changes))
        for told in reasons:
            yield with_ids(f"      {told.reason}: {clean(told.detail)}", *ids(told.changes))
            yield f"        {targets(told.changes)}"
    yield from (hint(clean(way), 6) for way in ways_on(block))


def ids(changes: Sequence[Change]) -> set[str]:
    """Return the ids that what is said of runs may hold: of executions, workflows, connectors."""
    attempts = {change.attempt.execution_id for change in changes if change.attempt}
    specs = [change.spec for change in changes[:1] if change.spec]
    return attempts.union(*({spec.workflow_id, *spec.connectors} for spec in specs))


def _request(changes: Sequence[Change], body: Planned, *, held: bool = False) -> Iterator[str]:
    """Say where runs work, and what they would send or what changes in that.

    What is held has the colour of nothing that is sent.
    """
    spec, several = changes[0].spec, len(changes) > 1
    if spec:
        yield from (
            with_ids(f"      {place}", *spec.connectors) for place in wheres(changes, body.names)
        )
        name = clean(body.workflow_name(spec.workflow_id))
        named = f"{name} ({spec.workflow_id})" if name else spec.workflow_id
        yield with_ids(f"      workflow {named} · {clean(spec.file)}", spec.workflow_id)
    unseen = [
        each for each in changes if each.since is None and each.attempt and each.attempt.counted
    ]
    if unseen:
        which = targets(unseen) if several else "it"
        yield f"      (what {which} sent before isn't in this clone)"
    for sign, words in differences(shared(changes, beside=_SHOWN_ABOVE)):
        line = f"        {sign} {words}"
        yield Mark.QUIET(line) if held else BY_SIGN[sign](line)


def held(
    plan: Plan, freezes: Sequence[Freeze], body: Planned | None = None, *, each: bool
) -> Iterator[str]:
    """What is held for one and the same reason is said once, then its runs.

    Of the `freezes`, which are told first of all, only that they hold. With the plan that they are
    of, also what those would send that a rule holds.
    """
    changes = told_first(plan.of(Action.HOLD), freezes)
    if changes:
        yield ""
        yield Mark.TITLE(f"Held ({len(changes):,})")
    found = blocks(changes, plan.changes, apart=each)
    for some in alike(found, partial(same_hold, exactly=each)):
        detail, own = own_words([block.told[0].detail for block in some])
        if len(some) == 1:
            yield from _told(some[0], "!")
        else:
            number = sum(len(block.changes) for block in some)
            yield signed("!", f"{number:,} runs", f"  {some[0].told[0].reason}: {clean(detail)}")
            yield from (hint(clean(way), 6) for way in ways_on_of_all(some, plan.changes))
        for block, words in zip(some, own, strict=True):
            for same in alike(block.changes, lambda change: change.due):
                if len(some) > 1 or len(same) < len(block.changes):
                    sign = _SIGNS[same[0].due] if same[0].due else "·"
                    yield Marked(Mark.HELD(f"    {sign} {who(same)}"), f"  {clean(words)}")
                    yield from [f"      {targets(same)}"] if len(same) > 1 else ()
                if same[0].due and body:
                    yield from _request(same, body, held=True)


_SHOWN_ABOVE = frozenset(f"/variables/{name}" for name in ("connectorId", *PLACE_VARIABLES))


def recorded(where: str) -> str:
    """Say where something was recorded; a lockfile in the work tree is for a person to commit."""
    return (
        f"Recorded in {clean(where)}{'' if ' on branch ' in where else ', a file here: commit it'}"
    )


def section(
    title: str, changes: Sequence[Change], plan: Plan, sign: str = "·", *, each: bool
) -> Iterator[str]:
    """Say of decisions what they are about, and why."""
    if changes:
        yield ""
        yield Mark.TITLE(f"{title} ({len(changes):,})")
    for block in blocks(changes, plan.changes, apart=each):
        yield from _told(block, sign)
