"""People who change a repository of run specs in two clones, merge, and rewrite its history.

What each commit says is known as a `World`, also after merges, squashes and rebases: textual
conflicts are settled as `worlds.merged` says, and git gets the result with the right parents.
"""

import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from tests.helpers.changes import merged
from tests.helpers.git import Workspace
from tests.helpers.worlds import FOLDERS, World

HOWS = ("merge", "squash", "rebase")


class People:
    """Two clones in `folder`, a copy of what `team.repositories` made in `template`.

    `at` is what every commit says, `main` the branch that all share, oldest commit first.
    """

    store = "branch"
    names: Sequence[str] = ("one", "two")

    def __init__(self, folder: Path, template: Path, begin: World) -> None:
        self.folder = folder
        shutil.copytree(template, folder, dirs_exist_ok=True, symlinks=True)
        for one in self.paths:
            file = one / ".git/config"
            file.write_text(file.read_text().replace(str(template), str(folder)))
        self.at: dict[str, World] = {}
        self.main: list[str] = []
        self._heads: dict[int, str] = {}
        self._numbers = count(1)
        self.main = [self.commit(0, begin)]
        self._publish(0)
        for clone in range(len(self.paths)):
            self.fresh(clone)

    @property
    def paths(self) -> list[Path]:
        return [self.folder / name for name in self.names]

    def git(self, clone: int, *arguments: str) -> str:
        return Workspace(self.paths[clone]).git(*arguments)

    def here(self, clone: int) -> World:
        """What the commit that a clone is at says."""
        return self.at[self._heads[clone]]

    @property
    def now(self) -> World:
        """What the newest commit of the shared branch says."""
        return self.at[self.main[-1]]

    # --- one clone -------------------------------------------------------------------

    def write(self, clone: int, world: World) -> None:
        """Let the work tree hold this and nothing else."""
        workspace = Workspace(self.paths[clone])
        for folder in FOLDERS:
            shutil.rmtree(workspace.path / folder, ignore_errors=True)
        for name, text in world.texts(self.store).items():
            workspace.write(name, text)

    def commit(self, clone: int, world: World, *parents: str) -> str:
        """Commit this on top of other commits, and be there."""
        self.write(clone, world)
        self.git(clone, "add", "--all", "--", ".", ":!qflow.lock")
        said = [part for one in parents for part in ("-p", one)]
        tree, number = self.git(clone, "write-tree"), next(self._numbers)
        made = self.git(clone, "commit-tree", tree, *said, "-m", f"change {number}")
        self.git(clone, "reset", "--quiet", "--soft", made)
        self.at[made] = world
        self._heads[clone] = made
        return made

    def fresh(self, clone: int) -> None:
        """Bring a clone to the newest commit of the shared branch."""
        if self._heads.get(clone) != self.main[-1]:
            self._fetch(clone)
            self.git(clone, "reset", "--quiet", "--hard", self.main[-1])
            self._heads[clone] = self.main[-1]

    def branch(self, clone: int, world: World) -> None:
        """Commit a change that isn't on the shared branch yet."""
        self.commit(clone, world, self._heads[clone])

    # --- the shared branch -----------------------------------------------------------

    def land(self, clone: int, base: str, how: str) -> None:
        """Bring what a clone committed since `base` into the shared branch."""
        branch, tip, was = self._since(clone, base), self.main[-1], self.at[base]
        self._fetch(clone)
        if how == "merge":
            final = merged(was, self.at[branch[-1]], self.at[tip])
            self.main.append(self.commit(clone, final, tip, branch[-1]))
        else:
            replayed = branch if how == "rebase" else branch[-1:]
            for one in replayed:
                final = merged(was, self.at[one], self.at[tip])
                self.main.append(self.commit(clone, final, self.main[-1]))
        self._publish(clone)

    def _since(self, clone: int, base: str) -> list[str]:
        listed = self.git(clone, "rev-list", "--reverse", "--first-parent", f"{base}..HEAD")
        return listed.split()

    def head(self, clone: int) -> str:
        return self._heads[clone]

    def rewrite(self, clone: int, how: str, depth: int) -> None:
        """Rewrite the last commits of the shared branch, and force that on everybody.

        `amend` makes one of them, `anew` commits each anew, `drop` takes them away, `purge`
        leaves nothing of the history but one commit, whose parents no clone has any more.
        """
        kept = max(1, len(self.main) - 1 - depth)
        old, self.main = self.main[kept:], self.main[:kept]
        self._fetch(clone)
        if how == "purge":
            self.main = [self.commit(clone, self.at[(self.main + old)[-1]])]
        elif how == "drop":
            self.fresh(clone)
        else:
            for one in old if how == "anew" else old[-1:]:
                self.main.append(self.commit(clone, self.at[one], self.main[-1]))
        self._publish(clone)
        if how == "purge":
            self._forget()

    def _forget(self) -> None:
        """Throw away what no branch holds any more, everywhere."""
        for clone, path in enumerate(self.paths):
            self.fresh(clone)
            (path / ".git/ORIG_HEAD").unlink(missing_ok=True)
            self.git(clone, "reflog", "expire", "--expire=now", "--all")
            self.git(clone, "prune", "--expire=now")
        if (self.folder / "remote.git").exists():
            self.git(0, "--git-dir", str(self.folder / "remote.git"), "prune", "--expire=now")

    def go_on_from(self, clone: int) -> None:
        """A merge was made by hand: HEAD is the shared branch's new tip, saying the same."""
        made = self.git(clone, "rev-parse", "HEAD")
        self.at[made] = self.here(clone)
        self._heads[clone] = made
        self.main.append(made)
        self._publish(clone)

    def _fetch(self, clone: int) -> None:
        self.git(clone, "fetch", "--quiet", "origin", "main")

    def _publish(self, clone: int) -> None:
        self.git(clone, "push", "--quiet", "--force", "origin", "HEAD:main")


class Alone(People):
    """One person and one machine: one clone, no remote, the lockfile in the work tree."""

    store = "worktree"
    names = ("one",)

    def __init__(self, folder: Path, template: Path, begin: World) -> None:
        super().__init__(folder, template, begin)
        self.git(0, "remote", "remove", "origin")

    def _fetch(self, clone: int) -> None:
        """There is nobody to fetch from."""

    def _publish(self, clone: int) -> None:
        """There is nobody to share with."""
