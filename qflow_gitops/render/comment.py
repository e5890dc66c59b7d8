"""A pull request's plan as the comment on it: what would run, and what has become of it.

It begins with a marker, by which a later call finds it. The marker is for finding only: nothing
is ever decided by what a comment says.
"""

import re
from collections import Counter
from urllib.parse import quote, unquote

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.render.failing import by_step
from qflow_gitops.render.grouped import targets, who
from qflow_gitops.render.markdown_blocks import Part, cell, code
from qflow_gitops.render.markdown_holds import MORE
from qflow_gitops.render.markdown_plans import MarkdownPlan, Row, document, first, frozen_part
from qflow_gitops.results.groups import Entry, bundled, entry_of
from qflow_gitops.results.outcomes import word
from qflow_gitops.results.reviews import CommentKey, Proposal, Review, ReviewStatus

COMMENT_LIMIT = 65_536
"""Characters of a comment on GitHub (the API refuses more); counted here in bytes."""

_MARKER = re.compile(
    r"<!-- qflow-gitops v1 environment=([a-z0-9-]+)(?: project=([A-Za-z0-9_.%]+))?"
    r"(?: [a-z]+=[a-z0-9:]*)* -->"
)
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/[A-Za-z0-9._-][A-Za-z0-9._/-]*")
_AT_STEPS = (
    "By which steps they failed, as Qualys showed it to `apply` in fields that aren't documented:"
    "\n\n"
)
_MOST_STEPS = 10
_COUNTED = {
    ReviewStatus.PLANNED: "to start",
    ReviewStatus.APPROVED: "to start",
}


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


def _title(key: CommentKey, said: str) -> str:
    of = f" of {code(key.project)}" if key.project else ""
    return f"### Qualys Flow, {code(key.environment)}{of}: {said}\n\n"


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
    title = _title(review.key, _overall(review))
    against = f", compared with {code(body.base[:10])}" if body.base else ""
    tail = f"From commit {code(body.commit[:10])}{against}; plan digest {code(review.digest)}\n"
    if review.empty:
        frozen = "".join(frozen_part(body.freezes).entries)
        said = f"Nothing of {code(review.environment)} is changed here, and nothing would run.\n\n"
        notes = "".join(f"> {code(note)}\n\n" for note in review.notes)
        return marker + title + first(body) + frozen + notes + said + tail
    proposed = {each.change.key for each in review.proposals}
    others = (each for each in (*review.held, *review.skipped) if each.key not in proposed)
    shown = MarkdownPlan(
        head=f"{marker}{title}{first(body)}**{_counts(review)}**\n\n{_next(review)}",
        body=body,
        entries=[*map(_entry, review.proposals), *map(entry_of, others)],
        rows=[
            Row(each.change, each.why, _state(each), _standing(each)) for each in review.proposals
        ],
        held=review.held,
        skipped=review.skipped,
        notes=review.notes,
        found=review.found,
        tail=tail,
        failed=_failed(review),
    )
    return document(shown, COMMENT_LIMIT)


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


def _counts(review: Review) -> str:
    shown = [each for each in review.proposals if each.standing is not ReviewStatus.HELD]
    numbers = Counter(_COUNTED.get(each.standing) or _word(each) for each in shown)
    parts = [f"{number:,} {words}" for words, number in numbers.items()] or ["0 to start"]
    # A failed run counts there too: it is held until a person decides.
    parts += [f"{len(review.held):,} held", f"{len(review.skipped):,} with nothing to do"]
    return " · ".join(parts)


_NEXT = {
    ReviewStatus.PLANNED: "Merging starts what is in the table; "
    "`apply --approved` asks for an approval first.\n\n",
    ReviewStatus.APPROVED: "Approved; merging starts what is in the table.\n\n",
}
_MERGED = {
    ReviewStatus.PLANNED: "Merged; the next apply starts what is in the table, and "
    "`apply --approved` only what was approved.\n\n",
    ReviewStatus.APPROVED: "Merged; the next apply starts what is in the table.\n\n",
}


def _next(review: Review) -> str:
    lacks = list(dict.fromkeys(each.lacks for each in review.proposals if each.lacks))
    if lacks:
        more = f", and {len(lacks) - 1:,} others alike" if len(lacks) > 1 else ""
        return f"Before the merge: {code(lacks[0])}{more}. Merged without it, apply holds it.\n\n"
    return (_MERGED if review.merged else _NEXT).get(review.standing, "")


def _state(proposal: Proposal) -> str:
    """Say a run's state, with the execution's id and a link to what made the attempt."""
    words = [_standing(proposal)]
    if proposal.attempt is not None:
        words += [*_outcome_words(proposal.attempt, proposal.standing)]
    if _LINK.fullmatch(proposal.ci_run):
        words.append(f"([CI run]({proposal.ci_run}))")
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
    words = _COUNTED.get(proposal.standing) or _word(proposal)
    return Entry(proposal.change.key, words, proposal.standing is not ReviewStatus.SUCCEEDED)


def _outcome_words(attempt: Attempt, standing: ReviewStatus) -> list[str]:
    words = []
    if attempt.status and standing is not ReviewStatus.SUCCEEDED:
        words.append(cell(attempt.status))
    if attempt.execution_id:
        words.append(f"as {cell(attempt.execution_id)}")
    return words
