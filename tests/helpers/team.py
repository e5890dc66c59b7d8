"""People with clones of one remote who change run specs, and the lockfile that they share."""

import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.codec import from_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.stores.worktree import WorktreeStore
from tests.helpers.clones import BRANCH, Remote, record_of
from tests.helpers.git import Workspace
from tests.helpers.oracle import attempts_of
from tests.helpers.services import Done
from tests.helpers.values import replace


@dataclass(frozen=True)
class Spec:
    """A run spec: what it asks for (`value`), and what else its file says."""

    value: str
    rerun: int = 0
    previous: str = ""

    def text(self, name: str, workflow: str) -> str:
        previous = f"  previousName: {self.previous}\n" if self.previous else ""
        rerun = f"  rerun: {self.rerun}\n" if self.rerun else ""
        return (
            "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\n"
            f"metadata:\n  name: {name}\n{previous}"
            f"spec:\n  workflowId: {workflow}\n  input:\n    value: {self.value}\n{rerun}"
        )


Specs = dict[str, Spec]


def repositories(folder: Path) -> Path:
    """Make a bare remote, which refuses the lockfile while a file says so, and two clones of it."""
    made = Remote(folder / "remote.git")
    shutil.rmtree(made.path / "hooks")
    made.hook(
        "pre-receive",
        '[ ! -e refuse ] || while read old new ref; do case "$ref" in *qflow-lock) '
        'echo "hook declined" >&2; exit 1;; esac; done\n',
    )
    for name in ("one", "two"):
        shutil.rmtree(made.clone(name).path / ".git/hooks")
    return folder


