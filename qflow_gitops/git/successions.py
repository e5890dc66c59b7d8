"""What many commits hold, each asked for by a line to one process of git's.

A part of `ports.git.GitTree`, loaded by who needs it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import TreeFile
from qflow_gitops.errors import QflowError
from qflow_gitops.git.process import is_id, literal_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from qflow_gitops.git.repository import GitRepo

_GONE = "000000"


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
    some = [each for each in dict.fromkeys(places) if _is_asked(*each)]
    if repo.is_partial:
        return _one_by_one(repo, some)
    wanted = [f"{commit}^{{tree}}" for commit in dict.fromkeys(commit for commit, _ in some)]
    lines = [*wanted, *(f"{commit}:{path}" for commit, path in some)]
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
    asked = zip(some, told[len(wanted) :], strict=True)
    return {
        place: blob if kind == "blob" else ""
        for place, (blob, _, kind) in asked
        if place[0] in here
    }


def _one_by_one(repo: GitRepo, places: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """Look into trees alone, commit by commit: of a blob that isn't here git would ask."""
    paths: dict[str, list[str]] = {}
    for commit, path in places:
        paths.setdefault(commit, []).append(path)
    found = {}
    for commit, some in paths.items():
        with suppress(QflowError):  # a tree may lack as well
            there = repo.files(commit, some)
            for path in some:
                entry = there.get(path.encode())
                found[commit, path] = entry.blob if entry else ""
    return found


def _is_asked(commit: str, path: str) -> bool:
    return is_id(commit) and bool(path) and path.isascii() and path.isprintable()
