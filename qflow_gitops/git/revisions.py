"""Commits by their names, and how they stand to one another."""

from __future__ import annotations

import contextlib
import os
import re
from functools import partial
from typing import TYPE_CHECKING

from qflow_gitops.errors import Unreadable, UsageProblem
from qflow_gitops.git.process import GitProcess, is_id, literal_paths, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from qflow_gitops.ports.git import CommitSeen


_MERGE_OPTIONS = (
    "merge.renames=true",
    "merge.directoryRenames=conflict",
    "merge.renormalize=false",
)
"""Git's own defaults (git-config(1)), whatever is configured."""


_AUTHOR = re.compile(rb"^author (?P<name>.*?) ?<[^<>\n]*> (?P<at>[0-9]{1,12}) ", re.MULTILINE)
_ENCODING = re.compile(rb"^encoding ([!-~]+)$", re.MULTILINE)
_LINE, _MESSAGE = 500, 10_000
"""Bytes of a name or a first line, and of a whole message, that are read."""


def _commit(content: bytes) -> CommitSeen:
    """Read what a commit object says."""
    from qflow_gitops.base.times import of_milliseconds, stamp
    from qflow_gitops.ports.git import CommitSeen

    head, _, message = content.partition(b"\n\n")
    encoding, author = _ENCODING.search(head), _AUTHOR.search(head)
    read = partial(_text, encoding=encoding[1].decode() if encoding else "utf-8")
    at = of_milliseconds(int(author["at"]) * 1000) if author else None
    message = message.strip(b"\n")
    return CommitSeen(
        read(author["name"][:_LINE]) if author else "",
        stamp(at) if at else "",
        read(message.partition(b"\n")[0][:_LINE]),
        read(message[:_MESSAGE]) + ("…" if len(message) > _MESSAGE else ""),
    )


