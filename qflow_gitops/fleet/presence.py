"""Which processes of this clone work on a fleet: what a killed one had claimed is free again.

A claim on a member holds until its time is over, since nobody elsewhere can tell whether its owner
still works. Here the kernel can: each process holds the lock of a file with its claims' name.
"""

import contextlib
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from qflow_gitops.base import flocks

_NAME = re.compile(r"[0-9a-f]{16}")


class Presence:
    """The processes that use a folder; it is made when the first one does."""

    def __init__(self, folder: Path) -> None:
        """Take a folder of the clone."""
        self._folder = folder

    @contextlib.contextmanager
    def shown(self) -> Iterator[str]:
        """Give a new name for this process' claims, which is one of the living until the end.

        Where the folder can't be written the name is nobody's here: then its claims hold until
        their time is over.
        """
        name = secrets.token_hex(8)
        with contextlib.ExitStack() as held:
            with contextlib.suppress(OSError):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                held.enter_context(flocks.entered(self._folder / name, lambda: 0.0))
            yield name
            with contextlib.suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)

    def is_dead(self, name: str) -> bool:
        """Whether a process with claims of this name worked here, and is no more."""
        path = self._folder / name
        if not _NAME.fullmatch(name) or not path.is_file():
            return False
        with contextlib.suppress(OSError), flocks.entered(path, lambda: 0.0) as lock:
            return lock is not None
        return False
