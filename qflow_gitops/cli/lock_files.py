"""Files beside the lockfile: its lineage in the settings, and lines that couldn't be stored."""

from __future__ import annotations

import contextlib
import os
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from qflow_gitops.errors import QflowError, UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.results.report import Report
    from qflow_gitops.settings.project import Project


def pin_lineage(wiring: Wiring, lineage: str, project: Project) -> None:
    """Write a lockfile's lineage into the settings of the work tree, if they have none.

    `lineage` is "" where there is no lockfile. `project` led to it; the settings of the work
    tree may lead elsewhere by now.
    """
    from qflow_gitops.base import atomic
    from qflow_gitops.yaml import edit

    if not lineage or project.lock.lineage:
        return
    file = project.folder.settings
    path = wiring.git.root / file
    line = f"lock: {{lineage: '{lineage}'}}"
    with contextlib.suppress(OSError, QflowError):
        there = wiring.project()
        if there.lock.lineage:
            return
        made = edit.with_lock(path.read_bytes(), {"lineage": lineage})
        same = (there.folder, there.lock) == (project.folder, project.lock)
        if same and isinstance(made, bytes):
            atomic.replace(path, made)
            wiring.console.say(f"Wrote the lockfile's lineage into {file}; commit it.")
            return
    wiring.console.say(f"Add the lockfile's lineage to {file} under spec: {line}")


def left_to_push(wiring: Wiring, project: Project) -> tuple[str, ...]:
    """Say that answers of an earlier apply are in a file, and aren't recorded yet; () if not."""
    if not (wiring.git.root / project.folder.rescue).exists():
        return ()
    said = "holds answers of an earlier apply that aren't in the lockfile yet"
    return (f"{project.folder.rescue} {said}: `qflow-gitops lock push`",)


def noted(wiring: Wiring, project: Project, report: Report) -> Report:
    """Say first of all, beside a result, what waits to be pushed."""
    return replace(report, notes=(*left_to_push(wiring, project), *report.notes))


def check_own(wiring: Wiring, path: Path) -> None:
    """Refuse a file that came with a commit, or a link: what it says nobody saw here."""
    if path.is_symlink() or wiring.git.is_tracked(path):
        raise UsageProblem(
            "This file came with a commit, or is a link: it isn't what an apply saved here.",
            where=str(path),
            not_done="The lockfile is as it was.",
            hint=f"`git rm {shlex.quote(str(path))}`, and find out who committed it. Lines of "
            "an apply's log go in by `qflow-gitops lock push -`, which reads its stdin.",
            reason="rescue_tracked",
        )


def rescue(wiring: Wiring, folder: ProjectFolder, content: str) -> str:
    """Keep lines that couldn't be stored beside a project's lockfile; say where they are."""
    target = wiring.git.root / folder.rescue
    try:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(target, flags, 0o600), "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        return f"not to a file ({problem.strerror}), only here"
    return str(target)
