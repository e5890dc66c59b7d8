"""Reads the freezes of the environment: a variable, and the file that another one names."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.freezes import Freeze

_MOST = 4096  # bytes of a file; its first line is the reason


def of_environment(environ: Mapping[str, str], directory: Path) -> tuple[Freeze, ...]:
    """Return what holds now; the file is looked at each time. It is relative to `directory`.

    A file that isn't there freezes nothing. One that can't be read does, and so does one whose
    folder isn't there, since what it would say can't be known.
    """
    found = freezes.by_variable(environ.get(freezes.VARIABLE, ""))
    name = environ.get(freezes.FILE, "").strip()
    if not name:
        return found
    path = directory / name
    try:
        return (*found, freezes.by_file(str(path), _text(path)))
    except FileNotFoundError:
        if path.is_symlink():
            return (*found, freezes.by_unreadable_file(str(path), "it is a link to nothing"))
        if not path.parent.is_dir():
            return (*found, freezes.by_unreadable_file(str(path), "its folder isn't there"))
        return found
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        return (*found, freezes.by_unreadable_file(str(path), why))


def _text(path: Path) -> str:
    """Read the beginning of a file; whatever isn't a plain one is never waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no plain file")
        return os.read(descriptor, _MOST).decode("utf-8-sig", "replace")
    finally:
        os.close(descriptor)
