"""Running watches, and a clock that is theirs and their rounds' alone."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import Remote
from tests.helpers.fleets import MEMBER
from tests.helpers.git import Workspace
from tests.helpers.specs import spec
from tests.picture import ROOT

PROGRAM = "from qflow_gitops.cli.main import main; main()"
_AHEAD = """\
from datetime import UTC, datetime, timedelta
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.qualys.caller import Caller
def now(_=None):
    with open({file!r}) as file:
        return datetime.now(UTC) + timedelta(seconds=float(file.read()))
SystemClock.now = now
Caller.__init__.__kwdefaults__["now"] = now
"""


def project(folder: Path) -> Workspace:
    """Return a clone of a new remote, `remote.git`, whose project nobody has to approve."""
    clone = Remote(folder / "remote.git").clone("dev")
    clone.write("qflow.yaml", MEMBER)
    clone.write("runs/a.yaml", spec("a", 1))
    clone.commit("one")
    clone.git("push", "--quiet", "origin", "HEAD:main")
    return clone


class Watcher:
    """A running `watch` in a clone; what it says is in `log`, how it stands in `health`."""

    def __init__(self, clone: Path, log: Path, *words: str, **environ: str) -> None:
        self.clone, self.log = clone, log
        self.health = clone.with_name(f"{clone.name}.json")
        self._written = log.open("ab")
        options = ["--jitter", "0%", "--health", str(self.health), *words]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "-C", str(clone), "watch", *options],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            stdin=subprocess.DEVNULL, stdout=self._written, stderr=subprocess.STDOUT,
        )  # fmt: skip

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8")

    @property
    def stands(self) -> Any:
        """What its file says; {} where there is none, or none whole yet."""
        try:
            return json.loads(self.health.read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    @property
    def rounds(self) -> list[int]:
        """The processes of its round, if there is one."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with contextlib.suppress(OSError):
            return [int(one) for one in found.read_text().split()]
        return []

    @property
    def applies(self) -> bool:
        """Whether its round has come to its apply."""
        for pid in self.rounds:
            with contextlib.suppress(OSError):
                if b"\0apply\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return True
        return False

    @property
    def address(self) -> str:
        """Where it answers, by what it says."""
        (found,) = re.findall(r"(http://\S+)/healthz", self.said)
        return str(found)

    @property
    def files(self) -> list[Path]:
        """What it has open."""
        return [*Path(f"/proc/{self.process.pid}/fd").iterdir()]

    @property
    def resident(self) -> int:
        """Bytes of memory that it holds."""
        (line,) = (
            one
            for one in Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
            if one.startswith("VmRSS")
        )
        return int(line.split()[1]) * 1024

    def ended(self, seconds: float = 60.0) -> int:
        try:
            return self.process.wait(seconds)
        finally:
            self._written.close()

    def end(self) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended(9.0)

    @property
    def round(self) -> int:
        """The number of the last one that ended."""
        return int(self.stands.get("round", 0))

    def kill_rounds(self) -> None:
        """Kill what it started, and leave it as it is."""
        for pid in self.rounds:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def kill(self) -> None:
        """Kill it, and what it started."""
        self.kill_rounds()
        if self.process.poll() is None:
            self.process.kill()
        self.ended()


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it didn't come to it"
        time.sleep(0.05)


class ProcessClock:
    """The time of programs that are started with `environ`, and of the sandbox: it can be set."""

    def __init__(self, folder: Path, sandbox: SandboxServer) -> None:
        folder.mkdir()
        self._file, self._sandbox, self._ahead = folder / "ahead", sandbox, timedelta()
        self._file.write_text("0")
        (folder / "sitecustomize.py").write_text(_AHEAD.format(file=str(self._file)))
        self.environ: Mapping[str, str] = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}

    def set(self, at: datetime) -> None:
        """Let it be this moment; from there it goes on."""
        ahead = at - datetime.now(UTC)
        self._sandbox.elapse((ahead - self._ahead).total_seconds())
        self._ahead = ahead
        new = self._file.with_name("new")
        new.write_text(str(ahead.total_seconds()))
        new.replace(self._file)
