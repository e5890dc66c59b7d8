"""What was found of a project at a commit: where it lies, its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.findings.finding import Diagnostic
    from qflow_gitops.settings.project import Project


class Settings(NamedTuple):
    """The settings, and the content of their file (None where there is none).

    `found` is what a person should know about them.
    """

    project: Project
    content: bytes | None
    found: tuple[Diagnostic, ...] = ()


class Found(NamedTuple):
    """Where a project lies, and what its settings' file holds: None where it has none."""

    folder: ProjectFolder
    content: bytes | None
    found: tuple[Diagnostic, ...] = ()
