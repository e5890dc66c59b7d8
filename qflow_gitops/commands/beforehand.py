"""What has to be said before a plan: that an apply of its commit would be refused, or would ask.

From what the clone knows alone; a plan asks nobody.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from qflow_gitops.apply import ancestry
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan.change import Plan
from qflow_gitops.plan.context import Context, apply_command
from qflow_gitops.policy import loosening
from qflow_gitops.policy.rules import PolicyContext
from qflow_gitops.ports.git import Branches, Repository
from qflow_gitops.results.plans import Beforehand
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.branches import rules_of, unmerged
from qflow_gitops.sources.emptied import Now, emptied
from qflow_gitops.sources.loader import DIRECT, Loader
from qflow_gitops.sources.orphans import Orphan
from qflow_gitops.sources.policies import Base, bases_of, moved_record
from qflow_gitops.sources.reverted import reverted
from qflow_gitops.specs.load import SpecSet


@dataclass(frozen=True, slots=True)
class Ground:
    """A commit (`head`) and what it comes after; `branches` is None where nobody asks for them.

    `orphans` finds the lockfiles of the remote whose projects are gone.
    """

    git: Repository
    branches: Branches | None
    project: Project
    lockfile: Lockfile
    head: str
    loader: Loader = DIRECT
    orphans: Callable[[], Iterable[Orphan]] = tuple

    def bases(self, environment: str) -> tuple[Base, ...]:
        """Return the commits whose policy counts for an environment."""
        about = (self.git, self.lockfile, environment, self.head, self.project.folder)
        if self.branches is None:
            return bases_of(*about)
        gone = partial(ancestry.is_nowhere, self.git, self.branches, self.project, ask=False)
        return bases_of(*about, is_nowhere=gone)

    def emptied(self, specs: SpecSet, base: str, context: Context, *, worktree: bool) -> Context:
        """Add the holds of environments whose specs are all gone, since `base` if one is named."""
        now = Now(self.project, specs, "" if worktree else self.head, base)
        found = {}
        for name in context.environments:
            command = apply_command(name, context)
            hold = emptied(self.git, now, self.lockfile, name, command)
            if hold:
                found[name] = hold
        return context._replace(emptied=found)

    def warnings(self, made: Plan, *, worktree: bool) -> Iterator[Beforehand]:
        """Say what an apply would refuse, and what it would ask about a commit."""
        if self.branches is None:
            return
        told = not (worktree or self.git.is_shallow())  # there, an apply fetches what tells
        about = (self.git, self.project, self.lockfile, self.head)
        moved = told and moved_record(*about, self.orphans)
        if moved:
            message = moved.message[0].lower() + moved.message[1:]
            yield Beforehand(f"`apply` would refuse this: {message}.", f"{moved.way}.")
        older = made.due and reverted(self.git, self.project, self.lockfile, self.head)
        if older:
            message = older.message[0].lower() + older.message[1:]
            yield Beforehand(f"`apply` would refuse this: {message}", older.hint)
        for name in sorted(made.platforms):
            of = (self.git, self.branches, self.project, self.lockfile, name, self.head)
            warning = ancestry.warning(ancestry.stands(ancestry.as_known, *of))
            if warning:
                yield warning
            due = any(change.environment == name for change in made.due)
            if due and not worktree:
                rules = rules_of(self.git, self.project, self.bases(name), name, self.loader)
                absent = unmerged(self.branches, rules, self.head, ask=False)
                if absent:
                    question = absent.describe(self.head)
                    yield Beforehand(f"{name}: `apply` would ask first: {question}.")


def loosened(facts: PolicyContext, project: Project) -> Iterator[Beforehand]:
    """Say where the policy at hand holds less than those that count beside it."""
    now, *others = facts.policies
    found = dict.fromkeys(loss for other in others for loss in loosening.loosened(other, now))
    if found:
        file = project.folder.settings
        yield Beforehand(
            f"{file} holds less than the policy up to now: {'; '.join(found)}.",
            "Here both count, and the stricter one holds; for later changes only this one will. "
            "See that it is meant.",
        )
