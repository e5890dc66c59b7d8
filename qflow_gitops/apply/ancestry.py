"""Whether a commit may follow the one that was applied last, and the way on where it may not.

An old commit could bring old requests back, so a commit has to descend from the last one. Only
where history was rewritten, which is where no branch holds that one any more, a person may let
go of it. What a clone can't tell is never called rewritten.
"""

import shlex
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from qflow_gitops.apply.preconditions import REWRITTEN, ApplyRequest
from qflow_gitops.errors import AGAIN, QflowError, StaleError, UsageProblem
from qflow_gitops.lockfile.inheritance import heirs_of, names_of
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.git import Branches, GitTree, History, Repository
from qflow_gitops.results.plans import Beforehand
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import settings


class Relation(StrEnum):
    """How a commit stands to the one that was applied last."""

    FOLLOWS = "follows"
    OLDER = "older"
    ASIDE = "aside"
    REWRITTEN = "rewritten"
    MISSING = "missing"
    SHALLOW = "shallow"
    SILENT = "silent"
    BARE = "bare"


class Step(NamedTuple):
    """From the commit applied last (`latest`, "" for none) to the one at hand (`head`).

    `of` is the environment that `latest` was applied to, by the name that it had then.
    """

    environment: str
    latest: str
    head: str
    standing: Relation
    remote: str = ""
    of: str = ""


class Worked(NamedTuple):
    """A commit that was applied to an environment, by the name that this had then."""

    environment: str
    latest: str


def applied_last(lockfile: Lockfile, project: Project, environment: str) -> tuple[Worked, ...]:
    """Return what was applied to an environment last, under its old names until its own has any."""
    names = names_of(lockfile, project, environment)
    own, *before = (Worked(name, lockfile.environment(name).latest) for name in names)
    return tuple(worked for worked in ([own] if own.latest else before) if worked.latest)


Look = Callable[[History, Branches, Project, str, str, str], Step]
_NEWER = (Relation.FOLLOWS, Relation.ASIDE, Relation.REWRITTEN)
"""So may a commit stand to what was applied under a new name: it isn't older than the renaming."""


def stands(
    look_at: Look,
    git: Repository,
    branches: Branches,
    project: Project,
    lockfile: Lockfile,
    environment: str,
    head: str,
) -> Step:
    """Say how a commit stands to all that was applied to its environment, by any name.

    The worst of them; `look_at` tells about each, as `look` or `as_known` does. A commit that still
    has an old name is older than the last one under the new name, which hasn't it any more: the
    name may also be another environment's by now.
    """
    found = [
        look_at(git, branches, project, environment, worked.latest, head)._replace(
            of=worked.environment
        )
        for worked in applied_last(lockfile, project, environment)
    ]
    for heir in heirs_of(lockfile, environment):
        latest = lockfile.environment(heir).latest
        step = look_at(git, branches, project, environment, latest, head)._replace(of=heir)
        if step.standing not in _NEWER and not _has(git, project, latest, environment):
            found.append(step)
    worse = (step for step in found if step.standing is not Relation.FOLLOWS)
    known = sorted(worse, key=lambda step: step.standing is Relation.REWRITTEN)
    return known[0] if known else Step(environment, "", head, Relation.FOLLOWS)


def _has(git: GitTree, project: Project, commit: str, environment: str) -> bool:
    """Whether settings of a commit have an environment; not where they can't be read."""
    try:
        found = settings.earlier(git, project, commit)
    except QflowError:
        return False
    return any(environment in project.environments for project in found)


def look(
    git: History, branches: Branches, project: Project, environment: str, latest: str, head: str
) -> Step:
    """Say how a commit stands, by what the remote has now; without one, by what is here."""
    step = Step(environment, latest, head, Relation.FOLLOWS)
    if follows(git, latest, head):
        return step
    remote = branches.remote(project.lock.remote)
    if follows(git, latest, head, remote):
        return step
    return step._replace(standing=_standing(git, branches, project, latest, head), remote=remote)


def follows(git: History, latest: str, head: str, remote: str = "") -> bool:
    """Whether a commit descends from the one applied last; with a `remote` in its whole history."""
    if not latest or latest == head:
        return True
    if git.has_commit(latest) and git.is_ancestor(latest, head):
        return True
    if not remote:
        return False
    git.unshallow(remote)
    return git.has_commit(latest) and git.is_ancestor(latest, head)


def _standing(
    git: History, branches: Branches, project: Project, latest: str, head: str
) -> Relation:
    if git.is_shallow():
        return Relation.SHALLOW
    held = _is_held(branches, project, latest)
    if held is not True:
        return held or Relation.REWRITTEN
    return Relation.OLDER if git.is_ancestor(head, latest) else Relation.ASIDE


def _is_held(branches: Branches, project: Project, commit: str) -> bool | Relation:
    """Whether a branch holds a commit, or why that can't be told."""
    remote = branches.remote(project.lock.remote)
    if not remote:
        return bool(branches.holding(commit, ""))
    now = branches.ask(remote)
    if not now.answered:
        return Relation.SILENT
    record = project.lock.branch if project.lock.store == "branch" else ""
    tips = {name: tip for name, tip in now.tips.items() if name != record}
    if not tips:
        return Relation.BARE
    held = branches.reached(commit, tips, remote)
    return Relation.SILENT if held is None else held


