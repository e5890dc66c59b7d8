"""The report for an audit as Markdown: a job summary, or a comment on a ticket, shows it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from qflow_gitops.render.escape import count
from qflow_gitops.render.markdown_blocks import Part, Piece, cell, code, fit
from qflow_gitops.render.markdown_plans import SUMMARY_LIMIT
from qflow_gitops.render.textevidence import in_words
from qflow_gitops.results.evidence import AttemptEvidence, Evidence, Outcome, ReleaseTold
from qflow_gitops.results.outcomes import word

_RELEASED = ("Run", "Hold", "Runs held", "Released by", "Why", "When")
_ATTEMPTS = (
    "Attempt", "Outcome", "Opened", "Execution", "Asked for by (author of the commit)",
    "Approved by", "Merged by", "Sent by", "Commit",
)  # fmt: skip


def evidence(body: Evidence) -> str:
    """Return counts, differences, releases and a table of all attempts, as far as they fit."""
    attempts = [attempt for run in body.runs for attempt in run.attempts]
    compared = body.compared
    entries = [f"- {code(each.kind)}: {code(each.text)}\n" for each in compared.differences]
    differences = Part(entries, "\n#### Differences\n\n", more="- … and {} more\n")
    limits = "".join(f"- not known: {code(limit)}\n" for limit in compared.limits)
    released = _table("Released by hand", _RELEASED, _released(attempts))
    table = _table("Attempts", _ATTEMPTS, map(_row, attempts))
    pieces: list[Piece] = [
        f"### Evidence: {count(len(attempts), 'attempt')}{in_words(body)}\n\n",
        *_counts(attempts),
        differences if differences.entries else "\nThe sources differ in nothing.\n",
        *(["\n", limits] if limits else []),
        released,
        table,
        f"\nMade at {code(body.made_at)} by qflow-gitops {code(body.tool)} from {_lock(body)}.\n",
    ]
    return fit(pieces, [(differences, 0.3), (released, 0.2), (table, 0.9)], SUMMARY_LIMIT)


def _table(title: str, columns: Sequence[str], rows: Iterable[str]) -> Part:
    heads, rule = " | ".join(columns), " | ".join("---" for _ in columns)
    before = f"\n#### {title}\n\n| {heads} |\n| {rule} |\n"
    return Part([*rows], before, more=f"| … and {{}} more |{' |' * (len(columns) - 1)}\n")


def _counts(attempts: Sequence[AttemptEvidence]) -> Iterator[str]:
    found = Counter(attempt.outcome for attempt in attempts)
    yield from (f"- {found[each]:,} {each.value}\n" for each in Outcome if found[each])


def _released(attempts: Sequence[AttemptEvidence]) -> Iterator[str]:
    for attempt in attempts:
        for one in attempt.releases:
            yield _cells(attempt.title, *_release(one))


def _release(one: ReleaseTold) -> tuple[str, ...]:
    return (one.hold, "" if one.runs is None else str(one.runs), one.by, one.reason, one.at)


def _row(one: AttemptEvidence) -> str:
    approved = ", ".join(each.login for each in one.approvals)
    commit, author = (one.commit.id[:10], one.commit.author) if one.commit else ("", "")
    return _cells(
        one.title, word(one.state), one.opened_at, one.execution_id, author, approved,
        one.merged_by, one.actor, commit,
    )  # fmt: skip


def _cells(*texts: str) -> str:
    return f"| {' | '.join(cell(text) if text else '' for text in texts)} |\n"


def _lock(body: Evidence) -> str:
    at = f", commit {code(body.head[:10])}" if body.head else ""
    return f"{code(body.lock.where)}, version {body.serial}{at}"
