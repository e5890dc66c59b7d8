"""Which commits a pull request is made of: as its host says, or as git alone has it."""

import contextlib
from typing import NamedTuple

from qflow_gitops.errors import UsageProblem
from qflow_gitops.ports.git import History
from qflow_gitops.ports.pull_requests import PullRequest


class Span(NamedTuple):
    """The commits that a plan is made of: the `base` is what `head` and `onto` have in common."""

    head: str
    base: str
    onto: str


def range_of(pull: PullRequest, revision: str, git: History, remote: str) -> Span:
    """Return what a pull request is compared with; all of it is brought into the clone.

    An open one goes onto its target branch, a merged one onto what the merge came on top of.
    Raises UsageProblem for what isn't there.
    """
    head = git.resolve(revision) if revision else pull.head
    git.unshallow(remote)
    if not git.ensure_commit(head, remote, f"refs/pull/{pull.number}/head"):
        raise _missing(pull, "head", head)
    if pull.merged:
        if not git.ensure_commit(pull.merge_commit, remote, f"refs/heads/{pull.base}"):
            raise _missing(pull, "merge", pull.merge_commit)
        onto = git.resolve(f"{pull.merge_commit}^1")
    else:
        onto = _target(pull, git, remote)
    base = git.merge_base(onto, head)
    if base is None:
        raise _missing(pull, "common ancestor with the target branch", onto)
    return Span(head, base, onto)


def _target(pull: PullRequest, git: History, remote: str) -> str:
    with contextlib.suppress(UsageProblem):
        return git.resolve(f"refs/remotes/{remote}/{pull.base}")
    if not git.ensure_commit(pull.base_commit, remote, f"refs/heads/{pull.base}"):
        raise _missing(pull, "target", pull.base_commit)
    return pull.base_commit


def _missing(pull: PullRequest, what: str, commit: str) -> UsageProblem:
    return UsageProblem(
        f"The {what} of pull request {pull.number} isn't in this clone ({commit[:10] or 'none'}).",
        not_done="Nothing was posted.",
        hint="Check out with fetch-depth: 0, and so that git can fetch from origin: "
        f"`git fetch origin refs/pull/{pull.number}/head`",
        reason="pull_request_commit",
    )


def branch_span(target: str, head: str, git: History, remote: str) -> Span:
    """Return what a commit has beside the branch that it would go to; nothing is fetched.

    Raises UsageProblem where this clone has no such branch, or nothing in common with it.
    """
    for ref in (f"refs/remotes/{remote}/{target}", f"refs/heads/{target}"):
        with contextlib.suppress(UsageProblem):
            onto = git.resolve(ref)
            if base := git.merge_base(onto, head):
                return Span(head, base, onto)
    raise UsageProblem(
        f"This clone has no commit of {target} that {head[:10]} comes from.",
        not_done="Nothing was posted.",
        hint="Fetch that branch first, and whole.",
        reason="pull_request_commit",
    )