@dataclass
class Team:
    """Two clones in `folder`, a copy of what `repositories` made in `template`.

    `specs` is what each clone has now, `commits` what it had, oldest first.
    """

    folder: Path
    template: Path
    workflow: str
    specs: list[Specs] = field(
        default_factory=lambda: [{"a": Spec("a-0"), "b": Spec("b-0")} for _ in range(2)]
    )
    commits: list[list[str]] = field(default_factory=lambda: [[], []])
    _at: dict[str, Specs] = field(default_factory=dict)
    _seen: str = ""
    _read: dict[str, Lockfile] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(self.template, self.folder, dirs_exist_ok=True, symlinks=True)
        for one in self.paths:
            file = one / ".git/config"
            file.write_text(file.read_text().replace(str(self.template), str(self.folder)))

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    @property
    def paths(self) -> Sequence[Path]:
        return [self.folder / name for name in ("one", "two")]

    def begin(self, settings: str) -> None:
        """Give both clones the settings and the specs of the beginning."""
        for clone in (0, 1):
            Workspace(self.paths[clone]).write("qflow.yaml", settings)
            self._commit(clone)
            self.share(clone)

    def refuse(self, yes: bool) -> None:
        """Let the remote refuse the lockfile, or take it again."""
        file = self.remote / "refuse"
        file.touch() if yes else file.unlink(missing_ok=True)

    # --- changes ---------------------------------------------------------------------

    def change(self, clone: int, kind: str, name: str, new: str, value: int) -> None:
        """Add, change, put back, repeat, remove or rename a run, and commit."""
        specs = self.specs[clone]
        old = specs.get(name, Spec(""))
        if kind == "edit":
            specs[name] = replace(old, value=f"{name}-{value}")
        elif kind == "rerun" and name in specs:
            specs[name] = replace(old, rerun=old.rerun + 1)
        elif kind == "remove":
            specs.pop(name, None)
        elif kind in ("rename", "carry") and name in specs and new not in specs:
            del specs[name]
            specs[new] = replace(old, previous=name if kind == "carry" else "")
        self._commit(clone)

    def _commit(self, clone: int) -> None:
        workspace = Workspace(self.paths[clone])
        shutil.rmtree(workspace.path / "runs", ignore_errors=True)
        for name, one in self.specs[clone].items():
            workspace.write(f"runs/{name}.yaml", one.text(name, self.workflow))
        commit = workspace.commit()
        self._at[commit] = dict(self.specs[clone])
        self.commits[clone].append(commit)

    def share(self, clone: int, *, mine: bool = True) -> None:
        """Merge what others pushed (of two changes `mine` or theirs is taken), and push."""
        workspace, theirs = Workspace(self.paths[clone]), self._ref("main")
        if theirs and theirs not in self.commits[clone]:
            workspace.git("fetch", "--quiet", "origin", "main")
            both = [self._at[theirs], self.specs[clone]]
            self.specs[clone] = {**both[0], **both[1]} if mine else {**both[1], **both[0]}
            unrelated = ["--allow-unrelated-histories"] if len(self.commits[clone]) == 1 else []
            workspace.git("merge", "--quiet", "-s", "ours", *unrelated, "--no-commit", theirs)
            if not (workspace.path / "qflow.yaml").exists():
                workspace.git("checkout", "--quiet", theirs, "--", "qflow.yaml")
            self._commit(clone)
        workspace.git("push", "--quiet", "origin", "main")

    # --- the lockfile ------------------------------------------------------------------

    def _git(self, *arguments: str) -> str:
        return Workspace(self.remote).git(*arguments)

    def _ref(self, branch: str) -> str:
        file = self.remote / "refs/heads" / branch
        return file.read_text().strip() if file.exists() else ""

    def _version(self, commit: str) -> Lockfile:
        if commit not in self._read:
            content = json.dumps(record_of(self.remote, commit)).encode()
            self._read[commit] = from_bytes(content, commit)
        return self._read[commit]

    def record(self) -> Lockfile | None:
        """The newest record."""
        tip = self._ref(BRANCH)
        return self._version(tip) if tip else None

    def known_to(self, done: Done, began: Lockfile | None) -> Lockfile | None:
        """The record that a command wrote last; where it wrote none the one that it `began` with.

        What others wrote after that it can't know.
        """
        return self._version(done.wrote) if done.wrote else began

    def versions(self) -> list[Lockfile]:
        """The records that were written since this was last asked; the branch only grows."""
        old, tip = self._seen, self._ref(BRANCH)
        if tip == old:
            return []
        self._seen = tip
        if old:
            self._git("merge-base", "--is-ancestor", old, tip)
        since = f"{old}..{tip}" if old else tip
        return [self._version(one) for one in self._git("rev-list", "--reverse", since).split()]

    def attempts(self) -> list[tuple[str, Attempt]]:
        """Every attempt with its run."""
        record = self.record()
        return list(attempts_of(record)) if record else []

    def last_in(self, states: Collection[State]) -> list[str]:
        """The runs whose last attempt is in one of these states."""
        last = dict(self.attempts())
        return [run for run, one in last.items() if one.state in states]


class Person(Team):
    """One person and one machine: one clone, and the lockfile is a file of its work tree."""

    _newest: Lockfile | None = None

    @property
    def paths(self) -> Sequence[Path]:
        return [self.folder / "one"] * 2

    def begin(self, settings: str) -> None:
        self.specs[1], self.commits[1] = self.specs[0], self.commits[0]
        Workspace(self.paths[0]).write("qflow.yaml", settings)
        self._commit(0)

    def share(self, clone: int, *, mine: bool = True) -> None:
        """There is nobody to share with."""

    def record(self) -> Lockfile | None:
        path = self.paths[0]
        store = WorktreeStore(path / "qflow.lock", path / ".git/qflow-gitops", lineage="")
        return store.read().lockfile

    def known_to(self, done: Done, began: Lockfile | None) -> Lockfile | None:
        """Nobody writes while a command does."""
        return self.record()

    def versions(self) -> list[Lockfile]:
        """The lockfile as it is now; while it is in a journal, its serial stands still."""
        old, record = self._newest, self.record()
        if record is None or (old is not None and record.environments == old.environments):
            return []
        self._newest = replace(record, serial=old.serial + 1 if old else 1)
        return [self._newest]
