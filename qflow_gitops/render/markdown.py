"""A plan as Markdown, as a job summary shows it; `comment` puts it into a pull request.

Counts first and the digest last, whatever else has to be left out to keep within the limit.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from qflow_gitops.base.jsondiff import MISSING, Difference
from qflow_gitops.findings.finding import Diagnostic
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.plan.change import EVERY, Action, Change
from qflow_gitops.render import text
from qflow_gitops.render.describe import difference, run, where
from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.markdown_blocks import (
    FOLD_END,
    Part,
    Piece,
    block,
    cell,
    code,
    fewer_ticks,
    fit,
    folded,
    tagged,
    unfolded_start,
)
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report
from qflow_gitops.specs.spec import MASK

SUMMARY_LIMIT = 1_000_000
"""Bytes. A job summary of one step may have 1 MiB (docs.github.com, "Workflow commands"), a note of
GitLab's 1,000,000 characters (docs.gitlab.com, "GitLab application limits")."""
MANY = 10
"""More entries than these are folded away or summed up."""
_MANY_ROWS = 50
_NOTICE = "> Shortened to what fits here; `qflow-gitops plan` shows all of it.\n\n"
_NO_ROW = "… and {} more runs, see `qflow-gitops plan`.\n\n"
_NO_REQUEST = "… and {} more requests, see `qflow-gitops plan`.\n\n"
_MORE = "… and {} more, see `qflow-gitops plan`.\n\n"


