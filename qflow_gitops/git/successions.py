"""What many commits hold, each asked for by a line to one process of git's.

A part of `ports.git.GitTree`, loaded by who needs it.
"""

from __future__ import annotations

import os
import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import TreeFile
from qflow_gitops.errors import QflowError
from qflow_gitops.git.process import is_id, literal_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from qflow_gitops.git.repository import GitRepo

_GONE = "000000"
_ODD = frozenset(("", ".", ".."))
_SUBMODULE = "160000"
_MANY = 500
"""So many paths of one commit are found sooner in a list of all files there."""


def succession(
    repo: GitRepo, commits: Sequence[str], folders: Sequence[str]
) -> Iterator[tuple[str, Mapping[bytes, TreeFile | None]]]:
    """Return what of the folders each of some commits has otherwise than the one before it."""
    if not commits:
        return
    yield commits[0], dict(repo.files(commits[0], folders))
    pairs = zip(commits[1:], commits, strict=False)
    feed = "".join(f"{commit} {before}\n" for commit, before in pairs if commit != before)
    how = ["--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--always"]
    safe = ["--no-ext-diff", "--no-textconv", "--", *literal_paths(folders)]
    command = ["diff-tree", *how, *safe]
    found: dict[bytes, TreeFile | None] = {}
    commit = ""
    parts = iter(repo._out(command, feed.encode()).split(b"\0")[:-1])
    for part in parts:
        if part.startswith(b":"):
            _, mode, _, blob, _ = part.decode().split(" ")
            path = next(parts)
            found[path] = None if mode == _GONE else TreeFile(path, mode, blob)
        else:
            if commit:
                yield commit, found
            commit, found = part.strip().decode(), {}
    if commit:
        yield commit, found


def blobs_of(repo: GitRepo, places: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """Return the blobs that paths have at commits; "" where a commit that is here has none."""
    by_commit: dict[str, list[str]] = {}
    for commit, path in dict.fromkeys(places):
        if _is_asked(commit, path):
            by_commit.setdefault(commit, []).append(path)
    listed = {
        commit: paths
        for commit, paths in by_commit.items()
        if repo.is_partial or len(paths) >= _MANY
    }
    rest = [(one, path) for one, paths in by_commit.items() if one not in listed for path in paths]
    return {**_listed(repo, listed), **_looked_up(repo, rest)}


def _looked_up(repo: GitRepo, some: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """Ask one process for each."""
    plain = [place for place in some if _is_plain(place[1])]
    wanted = [f"{commit}^{{tree}}" for commit in dict.fromkeys(commit for commit, _ in some)]
    lines = [*wanted, *(f"{commit}:{path}" for commit, path in plain)]
    if not lines:
        return {}
    feed = "".join(f"{line}\n" for line in lines).encode()
    out = repo._out(["cat-file", "--batch-check=%(objectname) %(objecttype)"], feed)
    told = [os.fsdecode(line).rpartition(" ") for line in out.split(b"\n")[:-1]]
    here = {
        name.removesuffix("^{tree}")
        for name, (_, _, kind) in zip(wanted, told, strict=False)
        if kind == "tree"
    }
    asked = zip(plain, told[len(wanted) :], strict=True)
    blobs = {place: blob for place, (blob, _, kind) in asked if kind == "blob"}
    return {place: blobs.get(place, "") for place in some if place[0] in here}


def _listed(repo: GitRepo, by_commit: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], str]:
    """Look into trees alone, commit by commit: of a blob that isn't here git would ask."""
    found = {}
    for commit, paths in by_commit.items():
        with suppress(QflowError):  # a tree may lack as well
            there = repo.files(commit, _folders(paths))
            for path in paths:
                entry = there.get(path.encode())
                found[commit, path] = entry.blob if entry and entry.mode != _SUBMODULE else ""
    return found


def _folders(paths: Sequence[str]) -> Sequence[str]:
    """Return what is listed to find some paths: their common folder where they are many."""
    plain = [path for path in paths if _is_plain(path)]
    if len(plain) < _MANY:
        return plain
    return [posixpath.commonpath([posixpath.dirname(path) for path in plain]) or "."]


def _is_asked(commit: str, path: str) -> bool:
    return is_id(commit) and bool(path) and path.isascii() and path.isprintable()


def _is_plain(path: str) -> bool:
    """Whether a tree can hold this path; of another git says nothing, or gives up altogether."""
    return _ODD.isdisjoint(path.split("/"))
