"""What a look at the whole work tree found, kept for the next one.

A value that is read before anything else is loaded: git looks what has changed meanwhile.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.cache import verdicts
from qflow_gitops.sources.loader import AllSpecs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.ports.cache import Cache

_NAME = "survey"


class Survey(NamedTuple):
    """What a look at everything found: with which settings, where, with which catalog."""

    basis: str
    folders: tuple[str, ...]
    catalogs: tuple[str, ...]
    context: str
    state: tuple[Sequence[str], bytes]
    looked: AllSpecs

    @classmethod
    def kept(cls, cache: Cache, root: Path, folder: ProjectFolder, basis: str) -> Survey | None:
        """Return what was kept of a project in a work tree, if it is of these settings."""
        data = cache.content(_name(root, folder)) or b""
        place = data.find(b"\n") + 1
        try:
            its, folders, catalogs, context, (files, by_file), unsure, length = json.loads(
                data[:place]
            )
            texts = (*folders, *catalogs, *unsure, context)
            if its != basis or not all(isinstance(text, str) for text in texts):
                return None
            runs = data[place : place + int(length)].decode()
            looked = AllSpecs(int(files), runs, verdicts.findings_of_files(by_file))
            state = unsure, data[place + length :]
            return cls(basis, tuple(folders), tuple(catalogs), context, state, looked)
        except (ValueError, TypeError, LookupError, RecursionError):
            return None

    def keep(self, cache: Cache, root: Path, folder: ProjectFolder) -> None:
        """Keep it, in place of any other of this project in this work tree."""
        runs = self.looked.runs.encode()
        looked = [self.looked.files, verdicts.findings_by_file(self.looked.found)]
        unsure, entries = self.state
        head = [self.basis, self.folders, self.catalogs, self.context, looked, unsure, len(runs)]
        content = b"".join((json.dumps(head).encode(), b"\n", runs, entries))
        cache.keep_content(_name(root, folder), content)


def _name(root: Path, folder: ProjectFolder) -> str:
    return f"{_NAME} {root / folder.name}"
