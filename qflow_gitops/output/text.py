"""Every report as plain lines for a person; counts first, then what needs a look."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from qflow_gitops.diagnostics import Diagnostic, Severity
from qflow_gitops.difference import Difference, differences
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile import Attempt, State
from qflow_gitops.output.words import clean, count, difference, run, underlined, where
from qflow_gitops.plan import Action, Change, Plan, Reason, said
from qflow_gitops.report import (
    Applied,
    Comments,
    Draft,
    Files,
    History,
    Known,
    LockSeen,
    Planned,
    Report,
    Status,
    Validated,
    Verified,
)
from qflow_gitops.spec import PLACE_VARIABLES

SHOWN_OF_A_FILE = 5
"""Findings of one file that fit on a screen; `-v` shows all."""

SHOWN_PROBLEMS = 50

_SIGNS = {
    "added": "+",
    "modified": "~",
    "rerun": "↻",
    "unsent": "↻",
    "retry": "↻",
}


def render(report: Report, *, verbose: bool = False) -> str:
    """Give the report's result; the error itself goes to stderr and is not in it."""
    lines = [*_diagnostics(report.diagnostics, verbose=verbose)]
    match report.body:
        case Validated() as body:
            lines += _validated(body, report)
        case Planned() as body:
            lines += _planned(body)
        case Applied() as body:
            lines += _applied(body)
        case Status() as body:
            lines += _status(body)
        case History() as body:
            lines += _history(body)
        case Verified() as body:
            lines += _verified(body)
        case Files() as body:
            lines += _files(body)
        case Known() as body:
            lines += _known(body)
        case Draft(content):
            lines += content.splitlines()
        case Comments() as body:
            lines += _comments(body)
    return "".join(line.rstrip() + "\n" for line in lines)


def error_lines(problem: QflowError) -> list[str]:
    """Say what happened, where, what was not done, and what to type next."""
    where_ = f"{clean(problem.where)}: " if problem.where else ""
    lines = [f"Error: {where_}{clean(problem.message)}"]
    if problem.not_done:
        lines.append(f"  {clean(problem.not_done)}")
    if problem.hint:
        lines.append(f"  → {clean(problem.hint)}")
    return lines


# --- findings ------------------------------------------------------------------------


def _diagnostics(found: tuple[Diagnostic, ...], *, verbose: bool) -> Iterator[str]:
    """At most a screen for each file, unless all is asked for; errors before warnings."""
    for _, group in groupby(found, key=lambda one: one.file):
        in_file = list(group)
        shown = in_file
        if not verbose and len(in_file) > SHOWN_OF_A_FILE:
            first = sorted(in_file, key=lambda one: one.severity is not Severity.ERROR)
            chosen = set(first[:SHOWN_OF_A_FILE])
            shown = [one for one in in_file if one in chosen]
        for one in shown:
            yield from _finding(one)
        if len(shown) < len(in_file):
            yield f"… {len(in_file) - len(shown):,} more in {clean(in_file[0].file)} (-v: all)"
    if found:
        yield ""


def _finding(one: Diagnostic) -> Iterator[str]:
    start = one.range.start
    yield (
        f"{clean(one.file)}:{start.line}:{start.column}: {one.severity} "
        f"[{one.rule}] {clean(one.message)}"
    )
    if one.excerpt:
        line, marks = underlined(one.excerpt)
        number = str(start.line)
        yield f"  {number} | {line}"
        yield f"  {' ' * len(number)} | {marks}"
    if one.hint:
        yield f"  → {clean(one.hint)}"


def _validated(body: Validated, report: Report) -> Iterator[str]:
    errors = sum(one.severity is Severity.ERROR for one in report.diagnostics)
    warnings = len(report.diagnostics) - errors
    looked = f"{count(body.runs, 'valid run')} in {count(body.files, 'file')}"
    if errors or warnings:
        yield f"{count(errors, 'error')}, {count(warnings, 'warning')}; {looked}"
    else:
        yield f"No problem found: {looked}"


# --- the plan ------------------------------------------------------------------------


def _planned(body: Planned) -> Iterator[str]:
    plan = body.plan
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
    return f"From {what}{against}; {looked}; {_lock(body.lock)}"


def _lock(lock: LockSeen) -> str:
    if not lock.exists:
        return f"no record yet ({clean(lock.where)} comes with the first apply)"
    copy = (
        f", as it was here at {clean(lock.copied_at)} (its place can't be asked now)"
        if lock.copied_at
        else ""
    )
    return f"record {clean(lock.where)}, version {lock.serial}{copy}"


def _due(plan: Plan, body: Planned) -> Iterator[str]:
    due = plan.of(Action.RUN)
    if not due:
        return
    yield ""
    yield f"To start ({len(due):,})"
    for one in due:
        yield f"  {_SIGNS[one.reason]} {run(one)}  {one.reason}: {clean(one.detail)}"
        yield from _request(one, body)


