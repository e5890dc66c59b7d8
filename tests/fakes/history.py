"""Commits as values: trees of path → file, parents, and how they stand to one another."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple


class File(NamedTuple):
    """What a commit or a work tree holds at a path; a link's content is its target."""

    content: bytes
    mode: str = "100644"

    @property
    def blob(self) -> str:
        """The id that git gives a blob with this content."""
        return blob_id(self.content)


Tree = Mapping[bytes, File]


class Commit(NamedTuple):
    """A commit: all it holds, what it follows, and when it was made (RFC 3339)."""

    tree: Tree
    parents: tuple[str, ...] = ()
    message: str = ""
    at: str = ""

    @property
    def id(self) -> str:
        """An id as long as git's, of all that it says."""
        found = hashlib.sha1(repr((self.parents, self.message)).encode())
        for path, file in sorted(self.tree.items()):
            found.update(b"%s %s %s\0" % (path, file.mode.encode(), file.blob.encode()))
        return found.hexdigest()


def blob_id(content: bytes) -> str:
    """Return the id that git gives a blob with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def under(path: bytes, folders: Iterable[str]) -> bool:
    """Whether a path is one of these, or in one of these folders; `.` is everything."""
    names = [folder.encode() for folder in folders]
    return any(name in (b".", b"", path) or path.startswith(name + b"/") for name in names)


def differing(old: Tree, new: Tree) -> list[bytes]:
    """Return the paths that two trees hold differently, sorted."""
    return sorted(path for path in {*old, *new} if old.get(path) != new.get(path))


class Commits(dict[str, Commit]):
    """The commits that a repository has. `cut` are those whose parents a shallow clone lacks."""

    def __init__(self, commits: Mapping[str, Commit] | None = None) -> None:
        super().__init__(commits or {})
        self.cut: set[str] = set()

    def parents(self, commit: str) -> Sequence[str]:
        """Return the parents of a commit as far as they are here."""
        return () if commit in self.cut else self[commit].parents

    def reached(self, *tips: str) -> Iterator[str]:
        """Return all that these commits descend from, themselves first, the nearest before."""
        queue, seen = [tip for tip in tips if tip in self], set[str]()
        while queue:
            commit = queue.pop(0)
            if commit not in seen:
                seen.add(commit)
                yield commit
                queue += self.parents(commit)

    def line(self, head: str) -> Iterator[str]:
        """Return a commit and its first parents, the newest first."""
        found = [head]
        for commit in found:
            yield commit
            found += self.parents(commit)[:1]

    def best_common(self, one: str, other: str) -> str | None:
        """Return a common ancestor that no other one descends from, None for none."""
        common = set(self.reached(one)) & set(self.reached(other))
        inner = {older for commit in common for older in self.reached(commit) if older != commit}
        return min(common - inner, default=None)

    def merged(self, one: str, other: str) -> Tree | None:
        """Merge two commits file by file; None where both changed one in different ways.

        git also merges two changes within a file; that is beyond a fake.
        """
        base = self.best_common(one, other)
        old, ours, theirs = (self[name].tree if name else {} for name in (base, one, other))
        found: dict[bytes, File] = {}
        for path in {*old, *ours, *theirs}:
            before, here, there = (tree.get(path) for tree in (old, ours, theirs))
            if here != there and before not in (here, there):
                return None
            kept = there if here == before else here
            if kept is not None:
                found[path] = kept
        return found
