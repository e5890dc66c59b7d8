"""A plan as Markdown, as a job summary shows it; `comment` puts it into a pull request.

Counts first and the digest last, whatever else has to be left out to keep within the limit.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from qflow_gitops.base.jsondiff import MISSING, Difference
from qflow_gitops.base.names import RunKey
from qflow_gitops.findings.finding import Diagnostic
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.plan.change import Action, Change
from qflow_gitops.render import text
from qflow_gitops.render.describe import difference, run, where
from qflow_gitops.render.escape import clean
from qflow_gitops.render.grouped import (
    FEW,
    FEW_VALUES,
    differences,
    names,
    overview,
    targets,
    wheres,
    who,
)
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
from qflow_gitops.render.markdown_holds import MANY, MORE, group, reason_of, skipped, waiting
from qflow_gitops.results.groups import (
    Entry,
    alike,
    blocks,
    bundled,
    entry_of,
    overviews,
    sizes,
)
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report
from qflow_gitops.results.reviews import ReviewStatus
from qflow_gitops.results.shared import Shared, asked, hiding_alike, shared
from qflow_gitops.specs.spec import MASK

SUMMARY_LIMIT = 1_000_000
"""Bytes. A job summary of one step may have 1 MiB (docs.github.com, "Workflow commands"), a note of
GitLab's 1,000,000 characters (docs.gitlab.com, "GitLab application limits")."""
_MANY_ROWS = 50
_NOTICE = "> Shortened to what fits here; `qflow-gitops plan` shows all of it.\n\n"
_NO_ROW = "… and {} more runs, see `qflow-gitops plan`.\n\n"
_NO_REQUEST = "… and {} more requests, see `qflow-gitops plan`.\n\n"
_TOGETHER = (
    "Targets of one spec are told together; `qflow-gitops -v plan` shows each by itself.\n\n"
)
_NOTHING = Part(())
_LOUD = (ReviewStatus.FAILED, ReviewStatus.IN_DOUBT)


