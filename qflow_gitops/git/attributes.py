"""What git is told of files: attributes of paths, and the hooks that it would run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from qflow_gitops.git.disk import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qflow_gitops.git.repository import GitRepo

OFF, NOT_SAID = "unset", "unspecified"
"""What git calls an attribute that is switched off (`-text`), and one that nothing is said of."""


def attributes(
    repo: GitRepo, names: Sequence[str], paths: Sequence[str]
) -> Mapping[str, Mapping[str, str]]:
    """Return what the work tree's attributes say of paths, by name; {} where git can't tell."""
    status, out, _ = repo.run(["check-attr", "-z", *names, "--", *paths])
    words = iter([] if status else map(os.fsdecode, out.split(b"\0")[:-1]))
    found: dict[str, dict[str, str]] = {}
    for path, name, value in zip(words, words, words, strict=False):
        found.setdefault(path, {})[name] = value
    return found


def hooks_folder(repo: GitRepo) -> Path:
    """Return the folder of the hooks that a person's own git runs here."""
    told = [value for name, value in repo.configured if name == "core.hookspath"]
    told.pop()  # what this program tells each git, which is the last
    return repo.root / Path(told[-1]).expanduser() if told else repo.common_dir / "hooks"


def hook(repo: GitRepo, name: str) -> str:
    """Return the text of a hook, "" where there is none that can be read."""
    return (plain(os.fsencode(hooks_folder(repo) / name)) or b"").decode(errors="replace")
