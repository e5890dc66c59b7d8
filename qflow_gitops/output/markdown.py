"""A plan as Markdown, for a pull request or a job summary.

What comes from files stands in code spans only, so that it can't mention a person, add
HTML or break out of the table.
"""

import re
from collections.abc import Iterator

from qflow_gitops.errors import QflowError
from qflow_gitops.output import text
from qflow_gitops.output.words import clean, difference, run, where
from qflow_gitops.plan import Action, Change
from qflow_gitops.report import Planned, Report


def render(report: Report) -> str:
    """Give the report as GitHub-flavoured Markdown; other reports than plans as a text block."""
    if isinstance(report.body, Planned):
        lines = list(_plan(report.body, report))
    else:
        lines = [*_error(report.error), *_block(text.render(report))]
    return "\n".join(lines) + "\n"


def code(words: str) -> str:
    """Put a text in a code span that it can't leave, not even inside a table."""
    safe = clean(words).replace("|", "\\|") or " "
    longest = max((len(ticks) for ticks in re.findall("`+", safe)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if safe[0] == "`" or safe[-1] == "`" else ""
    return f"{fence}{pad}{safe}{pad}{fence}"


def _block(words: str) -> list[str]:
    longest = max((len(ticks) for ticks in re.findall("`+", words)), default=2)
    fence = "`" * max(3, longest + 1)
    return [fence + "text", words.rstrip("\n"), fence]


def _error(problem: QflowError | None) -> list[str]:
    return [*_block("\n".join(text.error_lines(problem))), ""] if problem else []


def _plan(body: Planned, report: Report) -> Iterator[str]:
    plan = body.plan
    names = ", ".join(code(name) for name in sorted(plan.platforms))
    done = len(plan.of(Action.SKIP)) + plan.unchanged
    yield f"### Plan for {names}"
    yield ""
    yield (
        f"**{len(plan.of(Action.RUN)):,} to start · {len(plan.of(Action.HOLD)):,} held · "
        f"{done:,} with nothing to do**"
    )
    yield ""
    for note in report.notes:
        yield f"> {code(note)}"
        yield ""
    if report.diagnostics:
        shown = Report(report.command, diagnostics=report.diagnostics)
        yield from _block(text.render(shown))
        yield ""
    yield from _table(body)
    yield from _diffs(plan.of(Action.RUN))
    yield from _list("Held", plan.of(Action.HOLD))
    yield from _list("Nothing to do", plan.of(Action.SKIP))
    what = f"commit {code(body.commit[:10])}" if body.commit else "the work tree"
    yield f"From {what}; plan digest {code(plan.digest)}"


def _table(body: Planned) -> Iterator[str]:
    due = body.plan.of(Action.RUN)
    if not due:
        return
    yield "| Run | Why | Where | Workflow | File |"
    yield "|---|---|---|---|---|"
    for one in due:
        if one.spec:
            cells = (
                code(run(one)),
                code(one.reason),
                code(where(one.spec, dict(body.names))),
                code(body.workflow_name(one.spec.workflow_id) or one.spec.workflow_id),
                code(one.spec.file),
            )
            yield "| " + " | ".join(cells) + " |"
    yield ""


def _diffs(due: tuple[Change, ...]) -> Iterator[str]:
    for one in due:
        if one.since:
            # Names are [a-z0-9-] by the schema, so they need no code span, which HTML ignores.
            yield f"<details><summary>What changed in <code>{run(one)}</code></summary>"
            yield ""
            lines = (difference(each) for each in one.since)
            yield from _block("\n".join(f"{sign} {words}" for sign, words in lines))
            yield ""
            yield "</details>"
            yield ""


def _list(title: str, changes: tuple[Change, ...]) -> Iterator[str]:
    if not changes:
        return
    yield f"**{title}**"
    yield ""
    for one in changes:
        yield f"- {code(run(one))} {one.reason}: {code(one.detail)}"
        if one.hint:
            yield f"  - {code(one.hint)}"
    yield ""