def render(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown; other reports than plans as a text block."""
    if isinstance(report.body, Planned):
        return _plan(report.body, report)
    lines = text.error_lines(report.error) if report.error else []
    pieces: list[Piece] = [*([block("\n".join(lines)), "\n"] if lines else []), ""]
    part = _text_part(text.render(report))
    return fit([*pieces, part], [(part, 1)], SUMMARY_LIMIT)


def _text_part(words: str) -> Part:
    """A fenced block of which lines can be left out."""
    opening, *lines, closing = block(words).splitlines(keepends=True)
    return Part(lines, opening, closing, "… and {} more lines.\n")


def _plan(body: Planned, report: Report) -> str:
    plan = body.plan
    names = ", ".join(code(name) for name in sorted(plan.platforms)[:MANY])
    names += f" of {code(body.project)}" if body.project else ""
    done = len(plan.of(Action.SKIP)) + plan.unchanged
    what = f"commit {code(body.commit[:10])}" if body.commit else "the work tree"
    return document(
        MarkdownPlan(
            head=(
                f"### Plan for {names}\n\n"
                + first(body)
                + f"**{len(plan.of(Action.RUN)):,} to start · {len(plan.of(Action.HOLD)):,} held · "
                f"{done:,} with nothing to do**\n\n"
            ),
            body=body,
            rows=tuple(Row(change, change.reason) for change in plan.of(Action.RUN)),
            held=plan.of(Action.HOLD),
            skipped=plan.of(Action.SKIP),
            notes=report.notes,
            found=report.diagnostics,
            tail=f"From {what}; plan digest {code(plan.digest)}\n",
        ),
        SUMMARY_LIMIT,
    )


def first(body: Planned) -> str:
    """Quote what comes before a plan."""
    return "".join(
        f"> {code(warning.message)}\n"
        + (f">\n> → {code(warning.hint)}\n\n" if warning.hint else "\n")
        for warning in body.first
    )


# --- a plan, with or without the states of its runs ----------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `state` is Markdown of the program's own, "" for no such column."""

    change: Change
    why: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class MarkdownPlan:
    """What is written of a plan; `head` and `tail` are Markdown that always stays."""

    head: str
    body: Planned
    rows: Sequence[Row]
    held: Sequence[Change]
    skipped: Sequence[Change]
    notes: Sequence[str]
    found: Sequence[Diagnostic]
    tail: str


def document(plan: MarkdownPlan, limit: int) -> str:
    """Write a plan with at most `limit` bytes.

    What has to go goes in this order: what has nothing to do, requests, then rows; holds and
    findings keep a place of their own beside many rows.
    """
    notes = Part([f"> {code(note)}\n\n" for note in plan.notes], more=_MORE)
    found = _findings(plan.found)
    table = _table(plan.rows, plan.body)
    groups = [_group(list(held)) for _, held in groupby(sorted(plan.held, key=_reason), _reason)]
    due = [*plan.rows, *(Row(each, each.due) for each in plan.held if each.due)]
    asked = {row.change.key: row for row in due if row.change.spec}  # a comment's rows are both
    requests = Part([_request(row) for row in asked.values()], more=_NO_REQUEST)
    skipped = _skipped(plan.skipped)
    frozen = frozen_part(plan.body.freezes)
    pieces: list[Piece] = [
        plan.head,
        frozen,
        "",
        notes,
        _summed_up(plan.rows, plan.body),
        table,
        found,
    ]
    if groups:
        pieces += [f"#### Held ({len(plan.held):,})\n\n"]
        pieces += [piece for head, entries in groups for piece in (head, entries, "\n")]
    pieces += [requests, skipped, plan.tail]
    holds = [entries for _, entries in groups]
    reserved = [
        (frozen, 0.05),
        (notes, 0.05),
        (found, 0.1),
        *((part, 0.15 / len(holds)) for part in holds),
    ]
    rest = [(part, 1.0) for part in (table, found, *holds, requests, skipped)]
    return fit(pieces, [*reserved, *rest], limit, _NOTICE)


def frozen_part(freezes: Sequence[Freeze]) -> Part:
    """Say what holds everything, also where nothing is due."""
    lines = [f"> **Frozen**: {code(freeze.detail)} → {code(freeze.hint)}\n\n" for freeze in freezes]
    return Part(lines, more=_MORE)


def _findings(found: Sequence[Diagnostic]) -> Part:
    """Each with its lines; one of a policy or a rule alike."""
    rendered = (text.render(Report("plan", diagnostics=(finding,))) for finding in found)
    shown = [fewer_ticks(text).rstrip() + "\n" for text in rendered]
    if not shown:
        return Part(())
    # One fence for all of them, longer than any run of backticks in any of them.
    opening, *_, closing = block("".join(shown)).splitlines(keepends=True)
    return Part(shown, opening, closing + "\n", "… and {} more, see `qflow-gitops validate`.\n\n")


def _table(rows: Sequence[Row], body: Planned) -> Part:
    stated = any(row.state for row in rows)
    titles = ["Run", *(["State"] if stated else []), "Why", "Where", "Workflow", "File"]
    start = f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n"
    end = "\n"
    if len(rows) > _MANY_ROWS:
        start, end = unfolded_start("The runs") + start, FOLD_END
    return Part([_line(row, body, stated=stated) for row in rows], start, end, _NO_ROW)


def _line(row: Row, body: Planned, *, stated: bool) -> str:
    change, spec = row.change, row.change.spec
    cells = [cell(run(change)), *([row.state] if stated else []), cell(row.why)]
    if spec:
        named = body.workflow_name(spec.workflow_id) or spec.workflow_id
        cells += [cell(where(spec, body.names)), cell(named), cell(spec.file)]
    return f"| {' | '.join(cells)} |\n"


def _summed_up(rows: Sequence[Row], body: Planned) -> str:
    """Say what many runs have in common, so that nobody has to read each of them."""
    specs = [row.change.spec for row in rows if row.change.spec]
    if len(specs) <= MANY:
        return ""
    lines = [
        _counted("Why", Counter(row.why for row in rows)),
        _counted(
            "Workflows",
            Counter(body.workflow_name(spec.workflow_id) or spec.workflow_id for spec in specs),
        ),
        _counted("Where", Counter(where(spec, body.names) for spec in specs)),
    ]
    return "".join(lines) + "\n"


def _counted(title: str, counts: Counter[str]) -> str:
    shown = [f"{code(name)} {number:,}" for name, number in counts.most_common(5)]
    others = sum(counts.values()) - sum(number for _, number in counts.most_common(5))
    more = [f"{others:,} others"] if others else []
    return f"- {title}: {', '.join([*shown, *more])}\n"


# --- requests ------------------------------------------------------------------------


def _request(row: Row) -> str:
    """Fold a run's difference to what it sent last, or its whole request where that says more."""
    change = row.change
    assert change.spec is not None  # noqa: S101  the caller saw to it
    if change.since:
        lines = [line for each in change.since for line in _difference(each)]
        return folded(f"What changes in {tagged(run(change))}", block("\n".join(lines), "diff"))
    request = {"workflowId": change.spec.workflow_id, **change.spec.masked}
    written = json.dumps(request, indent=2, ensure_ascii=False)
    shown = block("\n".join(map(clean, written.splitlines())), "json")
    return folded(f"The request of {tagged(run(change))}", shown)


def _difference(found: Difference) -> Iterator[str]:
    """Write old and new below one another, whole: a change at a value's end must show."""
    if found.old == found.new == MASK:
        yield f"! {difference(found)[1]}"
        return
    for sign, value in (("-", found.old), ("+", found.new)):
        if value is not MISSING:
            yield f"{sign} {clean(found.pointer)}  {clean(json.dumps(value, ensure_ascii=False))}"


# --- what doesn't start --------------------------------------------------------------


def _reason(change: Change) -> str:
    return change.reason


def _group(held: Sequence[Change]) -> tuple[str, Part]:
    """Write the holds of one reason: what they have in common once, then each of them."""
    hint = _common(held, lambda change: change.hint.replace(run(change), "RUN"))
    detail = _common(held, lambda change: change.detail)
    who = "all runs" if held[0].name == EVERY else count(len(held), "run")
    head = f"**{code(held[0].reason)}**, {who}"
    head += f": {code(detail)}" if detail else ""
    head += f" → {code(hint)}" if hint else ""
    entries = [_held(change, hint=not hint, detail=not detail) for change in held]
    if len(held) <= MANY:
        return f"{head}\n\n", Part(entries, more=_MORE)
    title = f"The {count(len(held), 'run')}"
    return f"{head}\n\n", Part(entries, unfolded_start(title), FOLD_END, _MORE)


def _common(held: Sequence[Change], what: Callable[[Change], str]) -> str:
    """Return what all of several runs have alike, "" for anything else."""
    kinds = {what(change) for change in held}
    return kinds.pop() if len(kinds) == 1 and len(held) > 1 else ""


def _held(change: Change, *, hint: bool, detail: bool) -> str:
    said = f": {code(change.detail)}" if detail else ""
    more = f"  - → {code(change.hint)}\n" if hint and change.hint else ""
    return f"- {code(run(change))}{said}\n{more}"


def _skipped(skipped: Iterable[Change]) -> Part:
    entries = [
        f"- {code(run(change))} {code(change.reason)}: {code(change.detail)}\n"
        + (f"  - → {code(change.hint)}\n" if change.hint else "")
        for change in skipped
    ]
    return Part(entries, unfolded_start(f"Nothing to do ({len(entries):,})"), FOLD_END, _MORE)