class Revisions(GitProcess):
    """What git knows of commits; implements `ports.git.History`."""

    def resolve(self, revision: str) -> str:
        """Return the full commit id of `revision`; UsageProblem where there is none.

        Raises Unreadable where it names one that this clone can't give.
        """
        if revision in self._present:
            return revision
        safe = shown(revision)
        # `^main` is what git takes for all but main, in words that it calls a name, too
        if not revision or revision.startswith(("-", "^")) or safe != revision:
            raise UsageProblem(
                f"`{safe}` is no revision.",
                not_done="Nothing was planned and nothing was sent.",
                hint="Give a commit, a branch or a tag.",
                reason="revision_unknown",
            )
        self._check_one_meaning(revision)
        status, out, _ = self.run(
            ["rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"]
        )
        commit = out.decode().strip()
        if status == 0 and is_id(commit):
            self._present.add(commit)
            return commit
        self._check_lost(revision)
        if revision == "HEAD":
            raise UsageProblem(
                "The repository has no commits yet.",
                where=str(self.root),
                not_done="Nothing was planned and nothing was sent.",
                hint="Commit your specs first: `git add . && git commit -m 'Run specs'`",
                reason="no_commits",
            )
        hint = "`git log --oneline` shows the commits there are."
        if self.is_shallow():
            hint = "This clone is shallow; `git fetch --unshallow` fetches the older commits."
        raise UsageProblem(
            f"There is no commit `{safe}` in this repository.",
            not_done="Nothing was planned and nothing was sent.",
            hint=hint,
            reason="revision_unknown",
        )

    def _check_one_meaning(self, revision: str) -> None:
        """Raise UsageProblem for a name that a branch and a tag have: git takes the tag."""
        if revision == "HEAD" or is_id(revision) or revision.startswith("refs/"):
            return
        places = [f"refs/{kind}/{revision}" for kind in ("heads", "tags", "remotes")]
        listed = self.run(["for-each-ref", "--format=%(refname)", *places])[1].splitlines()
        found = [name for name in map(os.fsdecode, listed) if name in places]
        if len(found) > 1:
            raise UsageProblem(
                f"`{revision}` is the name of more than one thing here: {' and '.join(found)}.",
                not_done="Nothing was planned and nothing was sent.",
                hint=f"Name one of them in full: {found[0]}",
                reason="revision_unknown",
            )

    def _check_lost(self, revision: str) -> None:
        """Raise Unreadable where a revision names a commit that git can't give."""
        if is_id(revision):
            return  # git takes any of them for the name of something
        command = ["rev-parse", "--verify", "--quiet", "--end-of-options", revision]
        status, out, _ = self.run(command)
        named = "" if status else out.decode().strip()
        if status and revision == "HEAD":
            named = self._broken_branch()
        kind = self.run(["cat-file", "-t", named])[1].strip() if named else b""
        if named and kind not in (b"blob", b"tree"):  # those are there, and no commit
            raise Unreadable(
                f"The commit that `{shown(revision)}` names can't be read from this clone: "
                f"{shown(named)}.",
                where=str(self.root),
                not_done="Nothing was planned and nothing was sent.",
                hint=self._way_back(),
            )

    def _broken_branch(self) -> str:
        """Name what is checked out and can't be read, "" for a branch without a commit."""
        status, out, _ = self.run(["symbolic-ref", "--quiet", "HEAD"])
        branch = out.decode().strip()
        if status:
            return "HEAD"
        return branch if (self.common_dir / branch).is_file() else ""

    def has_commit(self, commit: str) -> bool:
        """Whether the commit object is in this clone (it may be shallow)."""
        if not is_id(commit):
            return False
        if commit not in self._present:
            if self.run(["cat-file", "-e", commit + "^{commit}"])[0]:
                return False
            self._present.add(commit)
        return True

    def seen(self, commit: str) -> CommitSeen | None:
        """Say what people know a commit by; None where it isn't in this clone."""
        return self.all_seen([commit]).get(commit)

    def all_seen(self, ids: Iterable[str]) -> Mapping[str, CommitSeen]:
        """Say what people know commits by, of many at once; those that aren't here are left out."""
        wanted = sorted({commit for commit in ids if is_id(commit)})
        return {commit: _commit(content) for commit, content in self._objects(wanted, b"commit")}

    def _objects(self, ids: Sequence[str], kind: bytes) -> Iterator[tuple[str, bytes]]:
        """Read objects of a kind, by one process of git's; others and lost ones are left out."""
        if not ids:
            return
        out = self.run(["cat-file", "--batch"], "".join(f"{each}\n" for each in ids).encode())[1]
        at = 0
        while (end := out.find(b"\n", at)) >= 0:
            words = out[at:end].split(b" ")
            at = end + 1
            if len(words) == 3 and words[2].isdigit():  # else `<id> missing`
                size = int(words[2])
                if words[1] == kind:
                    yield words[0].decode(), out[at : at + size]
                at += size + 1

    def is_shallow(self) -> bool:
        """Whether history is cut off in this clone."""
        return (self.common_dir / "shallow").exists()

    def unshallow(self, remote: str) -> None:
        """Fetch the history that a shallow clone lacks, as far as the remote gives it."""
        if self.is_shallow() and remote in self.remotes():
            fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--unshallow"]
            self.run(
                [*fetch, "--no-filter", "--no-recurse-submodules", "--", remote],
                network=lambda: 300.0,
            )

    def ensure_commit(self, commit: str, remote: str, ref: str) -> bool:
        """Whether the commit is in this clone, if need be after a fetch of the remote's `ref`."""
        if not self.has_commit(commit) and remote in self.remotes() and is_id(commit):
            fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap="]
            # What is asked for is needed whole, also in a clone that was made with --filter.
            self.run(
                [*fetch, "--no-filter", "--no-recurse-submodules", "--", remote, ref],
                network=lambda: 300.0,
            )
        return self.has_commit(commit)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` is `old` or descends from it, as far as this clone can tell."""
        if not (is_id(old) and is_id(new)):
            return False
        if (old, new) not in self._descents:
            if self.run(["merge-base", "--is-ancestor", old, new])[0]:
                return False  # a clone that gets more history may tell otherwise
            self._descents.add((old, new))
        return True

    def first_parents(
        self, base: str, head: str, most: int, folders: Sequence[str] = ()
    ) -> Sequence[str]:
        """Return the commits on the first-parent line of `head` that `base` ("": none) lacks.

        Newest first, at most so many; with `folders` those that change something there.
        """
        span = [head, f"^{base}"] if base else [head]
        command = ["rev-list", "--first-parent", f"--max-count={most}", *span, "--"]
        found = self._out([*command, *literal_paths(folders)]).decode().split()
        self._present.update(found)
        return found

    def committed_at(self, commit: str) -> str:
        """Say when a commit was made, by its committer's clock (RFC 3339); "" where it isn't here.

        A time that no calendar has counts as none.
        """
        from datetime import UTC, datetime

        from qflow_gitops.base.times import stamp

        if not self.has_commit(commit):
            return ""
        out = self.run(["rev-list", "--timestamp", "--max-count=1", commit, "--"])[1]
        with contextlib.suppress(ValueError, OverflowError, OSError):
            return stamp(datetime.fromtimestamp(int(out.split()[0]), UTC))
        return ""

    def merge_base(self, commit: str, other: str) -> str | None:
        """Return the newest common ancestor, None where this clone knows none."""
        status, out, _ = self.run(["merge-base", commit, other])
        return None if status else out.decode().strip()

    def clean_merge(self, commit: str) -> tuple[str, str] | None:
        """Return both parents of a merge whose content is exactly what git makes of them.

        None for any other commit, where there are conflicts, and where this can't be proved: by
        a git before 2.38, or one that may not write into the repository (git-merge-tree(1)).
        """
        status, out, _ = self.run(["rev-list", "--parents", "--max-count=1", commit, "--"])
        _, *parents = out.decode().split() if status == 0 else [""]
        if len(parents) != 2:
            return None
        tree = self.run(["rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}"])[1].split()
        options = [part for option in _MERGE_OPTIONS for part in ("-c", option)]
        merge = [*options, "merge-tree", "--write-tree", "--no-messages", *parents]
        status, made, _ = self.run(merge, extra=self._without_drivers)
        return (parents[0], parents[1]) if status == 0 and tree and made.split() == tree else None

    def remotes(self) -> Sequence[str]:
        """Return the names of the remotes."""
        return [shown(os.fsdecode(line)) for line in self._out(["remote"]).splitlines()]


def _text(written: bytes, encoding: str) -> str:
    """Read what a commit holds; git takes any encoding's name, also one that nobody knows."""
    try:
        return written.decode(encoding, "replace").strip()
    except (LookupError, ValueError):
        return written.decode("utf-8", "replace").strip()
