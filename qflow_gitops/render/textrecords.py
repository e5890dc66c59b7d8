"""What the lockfile says, as lines for a person."""

from collections.abc import Iterator, Sequence
from shlex import quote

from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.freezes import LOCKFILE
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.spent import describe, said_of
from qflow_gitops.render.describe import connectors, difference
from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.grouped import FEW
from qflow_gitops.render.layout import Line, Table
from qflow_gitops.render.marks import Mark, Marked, hint, part, with_ids
from qflow_gitops.render.signs import BY_SIGN, of_state, signed
from qflow_gitops.render.steps import in_a_line
from qflow_gitops.render.textplans import frozen, lock, recorded, summed_up
from qflow_gitops.render.texttodo import to_do
from qflow_gitops.results.groups import Entry, bundled
from qflow_gitops.results.outcomes import word
from qflow_gitops.results.records import (
    Anchored,
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
            of_state(row.attempt.state if row.attempt else None)(_state(row)),
            said_of(row.attempt) if row.attempt else "",
            row.attempt.changed_at if row.attempt else "",
            connectors(row.spec, body.names) if row.spec else "",
            _without_spec(row) if row.spec is None else "",
            Mark.ID(row.attempt.execution_id) if row.attempt else "",
        )
        for row in shown
    ]
    yield Table(("RUN", "STATE", "QUALYS SAYS", "SINCE", "CONNECTOR", "SPEC", "EXECUTION"), rows)
    yield from to_do(body.rows)
    yield from (hint(clean(way)) for way in body.hints)


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
        yield Mark.TITLE(f"What was sent → what the execution shows ({len(body.differences):,})")
    for differing in body.differences[:SHOWN_DIFFERENCES]:
        sign, words = difference(differing)
        yield BY_SIGN[sign](f"  {sign} {words}")
    if len(body.differences) > SHOWN_DIFFERENCES:
        yield f"  … {len(body.differences) - SHOWN_DIFFERENCES:,} more (--format json: all)"
    for sentence in body.against:
        yield Mark.WARNING(f"  ! {clean(sentence)}")
    if body.attempts:
        yield from history(RunHistory(body.attempts, body.lock, written=True))


def _although(event: Event) -> str:
    """What spoke against a decision that was taken all the same."""
    known = [event.extra.get(name) for name in ("against", "different")]
    said = [str(line) for some in known if isinstance(some, list) for line in some]
    return f"  although: {', '.join(said)}" if said else ""


def history(body: RunHistory) -> Iterator[str]:
    """Each attempt with its events, and where it is recorded what a command did about them."""
    left = f" (and {body.left:,} that weren't asked for)" if body.left else ""
    yield f"{count(len(body.attempts), 'attempt')}{left}; {lock(body.lock)}"
    for environment, name, attempt in body.attempts:
        if not body.brief:
            yield ""
        who = Mark.PLACE(f"{clean(environment)}/{clean(name)} #{attempt.number}")
        yield Marked(who, "  ", _ended(attempt))
        if body.brief:
            continue
        yield Marked("  ", Mark.ID(attempt.digest), f"  {clean(attempt.fact('file'))}")
        for event in attempt.events:
            by = event.extra.get("by")
            actor = str(by.get("actor", "")) if isinstance(by, dict) else ""
            by_whom = f"  by {clean(actor)}" if actor else ""
            detail = event.extra.get("detail", event.extra.get("status", ""))
            words = f"  {clean(str(detail))}" if detail else ""
            rest = f"{words}{by_whom}{clean(_although(event))}"
            is_over = event.to is State.INTENT and event is not attempt.events[-1]
            means = Mark.QUIET if is_over else of_state(event.to)
            yield Marked(f"    {event.at}  ", means(event.to), rest)
        if step := body.failed_at.get(attempt.execution_id):
            yield f"      at {in_a_line(step)}"
    if body.written:
        yield recorded(body.lock.where)
    yield from (hint(clean(way)) for way in body.hints)