def _request(one: Change, body: Planned) -> Iterator[str]:
    """Say where a run works, and what it would send or what changes in that."""
    if one.spec:
        yield f"      {where(one.spec, dict(body.names))}"
        name = clean(body.workflow_name(one.spec.workflow_id))
        named = f"{name} ({one.spec.workflow_id})" if name else one.spec.workflow_id
        yield f"      workflow {named} · {clean(one.spec.file)}"
    if one.since is None and one.attempt:
        yield "      (what it sent before isn't in this clone)"
    for each in one.since or _whole_request(one):
        sign, words = difference(each)
        yield f"        {sign} {words}"


def _held(changes: tuple[Change, ...], body: Planned | None) -> Iterator[str]:
    """What is held for one and the same reason is said once, then its runs.

    With the plan that they are of, also what those would send that a rule holds.
    """
    alike: dict[tuple[str, str, str], list[Change]] = {}
    for one in changes:
        alike.setdefault((one.reason, one.detail, one.hint), []).append(one)
    if changes:
        yield ""
        yield f"Held ({len(changes):,})"
    for (reason, detail, hint), some in alike.items():
        many = len(some) > 1
        who = f"{len(some):,} runs" if many else run(some[0])
        yield f"  ! {who}  {reason}: {clean(detail)}"
        if hint:
            yield f"      → {clean(hint)}"
        for one in some:
            if many:
                yield f"    {_SIGNS[one.due] if one.due else '·'} {run(one)}"
            if one.due and body:
                yield from _request(one, body)


_SHOWN_ABOVE = frozenset(f"/variables/{name}" for name in ("connectorId", *PLACE_VARIABLES))


def _whole_request(one: Change) -> tuple[Difference, ...]:
    """What a run that was never sent before would send, beside what stands above it."""
    if one.spec is None or (one.due or one.reason) is not Reason.ADDED:
        return ()
    nothing: dict[str, Any] = {"input": {}, "variables": {}}
    found = differences(nothing, {**nothing, **one.spec.masked})
    return tuple(each for each in found if each.pointer not in _SHOWN_ABOVE)


def _section(title: str, changes: tuple[Change, ...], sign: str) -> Iterator[str]:
    if not changes:
        return
    yield ""
    yield f"{title} ({len(changes):,})"
    for one in changes:
        yield f"  {sign} {run(one)}  {one.reason}: {clean(one.detail)}"
        if one.hint:
            yield f"      → {clean(one.hint)}"


# --- what was done -------------------------------------------------------------------


def _applied(body: Applied) -> Iterator[str]:
    plan = body.planned.plan
    states: dict[str, int] = {}
    for outcome in body.outcomes:
        states[outcome.attempt.state] = states.get(outcome.attempt.state, 0) + 1
    did = ", ".join(f"{number:,} {state}" for state, number in states.items()) or "nothing started"
    held = len(plan.of(Action.HOLD))
    yield (
        f"{clean(body.environment)} on {body.platform or 'no platform'}: {did}; "
        f"{len(body.not_started):,} not started, {held} held"
    )
    for outcome in body.outcomes:
        sign = _OUTCOME_SIGNS.get(outcome.attempt.state, "·")
        name = f"{outcome.environment}/{outcome.name}"
        yield f"  {sign} {clean(name)}  {clean(said(outcome.attempt))}{_why(outcome.attempt)}"
    yield from _section("Not started", body.not_started, "-")
    yield from _held(plan.of(Action.HOLD), None)
    shown = {(one.environment, one.name, one.attempt.number) for one in body.outcomes}
    new_doubts = [o for o in body.doubts if (o.environment, o.name, o.attempt.number) in shown]
    if new_doubts:
        yield ""
        yield "In doubt: these may have run, and will not be sent again by themselves."
        for one in new_doubts:
            yield (
                f"  ? {clean(one.name)}: look in Qualys for an execution of workflow "
                f"{one.attempt.fact('workflowId')} at about {one.attempt.opened_at}"
            )
        yield "  → qflow-gitops reconcile looks for them again, as each apply does first"
    if body.elsewhere:
        yield ""
        yield "Another apply is sending these now; what becomes of them isn't known here yet."
        for one in body.elsewhere:
            by = one.attempt.events[0].extra.get("by")
            who = ", ".join(map(str, by.values())) if isinstance(by, dict) else "somebody"
            until = one.attempt.events[0].extra.get("leaseUntil", "")
            yield f"  … {clean(one.name)}: by {clean(who)}, until {clean(str(until))} at most"
    if body.rescued:
        yield ""
        yield f"These answers could not be recorded, and were saved: {clean(body.rescued)}"
        yield from map(clean, body.rescued_lines.splitlines())
        kept = not body.rescued.startswith("not to a file")
        yield (
            "  → qflow-gitops lock push (or, with the lines above on its stdin: lock push -)"
            if kept
            else "  → qflow-gitops lock push -   (with the lines above on its stdin)"
        )
    elif body.outcomes:
        yield f"Recorded in {clean(body.planned.lock.where)}"


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


