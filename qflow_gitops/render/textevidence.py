"""The report for an audit as lines for a person: counts, differences, doubts, releases."""

from collections import Counter
from collections.abc import Iterator, Sequence

from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.events import in_words as event_in_words
from qflow_gitops.render.grouped import listed
from qflow_gitops.render.layout import Line
from qflow_gitops.render.marks import Mark, Marked, hint
from qflow_gitops.render.signs import of_state, signed
from qflow_gitops.render.steps import in_a_line
from qflow_gitops.render.textplans import lock
from qflow_gitops.results.approved import Approved
from qflow_gitops.results.evidence import (
    ApprovalTold,
    AttemptEvidence,
    DoubtTold,
    EventTold,
    Evidence,
    Outcome,
    ReleaseTold,
)
from qflow_gitops.results.outcomes import word

IN_FULL = 20
"""So few attempts are each told in full."""
SHOWN = 20
"""So many of each kind are shown; the other formats have all."""


def report(body: Evidence) -> Iterator[Line]:
    """Counts and what to look at; of few attempts each in full."""
    attempts = [attempt for run in body.runs for attempt in run.attempts]
    yield from _summary(body, attempts)
    yield from _compared(body)
    yield from _approved(attempts)
    yield from _doubtful(attempts)
    yield from _released(attempts)
    yield from _unknown(attempts)
    yield from _events(body)
    if 0 < len(attempts) <= IN_FULL:
        for attempt in attempts:
            yield ""
            yield from told(attempt)
    yield ""
    yield hint("All of it, with a page for each run: `qflow-gitops report --output evidence`")


def _summary(body: Evidence, attempts: Sequence[AttemptEvidence]) -> Iterator[Line]:
    runs = sum(bool(run.attempts) for run in body.runs)
    of = f"{count(len(attempts), 'attempt')} of {count(runs, 'run')}"
    yield f"{of}{in_words(body)}; {lock(body.lock)}"
    outcomes = Counter(attempt.outcome for attempt in attempts)
    for outcome in Outcome:
        if outcomes[outcome]:
            yield f"  {outcomes[outcome]:>6,}  {outcome}"
    if body.lock.exists:
        yield hint("Whether the lockfile is whole: `qflow-gitops lock verify`")


def in_words(body: Evidence) -> str:
    """Say which span of time a report is about, behind a word; "" for all."""
    said = {"since": body.since, "before": body.until}
    words = " and ".join(f"{word} {at}" for word, at in said.items() if at)
    return f" {words}" if words else ""


def _compared(body: Evidence) -> Iterator[Line]:
    found = body.compared
    yield ""
    yield Mark.TITLE(f"Differences ({len(found.differences):,})")
    for difference in found.differences[:SHOWN]:
        yield Marked(Mark.FAILED("  ✗"), f" {difference.kind}  {clean(difference.text)}")
    if len(found.differences) > SHOWN:
        yield f"  … {len(found.differences) - SHOWN:,} more (--format json: all)"
    for limit in found.limits:
        yield signed("?", clean(limit))


def _approved(attempts: Sequence[AttemptEvidence]) -> Iterator[Line]:
    """Say of all that was sent whether somebody approved it, and whether the policy asked."""
    found = Approved.of(attempts)
    if not found.sent:
        return
    yield ""
    yield Mark.TITLE(f"Approved ({found.approved:,} of {found.sent:,} that were sent)")
    if found.lacking:
        many = count(len(found.lacking), "attempt")
        yield signed("✗", f"{many} without what the policy asked for")
    else:
        yield signed("✓", "none was sent without what the policy asked for, as far as it is known")
    for some, words in (
        (found.none_asked, "the policy asked for none"),
        (found.not_known, "what the policy asked for isn't known"),
    ):
        if some:
            names = listed([clean(one.title) for one in some])
            yield signed("·", f"{len(some):,} without an approval, {words}: ", names)


def _doubtful(attempts: Sequence[AttemptEvidence]) -> Iterator[Line]:
    """List what was or is in doubt: what is open first, then the newest."""
    some = [(attempt, doubt) for attempt in attempts for doubt in attempt.doubts]
    if not some:
        return
    some.sort(key=lambda each: each[1].since, reverse=True)
    some.sort(key=lambda each: bool(each[1].settled))
    still = sum(not doubt.settled for _, doubt in some)
    yield ""
    yield Mark.TITLE(f"In doubt ({still:,} still open, {len(some) - still:,} settled)")
    for attempt, doubt in some[:SHOWN]:
        yield f"  {clean(attempt.title)}  {_doubt(doubt)}"
    if len(some) > SHOWN:
        yield f"  … {len(some) - SHOWN:,} more (--format json: all)"


