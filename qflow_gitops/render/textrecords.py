"""What the lockfile says, as lines for a person."""

from collections.abc import Iterator, Sequence

from qflow_gitops.lockfile.attempt import Event
from qflow_gitops.lockfile.freezes import LOCKFILE
from qflow_gitops.plan.spent import describe, said_of
from qflow_gitops.render.describe import connectors, difference
from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.grouped import FEW
from qflow_gitops.render.layout import Line, Table
from qflow_gitops.render.steps import in_a_line
from qflow_gitops.render.textplans import frozen, lock, recorded, summed_up
from qflow_gitops.render.texttodo import to_do
from qflow_gitops.results.groups import Entry, bundled
from qflow_gitops.results.records import (
    Resolved,
    RunHistory,
    Standstill,
    Status,
    StatusRow,
    Verified,
)

SHOWN_PROBLEMS = 50
SHOWN_DIFFERENCES = 20


def status(body: Status, *, each: bool = False) -> Iterator[Line]:
    """A table of all runs; of a spec's targets a line, and those that need a look."""
    yield from frozen(body.freezes)
    yield f"{count(len(body.rows), 'run')}; {lock(body.lock)}"
    entries = [Entry(row.key, _state(row), row.attention) for row in body.rows]
    yield from summed_up(entries, each=each, whole=True)
    shown = [row for some in bundled(body.rows, apart=each) for row in _shown(some)]
    if shown and len(shown) < len(body.rows):
        yield ""
    rows = [
        (
            f"{row.environment}/{row.name}",
            _state(row),
            said_of(row.attempt) if row.attempt else "",
            row.attempt.changed_at if row.attempt else "",
            connectors(row.spec, body.names) if row.spec else "",
            _without_spec(row) if row.spec is None else "",
            row.attempt.execution_id if row.attempt else "",
        )
        for row in shown
    ]
    yield Table(("RUN", "STATE", "QUALYS SAYS", "SINCE", "CONNECTOR", "SPEC", "EXECUTION"), rows)
    yield from to_do(body.rows)
    yield from (f"  → {clean(hint)}" for hint in body.hints)


def _state(row: StatusRow) -> str:
    return row.attempt.state.value if row.attempt else "never sent"


def _shown(some: Sequence[StatusRow]) -> Sequence[StatusRow]:
    """Of several targets those that need a look, as long as they are few."""
    return some if len(some) == 1 else [row for row in some if row.attention][:FEW]


def _without_spec(row: StatusRow) -> str:
    if row.heir:
        return f"now {'/'.join(row.heir)}"
    return "removed: closed" if row.closed else "removed"


def resolved(body: Resolved) -> Iterator[str]:
    """What differs first, then the attempts concerned."""
    if body.differences:
        yield f"What was sent → what the execution shows ({len(body.differences):,})"
    for differing in body.differences[:SHOWN_DIFFERENCES]:
        sign, words = difference(differing)
        yield f"  {sign} {words}"
    if len(body.differences) > SHOWN_DIFFERENCES:
        yield f"  … {len(body.differences) - SHOWN_DIFFERENCES:,} more (--format json: all)"
    for sentence in body.against:
        yield f"  ! {clean(sentence)}"
    if body.attempts:
        yield from history(RunHistory(body.attempts, body.lock))


def _although(event: Event) -> str:
    """What spoke against a decision that was taken all the same."""
    known = [event.extra.get(name) for name in ("against", "different")]
    said = [str(line) for some in known if isinstance(some, list) for line in some]
    return f"  although: {', '.join(said)}" if said else ""


def history(body: RunHistory) -> Iterator[str]:
    """Each attempt with its events."""
    left = f" (and {body.left:,} that weren't asked for)" if body.left else ""
    yield f"{count(len(body.attempts), 'attempt')}{left}; {lock(body.lock)}"
    for environment, name, attempt in body.attempts:
        if not body.brief:
            yield ""
        yield f"{clean(environment)}/{clean(name)} #{attempt.number}  {clean(describe(attempt))}"
        if body.brief:
            continue
        yield f"  {attempt.digest}  {clean(attempt.fact('file'))}"
        for event in attempt.events:
            by = event.extra.get("by")
            actor = str(by.get("actor", "")) if isinstance(by, dict) else ""
            who = f"  by {clean(actor)}" if actor else ""
            detail = event.extra.get("detail", event.extra.get("status", ""))
            words = f"  {clean(str(detail))}" if detail else ""
            yield f"    {event.at}  {event.to}{words}{who}{clean(_although(event))}"
        if step := body.failed_at.get(attempt.execution_id):
            yield f"      at {in_a_line(step)}"
    yield from (f"  → {clean(hint)}" for hint in body.hints)


def standstill(body: Standstill) -> Iterator[str]:
    """What holds everything after a freeze or an unfreeze, and what that means."""
    where = clean(body.where)
    for freeze in body.lifted:
        yield f"Lifted: {clean(freeze.detail)}"
    yield from frozen(body.freezes)
    by_lockfile = any(freeze.source == LOCKFILE for freeze in body.freezes)
    if body.written:
        yield recorded(body.where)
    elif by_lockfile:
        yield f"Nothing had to be recorded: {where} is frozen for this reason already"
    else:
        yield f"Nothing had to be recorded: {where} holds no freeze"
    if by_lockfile:
        yield "No apply sends anything more; one that runs stops before its next wave."
        yield "What was sent goes on: an execution can only be ended in Qualys itself."
    elif not body.freezes:
        yield "Nothing is frozen. What is due now: `qflow-gitops plan`"


def verified(body: Verified) -> Iterator[str]:
    """What a check of the lockfile found."""
    yield (
        f"{clean(body.where)}: {count(body.versions, 'version')}, "
        f"{count(body.attempts, 'attempt')}; {count(len(body.problems), 'problem')}"
    )
    for problem in body.problems[:SHOWN_PROBLEMS]:
        yield f"  ✗ {clean(problem)}"
    if len(body.problems) > SHOWN_PROBLEMS:
        yield f"  … {len(body.problems) - SHOWN_PROBLEMS:,} more (--format json: all)"
    if not body.problems:
        yield "  ✓ every version only adds to the one before; no execution is in it twice"
    if body.digests is None:
        yield "  · the digests weren't taken again of the files (--quick)"
    elif body.digests:
        yield f"  ✓ {count(body.digests, 'digest')} taken again of the files, the same"
    if body.unseen:
        yield f"  · {count(body.unseen, 'attempt')} whose file, as it was, isn't in this clone"
    if body.signed is not None:
        yield f"  · {count(body.signed, 'version')} signed by an allowed signer"
