"""The program as a process of its own, many times at the price of one start.

Run as a script it is a process that starts as an environment would have the program start
(variables, rights, a terminal), imports the program, and forks for each command line that it is
told. There a stream that is closed is closed, and Python has none, as at a start without one.
"""

import fcntl
import gc
import json
import os
import pkgutil
import pty
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

WEAK = ("setpriv", "--inh-caps=-all", "--bounding-set=-all") if os.geteuid() == 0 else ()
"""What takes from root the rights that root has in spite of a file's."""
_STREAMS: Mapping[str, tuple[int, str]] = {
    "<&-": (0, ""), ">&-": (1, ""), "2>&-": (2, ""),
    ">/dev/full": (1, "/dev/full"), "2>/dev/full": (2, "/dev/full"),
}  # fmt: skip
"""A shell's redirection: the stream, and what it is then, "" for closed."""
_COLUMNS = 500


class Forks:
    """Starts such a process, and gives it command lines.

    `weak`: without root's rights; `terminal`: all its streams are one.
    """

    def __init__(
        self, environ: Mapping[str, str], *, weak: bool = False, terminal: bool = False
    ) -> None:
        self._terminal = _Terminal() if terminal else None
        place = self._terminal.theirs if self._terminal else subprocess.DEVNULL
        self._told, theirs = socket.socketpair()
        command = [*(WEAK if weak else ()), sys.executable, "-P", __file__, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, env=environ, pass_fds=[theirs.fileno()], cwd="/",
                stdin=place, stdout=place, stderr=place,
            )  # fmt: skip
        self._lines = self._told.makefile("rb")

    def __call__(
        self,
        words: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        scratch: Path,
        streams: str = "",
    ) -> tuple[int, str, str]:
        """Run a command line in a folder: exit code, stdout, stderr ("" of a broken stream).

        `streams` are redirections as a shell has them, of `_STREAMS`. A terminal shows both, as
        stdout. `scratch` is a folder for what is written.
        """
        files = [Path(os.devnull), scratch / "stdout", scratch / "stderr"]
        for file in files[1:]:
            file.write_bytes(b"")
        sound = {} if self._terminal else dict(enumerate(map(str, files)))
        paths = [*(sound | dict(_STREAMS[one] for one in streams.split())).items()]
        job = {"words": words, "folder": str(folder), "environ": environ, "streams": paths}
        self._told.sendall(json.dumps(job).encode() + b"\n")
        line = self._lines.readline()
        assert line, "the process is gone"
        out, err = (file.read_text("utf-8", "replace") for file in files[1:])
        return int(line), self._terminal.shown() if self._terminal else out, err

    def close(self) -> None:
        self._told.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self._told.close()
        self._process.wait(10)
        if self._terminal:
            self._terminal.close()


class _Terminal:
    """A terminal that is wide enough for every table."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _COLUMNS, 0, 0))
        self._pieces: list[bytes] = []
        self._wake, self._asleep = os.pipe()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._ours, self._wake], [], [])
            if self._ours not in ready:
                return
            self._pieces.append(os.read(self._ours, 65_536))

    def shown(self) -> str:
        """Give what was written since the last time."""
        mark = b"\0the end"
        os.write(self.theirs, mark)
        while not b"".join(self._pieces[-2:]).endswith(mark):
            select.select([], [], [], 0.002)
        found = b"".join(self._pieces).removesuffix(mark)
        self._pieces.clear()
        return found.decode().replace("\r\n", "\n")

    def close(self) -> None:
        os.close(self._asleep)
        self._thread.join(10)
        for one in (self._ours, self.theirs, self._wake):
            os.close(one)


# --- the script --------------------------------------------------------------------------


def _become(job: Mapping[str, Any]) -> None:
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environ"])
    for number, path in job["streams"]:
        if not path:
            os.close(number)
            name = ("stdin", "stdout", "stderr")[number]
            setattr(sys, name, None)
            setattr(sys, f"__{name}__", None)
            continue
        opened = os.open(path, os.O_WRONLY | os.O_APPEND if number else os.O_RDONLY)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
    sys.argv = ["qflow-gitops", *job["words"]]


def _serve() -> NoReturn:
    """A line with a job comes in, a line with the exit code goes out."""
    import qflow_gitops

    told = socket.socket(fileno=int(sys.argv[1]))
    for module in pkgutil.walk_packages(qflow_gitops.__path__, "qflow_gitops."):
        if not module.name.startswith("qflow_gitops.sandbox"):  # which takes a while
            import_module(module.name)
    gc.freeze()
    lines = told.makefile("rb")
    for line in iter(lines.readline, b""):
        if (child := os.fork()) == 0:
            os.close(told.fileno())
            _become(json.loads(line))
            import_module("qflow_gitops.cli.main").main()
        _, status = os.waitpid(child, 0)
        told.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    sys.exit()


if __name__ == "__main__":
    _serve()