def as_known(
    git: History, branches: Branches, project: Project, environment: str, latest: str, head: str
) -> Step:
    """Say how a commit stands by what this clone knows, without asking anybody."""
    step = Step(environment, latest, head, Relation.FOLLOWS)
    if follows(git, latest, head):
        return step
    remote = branches.remote(project.lock.remote)
    standing = Relation.REWRITTEN
    if git.is_shallow():
        standing = Relation.SHALLOW
    elif branches.holding(latest, remote):
        standing = Relation.OLDER if git.is_ancestor(head, latest) else Relation.ASIDE
    elif remote and not git.has_commit(latest):
        standing = Relation.MISSING
    return step._replace(standing=standing, remote=remote)


def is_nowhere(
    git: History, branches: Branches, project: Project, commit: str, *, ask: bool
) -> bool:
    """Whether a commit is neither in this clone nor on a branch of the remote.

    Without `ask`, as far as the clone knows.
    """
    if git.has_commit(commit) or git.is_shallow():
        return False
    return not ask or _is_held(branches, project, commit) is False


# --- what is said and done -----------------------------------------------------------


def let_go(request: ApplyRequest, step: Step) -> str:
    """Return the commit that a person lets go of, "" for none.

    Raises StaleError for a commit that may not follow, UsageProblem for a release of nothing.
    """
    acked = request.acks.get(REWRITTEN)
    if step.standing is Relation.REWRITTEN and acked == 1:
        return step.latest
    if step.standing is not Relation.FOLLOWS:
        raise refused(step, to=request.to)
    if acked is not None:
        raise UsageProblem(
            f"--ack {REWRITTEN}={acked} releases nothing: the commit {step.head[:10]} follows the "
            "one that was applied last.",
            not_done="Nothing was sent.",
            hint="Leave it out.",
            reason="ack_differs",
        )
    return ""


def refused(step: Step, *, to: str = "") -> StaleError:
    """Say that a commit may not follow, and the way on; `to` names it as it was typed."""
    return StaleError(
        f"{_describe(step)}.",
        where=step.environment,
        not_done="Nothing was sent: an old commit could bring old requests back.",
        hint=_way_on(step, AGAIN, to),
        reason="superseded",
    )


def overtaken(environment: str, latest: str, head: str) -> StaleError:
    """Say that another apply went on meanwhile, to where this commit doesn't follow."""
    return StaleError(
        f"Another apply has gone on to commit {latest[:10]} meanwhile, and {head[:10]} doesn't "
        "descend from that.",
        where=environment,
        not_done="Nothing more was sent: an old commit could bring old requests back.",
        hint=f"Look at how it stands: `qflow-gitops plan -e {environment}`",
        reason="superseded",
    )


def warning(step: Step) -> Beforehand | None:
    """Say before a plan that `apply` would refuse its commit, None where it wouldn't.

    In a shallow clone that isn't known before an apply fetches the rest.
    """
    if step.standing in (Relation.FOLLOWS, Relation.SHALLOW):
        return None
    said = f"{step.environment}: `apply` would refuse this: {_describe(step, small=True)}."
    return Beforehand(said, _way_on(step, f"qflow-gitops apply -e {step.environment}", ""))


def _describe(step: Step, *, small: bool = False) -> str:
    text = (
        f"the commit {step.head[:10]} doesn't descend from {step.latest[:10]}, which was "
        "applied last"
    )
    return text if small else text[0].upper() + text[1:]


def _way_on(step: Step, command: str, to: str) -> str:
    release = f"{command} --ack {REWRITTEN}=1 --reason TEXT"
    latest = shlex.quote(step.latest)
    on_purpose = f"history was rewritten on purpose: `{release}` (what was sent stays sent)."
    match step.standing:
        case Relation.OLDER:
            newest = f"qflow-gitops apply -e {step.of or step.environment} --to {latest}"
            return f"It is older than that one. To apply the newest one: `{newest}`"
        case Relation.ASIDE if to:
            return (
                "Apply a commit that has it, or merge it into that branch: "
                f"`git branch --all --contains {latest}` names those that do."
            )
        case Relation.ASIDE:
            return (
                f"Merge it: `git merge {latest}`. If what it holds was given up on purpose, "
                f"keep what is here: `git merge -s ours {latest}`"
            )
        case Relation.REWRITTEN:
            who = f"No branch of {step.remote}" if step.remote else "No branch here"
            return f"{who} holds {step.latest[:10]} any more. If {on_purpose}"
        case Relation.MISSING:
            return (
                f"It isn't in this clone. Fetch, and plan again: `git fetch {step.remote}`. If it "
                f"is nowhere any more, and {on_purpose}"
            )
        case Relation.SHALLOW:
            more = f" --unshallow {step.remote}" if step.remote else " --unshallow"
            return (
                "Whether it does can't be told, because this clone is shallow and the rest of its "
                f"history can't be fetched: `git fetch{more}`"
            )
        case Relation.BARE:
            return (
                f"{step.remote} has no branch that could hold it. Push yours, and apply again: "
                f"`git push {step.remote} HEAD`"
            )
        case _:
            return (
                f"Whether history was rewritten can't be told, because {step.remote} doesn't give "
                f"its branches. Once it does, apply again: `git ls-remote --heads {step.remote}`"
            )