def _ended(attempt: Attempt) -> Marked:
    """Say how an attempt stands, as that means up to the word for it."""
    words, state = with_ids(clean(describe(attempt)), attempt.execution_id), word(attempt.state)
    end = words.find(state) + len(state) if state in words else 0
    return Marked(of_state(attempt.state)(words[:end]), part(words, end, len(words)))


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
    if by_lockfile and body.of_fleet:
        yield "No member is begun any more, in an apply that runs too."
        yield (
            "What was begun goes on. To stop a member too, in a clone of it: "
            "`qflow-gitops freeze --reason TEXT`"
        )
    elif by_lockfile:
        yield "No apply sends anything more; one that runs stops before its next wave."
        yield "What was sent goes on: an execution can only be ended in Qualys itself."
    elif not body.freezes:
        command = "fleet plan" if body.of_fleet else "plan"
        yield f"Nothing is frozen. What is due now: `qflow-gitops {command}`"


def verified(body: Verified) -> Iterator[str]:
    """What a check of the lockfile found."""
    version = f"version {body.serial}" if body.serial is not None else "a version that isn't known"
    seen = version if body.anchors is None else f"{count(body.versions, 'commit')}, up to {version}"
    yield (
        f"{clean(body.where)}: {seen}; {count(body.attempts, 'attempt')}; "
        f"{count(len(body.problems), 'problem')}"
    )
    for problem in body.problems[:SHOWN_PROBLEMS]:
        yield Marked(Mark.FAILED("  ✗"), f" {clean(problem)}")
    if len(body.problems) > SHOWN_PROBLEMS:
        yield f"  … {len(body.problems) - SHOWN_PROBLEMS:,} more (--format json: all)"
    if not body.problems:
        grown = "every commit only adds to the one before; " if body.versions > 1 else ""
        yield signed("✓", f"{grown}no execution is in it twice")
    if body.digests is None:
        yield signed("·", "the digests weren't taken again of the files (--quick)")
    elif body.digests:
        yield signed("✓", f"{count(body.digests, 'digest')} taken again of the files, the same")
    if body.unseen:
        unseen = count(body.unseen, "attempt")
        yield signed("·", f"{unseen} whose file, as it was, isn't in this clone")
    if body.signed is not None:
        yield signed("·", f"{count(body.signed, 'commit')} signed by an allowed signer")
    if body.anchors:
        stand = [each for each in body.anchors if each.stands]
        sign = "✓" if len(stand) == len(body.anchors) else "·"
        times = list(dict.fromkeys((stand[0].at, stand[-1].at))) if stand else []
        since = f", {'from ' if times[1:] else 'as of '}{' to '.join(times)}" if times else ""
        held = f"{len(stand):,} of {count(len(body.anchors), 'anchor')}"
        yield signed(sign, f"what stood there by {held} stands there now{since}")
        stamps = sum(each.stamped is True for each in body.anchors)
        against = f" against {clean(body.certificates)}" if body.certificates else ""
        yield signed("·", f"{count(stamps, 'time stamp')} checked{against}")


def anchored(body: Anchored) -> Iterator[str]:
    """What an anchor of the lockfile is of, and what it is good for."""
    what = f"{clean(body.where)}: serial {body.serial}, commit {body.commit[:10]}"
    if not body.new:
        yield f"{what}: nothing was recorded since {clean(body.file)} of {body.at}"
        yield "A further time stamp of the same: `qflow-gitops lock anchor --again`"
    elif body.server:
        yield f"{what}: anchored at {body.at} by {clean(body.server)}, in {clean(body.file)}"
    else:
        yield f"{what}: written down in {clean(body.file)}"
        yield "Keep it where nobody who can push here can change it. Later:"
        yield f"`qflow-gitops lock verify --anchor {clean(quote(body.file))}`"
