"""What a clone remembers of the lockfiles in its work trees: a folder of the git directory each.

Kept by where a project lies. So a project that was moved, or copied, has no memory where it is
now: whose memory it is then, a person says.
"""

import hashlib
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from qflow_gitops.base import atomic
from qflow_gitops.base.paths import ROOT, ProjectFolder
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.codec import from_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.stores.checks import NOTHING_DONE

JOURNAL, COPY, ANNOUNCED = "journal", "written.lock", "announced"
_KEPT = (JOURNAL, COPY, ANNOUNCED)
_PROJECTS = "projects"
_LONGEST = 200  # characters of a file's name


class Memory(NamedTuple):
    """What is remembered of a project: where that is kept, and where the project lies."""

    path: Path
    folder: ProjectFolder

    @property
    def exists(self) -> bool:
        """Whether anything is remembered."""
        return any((self.path / name).exists() for name in _KEPT)

    def lineages(self) -> set[str]:
        """Return the lineages of what is remembered. Raises LockError where it can't be read."""
        found = set()
        try:
            if (self.path / COPY).exists():
                copy = self.path / COPY
                found.add(from_bytes(copy.read_bytes(), str(copy)).lineage)
            for line in atomic.read_lines(self.path / JOURNAL):
                found.add(str(json.loads(line)["lineage"]))
                break  # the first says it
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise LockError(
                f"What this clone remembers of a lockfile can't be read: {problem}.",
                where=str(self.path),
                not_done=NOTHING_DONE,
                hint="Keep the folder and report it: it may hold the lockfile of what was sent.",
                reason="lock_unreadable",
            ) from None
        return found


def remembered(private: Path, folder: ProjectFolder) -> Lockfile | None:
    """Return the newest lockfile that was written here as a file, None where none was.

    Raises LockError where it can't be read.
    """
    copy = memory(private, folder).path / COPY
    try:
        return from_bytes(copy.read_bytes(), str(copy))
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise LockError(
            f"What this clone remembers of a lockfile can't be read: {problem.strerror}.",
            where=str(copy),
            not_done=NOTHING_DONE,
            hint="Keep the folder and report it: it may hold the lockfile of what was sent.",
            reason="lock_unreadable",
        ) from None


def memory(private: Path, folder: ProjectFolder) -> Memory:
    """Return the memory of the project in a folder; `private` is a folder of the git directory."""
    if folder == ROOT:
        return Memory(private, ROOT)
    name = quote(folder.name, safe="")
    if len(name) > _LONGEST:
        name = hashlib.sha256(folder.name.encode()).hexdigest()
    return Memory(private / _PROJECTS / name, folder)


def others(private: Path, own: ProjectFolder) -> Iterator[Memory]:
    """Return the memories of other projects that there are."""
    kept = private / _PROJECTS
    names = sorted(path.name for path in kept.iterdir()) if kept.is_dir() else []
    for folder in (ROOT, *(ProjectFolder(unquote(name)) for name in names)):
        kept_there = memory(private, folder)
        if folder != own and kept_there.exists:
            yield kept_there


def check_own(root: Path, private: Path, own: Memory, lineages: set[str]) -> None:
    """Refuse to begin without a memory where another project's may be this one's.

    `lineages` are those that the lockfile and the settings name, without any if there are none
    yet. Raises LockError.
    """
    if own.exists:
        return
    for other in others(private, own.folder):
        is_there = (root / other.folder.settings).exists()
        same = lineages & other.lineages()
        if not same and (lineages or is_there):
            continue
        if same and is_there and (root / other.folder.lockfile).exists():
            raise LockError(
                f"{own.folder.lockfile} and {other.folder.lockfile} are of one lineage: one is a "
                "copy of the other, and each would send what the other sent.",
                where=own.folder.lockfile,
                not_done=NOTHING_DONE,
                hint=f"Take `lineage` out of the copy's {own.folder.settings} and remove its "
                f"lockfile; then declare what ran: `qflow-gitops -C "
                f"{shlex.quote(str(root / own.folder.name))} baseline --reason TEXT`",
                reason="lock_copied",
            )
        left = (other.path / name for name in _KEPT)
        moved = " ".join(shlex.quote(str(path)) for path in left if path.exists())
        target = shlex.quote(str(own.path))
        raise LockError(
            "What this clone remembers of the lockfile belongs to the project in "
            f"`{other.folder.name or '.'}`, which may have been moved here.",
            where=own.folder.lockfile,
            not_done=NOTHING_DONE,
            hint=f"If it was: `mkdir -p {target} && mv {moved} {target}`",
            reason="lock_moved_here",
        )
