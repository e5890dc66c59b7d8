"""A plan as Markdown, as a job summary shows it; `comment` puts it into a pull request.

Counts first and the digest last, whatever else has to be left out to keep within the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from qflow_gitops.findings.finding import Diagnostic
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.plan.change import Action, Change, Plan
from qflow_gitops.render import text
from qflow_gitops.render.grouped import overview, told_first
from qflow_gitops.render.markdown_blocks import (
    Part,
    Piece,
    alert,
    block,
    code,
    fewer_ticks,
    fit,
    link,
    prose,
    quoted,
    quoted_part,
)
from qflow_gitops.render.markdown_holds import MANY, MORE, group, reason_of, skipped, waiting
from qflow_gitops.render.markdown_requests import requests
from qflow_gitops.render.markdown_rows import Row, lines, summed_up, table
from qflow_gitops.render.sentence import of_plan, place
from qflow_gitops.results.groups import Entry, blocks, entry_of, overviews, sizes
from qflow_gitops.results.pages import commit_page
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report
from qflow_gitops.results.shared import hiding_alike

SUMMARY_LIMIT = 1_000_000
"""Bytes. A job summary of one step may have 1 MiB (docs.github.com, "Workflow commands"), a note of
GitLab's 1,000,000 characters (docs.gitlab.com, "GitLab application limits")."""
_NOTICE = "> Shortened to what fits here; `qflow-gitops plan` shows all of it.\n\n"
_TOGETHER = (
    "Targets of one spec are told together; `qflow-gitops -v plan` shows each by itself.\n\n"
)
_NOTHING = Part(())


def plan(body: Planned, report: Report) -> str:
    """Return a plan, with what was found in files and what stopped it."""
    found = body.plan
    where = [place(*each) for each in sorted(found.platforms.items())[:MANY]]
    of = f" of {code(body.project)}" if body.project else ""
    what = f"commit {commit(body, body.commit)}" if body.commit else "the work tree"
    return document(
        MarkdownPlan(
            head=f"### Plan for {', '.join(where)}{of}\n\n{first(body)}{_sentences(body)}",
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
            tail=f"From {what}; plan digest {code(found.digest)}{_later(found)}\n",
        ),
        SUMMARY_LIMIT,
    )


def _later(found: Plan) -> str:
    """Say the digest that a frozen plan has once that is lifted, as a comment has it throughout."""
    later = found.thawed.digest
    same = later == found.digest
    return "" if same else f", frozen, so of no run; once it is lifted {code(later)}"


def _sentences(body: Planned) -> str:
    """Say of each environment what starts; an apply is about one of them."""
    every = sorted(body.plan.platforms)
    said = [of_plan(body.plan, each, merging=body.merging) for each in every[:MANY]]
    number = len(body.plan.of(Action.SKIP)) + body.plan.unchanged
    done = f"{number:,} with nothing to do"
    if len(said) == 1:
        return f"**{said[0]}{f'; {done}' if number else ''}**\n\n"
    more = [f"{len(every) - MANY:,} more environments"] if len(every) > MANY else []
    listed = [f"- **{each}**\n" for each in said] + [f"- {each}\n" for each in more]
    return "".join(listed) + (f"\n{done}\n\n" if number else "\n")


def commit(body: Planned, full: str) -> str:
    """Name a commit, and lead to it where its pages are known."""
    return link(code(full[:10]), commit_page(body.pages, full))


def first(body: Planned) -> str:
    """Warn of what comes before a plan."""
    return "".join(
        alert(
            "IMPORTANT",
            f"{prose(warning.message)}\n"
            + (f"\n→ {prose(warning.hint)}\n" if warning.hint else ""),
        )
        + "\n"
        for warning in body.first
    )


# --- a plan, with or without the states of its runs ----------------------------------


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
    notes = Part([f"> {prose(note)}\n\n" for note in plan.notes], more=MORE)
    found = _findings(plan.found)
    of_rows = list(lines(plan.rows))
    runs = table(of_rows, plan.body)
    warning, holds = _held(plan.held, plan.body.plan)
    due = [*plan.rows, *(Row(each, each.due) for each in plan.held if each.due)]
    rows = {row.change.key: row for row in due if row.change.spec}  # a comment's rows are both
    asked = requests(list(lines(rows.values())))
    done = skipped(list(blocks(plan.skipped, plan.body.plan.changes)))
    frozen, later = frozen_part(plan.body.freezes), waiting(plan.body.plan)
    pieces = [
        plan.head,
        frozen,
        *warning,
        "",
        notes,
        *_targets(plan),
        summed_up(of_rows, plan.body),
        runs,
        plan.failed,
        later,
        found,
        asked,
        done,
        plan.tail,
    ]
    reserved = [
        *((part, 0.05) for part in (frozen, notes, plan.failed, later)),
        (found, 0.1),
        *((part, 0.15 / len(holds)) for part in holds),
    ]
    rest = [(part, 1.0) for part in (runs, plan.failed, later, found, *holds, asked, done)]
    return fit(pieces, [*reserved, *rest], limit, _NOTICE)


def _held(held: Sequence[Change], plan: Plan) -> tuple[list[Piece], list[Part]]:
    """Warn of what stays held, by reasons; also the parts that may be shortened."""
    if not held:
        return [], []
    some = sorted(blocks(held, plan.changes), key=reason_of)
    pieces: list[Piece] = [alert("WARNING", f"**Held ({len(held):,})**\n\n")]
    parts: list[Part] = []
    for _, alike in groupby(some, reason_of):
        head, entries = group(list(alike), plan.changes)
        parts.append(quoted_part(entries))
        pieces += [quoted(head), parts[-1], ">\n"]
    return [*pieces[:-1], "\n"], parts


def _hiding(plan: MarkdownPlan) -> MarkdownPlan:
    """Hide in each target what any of its spec does."""
    every = plan.body.plan.changes
    rows = zip(plan.rows, hiding_alike((row.change for row in plan.rows), every), strict=True)
    return replace(
        plan,
        rows=[replace(row, change=change) for row, change in rows],
        held=told_first(hiding_alike(plan.held, every), plan.body.freezes),
    )


def frozen_part(freezes: Sequence[Freeze]) -> Part:
    """Say what holds everything, also where nothing is due."""
    shown = (f"**Frozen**: {code(freeze.detail)} → {prose(freeze.hint)}\n" for freeze in freezes)
    return Part([alert("CAUTION", each) + "\n" for each in shown], more=MORE)


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
