"""A pull request's plan as the comment on it: what would run, and what has become of it.

It begins with a marker, by which a later call finds it. The marker is for finding only: nothing
is ever decided by what a comment says.
"""

import re
from collections import Counter

from qflow_gitops.lockfile import Attempt
from qflow_gitops.output.blocks import cell, code
from qflow_gitops.output.markdown import Document, Row, document, first, frozen_part
from qflow_gitops.report.reviews import Proposal, Review, Standing

COMMENT_LIMIT = 65_536
"""Characters of a comment on GitHub (the API refuses more); counted here in bytes."""

_MARKER = re.compile(r"<!-- qflow-gitops v1 environment=([a-z0-9-]+)(?: [a-z]+=[a-z0-9:]*)* -->")
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/[A-Za-z0-9._-][A-Za-z0-9._/-]*")
_COUNTED = {
    Standing.PLANNED: "to start",
    Standing.APPROVED: "to start",
}


def marked(environment: str, body: str) -> bool:
    """Whether a comment's text begins with the marker of an environment."""
    first = body.splitlines()[0] if body else ""
    found = _MARKER.fullmatch(first.rstrip())
    return found is not None and found[1] == environment


def render(one: Review) -> str:
    """Write the comment, its marker first; never more than `COMMENT_LIMIT`."""
    body = one.planned
    marker = (
        f"<!-- qflow-gitops v1 environment={one.environment} "
        f"plan={one.digest} head={body.commit} -->\n"
    )
    title = f"### Qualys Flow, {code(one.environment)}: {_overall(one)}\n\n"
    against = f", compared with {code(body.base[:10])}" if body.base else ""
    tail = f"From commit {code(body.commit[:10])}{against}; plan digest {code(one.digest)}\n"
    if one.empty:
        frozen = "".join(frozen_part(body.freezes).entries)
        said = f"Nothing of {code(one.environment)} is changed here, and nothing would run.\n\n"
        return marker + title + first(body) + frozen + said + tail
    shown = Document(
        head=f"{marker}{title}{first(body)}**{_counts(one)}**\n\n{_next(one)}",
        body=body,
        rows=[Row(each.change, each.why, _state(each)) for each in one.proposals],
        held=one.held,
        skipped=one.skipped,
        notes=one.notes,
        found=one.found,
        tail=tail,
    )
    return document(shown, COMMENT_LIMIT)


def _overall(one: Review) -> str:
    failed = sum(each.standing is Standing.FAILED for each in one.proposals)
    return f"{one.standing}, {failed:,} failed" if failed else str(one.standing)


def _counts(one: Review) -> str:
    shown = [each for each in one.proposals if each.standing is not Standing.HELD]
    numbers = Counter(_COUNTED.get(each.standing, each.standing) for each in shown)
    parts = [f"{number:,} {words}" for words, number in numbers.items()] or ["0 to start"]
    # A failed run counts there too: it is held until a person decides.
    parts += [f"{len(one.held):,} held", f"{len(one.skipped):,} with nothing to do"]
    return " · ".join(parts)


_NEXT = {
    Standing.PLANNED: "Merging starts what is in the table.\n\n",
    Standing.APPROVED: "Approved; merging starts what is in the table.\n\n",
}


def _next(one: Review) -> str:
    if one.merged and one.standing in _NEXT:
        return "Merged; the next apply starts what is in the table.\n\n"
    return _NEXT.get(one.standing, "")


def _state(one: Proposal) -> str:
    """Say a run's state, with the execution's id and a link to what made the attempt."""
    words = [str(one.standing)]
    if one.attempt is not None:
        words += [*_said(one.attempt, one.standing)]
    if _LINK.fullmatch(one.ci_run):
        words.append(f"([CI run]({one.ci_run}))")
    return " ".join(words)


def _said(attempt: Attempt, standing: Standing) -> list[str]:
    words = []
    if attempt.status and standing is not Standing.SUCCEEDED:
        words.append(cell(attempt.status))
    if attempt.execution_id:
        words.append(f"as {cell(attempt.execution_id)}")
    return words
