"""A pull request's plan as the comment on it: what would run, and what has become of it.

It begins with a marker, by which a later call finds it. The marker is for finding only: nothing
is ever decided by what a comment says.
"""

import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import quote, unquote

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.plan.change import Action, as_held
from qflow_gitops.policy.rules import Hold
from qflow_gitops.render.failing import by_step
from qflow_gitops.render.grouped import targets, who
from qflow_gitops.render.markdown_blocks import Part, alert, cell, code, link, prose
from qflow_gitops.render.markdown_holds import MANY, MORE
from qflow_gitops.render.markdown_plans import MarkdownPlan, commit, document, first, frozen_part
from qflow_gitops.render.markdown_rows import Row
from qflow_gitops.render.marks import first_blocks
from qflow_gitops.render.sentence import APPLY, MERGE, place, starts, stay_held
from qflow_gitops.results.groups import Entry, bundled, entry_of
from qflow_gitops.results.outcomes import word
from qflow_gitops.results.reviews import CommentKey, Proposal, Review, ReviewStatus

COMMENT_LIMIT = 65_536
"""Characters of a comment on GitHub (the API refuses more); counted here in bytes."""

_MARKER = re.compile(
    r"<!-- qflow-gitops v1 environment=([a-z0-9-]+)(?: project=([A-Za-z0-9_.%]+))?"
    r"(?: [a-z]+=[a-z0-9:]*)* -->"
)
_AT_STEPS = (
    "By which steps they failed, as Qualys showed it to `apply` in fields that aren't documented:"
    "\n\n"
)
_MOST_STEPS = 10
_WAITING = (ReviewStatus.PLANNED, ReviewStatus.APPROVED)


def marked(body: str) -> CommentKey | None:
    """Say what the marker names that a comment's text begins with, None for no such comment."""
    first = body.splitlines()[0] if body else ""
    found = _MARKER.fullmatch(first.rstrip())
    if found is None:
        return None
    return CommentKey(unquote(found[2] or "", errors="surrogateescape"), found[1])


def _marker(key: CommentKey) -> str:
    """Begin a marker. Of a folder nothing stays that could end it: no hyphen, no `>`, no space."""
    if not key.project:
        return f"<!-- qflow-gitops v1 environment={key.environment}"
    folder = quote(key.project, safe="", errors="surrogateescape")
    folder = folder.replace("-", "%2D").replace("~", "%7E")
    return f"<!-- qflow-gitops v1 environment={key.environment} project={folder}"


def _title(key: CommentKey, said: str, platform: str = "") -> str:
    of = f" of {code(key.project)}" if key.project else ""
    return f"### Qualys Flow, {place(key.environment, platform)}{of}: {said}\n\n"


def render_gone(key: CommentKey, successor: str) -> str:
    """Write what stays of the comment of an environment that the settings don't have any more.

    `successor` is what it is called now, "" where it is nothing.
    """
    said = "The settings have none of it: nothing of what stood here starts."
    if successor:
        said = (
            f"It is called {code(successor)} now, and what is merged starts there: "
            f"`qflow-gitops plan -e {successor}` shows it."
        )
    return f"{_marker(key)} -->\n{_title(key, 'no environment any more')}{said}\n"


def render(review: Review) -> str:
    """Write the comment, its marker first; never more than `COMMENT_LIMIT`."""
    body = review.planned
    marker = f"{_marker(review.key)} plan={review.digest} head={body.commit} -->\n"
    title = _title(review.key, _overall(review), review.platform)
    against = f", compared with {commit(body, body.base)}" if body.base else ""
    tail = f"From commit {commit(body, body.commit)}{against}; plan digest {code(review.digest)}\n"
    if review.empty:
        frozen = "".join(frozen_part(body.freezes).entries)
        said = f"Nothing of {code(review.environment)} is changed here, and nothing would run.\n\n"
        notes = "".join(f"> {prose(note)}\n\n" for note in review.notes)
        return marker + title + first(body) + frozen + notes + said + tail
    proposed = {each.change.key for each in review.proposals}
    others = (each for each in (*review.held, *review.skipped) if each.key not in proposed)
    shown = MarkdownPlan(
        head=f"{marker}{title}**{_sentence(review)}**\n\n{first(body)}{_next(review)}",
        body=body,
        entries=[*map(_entry, review.proposals), *map(entry_of, others)],
        rows=[*map(_row, review.proposals)],
        held=review.held,
        skipped=review.skipped,
        notes=review.notes,
        found=review.found,
        tail=tail,
        failed=_failed(review),
    )
    return document(shown, COMMENT_LIMIT)


def _row(proposal: Proposal) -> Row:
    started = proposal.attempt.execution_id if proposal.attempt else ""
    held = proposal.standing is ReviewStatus.HELD
    why = proposal.change.reason if held else proposal.why
    return Row(proposal.change, why, _state(proposal), _standing(proposal), started)


