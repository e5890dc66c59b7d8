"""What `doctor` says of the machine."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.doctor_ground import found_or_problem
from qflow_gitops.errors import QflowError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from qflow_gitops.cli.doctor_ground import Ground
    from qflow_gitops.doctor.disks import Place
    from qflow_gitops.doctor.machine import Machine
    from qflow_gitops.results.checks import Check


def look(ground: Ground) -> Iterator[Check]:
    """Look at what this program runs on."""
    from qflow_gitops.doctor import clocks, disks, machine, routes

    now = SystemClock().now()
    yield from machine.checks(_machine(ground), now)
    yield clocks.beside_commit(_newest(ground), now)
    yield from routes.checks(ground.wiring.environ, now)
    yield from disks.checks(list(_places(ground)))


def _machine(ground: Ground) -> Machine:
    from qflow_gitops.base import timezones
    from qflow_gitops.doctor.machine import Machine
    from qflow_gitops.git import program

    settings = ground.settings
    return Machine(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        git=found_or_problem(lambda: program.version(ground.wiring.environ)),
        encoding=getattr(sys.stdout, "encoding", "") or "",
        rules=timezones.version(),
        zones=None
        if isinstance(settings, QflowError)
        else [window.timezone for window in settings.project.policy.windows],
    )


def _newest(ground: Ground) -> datetime | None:
    """Say when the commit that is checked out was made."""
    from qflow_gitops.base.times import moment

    git, commit = ground.git, ground.commit
    if isinstance(git, QflowError) or isinstance(commit, QflowError):
        return None
    at = git.committed_at(commit)
    return moment(at) if at else None


def _places(ground: Ground) -> Iterator[Place]:
    """Name what an apply writes to: the journal, the lockfile's objects, the cache, the rescue."""
    git, settings = ground.git, ground.settings
    if not isinstance(git, QflowError):
        file = not isinstance(settings, QflowError) and settings.project.lock.store == "worktree"
        what = "the lockfile" if file else "rescued answers"
        private = git.common_dir / "qflow-gitops"
        yield _place("the git directory", private if private.is_dir() else git.common_dir)
        yield _place(what, git.root, needed=file)
    yield _place("temporary files", Path(tempfile.gettempdir()), needed=False)


def _place(what: str, path: Path, *, needed: bool = True) -> Place:
    from qflow_gitops.doctor.disks import Place

    try:
        free = shutil.disk_usage(path).free
    except OSError:
        free = None
    return Place(what, str(path), free, os.access(path, os.W_OK), needed)