def plan(body: Planned, report: Report) -> str:
    """Return a plan, with what was found in files and what stopped it."""
    found = body.plan
    names = ", ".join(code(name) for name in sorted(found.platforms)[:MANY])
    names += f" of {code(body.project)}" if body.project else ""
    done = len(found.of(Action.SKIP)) + found.unchanged
    later = f"{len(found.of(Action.WAIT)):,} later · " if found.of(Action.WAIT) else ""
    what = f"commit {code(body.commit[:10])}" if body.commit else "the work tree"
    return document(
        MarkdownPlan(
            head=(
                f"### Plan for {names}\n\n"
                + first(body)
                + f"**{len(found.of(Action.RUN)):,} to start · {later}"
                f"{len(found.of(Action.HOLD)):,} held · "
                f"{done:,} with nothing to do**\n\n"
            ),
            body=body,
            entries=tuple(map(entry_of, found.changes)),
            rows=tuple(
                Row(change, f"{change.due}, later" if change.due else change.reason)
                for change in found.due
            ),
            held=found.of(Action.HOLD),
            skipped=found.of(Action.SKIP),
            notes=report.notes,
            found=report.diagnostics,
            tail=f"From {what}; plan digest {code(found.digest)}\n",
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
    """A run in the table. `state` is Markdown of the program's own, "" for no such column.

    `standing` is what of the state several targets of a spec can have alike in one line.
    """

    change: Change
    why: str
    state: str = ""
    standing: str = ""

    @property
    def key(self) -> RunKey:
        """Environment and name."""
        return self.change.key


@dataclass(frozen=True, slots=True)
class MarkdownPlan:
    """What is written of a plan; `head` and `tail` are Markdown that always stays.

    `entries` say of each run in a word how it stands, `failed` by which steps some failed.
    """

    head: str
    body: Planned
    entries: Sequence[Entry]
    rows: Sequence[Row]
    held: Sequence[Change]
    skipped: Sequence[Change]
    notes: Sequence[str]
    found: Sequence[Diagnostic]
    tail: str
    failed: Part = _NOTHING


def document(plan: MarkdownPlan, limit: int) -> str:
    """Write a plan with at most `limit` bytes.

    What has to go goes in this order: what has nothing to do, requests, then rows; holds and
    findings keep a place of their own beside many rows.
    """
    plan = _hiding(plan)
    notes = Part([f"> {code(note)}\n\n" for note in plan.notes], more=MORE)
    found = _findings(plan.found)
    lines = list(_lines(plan.rows))
    table = _table(lines, plan.body)
    blocks_ = sorted(blocks(plan.held, plan.body.plan.changes), key=reason_of)
    groups = [group(list(held), plan.body.plan.changes) for _, held in groupby(blocks_, reason_of)]
    due = [*plan.rows, *(Row(each, each.due) for each in plan.held if each.due)]
    rows = {row.change.key: row for row in due if row.change.spec}  # a comment's rows are both
    requests = Part(
        [_request([row.change for row in some]) for some in _lines(rows.values())],
        more=_NO_REQUEST,
    )
    done = skipped(list(blocks(plan.skipped, plan.body.plan.changes)))
    frozen, later = frozen_part(plan.body.freezes), waiting(plan.body.plan)
    pieces: list[Piece] = [
        plan.head,
        frozen,
        "",
        notes,
        *_targets(plan),
        _summed_up(lines, plan.body),
        table,
        plan.failed,
        later,
        found,
    ]
    if groups:
        pieces += [f"#### Held ({len(plan.held):,})\n\n"]
        pieces += [piece for head, entries in groups for piece in (head, entries, "\n")]
    pieces += [requests, done, plan.tail]
    holds = [entries for _, entries in groups]
    reserved = [
        *((part, 0.05) for part in (frozen, notes, plan.failed, later)),
        (found, 0.1),
        *((part, 0.15 / len(holds)) for part in holds),
    ]
    rest = [(part, 1.0) for part in (table, plan.failed, later, found, *holds, requests, done)]
    return fit(pieces, [*reserved, *rest], limit, _NOTICE)


def _hiding(plan: MarkdownPlan) -> MarkdownPlan:
    """Hide in each target what any of its spec does."""
    every = plan.body.plan.changes
    rows = zip(plan.rows, hiding_alike((row.change for row in plan.rows), every), strict=True)
    return replace(
        plan,
        rows=[replace(row, change=change) for row, change in rows],
        held=tuple(hiding_alike(plan.held, every)),
    )


def frozen_part(freezes: Sequence[Freeze]) -> Part:
    """Say what holds everything, also where nothing is due."""
    lines = [f"> **Frozen**: {code(freeze.detail)} → {code(freeze.hint)}\n\n" for freeze in freezes]
    return Part(lines, more=MORE)


def _findings(found: Sequence[Diagnostic]) -> Part:
    """Each with its lines; one of a policy or a rule alike."""
    rendered = (text.render(Report("plan", diagnostics=(finding,))) for finding in found)
    shown = [fewer_ticks(text).rstrip() + "\n" for text in rendered]
    if not shown:
        return Part(())
    # One fence for all of them, longer than any run of backticks in any of them.
    opening, *_, closing = block("".join(shown)).splitlines(keepends=True)
    return Part(shown, opening, closing + "\n", "… and {} more, see `qflow-gitops validate`.\n\n")


def _targets(plan: MarkdownPlan) -> tuple[Part, str]:
    """Say how the targets of each spec stand where not all do alike, and that they are together."""
    found = overviews(plan.entries, plan.body.targets)
    entries = [f"- {code(overview(each))}\n" for each in found if len(each.counts) > 1]
    many = any(number > 1 for number in sizes(entry.key for entry in plan.entries).values())
    return Part(entries, after="\n", more=MORE), _TOGETHER if many else ""


def _lines(rows: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    """Put rows into one line that are alike, of targets of one spec; but for a few that failed."""
    for some in bundled(rows):
        for same in alike(some, lambda row: (row.why, row.standing)):
            if same[0].standing in _LOUD and len(same) <= FEW:
                yield from ((row,) for row in same)
            else:
                yield same


def _table(lines: Sequence[Sequence[Row]], body: Planned) -> Part:
    stated = any(row.state for some in lines for row in some)
    titles = ["Run", *(["State"] if stated else []), "Why", "Where", "Workflow", "File"]
    start = f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n"
    end = "\n"
    if len(lines) > _MANY_ROWS:
        start, end = unfolded_start("The runs") + start, FOLD_END
    return Part([_line(some, body, stated=stated) for some in lines], start, end, _NO_ROW)


def _line(some: Sequence[Row], body: Planned, *, stated: bool) -> str:
    changes, spec = [row.change for row in some], some[0].change.spec
    several = len(some) > 1
    run_ = cell(who(some)) + (f" {cell(targets(some))}" if several else "")
    state = some[0].standing if several else some[0].state
    cells = [run_, *([state] if stated else []), cell(some[0].why)]
    if spec:
        named = body.workflow_name(spec.workflow_id) or spec.workflow_id
        places = " ".join(map(cell, wheres(changes, body.names)))
        cells += [places, cell(named), cell(spec.file)]
    return f"| {' | '.join(cells)} |\n"


def _summed_up(lines: Sequence[Sequence[Row]], body: Planned) -> str:
    """Say what many runs have in common, so that nobody has to read each of them."""
    if len(lines) <= MANY:
        return ""
    rows = [row for some in lines for row in some]
    specs = [row.change.spec for row in rows if row.change.spec]
    said = [
        _counted("Why", Counter(row.why for row in rows)),
        _counted(
            "Workflows",
            Counter(body.workflow_name(spec.workflow_id) or spec.workflow_id for spec in specs),
        ),
        _counted("Where", Counter(where(spec, body.names) for spec in specs)),
    ]
    return "".join(said) + "\n"


def _counted(title: str, counts: Counter[str]) -> str:
    shown = [f"{code(name)} {number:,}" for name, number in counts.most_common(5)]
    others = sum(counts.values()) - sum(number for _, number in counts.most_common(5))
    more = [f"{others:,} others"] if others else []
    return f"- {title}: {', '.join([*shown, *more])}\n"


# --- requests ------------------------------------------------------------------------


def _request(changes: Sequence[Change]) -> str:
    """Fold what runs ask for: the difference to what they sent last, or all of it."""
    change = changes[0]
    assert change.spec is not None  # noqa: S101  the caller saw to it
    if len(changes) > 1:
        lines = [line for row in shared(changes, whole=True) for line in _shared(row)]
        title = "What changes in" if any(each.since for each in changes) else "The requests of"
        return folded(f"{title} {tagged(who(changes))}", block("\n".join(lines), "diff"))
    if change.since:
        lines = [line for each in asked(change) for line in _difference(each)]
        return folded(f"What changes in {tagged(run(change))}", block("\n".join(lines), "diff"))
    request = {"workflowId": change.spec.workflow_id, **change.spec.masked}
    written = json.dumps(request, indent=2, ensure_ascii=False)
    shown = block("\n".join(map(clean, written.splitlines())), "json")
    return folded(f"The request of {tagged(run(change))}", shown)


_DIFF = {"+": "+", "-": "-", "~": "!"}
"""How the signs of a difference are coloured."""


def _shared(row: Shared) -> Iterator[str]:
    """Write what targets have at one place: whole, unless there are many values."""
    if len(row.values) > FEW_VALUES:
        yield from (f"{_DIFF[sign]} {words}" for sign, words in differences([row]))
        return
    for each in row.values:
        if not row.everywhere:
            yield f"@@ {names(each.targets)} @@"
        yield from _difference(each.difference)


def _difference(found: Difference) -> Iterator[str]:
    """Write old and new below one another, whole: a change at a value's end must show."""
    if found.old == found.new == MASK:
        yield f"! {difference(found)[1]}"
        return
    for sign, value in (("-", found.old), ("+", found.new)):
        if value is not MISSING:
            yield f"{sign} {clean(found.pointer)}  {clean(json.dumps(value, ensure_ascii=False))}"