def _overall(review: Review) -> str:
    failed = Counter(map(_word, _of(ReviewStatus.FAILED, review)))
    return ", ".join([str(review.standing), *(f"{n:,} {how}" for how, n in failed.items())])


def _of(standing: ReviewStatus, review: Review) -> list[Proposal]:
    return [each for each in review.proposals if each.standing is standing]


def _word(proposal: Proposal) -> str:
    """Say how a run stands in the word of all other outputs; what didn't do well, by its state."""
    if proposal.standing is ReviewStatus.FAILED and proposal.attempt:
        return word(proposal.attempt.state)
    return str(proposal.standing)


def _sentence(review: Review) -> str:
    """Say what became of runs, what starts, what stays held and why, and what has nothing to do."""
    where = place(review.environment, review.platform)
    waits = [each for each in review.proposals if each.standing in _WAITING]
    others = (each for each in review.proposals if each.standing not in _WAITING)
    ended = [each for each in others if each.standing is not ReviewStatus.HELD]
    lacking = [each for each in waits if each.lacks]
    due = [each for each in waits if not each.lacks]
    parts = [f"{n:,} {how}" for how, n in Counter(map(_word, ended)).items()]
    subject, later = f"{APPLY if review.merged else MERGE} starts", sum(map(_is_later, due))
    if not ended:
        parts = [starts(subject, len(due), later, where)]
    else:
        parts = [f"{', '.join(parts)} in {where}"]
        subject = subject[0].lower() + subject[1:]
        parts += [starts(subject, len(due), later, "")] if due else []
    would = [as_held(each.change, each.lacks) for each in lacking if each.lacks]
    parts += stay_held(would, "would be held") if would else ()
    parts += stay_held(review.held) if review.held or not would else ()
    parts += [f"{len(review.skipped):,} with nothing to do"] if review.skipped else []
    return "; ".join(parts)


def _is_later(proposal: Proposal) -> bool:
    return proposal.change.action is Action.WAIT


def _next(review: Review) -> str:
    """Say what is missing before the merge, or before the next apply, as that will judge it."""
    waits = [each for each in review.proposals if each.standing in _WAITING]
    if lacks := _said(each.lacks for each in waits):
        return (
            alert("WARNING", f"{_when(review)}: {lacks}. Merged without it, apply holds it.\n")
            + "\n"
        )
    if asks := _said(each.asks for each in waits):
        return f"{_when(review)}: {asks}; `apply --approved` holds it as it stands.\n\n"
    by = {each.approvers for each in waits}
    if not waits or by == {()}:
        return ""
    if len(by) > 1:
        return "Approved, not each run by the same people.\n\n"
    return f"Approved by {', '.join(map(code, by.pop()[:MANY]))}.\n\n"


def _when(review: Review) -> str:
    return "Before the next apply" if review.merged else "Before the merge"


def _said(holds: Iterable[Hold | None]) -> str:
    """Say what would hold runs, as apply says it; "" for nothing."""
    said = list(dict.fromkeys(hold.detail for hold in holds if hold))
    more = f", and {len(said) - 1:,} others alike" if len(said) > 1 else ""
    return prose(said[0]) + more if said else ""


def _state(proposal: Proposal) -> str:
    """Say a run's state, with a short id of the execution and a link to what made the attempt."""
    words = [_standing(proposal)]
    if proposal.attempt is not None:
        words += [*_outcome_words(proposal.attempt, proposal.standing)]
    led = link("CI run", proposal.ci_run)
    words += [f"({led})"] if led != "CI run" else []
    return " ".join(words)


def _standing(proposal: Proposal) -> str:
    return f"{proposal.standing}, not approved" if proposal.lacks else _word(proposal)


def _failed(review: Review) -> Part:
    """Say by which steps runs failed; of targets of a spec with the same words once."""
    lines = [
        f"- {code(who(same))}{f' {code(targets(same))}' if len(same) > 1 else ''}: {code(words)}\n"
        for some in bundled(review.proposals)
        for words, same in by_step(some)
    ]
    left = len(lines) - _MOST_STEPS
    if left > 0:
        lines[_MOST_STEPS:] = [f"- … and {left:,} more lines alike\n"]
    return Part(lines, _AT_STEPS, "\n", MORE)


def _entry(proposal: Proposal) -> Entry:
    words = "to start" if proposal.standing in _WAITING else _word(proposal)
    return Entry(proposal.change.key, words, proposal.standing is not ReviewStatus.SUCCEEDED)


def _outcome_words(attempt: Attempt, standing: ReviewStatus) -> list[str]:
    words = []
    if attempt.status and standing is not ReviewStatus.SUCCEEDED:
        words.append(cell(attempt.status))
    if attempt.execution_id:
        words.append(f"as {cell(first_blocks(attempt.execution_id))}")
    return words
