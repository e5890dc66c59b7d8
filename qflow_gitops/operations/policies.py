"""The policy at both ends of a range: what a change may do isn't for that change to say."""

from collections.abc import Iterable

from qflow_gitops.errors import QflowError
from qflow_gitops.interfaces import GitTree
from qflow_gitops.operations import reading
from qflow_gitops.policy import Facts
from qflow_gitops.project import PROJECT_FILE, Project


def facts_of(
    git: GitTree, project: Project, bases: Iterable[str], *, sending: bool, deepen: bool = False
) -> Facts:
    """Give the policies of the settings at hand and of the commits that they come after.

    One that can't be read makes `unreadable` of it, which holds everything. `deepen` fetches
    the history that a shallow clone lacks. Platforms don't matter here.
    """
    policies, unreadable = [project.policy], ""
    for base in sorted({one for one in bases if one}):
        if deepen and not git.has_commit(base):
            git.unshallow(project.lock.remote)
        if not git.has_commit(base):
            unreadable = f"commit {base[:10]}, up to which all was applied, isn't in this clone"
            continue
        try:
            found = reading.settings(git, base, "").policy
        except QflowError as problem:
            unreadable = f"{PROJECT_FILE} of commit {base[:10]}: {problem.message}"
            continue
        if found not in policies:
            policies.append(found)
    return Facts(tuple(policies), unreadable=unreadable, sending=sending)
