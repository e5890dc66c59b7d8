"""A repository and its work tree, as a person and a program see them."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from qflow_gitops.base.paths import TreeFile
from qflow_gitops.errors import Unreadable, UsageProblem
from qflow_gitops.ports.git import ChangeKind, CommitSeen, PathChange
from tests.fakes.history import Commit, Commits, File, Tree, differing, under
from tests.fakes.remotes import FakeRemote
from tests.fakes.worktree import FakeWorkTree

HEADS = "refs/heads/"
NOTHING: Tree = {}


class FakeGit:
    """Implements `ports.git.Repository`. `files` is the work tree, `index` what git knows of it.

    `refs` holds full names; `HEAD` is the name of the branch that is checked out, or a commit.
    `lost` are blobs that this clone should have and can't give, `now` is when a commit is made. A
    fake's folder is nowhere; commands that edit files need a real one, to which
    `worktree.put_on_disk` writes.
    """

    def __init__(self, root: Path = Path("/nowhere/repository"), branch: str = "main") -> None:
        self.root = root
        self.common_dir = root / ".git"
        self.prefix = ""
        self.files_on_disk: dict[bytes, File] = {}
        self.index: dict[bytes, File] = {}
        self.commits = Commits()
        self.refs: dict[str, str] = {"HEAD": HEADS + branch}
        self.remotes: dict[str, FakeRemote] = {}
        self.upstream: dict[str, tuple[str, str]] = {}
        self.lost: set[str] = set()
        self.is_partial = False
        self.now = "2026-01-01T00:00:00Z"

    # --- what a person does ----------------------------------------------------------

    def write(self, name: str, content: str | bytes, mode: str = "100644") -> None:
        """Write a file of the work tree; `120000` is a link, whose content is its target."""
        content = content.encode() if isinstance(content, str) else content
        self.files_on_disk[name.encode()] = File(content, mode)

    def remove(self, name: str) -> None:
        """Remove a file of the work tree."""
        del self.files_on_disk[name.encode()]

    def commit(self, message: str = "change") -> str:
        """Commit the whole work tree to what is checked out, and give the commit's id."""
        parent = self._head()
        return self._add(Commit(dict(self.files_on_disk), (parent,) if parent else (), message))

    def merge(self, other: str, message: str = "merge", tree: Tree | None = None) -> str:
        """Merge a commit into what is checked out: file by file, or with this content."""
        ours = self.resolve("HEAD")
        merged = self.commits.merged(ours, other) if tree is None else tree
        assert merged is not None, "both changed a file: say what becomes of it"
        return self._add(Commit(dict(merged), (ours, other), message))

    def _add(self, commit: Commit) -> str:
        commit = commit._replace(at=self.now)
        while commit.id in self.commits:  # the same once more is another commit, as time goes by
            commit = commit._replace(message=commit.message + " ")
        self.commits[commit.id] = commit
        self._move(commit.id)
        return commit.id

    def _move(self, commit: str) -> None:
        name = self.refs["HEAD"]
        self.refs[name if name.startswith(HEADS) else "HEAD"] = commit
        for files in (self.files_on_disk, self.index):
            files.clear()
            files.update(self.commits[commit].tree)

    def switch(self, branch: str, at: str = "") -> None:
        """Check a branch out, a new one `at` a commit ("": here) where there is none.

        git would carry along what isn't committed; here that is a mistake of the test.
        """
        if self.refs["HEAD"] == HEADS + branch:
            return
        assert not self.uncommitted(["."]), "commit it first"
        commit = self.refs.get(HEADS + branch) or self.resolve(at or "HEAD")
        self.refs["HEAD"] = HEADS + branch
        self._move(commit)

    def reset(self, commit: str) -> None:
        """Move what is checked out, and all files, to a commit."""
        self._move(self.resolve(commit))

    # --- with others -----------------------------------------------------------------

    def add_remote(self, name: str = "origin", remote: FakeRemote | None = None) -> FakeRemote:
        """Name a remote, an empty one by default."""
        self.remotes[name] = remote or FakeRemote()
        return self.remotes[name]

    def push(self, remote: str = "origin", ref: str = "", commit: str = "HEAD") -> None:
        """Push a commit, whatever the remote has, to a ref: by default the current branch."""
        name = ref or self.refs["HEAD"]
        tip = self.resolve(commit)
        self.remotes[remote].take(self.commits, name, tip)
        if name.startswith(HEADS):
            self.refs[f"refs/remotes/{remote}/{name.removeprefix(HEADS)}"] = tip

    def fetch(self, remote: str = "origin") -> None:
        """Fetch all branches of a remote, as a person does."""
        there = self.remotes[remote]
        for name, tip in there.branches().items():
            self.bring(there, tip)
            self.refs[f"refs/remotes/{remote}/{name}"] = tip
        self.refs[f"refs/remotes/{remote}/HEAD"] = f"refs/remotes/{remote}/{there.head}"

    def bring(self, remote: FakeRemote, *tips: str) -> None:
        """Take over what these commits of a remote descend from; a cut history stays cut."""
        for commit in remote.commits.reached(*tips):
            self.commits.setdefault(commit, remote.commits[commit])

    @classmethod
    def clone(cls, remote: FakeRemote, depth: int = 0) -> "FakeGit":
        """Clone a remote; with a `depth` only so many commits of its default branch's line."""
        made = cls(branch=remote.head)
        made.add_remote("origin", remote)
        tip = remote.branches()[remote.head]
        if depth:
            shown = list(remote.commits.line(tip))[:depth]
            made.commits.update({commit: remote.commits[commit] for commit in shown})
            made.commits.cut.update(shown[-1:] if remote.commits[shown[-1]].parents else ())
            made.refs[f"refs/remotes/origin/{remote.head}"] = tip
        else:
            made.fetch()
        made.refs[HEADS + remote.head] = tip
        made.upstream[remote.head] = ("origin", remote.head)
        made.reset(tip)
        return made

    # --- ports.git.History -----------------------------------------------------------

    def resolve(self, revision: str) -> str:
        name, caret, parent = revision.partition("^")
        found = self._named(name)
        if found and caret:
            parents = self.commits.parents(found)
            place = int(parent or 1) - 1
            found = parents[place] if place < len(parents) else ""
        if found in self.commits:
            return found
        reason = "no_commits" if revision == "HEAD" else "revision_unknown"
        raise UsageProblem(f"There is no commit `{revision}`.", reason=reason)

    def _named(self, name: str) -> str:
        if name == "HEAD":
            return self._head()
        if name in self.commits:
            return name
        places = (name, *(f"refs/{kind}/{name}" for kind in ("heads", "tags", "remotes")))
        return next((self.refs[place] for place in places if place in self.refs), "")

    def _head(self) -> str:
        name = self.refs["HEAD"]
        return self.refs.get(name, "") if name.startswith(HEADS) else name

    def has_commit(self, commit: str) -> bool:
        return commit in self.commits

    def seen(self, commit: str) -> CommitSeen | None:
        if not self.has_commit(commit):
            return None
        message = self.commits[commit].message.strip()
        subject = message.partition("\n")[0].strip()
        return CommitSeen("Test", "2026-01-01T00:00:00Z", subject, message)

    def all_seen(self, ids: Iterable[str]) -> Mapping[str, CommitSeen]:
        return {commit: seen for commit in ids if (seen := self.seen(commit))}

    def is_shallow(self) -> bool:
        return bool(self.commits.cut)

    def unshallow(self, remote: str) -> None:
        there = self.remotes.get(remote)
        if self.is_shallow() and there is not None and there.answers:
            self.bring(there, *there.branches().values(), *self.commits.cut)
            self.commits.cut.clear()

    def is_ancestor(self, old: str, new: str) -> bool:
        return old in self.commits and old in self.commits.reached(new)

    def first_parents(
        self, base: str, head: str, most: int, folders: Sequence[str] = ()
    ) -> Sequence[str]:
        without = set(self.commits.reached(base)) if base else set()
        line = [commit for commit in self.commits.line(head) if commit not in without]
        return [commit for commit in line if not folders or self._changes(commit, folders)][:most]

    def _changes(self, commit: str, folders: Sequence[str]) -> bool:
        before = next(iter(self.commits.parents(commit)), "")
        old = self.commits[before].tree if before else NOTHING
        return any(under(path, folders) for path in differing(old, self.commits[commit].tree))

    def committed_at(self, commit: str) -> str:
        return self.commits[commit].at if commit in self.commits else ""

    def merge_base(self, commit: str, other: str) -> str | None:
        return self.commits.best_common(commit, other)

    def clean_merge(self, commit: str) -> tuple[str, str] | None:
        parents = self.commits.parents(commit) if commit in self.commits else ()
        if len(parents) != 2:
            return None
        made = self.commits.merged(*parents)
        return (parents[0], parents[1]) if made == self.commits[commit].tree else None

    def ensure_commit(self, commit: str, remote: str, ref: str) -> bool:
        there = self.remotes.get(remote)
        if not self.has_commit(commit) and there is not None and there.answers:
            self.bring(there, there.refs.get(ref, ""))
        return self.has_commit(commit)

    # --- ports.git.GitTree -----------------------------------------------------------

    def at(self, prefix: str) -> Self:
        moved = copy.copy(self)  # all else is shared
        moved.prefix = prefix
        return moved

    def files(self, commit: str, folders: Sequence[str]) -> Mapping[bytes, TreeFile]:
        tree = self.commits[commit].tree
        return {path: _entry(path, tree[path]) for path in sorted(tree) if under(path, folders)}

    def listing(self, commit: str, folder: str) -> Mapping[bytes, TreeFile]:
        inside = f"{folder}/".encode() if folder else b""
        tree = self.commits[commit].tree if commit else self.files_on_disk
        found: dict[bytes, TreeFile] = {}
        for path, file in tree.items():
            if path.startswith(inside):
                name, slash, _ = path[len(inside) :].partition(b"/")
                entry = TreeFile(inside + name, "040000", "") if slash else _entry(path, file)
                found[entry.path] = entry if commit else entry._replace(blob="")
        return found

    def named(self, commit: str, name: str, *, untracked: bool = False) -> Sequence[str]:
        head = self._head()
        tracked = self.commits[commit or head].tree if commit or head else NOTHING
        seen = tracked if commit else [*self.files_on_disk] if untracked else tracked
        paths = (path.decode() for path in sorted(seen))
        return [path for path in paths if path.rpartition("/")[2] == name]

    @property
    def index_identity(self) -> str:
        return self._head()

    def contents(self, entries: Iterable[TreeFile]) -> Mapping[str, bytes]:
        there = self._blobs()
        found = {}
        for entry in entries:
            if entry.blob not in there:
                raise Unreadable("What the commit holds here is lost.", where=entry.path.decode())
            found[entry.blob] = there[entry.blob]
        return found

    def blobs_at_hand(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        there = self._blobs()
        return {blob: there[blob] for blob in ids if blob in there}

    def _blobs(self) -> dict[str, bytes]:
        trees = (commit.tree.values() for commit in self.commits.values())
        there = {file.blob: file.content for files in trees for file in files}
        return {blob: content for blob, content in there.items() if blob not in self.lost}

    def succession(
        self, commits: Sequence[str], folders: Sequence[str]
    ) -> Iterator[tuple[str, Mapping[bytes, TreeFile | None]]]:
        before: Mapping[bytes, TreeFile] = {}
        for place, commit in enumerate(commits):
            now = self.files(commit, folders)
            gone: dict[bytes, TreeFile | None] = dict.fromkeys(before.keys() - now.keys())
            if not place or commit != commits[place - 1]:
                yield commit, gone | {k: v for k, v in now.items() if before.get(k) != v}
            before = now

    def blobs_of(self, places: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        found = {}
        for commit, path in places:
            if commit in self.commits and path:
                there = self.files(commit, [path]).get(path.encode())
                found[commit, path] = there.blob if there else ""
        return found

    def changes(self, base: str, head: str, folders: Sequence[str]) -> Sequence[PathChange]:
        old, new = self.commits[base].tree, self.commits[head].tree
        paths = (path for path in differing(old, new) if under(path, folders))
        return [PathChange(path, _kind(path, old, new)) for path in paths]

    def uncommitted(self, folders: Sequence[str]) -> Sequence[str]:
        head = self._head()
        old = self.commits[head].tree if head else NOTHING
        paths = differing(old, self.files_on_disk)
        return [path.decode() for path in paths if under(path, folders)]

    def worktree(self, folders: Sequence[str]) -> FakeWorkTree:
        return FakeWorkTree(self.files_on_disk, self.index, folders)


def _entry(path: bytes, file: File) -> TreeFile:
    return TreeFile(path, file.mode, file.blob)


def _kind(path: bytes, old: Tree, new: Tree) -> ChangeKind:
    if path not in old:
        return ChangeKind.ADDED
    return ChangeKind.MODIFIED if path in new else ChangeKind.REMOVED
