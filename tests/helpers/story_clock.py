"""The time of a story: for the program in this process, the sandbox, git and openssl alike."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.qualys.caller import Caller
from qflow_gitops.sandbox.server import SandboxServer
from tests.picture import ROOT


def compiled(into: Path, log: Path) -> None:
    """Make the library that is preloaded; what a cron would have done goes to `log`."""
    source = ROOT / "tests/c/clock.c"
    define = f'-DCLOCK_LOG="{log}"'
    subprocess.run(["cc", "-shared", "-fPIC", define, "-o", into, source], check=True)


class StoryClock:
    """Goes on from whatever moment it is set to; git and openssl see that moment itself."""

    def __init__(
        self, folder: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.mkdir()
        self._sandbox, self._ahead = sandbox, timedelta()
        self._variables, self._library = folder / "variables", folder / "clock.so"
        compiled(self._library, folder / "log")
        git = folder / "bin/git"
        git.parent.mkdir()
        git.write_text(f'#!/bin/sh\n. "{self._variables}"\nexec "{shutil.which("git")}" "$@"\n')
        git.chmod(0o755)
        self.set(datetime.now(UTC))
        monkeypatch.setattr(SystemClock, "now", lambda _clock: self.now())
        defaults = Caller.__init__.__kwdefaults__
        assert defaults is not None
        monkeypatch.setitem(defaults, "now", self.now)
        monkeypatch.setenv("PATH", f"{git.parent}:{os.environ['PATH']}")

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def set(self, at: datetime) -> None:
        """Let it be this moment."""
        ahead = at - datetime.now(UTC)
        self._sandbox.elapse((ahead - self._ahead).total_seconds())
        self._ahead, self._at = ahead, at
        lines = (f"export {name}='{value}'\n" for name, value in self.environ().items())
        self._variables.write_text("".join(lines))

    def environ(self) -> Mapping[str, str]:
        """What a process is to be started with, so that it is that moment for it."""
        seconds = str(int(self._at.timestamp()))
        return {
            "LD_PRELOAD": str(self._library), "CLOCK_BEGIN": seconds, "CLOCK_END": seconds,
        }  # fmt: skip
