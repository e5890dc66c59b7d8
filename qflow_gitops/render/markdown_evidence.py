"""The report for an audit as Markdown: a job summary, or a comment on a ticket, shows it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from qflow_gitops.render.escape import count
from qflow_gitops.render.markdown_blocks import Part, Piece, cell, code, fit
from qflow_gitops.render.markdown_plans import SUMMARY_LIMIT
from qflow_gitops.render.textevidence import in_words
from qflow_gitops.results.evidence import AttemptEvidence, Evidence, Outcome, ReleaseTold
from qflow_gitops.results.outcomes import word

_MORE = "| … and {} more | | | | | |\n"


def evidence(body: Evidence) -> str:
    """Return counts, differences, releases and a table of all attempts, as far as they fit."""
    attempts = [attempt for run in body.runs for attempt in run.attempts]
    differences = Part([f"- {code(each.text)}\n" for each in body.compared.differences],
                       "\n#### Differences\n\n", more="- … and {} more\n")  # fmt: skip
    limits = "".join(f"- not known: {code(limit)}\n" for limit in body.compared.limits)
    released = Part([*_released(attempts)], _table("Released by hand", _RELEASED), more=_MORE)
    table = Part([*map(_row, attempts)], _table("Attempts", _ATTEMPTS), more=_MORE)
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


_RELEASED = ("Run", "Hold", "Runs", "By", "Why", "When")
_ATTEMPTS = ("Attempt", "Outcome", "Opened", "Execution", "Approved by", "Commit")


def _table(title: str, columns: Iterable[str]) -> str:
    names = [*columns]
    heads, rule = " | ".join(names), " | ".join("---" for _ in names)
    return f"\n#### {title}\n\n| {heads} |\n| {rule} |\n"


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
    commit = one.commit.id[:10] if one.commit else ""
    return _cells(one.title, word(one.state), one.opened_at, one.execution_id, approved, commit)


def _cells(*texts: str) -> str:
    return f"| {' | '.join(cell(text) if text else '' for text in texts)} |\n"


def _lock(body: Evidence) -> str:
    at = f", commit {code(body.head[:10])}" if body.head else ""
    return f"{code(body.lock.where)}, version {body.serial}{at}"
