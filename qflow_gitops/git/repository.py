"""Reads a repository: plumbing only, bytes in and out, each path literal."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import TreeFile
from qflow_gitops.errors import Unreadable
from qflow_gitops.git.child import ended, given_input
from qflow_gitops.git.disk import MAX_CONTENT, on_disk
from qflow_gitops.git.listings import Listings
from qflow_gitops.git.process import is_id, literal_paths, shown
from qflow_gitops.git.revisions import Revisions
from qflow_gitops.git.worktree import GitWorkTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from qflow_gitops.ports.git import PathChange

_SUM = 20  # bytes of SHA-1; of SHA-256 the last ones will do
_GIVEN_UP = 20  # so many broken objects are passed over where they are only for explaining


class GitRepo(Revisions):
    """One work tree and its repository; implements `ports.git.Repository`."""

    _explaining: tuple[Sequence[str], Mapping[str, bytes]] = ((), {})
    """Which blobs were asked for last that only explain something, and those of them there are."""

    def files(self, commit: str, folders: Sequence[str]) -> Mapping[bytes, TreeFile]:
        """Everything that the commit holds under the folders or at these paths."""
        return self._entries(
            ["ls-tree", "-r", "-z", "--full-tree", "--", commit, *literal_paths(folders)]
        )

    def listing(self, commit: str, folder: str) -> Mapping[bytes, TreeFile]:
        """What a folder ("": the root) of a commit holds itself; nothing where there is none.

        Of the work tree where `commit` is "", without blobs and whether git knows it or not.
        Paths are from the root; a folder has the mode `040000`.
        """
        if not commit:
            return on_disk(self.root, folder)
        if (commit, folder) not in self._listings:
            inside = [folder + "/"] if folder else []
            found = self._entries(["ls-tree", "-z", "--full-tree", "--", commit, *inside])
            self._listings[commit, folder] = found
        return self._listings[commit, folder]

    def named(self, commit: str, name: str, *, untracked: bool = False) -> Sequence[str]:
        """Return the paths of everything that a commit holds under this name, in any folder.

        Of the work tree, where `commit` is "", what git knows; `untracked` also what it doesn't,
        which takes a look at all of it.
        """
        command = ["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit]
        if not commit:
            also = ["--others", "--exclude-standard"] if untracked else []
            command = ["ls-files", "-z", "--cached", *also]
        listed = b"\0/" + self._out(command)
        found, ending = [], os.fsencode(name) + b"\0"
        place = listed.find(ending)
        while place > 0:
            if listed[place - 1] in b"/\0":
                begin = listed.rfind(b"\0", 0, place) + 1
                found.append(os.fsdecode(listed[begin : place + len(ending) - 1]).lstrip("/"))
            place = listed.find(ending, place + 1)
        return [*dict.fromkeys(found)]  # of a merge's conflict an index holds three

    @property
    def index_identity(self) -> str:
        """What is the same only as long as git knows the same files of the work tree, "" for none.

        The sum of all before it with which an index ends (gitformat-index(5)); zeros where that is
        switched off.
        """
        try:
            with (self.git_dir / "index").open("rb") as file:
                file.seek(-_SUM, os.SEEK_END)
                found = file.read()
        except OSError:
            return ""
        return found.hex() if any(found) else ""

    def _entries(self, command: Sequence[str]) -> Mapping[bytes, TreeFile]:
        found = {}
        for entry in self._pieces(command):
            about, _, path = entry.partition(b"\t")
            mode, _, blob = about.decode().split(" ")
            found[path] = TreeFile(path, mode, blob)
        return found

    def contents(self, entries: Iterable[TreeFile]) -> Mapping[str, bytes]:
        """Return the contents of files that a commit holds, by their blobs.

        Each is cut after `MAX_CONTENT` + 1 bytes. Raises Unreadable where this clone can't
        give one: a commit that names it holds it.
        """
        paths = {entry.blob: entry.path for entry in entries}
        alone = next(iter(paths)) if len(paths) == 1 else ""
        if alone in self._single:
            return {alone: self._single[alone]}
        found, _, (status, _, err) = self._read(sorted(paths))
        for blob in sorted(paths.keys() - found.keys()):
            said = shown(err.decode(errors="replace"))[:300] if status else "git says it is missing"
            raise Unreadable(
                f"What the commit holds here can't be read from this clone: blob {blob[:10]}, "
                f"{said}.",
                where=shown(os.fsdecode(paths[blob])),
                not_done="Nothing was planned and nothing was sent.",
                hint=self._way_back(),
            )
        self._single |= found if alone else {}
        return found

    def blobs_at_hand(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of blobs that something else than a commit names, likewise cut.

        One that this clone lacks or can't read is left out: for what is only explained by it.
        """
        wanted = left = sorted({blob for blob in ids if is_id(blob)})
        if wanted == self._explaining[0]:
            return self._explaining[1]
        found, tried, end = self._read(left)
        for again in range(_GIVEN_UP):
            if not end[0]:
                break
            # git stopped at one: it is broken, or a partial clone lacks it, as many others.
            left = left[tried:] if again else self._at_hand(left[tried:])
            more, tried, end = self._read(left)
            found |= more
        self._explaining = wanted, found
        return found

    def _at_hand(self, ids: Sequence[str]) -> list[str]:
        """Leave out what this clone lacks, so that git needn't ask a remote for it."""
        command = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]
        there = frozenset(self._out(command).decode().split())
        return [blob for blob in ids if blob in there]

    def _read(self, ids: Sequence[str]) -> tuple[dict[str, bytes], int, tuple[int, bytes, bytes]]:
        """Read blobs in one process, with no more memory than is given back.

        Gives what could be read, how many were tried, and how git ended: not with 0 where it
        stopped at the last one tried.
        """
        if not ids:
            return {}, 0, (0, b"", b"")
        with given_input("".join(blob + "\n" for blob in ids).encode()) as given:
            process = self.started(["cat-file", "--batch"], given, self.environ)
        assert process.stdout is not None  # noqa: S101  it was asked for
        found, tried = {}, 0
        for blob in ids:
            tried += 1
            line = process.stdout.readline()
            if not line:
                break
            about = line.split(b" ")
            if len(about) != 3:  # `<id> missing`
                continue
            size = int(about[2])
            kept = process.stdout.read(min(size, MAX_CONTENT + 1))
            rest = size - len(kept) + 1  # with the line break that ends it
            while rest > 0 and (skipped := process.stdout.read(min(rest, 1 << 16))):
                rest -= len(skipped)
            if rest:
                break  # git gave up in the middle of it
            if about[1] == b"blob":
                found[blob] = kept
        return found, tried, ended(process, None)

    def succession(
        self, commits: Sequence[str], folders: Sequence[str]
    ) -> Iterator[tuple[str, Mapping[bytes, TreeFile | None]]]:
        """Return what of the folders each of some commits has otherwise than the one before it."""
        from qflow_gitops.git import successions

        return successions.succession(self, commits, folders)

    def blobs_of(self, places: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """Return the blobs that paths have at commits; "" where a commit that is here has none."""
        from qflow_gitops.git import successions

        return successions.blobs_of(self, places)

    def changes(self, base: str, head: str, folders: Sequence[str]) -> Sequence[PathChange]:
        """Return the paths under the folders that differ, sorted; never a rename."""
        from qflow_gitops.ports.git import ChangeKind, PathChange

        named = {b"A": ChangeKind.ADDED, b"D": ChangeKind.REMOVED}
        command = ["diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv"]
        pieces = self._pieces(
            [*command, "--name-status", base, head, "--", *literal_paths(folders)]
        )
        kinds, paths = pieces[::2], pieces[1::2]
        return sorted(
            (
                PathChange(path, named.get(kind, ChangeKind.MODIFIED))
                for kind, path in zip(kinds, paths, strict=True)
            ),
            key=lambda change: change.path,
        )

    def uncommitted(self, folders: Sequence[str]) -> Sequence[str]:
        """Return the paths under the folders whose work tree differs from HEAD, for display."""
        command = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames",
                   "--ignore-submodules=dirty", "--", *literal_paths(folders)]  # fmt: skip
        out = self._good(command, self.run(command, extra=self._without_filters))
        pieces = out.split(b"\0")[:-1]
        return sorted(shown(os.fsdecode(piece[3:])) for piece in pieces)

    def worktree(self, folders: Sequence[str]) -> GitWorkTree:
        """Look at what is on disk under the folders and isn't ignored by git."""
        listings = Listings(self.git_dir, literal_paths(folders), self.begun)
        return GitWorkTree(self.root, listings, self.object_format)

    def is_tracked(self, path: Path) -> bool:
        """Whether a file of the work tree is in git's index."""
        real = path.parent.resolve() / path.name
        if not real.is_relative_to(self.root.resolve()):
            return False
        name = real.relative_to(self.root.resolve()).as_posix()
        return bool(self._pieces(["ls-files", "-z", "--cached", "--", name]))

    def setting(self, name: str) -> str:
        """Return what is configured under a name, "" for nothing."""
        return next((value for known, value in reversed(self.configured) if known == name), "")

    @cached_property
    def user(self) -> str:
        """Who git says works here: mail address, else name, "" without either."""
        who = self.setting("user.email") or self.setting("user.name")
        return shown(os.fsencode(who).decode(errors="replace").strip())