# --- the record ----------------------------------------------------------------------


def _status(body: Status) -> Iterator[str]:
    yield f"{count(len(body.rows), 'run')}; {_lock(body.lock)}"
    rows = [
        (
            f"{row.environment}/{row.name}",
            row.attempt.state.value if row.attempt else "never sent",
            row.attempt.status if row.attempt else "",
            row.attempt.changed_at if row.attempt else "",
            "" if row.spec else "no spec any more",
            row.attempt.execution_id if row.attempt else "",
        )
        for row in body.rows
    ]
    yield from _table(("RUN", "STATE", "QUALYS SAYS", "SINCE", "", "EXECUTION"), rows)


def _history(body: History) -> Iterator[str]:
    yield f"{count(len(body.attempts), 'attempt')}; {_lock(body.lock)}"
    for environment, name, attempt in body.attempts:
        yield ""
        yield f"{clean(environment)}/{clean(name)} #{attempt.number}  {clean(said(attempt))}"
        yield f"  {attempt.digest}  {clean(attempt.fact('file'))}"
        for event in attempt.events:
            by = event.extra.get("by")
            who = f"  by {clean(str(by.get('actor', '')))}" if isinstance(by, dict) else ""
            detail = event.extra.get("detail", event.extra.get("status", ""))
            words = f"  {clean(str(detail))}" if detail else ""
            yield f"    {event.at}  {event.to}{words}{who}"


def _verified(body: Verified) -> Iterator[str]:
    yield (
        f"{clean(body.where)}: {count(body.versions, 'version')}, "
        f"{count(body.attempts, 'attempt')}; {count(len(body.problems), 'problem')}"
    )
    for one in body.problems[:SHOWN_PROBLEMS]:
        yield f"  ✗ {clean(one)}"
    if len(body.problems) > SHOWN_PROBLEMS:
        yield f"  … {len(body.problems) - SHOWN_PROBLEMS:,} more (--format json: all)"
    if not body.problems:
        yield "  ✓ every version only adds to the one before; no execution is in it twice"
    if body.digests:
        yield f"  ✓ {count(body.digests, 'digest')} taken again of the files, the same"
    if body.unseen:
        yield f"  · {count(body.unseen, 'attempt')} whose file, as it was, isn't in this clone"
    if body.signed is not None:
        yield f"  · {count(body.signed, 'version')} signed by an allowed signer"


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    cells = [titles, *(tuple(clean(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(titles))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width)


def _known(body: Known) -> Iterator[str]:
    if not body.workflows:
        yield "The catalog is empty. Fill it: qflow-gitops workflows pull"
    rows = [
        (one.id, one.name or "(no name)", one.revision[:12], str(len(one.own_variables)))
        for one in body.workflows
    ]
    yield from _table(("ID", "NAME", "REVISION", "VARIABLES"), rows)
    for one in body.workflows if body.detailed else ():
        yield ""
        if one.variables is None:
            yield "Its definition doesn't show its variables."
        for name, kind in (one.variables or {}).items():
            mark = "" if name in one.own_variables else "  (system)"
            yield f"  {clean(name)}  {clean(kind)}{mark}"


def _comments(body: Comments) -> Iterator[str]:
    """One line a comment, or the comments themselves where they are only shown."""
    for one in body.entries:
        if one.text:
            yield from one.text.splitlines()
            continue
        more = f"; {count(one.removed, 'duplicate')} removed" if one.removed else ""
        yield (
            f"pull request {one.pull_request}, {clean(one.environment)}: {one.standing}; "
            f"{_COMMENTED[one.what]}{more}  {clean(one.url)}"
        )
    if not body.entries:
        yield "No pull request has to be looked at."


_COMMENTED = {
    "created": "comment written",
    "edited": "comment brought up to date",
    "unchanged": "comment is up to date",
    "none": "no comment, since nothing is selected",
}


def _files(body: Files) -> Iterator[str]:
    for one in body.changes:
        if one.diff:
            yield from ("\t".join(map(clean, x.split("\t"))) for x in one.diff.splitlines())
        else:
            detail = f"  {clean(one.detail)}" if one.detail else ""
            yield f"{one.what:>8}  {clean(one.file)}{detail}"
    if body.next:
        yield ""
        yield "Next:"
        for command in body.next:
            yield f"  {clean(command)}"
