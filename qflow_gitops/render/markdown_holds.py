"""What doesn't start, in Markdown: why, which runs, and the ways on."""

from collections.abc import Callable, Sequence

from qflow_gitops.base.names import spec_of
from qflow_gitops.plan.change import EVERY, Action, Change, Plan
from qflow_gitops.render.escape import count
from qflow_gitops.render.grouped import targets, ways_on, who
from qflow_gitops.render.markdown_blocks import FOLD_END, Part, code, prose, tagged, unfolded_start
from qflow_gitops.results.groups import Block, again, blocks

MANY = 10
"""More entries than these are folded away or summed up."""
MORE = "… and {} more, see `qflow-gitops plan`.\n\n"


def reason_of(held: Block) -> str:
    """Return by what holds are put together."""
    return ", ".join(sorted({told.reason for told in held.told}))


def _run(held: Block) -> str:
    """Return what a way on is about: a run, or a spec."""
    key = held.changes[0].key
    return "/".join(key if len(held.changes) == 1 else spec_of(key))


def group(held: Sequence[Block], every: Sequence[Change]) -> tuple[str, Part]:
    """Write the holds of one reason: what they have in common once, then each of them."""
    changes = [change for each in held for change in each.changes]
    hint = _common(held, lambda each: each.way.replace(_run(each), "RUN"))
    detail = _common(held, lambda each: each.told[0].detail if len(each.told) == 1 else "")
    whose = "all runs" if changes[0].name == EVERY else count(len(changes), "run")
    head = f"**{code(reason_of(held[0]))}**, {whose}"
    head += f": {prose(detail)}" if detail else ""
    head += f" → {prose(hint)}" if hint else ""
    at_once = again(held, every) if hint and len(held) > 1 else None
    head += f"; all {at_once.number:,} of them: {code(at_once.command)}" if at_once else ""
    entries = [_held(each, hint=not hint, detail=not detail) for each in held]
    if len(held) <= MANY:
        return f"{head}\n\n", Part(entries, more=MORE)
    title = f"The {count(len(changes), 'run')}"
    return f"{head}\n\n", Part(entries, unfolded_start(title), FOLD_END, MORE)


def _common(held: Sequence[Block], what: Callable[[Block], str]) -> str:
    """Return what all of several have alike, "" for anything else."""
    kinds = {what(each) for each in held}
    alone = len(held) == 1 or any(each.own for each in held)
    return "" if len(kinds) != 1 or alone else kinds.pop()


def _held(held: Block, *, reason: bool = False, hint: bool = True, detail: bool = True) -> str:
    """Write one entry: which runs, why, and the ways on."""
    lines = [f"- {code(who(held.changes))}"]
    if len(held.told) == 1:
        lines[0] += f" {code(held.told[0].reason)}" if reason else ""
        lines[0] += f": {prose(held.told[0].detail)}" if detail else ""
        lines += [f"  - {code(targets(held.changes))}"] if len(held.changes) > 1 else []
    else:
        lines += [
            f"  - {code(told.reason)}: {prose(told.detail)}: {code(targets(told.changes))}"
            for told in held.told
        ]
    lines += [f"  - → {prose(way)}" for way in ways_on(held)] if hint else []
    return "".join(f"{line}\n" for line in lines)


def skipped(some: Sequence[Block]) -> Part:
    """Fold away what there is nothing to do for."""
    number = sum(len(each.changes) for each in some)
    entries = [_held(each, reason=True) for each in some]
    return Part(entries, unfolded_start(f"Nothing to do ({number:,})"), FOLD_END, MORE)


def waiting(plan: Plan) -> Part:
    """Say what waits for its turn, and for what."""
    changes = plan.of(Action.WAIT)
    entries = [
        f"- {code(who(told.changes))} {tagged(told.reason)}: {prose(told.detail)}\n"
        for each in blocks(changes, plan.changes)
        for told in each.told
    ]
    return Part(entries, f"#### Later ({len(changes):,})\n\n", "\n", MORE)
