"""What became of files; workflows of the catalog; a draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qflow_gitops.errors import ExitCode
from qflow_gitops.results.report import Report

if TYPE_CHECKING:
    from qflow_gitops.specs.catalogs import Workflow


@dataclass(frozen=True, slots=True)
class FileChange:
    """What became of one file. `what` is one word: written, kept, changed, left, …"""

    file: str
    what: str
    detail: str = ""
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """What a command did, or would do, to files; `next` are commands to type."""

    changes: tuple[FileChange, ...]
    next: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Workflows of the catalog; `detailed`: with their variables."""

    workflows: tuple[Workflow, ...]
    detailed: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to go on with."""

    content: str


def listed(changes: tuple[FileChange, ...], commit: str, notes: tuple[str, ...] = ()) -> Report:
    """Report on a pull of connectors: 3 where Qualys has no list of a cloud.

    `commit` is the command that commits the catalogs.
    """
    changed = any(change.what in ("written", "changed") for change in changes)
    body = Files(changes, ("qflow-gitops validate", commit) if changed else ())
    if any(change.what == "unknown" for change in changes):
        reason = "connectors_unknown"
        return Report("connectors", ExitCode.INVALID, reason, notes=notes, body=body)
    return Report("connectors", notes=notes, body=body)


def pulled(changes: tuple[FileChange, ...], commit: str) -> Report:
    """Report on a pull: 3 where Qualys doesn't know one of the workflows.

    `commit` is the command that commits the catalog.
    """
    changed = any(change.what in ("written", "changed") for change in changes)
    steps = ("qflow-gitops validate", commit) if changed else ()
    body = Files(changes, steps)
    if any(change.what == "unknown" for change in changes):
        return Report("workflows", ExitCode.INVALID, "workflow_unknown", body=body)
    return Report("workflows", body=body)
