"""Whether a commit is on a branch that its environment is applied from.

Which branches those are is read at both ends of the range, as the policy is: a change can't let
itself in. The clone is asked first, the remote only about a commit that the clone knows on none
of them.
"""

import shlex
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from qflow_gitops.errors import QflowError
from qflow_gitops.plan.change import Reason
from qflow_gitops.policy.rules import Hold
from qflow_gitops.ports.git import Branches, Repository
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import settings as projectfile
from qflow_gitops.sources.loader import DIRECT, Loader
from qflow_gitops.sources.policies import Base


class BranchRule(NamedTuple):
    """What settings say of an environment: branches of this remote, none for the default one."""

    remote: str
    patterns: tuple[str, ...]


class Unmerged(NamedTuple):
    """A commit that none of these branches of a remote ("": of this clone) holds.

    `sure` is False where the remote wasn't asked, or couldn't be. `own` is the branch that is
    checked out, if it is one of them and has the commit. `listed` is whether settings name them,
    `earlier` whether only the settings do that the commit comes after.
    """

    remote: str
    patterns: tuple[str, ...]
    sure: bool
    own: str = ""
    listed: bool = False
    earlier: bool = False

    @property
    def where(self) -> str:
        """Name the branches, for people."""
        *others, last = self.patterns
        names = f"{', '.join(others)} or {last}" if others else last
        return f"{names} of {self.remote}" if self.remote else names

    def describe(self, commit: str) -> str:
        """Say so, without a full stop."""
        asked = "" if self.sure else ", as far as this clone knows"
        before = ", which is where it was applied from up to now" if self.earlier else ""
        return f"The commit {commit[:10]} isn't on {self.where}{asked}{before}"

    def hold(self, command: str, environment: str, commit: str, settings: str) -> Hold:
        """Return the hold of everything that is due at the commit; `command` applies it.

        `settings` is the file of the project's settings.
        """
        text = self.describe(commit)
        release = f"`{command} --ack {Reason.UNMERGED}=1 --reason TEXT`"
        hint = f"{self._first(environment, settings)} Or apply it as it is: {release}"
        return Hold(Reason.UNMERGED, text[0].lower() + text[1:], hint, Reason.UNMERGED)

    def _first(self, environment: str, settings: str) -> str:
        if not self.sure:
            return (
                f"Whether it is by now can't be told, because {self.remote} doesn't give its "
                f"branches: `git ls-remote --heads {self.remote}`."
            )
        if self.own and self.remote:
            return f"Push it: `git push {self.remote} {shlex.quote(self.own)}`."
        first = f"Have it merged into {self.where} first."
        if self.listed or self.earlier:
            return first
        list_them = f"If {environment} is applied from others, list them in {settings}"
        return f"{first} {list_them}: `branches: [NAME]` under it."


def rules_of(
    git: Repository,
    project: Project,
    bases: Iterable[Base],
    environment: str,
    loader: Loader = DIRECT,
) -> tuple[BranchRule, ...]:
    """Return what the settings at hand say, then those of the commits that they come after.

    Where an environment isn't in those, the default counts. Settings that can't be read say
    nothing here: they hold everything as a policy.
    """
    found = [project]
    for base in dict.fromkeys(bases):
        if git.has_commit(base.commit):
            try:
                found += projectfile.earlier(git, project, base.commit, base.folder, loader)
            except QflowError:
                continue
    rules: dict[BranchRule, None] = {}
    for settings in found:
        known = settings.environments.get(environment)
        rules[BranchRule(settings.lock.remote, known.branches if known else ())] = None
    return tuple(rules)


def unmerged(
    branches: Branches, rules: Iterable[BranchRule], commit: str, *, ask: bool
) -> Unmerged | None:
    """Say of which branches a commit isn't, None where nothing speaks against it.

    The first rule is that of the settings at hand. Without `ask`, as far as the clone knows.
    """
    for place, rule in enumerate(rules):
        found = _absent(branches, rule, commit, ask=ask)
        if found is not None:
            return found._replace(listed=bool(rule.patterns), earlier=place > 0)
    return None


def is_named(branch: str, patterns: Iterable[str]) -> bool:
    """Whether a branch is one of those that patterns stand for.

    `*` stands for any characters within a part of its name, `**` at the end for all that follows.
    """
    names = branch.split("/")
    return any(_matches(names, pattern.split("/")) for pattern in patterns)


def literal(patterns: Iterable[str]) -> list[str]:
    """Return the patterns that stand for one branch each, which has that name."""
    return [name for name in patterns if not {"*", "?", "["} & {*name}]


def _matches(names: list[str], parts: list[str]) -> bool:
    if parts[-1] == "**" and len(names) >= len(parts):
        names, parts = names[: len(parts) - 1], parts[:-1]
    return len(names) == len(parts) and all(map(fnmatchcase, names, parts))


def _absent(branches: Branches, rule: BranchRule, commit: str, *, ask: bool) -> Unmerged | None:
    remote = branches.remote(rule.remote)
    patterns = rule.patterns or _only(branches.head_of(remote) if remote else "")
    if any(is_named(branch, patterns) for branch in branches.holding(commit, remote)):
        return None
    now = branches.ask(remote) if remote and ask else None
    if now and now.answered:
        patterns = rule.patterns or _only(now.head)
    if not patterns:
        return _absent_from_tracked(branches, commit, ask=ask)
    own = branches.current()
    is_own = is_named(own, patterns) and own in branches.holding(commit, "")
    absent = Unmerged(remote, patterns, sure=True, own=own if is_own else "")
    if not remote:
        return absent
    if now is None or not now.answered:
        return absent._replace(sure=False)
    tips = {name: tip for name, tip in now.tips.items() if is_named(name, patterns)}
    reached = branches.reached(commit, tips, remote)
    return None if reached else absent._replace(sure=reached is False)


def _absent_from_tracked(branches: Branches, commit: str, *, ask: bool) -> Unmerged | None:
    """The same for the branch that the current one tracks; where there is none, any will do."""
    remote, branch = branches.tracked()
    if not branch:
        return None
    if branch in branches.holding(commit, remote):
        return None
    if not remote:
        return Unmerged("", (branch,), sure=True)
    return _absent(branches, BranchRule(remote, (branch,)), commit, ask=ask)


def _only(branch: str) -> tuple[str, ...]:
    return (branch,) if branch else ()