def _released(attempts: Sequence[AttemptEvidence]) -> Iterator[Line]:
    some = [(attempt, release) for attempt in attempts for release in attempt.releases]
    yield ""
    yield Mark.TITLE(f"Released by hand ({len(some):,})")
    for attempt, release in some[:SHOWN]:
        yield f"  {clean(attempt.title)}  {_release(release)}"
    if len(some) > SHOWN:
        yield f"  … {len(some) - SHOWN:,} more (--format json: all)"


def _unknown(attempts: Sequence[AttemptEvidence]) -> Iterator[Line]:
    some = [(attempt, words) for attempt in attempts for words in attempt.unknown]
    if not some:
        return
    yield ""
    yield Mark.TITLE(f"What isn't known ({len(some):,})")
    for attempt, words in some[:SHOWN]:
        yield signed("?", clean(attempt.title), f"  {clean(words)}")
    if len(some) > SHOWN:
        yield f"  … {len(some) - SHOWN:,} more (--format json: all)"


def _events(body: Evidence) -> Iterator[Line]:
    if not body.events:
        return
    yield ""
    yield Mark.TITLE(f"Events of the lockfile itself ({len(body.events):,})")
    for environment, event in body.events[:SHOWN]:
        where = f" ({clean(environment)})" if environment else ""
        words = f"{event.at}  {event_in_words(event)}{_by(event.by, event.reason)}"
        yield f"  {clean(words)}{where}"
    if len(body.events) > SHOWN:
        yield f"  … {len(body.events) - SHOWN:,} more (--format json: all)"


def told(attempt: AttemptEvidence) -> Iterator[Line]:
    """Tell one attempt: how it went, who asked for it, and who allowed it."""
    state = of_state(attempt.state)(word(attempt.state))
    yield Marked(Mark.PLACE(clean(attempt.title)), "  ", state)
    for name, words in _facts(attempt):
        if words:
            yield Marked(f"  {name:14}", words)
    for event in attempt.events:
        yield f"    {_event(event)}"


def _facts(attempt: AttemptEvidence) -> Iterator[tuple[str, str]]:
    yield "execution", Mark.ID(clean(attempt.execution_id)) if attempt.execution_id else "none"
    yield "Qualys says", clean(attempt.status)
    yield "failed at", in_a_line(attempt.culprit) if attempt.culprit else ""
    yield "asked for by", _asked_by(attempt)
    yield "approved by", ", ".join(map(_approval, attempt.approvals)) or "no approval is recorded"
    yield "merged by", clean(attempt.merged_by)
    yield "sent by", clean(", ".join(filter(None, (attempt.actor, attempt.tool, attempt.ci_run))))
    yield "pull req.", f"#{attempt.pull_request}" if attempt.pull_request else ""
    if attempt.commit:
        at = f", {attempt.commit.at}" if attempt.commit.at else ""
        said = f": {attempt.commit.subject}" if attempt.commit.subject else ""
        yield "commit", clean(f"{attempt.commit.id[:10]}{at}{said}")
    yield "file", clean(attempt.file)
    needed = attempt.approvals_needed
    yield (
        "policy",
        "" if needed is None else f"asked for {count(needed, 'approval') if needed else 'none'}",
    )
    for release in attempt.releases:
        yield "released", _release(release)
    for name, words in attempt.annotations.items():
        yield "annotated", clean(f"{name}: {words}")
    for doubt in attempt.doubts:
        yield "doubt", _doubt(doubt)
    for words in attempt.unknown:
        yield "unknown", clean(words)
    yield "digest", Mark.ID(clean(attempt.digest))


def _asked_by(attempt: AttemptEvidence) -> str:
    if attempt.commit is None:
        return "not known: no commit is recorded"
    commit = f"commit {attempt.commit.id[:10]}"
    if not attempt.commit.author:
        return clean(f"not known: {commit} isn't in this clone")
    return clean(f"{attempt.commit.author}, the author of {commit}")


def _doubt(doubt: DoubtTold) -> str:
    settled = f", {doubt.settled} {doubt.at}" if doubt.settled else ", still open"
    return clean(f"since {doubt.since}{settled}{_by(doubt.by, doubt.reason)}")


def _approval(one: ApprovalTold) -> str:
    on = f" on {one.commit[:10]}" if one.commit else ""
    return clean(f"{one.login}{on}{f' (review {one.review})' if one.review else ''}")


def _release(one: ReleaseTold) -> str:
    number = f" ({count(one.runs, 'run')} held)" if one.runs is not None else ""
    at = f" at {one.at}" if one.at else ""
    return clean(f"{one.hold}{number}{at}{_by(one.by or 'somebody', one.reason)}")


def _event(event: EventTold) -> str:
    return clean(f"{event.at}  {event.what}{_by(event.by, event.reason)}")


def _by(who: str, why: str) -> str:
    return f"{f' by {who}' if who else ''}{f': {why}' if why else ''}"
