"""Follows commits of the lockfile's branch: whether each is the one before and more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from qflow_gitops.lockfile.walk import Changed, Walk, is_read
from qflow_gitops.ports.lock_branch import LockBranch, Step

_AT_ONCE = 2_000
"""So many files and commits are held in memory at a time, if no single commit has more."""


@dataclass(frozen=True)
class Trail:
    """Some steps of the branch, oldest first; `base` is the commit before them, "" for none."""

    branch: LockBranch
    base: str
    steps: Sequence[Step]

    def followed(self, walk: Walk) -> Iterator[tuple[Step, tuple[str, ...]]]:
        """Go along; each step with what is wrong with it, in sentences. Raises LockError."""
        parents = (self.base,) if self.base else ()
        for some in self._groups():
            wanted = list(self._wanted(walk, some))
            contents = dict(zip(wanted, self.branch.blobs(wanted), strict=True))
            for step in some:
                changes = (
                    Changed(each.path, each.mode, contents.get(each.old), contents.get(each.new),
                            added=not each.old)
                    for each in step.changes
                )  # fmt: skip
                yield step, (*_shape(step, parents), *walk.step(changes))
                parents = (step.commit,)

    def _groups(self) -> Iterator[list[Step]]:
        group: list[Step] = []
        count = 0
        for step in self.steps:
            size = 1 + len(step.changes)
            if group and count + size > _AT_ONCE:
                yield group
                group, count = [], 0
            group.append(step)
            count += size
        if group:
            yield group

    def _wanted(self, walk: Walk, some: Sequence[Step]) -> Iterator[str]:
        """Name the blobs to read, each once: what is new, and what was there if unknown."""
        found: dict[str, None] = {}
        on_the_way: set[str] = set()
        for change in chain.from_iterable(step.changes for step in some):
            if not is_read(change.path):
                continue
            if change.old and change.path not in on_the_way and not walk.knows(change.path):
                found[change.old] = None
            if change.new:
                found[change.new] = None
            on_the_way.add(change.path)
        return iter(found)


def _shape(step: Step, parents: tuple[str, ...]) -> Iterator[str]:
    if len(step.parents) > 1:
        yield f"It is a merge of {_names(step.parents)}, and qflow-gitops makes none."
    elif step.parents != parents:
        yield (
            f"It follows {_names(step.parents)}, where one commit after another "
            f"({_names(parents)}) is expected."
        )


def _names(commits: Sequence[str]) -> str:
    return ", ".join(commit[:10] for commit in commits) or "nothing"
