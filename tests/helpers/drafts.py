"""Commits of the lockfile's branch that git alone makes, as somebody who may push can."""

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from tests.helpers.clones import BRANCH, Remote

PLAIN = "100644"
SUBMODULE = "160000"
HEAD = "qflow.lock"
_WHO = {
    f"GIT_{one}_{what}": value
    for one in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Mallory"), ("EMAIL", "mallory@localhost"))
}


def path_of(run: str, environment: str = "prod", part: str = "") -> str:
    """Where a run's file belongs: written down here once more."""
    return f"runs/{environment}/{sha256(run.encode()).hexdigest()[:2]}/{run}{part}.json"


class Entry(NamedTuple):
    """A file of a commit."""

    path: str
    mode: str
    blob: str


class Draft:
    """The files of a commit, to be changed, and the parents that the next one will have."""

    def __init__(self, remote: Remote, commit: str = BRANCH) -> None:
        self.remote = remote
        self.parents: Sequence[str] = [self._git("rev-parse", commit).strip()]
        self.entries: list[Entry] = []
        self.take(commit)

    def _git(self, *command: str, feed: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *command], cwd=self.remote.path, input=feed, capture_output=True, check=True,
            env={**os.environ, **_WHO},
        )  # fmt: skip
        return done.stdout.decode()

    def take(self, commit: str) -> None:
        """Begin with what this commit holds."""
        listed = self._git("ls-tree", "-r", "-z", "--full-tree", commit)
        self.entries = [
            Entry(path, about.split()[0], about.split()[2])
            for about, _, path in (line.partition("\t") for line in listed.split("\0")[:-1])
        ]

    def bytes_of(self, path: str) -> bytes:
        (blob,) = (each.blob for each in self.entries if each.path == path)
        return self._git("cat-file", "blob", blob).encode()

    def data(self, path: str = HEAD) -> Any:
        return json.loads(self.bytes_of(path))

    def put(self, path: str, content: Any, mode: str = PLAIN, *, beside: bool = False) -> None:
        """Write a file: bytes, or JSON data in the normal form; `beside` what has its name."""
        if not isinstance(content, bytes):
            content = (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
        blob = self._git("hash-object", "-w", "--stdin", feed=content).strip()
        self.link(path, mode, blob, beside=beside)

    def link(self, path: str, mode: str, blob: str, *, beside: bool = False) -> None:
        """Let a path be an object that is there, or said to be."""
        if not beside:
            self.drop(path)
        self.entries.append(Entry(path, mode, blob))

    def drop(self, path: str) -> None:
        self.entries = [each for each in self.entries if each.path != path]

    def edit(self, path: str, change: Callable[[Any], object]) -> None:
        """Change a file's data in its place, in whatever form that was."""
        data = self.data(path)
        change(data)
        self.put(path, data)

    def serial(self, more: int = 1) -> None:
        self.edit(HEAD, lambda head: head.update(serial=head["serial"] + more))

    def push(self) -> str:
        """Make a commit of it, and put that on the branch, by force if need be."""
        parents = [word for parent in self.parents for word in ("-p", parent)]
        tree = self._tree("", self.entries)
        commit = self._git("commit-tree", tree, *parents, "-m", "prod: a succeeded").strip()
        self._git("update-ref", f"refs/heads/{BRANCH}", commit)
        return commit

    def _tree(self, folder: str, entries: Iterable[Entry]) -> str:
        """Write a tree, with each entry as it is given: also two of one name."""
        lines, below = [], dict[str, list[Entry]]()
        for entry in entries:
            name, slash, _ = entry.path.removeprefix(folder).partition("/")
            if slash:
                below.setdefault(name, []).append(entry)
            else:
                kind = "commit" if entry.mode == SUBMODULE else "blob"
                lines.append(f"{entry.mode} {kind} {entry.blob}\t{name}")
        for name, some in below.items():
            lines.append(f"040000 tree {self._tree(f'{folder}{name}/', some)}\t{name}")
        feed = "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape")
        return self._git("mktree", "-z", "--missing", feed=feed).strip()
