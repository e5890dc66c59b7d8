"""Paths of the command line, as paths from the repository's root."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from qflow_gitops.errors import UsageProblem

if TYPE_CHECKING:
    from qflow_gitops.cli.context import Wiring


def shown_path(wiring: Wiring, path: str) -> str:
    """Return a path of the command line as one from the repository's root, with `/`."""
    full = Path(os.path.abspath(wiring.directory / path))  # noqa: PTH100  links stay as they are
    root = Path(os.path.abspath(wiring.git.root))  # noqa: PTH100
    real = full if full.is_relative_to(root) else full.resolve()
    if not real.is_relative_to(root):
        raise UsageProblem(
            "The path is outside the repository.",
            where=path,
            not_done="Nothing was checked.",
            hint=f"The repository is {root}.",
            reason="path_outside",
        )
    return real.relative_to(root).as_posix()


def existing_paths(wiring: Wiring, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return paths of the command line from the root; UsageProblem for one that isn't there."""
    found = []
    for path in paths:
        if not os.path.lexists(wiring.directory / path):
            raise UsageProblem(
                "There is no such file or folder.",
                where=path,
                not_done="Nothing was checked.",
                hint="Name one that is there; `git ls-files` shows them.",
                reason="path_missing",
            )
        found.append(shown_path(wiring, path))
    return tuple(found)
