"""What a doctor found, as Markdown: a table a part, to be attached to an issue."""

from collections.abc import Iterator

from qflow_gitops.render.markdown_blocks import cell
from qflow_gitops.render.textchecks import MARKS, counts
from qflow_gitops.results.checks import Examination, Examined, Fact


def examination(body: Examination) -> str:
    """Return counts, the parts and the facts."""
    pieces = [f"### What works here\n\n**{counts(body)}**\n"]
    pieces += ["".join(_part(part)) for part in body.parts if part.checks]
    if body.facts is not None:
        pieces.append("".join(_facts(body.facts)))
    return "\n".join(pieces)


def _part(part: Examined) -> Iterator[str]:
    yield f"#### {part.title}\n\n| | Looked at | Found | Next |\n|---|---|---|---|\n"
    for check in part.checks:
        hint = cell(check.hint) if check.hint else ""
        about = cell(check.about) if check.about else ""
        yield f"| {MARKS[check.verdict]} | {about} | {cell(check.found)} | {hint} |\n"


def _facts(facts: tuple[Fact, ...]) -> Iterator[str]:
    yield "#### What Qualys' documentation leaves open, as this subscription shows it\n\n"
    yield "| About | docs/api.md | Seen | How |\n|---|---|---|---|\n"
    for fact in facts:
        seen = cell(fact.seen) if fact.seen else "not seen"
        if fact.assumed:
            seen += f"; **the program assumes** {cell(fact.assumed)}: please report it"
        yield f"| {cell(fact.about)} | {cell(fact.source)} | {seen} | {cell(fact.how)} |\n"
