"""What a look at the whole work tree found, kept for the next one.

A value that is read before anything else is loaded: git looks what has changed meanwhile.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.cache import verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.findings.finding import Diagnostic
    from qflow_gitops.ports.git import Cache

_NAME = "survey"


class AllSpecs(NamedTuple):
    """What there is: how many files of specs, the runs, what was found.

    `runs` is a text, since most of it is never needed: a line break, then for each run the end
    of its digest, a tab, `environment/name`, a tab, its file, and a line break. Neither stands
    in a valid name.
    """

    files: int
    runs: str
    found: tuple[Diagnostic, ...]

    def count(self, only: tuple[str, ...]) -> int:
        """Count the runs in these files and folders; all without any."""
        if not only or "" in only or "." in only:
            return self.runs.count("\n") - 1
        roots = [
            path for path in set(only)
            if not any(path != other and covers((other,), path) for other in only)
        ]  # fmt: skip
        return sum(self.runs.count(f"\t{root}{end}") for root in roots for end in ("\n", "/"))


class Survey(NamedTuple):
    """What a look at everything found: with which settings, where, with which catalog."""

    basis: str
    folders: tuple[str, ...]
    workflows: tuple[str, ...]
    context: str
    state: tuple[Sequence[str], bytes]
    looked: AllSpecs

    @classmethod
    def kept(cls, cache: Cache, root: Path, folder: ProjectFolder, basis: str) -> Survey | None:
        """Return what was kept of a project in a work tree, if it is of these settings."""
        data = cache.content(_name(root, folder)) or b""
        place = data.find(b"\n") + 1
        try:
            its, folders, workflows, context, (files, by_file), unsure, length = json.loads(
                data[:place]
            )
            texts = (*folders, *workflows, *unsure, context)
            if its != basis or not all(isinstance(text, str) for text in texts):
                return None
            runs = data[place : place + int(length)].decode()
            looked = AllSpecs(int(files), runs, verdicts.findings_of_files(by_file))
            state = unsure, data[place + length :]
            return cls(basis, tuple(folders), tuple(workflows), context, state, looked)
        except (ValueError, TypeError, LookupError, RecursionError):
            return None

    def keep(self, cache: Cache, root: Path, folder: ProjectFolder) -> None:
        """Keep it, in place of any other of this project in this work tree."""
        runs = self.looked.runs.encode()
        looked = [self.looked.files, verdicts.findings_by_file(self.looked.found)]
        unsure, entries = self.state
        head = [self.basis, self.folders, self.workflows, self.context, looked, unsure, len(runs)]
        content = b"".join((json.dumps(head).encode(), b"\n", runs, entries))
        cache.keep_content(_name(root, folder), content)


def _name(root: Path, folder: ProjectFolder) -> str:
    return f"{_NAME} {root / folder.name}"


def covers(only: tuple[str, ...], file: str) -> bool:
    """Whether a file is one of those asked for, or in one of the folders; all are without any."""
    return not only or any(path in ("", ".", file) or file.startswith(path + "/") for path in only)
