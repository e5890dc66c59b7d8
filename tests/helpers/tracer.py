"""Runs a command and kills it, or all of its processes too, at the Nth step that matters.

    python -I -S tracer.py N all|alone RESULT COMMAND…

A step is a system call of `CALLS` that begins, a write to a socket, or a git that was just
started, counted over every thread and process of the command. `strace -e inject=…:when=N`
counts each thread by itself, so most steps of git and of the threads that send couldn't be
reached with it. With N = 0 nothing is killed and the steps are only counted.

What git starts on the remote's side of a local path is another machine's in truth: its steps
don't count and it isn't killed, it only finds its client gone.

A seccomp filter stops the processes at these calls alone, so the rest runs at full speed.
RESULT gets JSON: `killed`, `step` (the last one's name), `steps` (how many), `status` (the
command's exit code). Exit code 77: tracing isn't possible here.
"""

import ctypes
import json
import os
import platform
import signal
import struct
import sys
from pathlib import Path

CALLS = {
    "x86_64": (
        0xC000003E,
        {
            1: "write", 18: "pwrite64", 42: "connect", 44: "sendto", 45: "recvfrom",
            46: "sendmsg", 74: "fsync", 75: "fdatasync", 76: "truncate", 77: "ftruncate",
            82: "rename", 86: "link", 87: "unlink", 263: "unlinkat", 264: "renameat",
            265: "linkat", 316: "renameat2",
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            64: "write", 68: "pwrite64", 203: "connect", 206: "sendto", 207: "recvfrom",
            211: "sendmsg", 82: "fsync", 83: "fdatasync", 45: "truncate", 46: "ftruncate",
            38: "renameat", 37: "linkat", 35: "unlinkat", 276: "renameat2",
        },
    ),
}  # fmt: skip
"""Machine -> its number in the kernel's audit, and number -> name of the calls."""
UNABLE = 77
_WALL = 0x40000000
_SEIZE, _CONT, _SYSCALL_INFO = 0x4206, 7, 0x420E
_OPTIONS = 0x2 | 0x4 | 0x8 | 0x10 | 0x80 | 0x100000  # fork, vfork, clone, exec, seccomp, exitkill
_EXEC, _SECCOMP = 4, 7

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _filter(arch: int, numbers: list[int]) -> None:
    """Let the kernel stop this process, and all that come of it, at the calls."""
    count = len(numbers)
    code = [(0x20, 0, 0, 4), (0x15, 0, count + 1, arch), (0x20, 0, 0, 0)]
    code += [(0x15, count - at, 0, number) for at, number in enumerate(numbers)]
    code += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x7FF00000)]  # allow, trace
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text))
    )
    if _libc.prctl(38, 1, 0, 0, 0) or _libc.prctl(22, 2, program, 0, 0):
        os._exit(UNABLE)


def _begin(command: list[str], arch: int, numbers: list[int]) -> int:
    """Start the command under this process' eyes; its id."""
    mine, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(theirs)
        os.setsid()
        os.read(mine, 1)  # until it is watched
        _filter(arch, numbers)
        os.execv(command[0], command)
    if _libc.ptrace(_SEIZE, process, None, _OPTIONS):
        os.kill(process, signal.SIGKILL)
        sys.exit(UNABLE)
    os.write(theirs, b"x")
    return process


def _step(task: int, event: int, names: dict[int, str]) -> str:
    """The name of the step that a thread stands at, "" where it is none."""
    if event == _EXEC:
        name = Path(f"/proc/{task}/comm").read_text().strip()
        return f"exec {name}" if name.startswith("git") else ""
    if event != _SECCOMP:
        return ""
    info = ctypes.create_string_buffer(88)
    if _libc.ptrace(_SYSCALL_INFO, task, ctypes.c_void_p(len(info)), info) < 0:
        return ""
    number, first = struct.unpack_from("QQ", info.raw, 24)
    name = names.get(number, "")
    if name != "write":
        return name
    try:
        target = str(Path(f"/proc/{task}/fd/{first}").readlink())
    except OSError:
        return ""
    return "write to a socket" if target.startswith("socket:") else ""


def _told(task: int, name: str) -> int:
    """A number that the kernel tells of a thread: its process (Tgid), or whose child (PPid)."""
    for line in Path(f"/proc/{task}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


_REMOTE = ("git-receive-pac", "git-upload-pack")  # the kernel keeps 15 characters of a name


class Tracer:
    """Follows one command."""

    def __init__(self, main: int, kill_at: int, everything: bool, names: dict[int, str]) -> None:
        self.main, self.kill_at, self.everything, self.names = main, kill_at, everything, names
        self.tasks = {main}
        self.elsewhere: set[int] = set()
        self.steps, self.step, self.status, self.killed = 0, "", -1, False

    def run(self) -> None:
        while True:
            try:
                task, status = os.waitpid(-1, _WALL)
            except ChildProcessError:
                return
            if os.WIFSTOPPED(status):
                if task not in self.tasks | self.elsewhere:
                    self._place(task)
                self._stopped(task, os.WSTOPSIG(status), status >> 16)
            else:
                self.tasks.discard(task)
                self.elsewhere.discard(task)
                if task == self.main:
                    self.status = os.waitstatus_to_exitcode(status)

    def _place(self, task: int) -> None:
        """Whether a new thread belongs to this side or to the remote's."""
        try:
            kin = {_told(task, "Tgid"), _told(task, "PPid")}
        except OSError:
            kin = set()
        (self.elsewhere if kin & self.elsewhere else self.tasks).add(task)

    def _stopped(self, task: int, number: int, event: int) -> None:
        if event == _EXEC and Path(f"/proc/{task}/comm").read_text().strip() in _REMOTE:
            self.tasks.discard(task)
            self.elsewhere.add(task)
        if task in self.tasks and not self.killed and (name := _step(task, event, self.names)):
            self.steps, self.step = self.steps + 1, name
            if self.steps == self.kill_at:
                self._kill()
        _libc.ptrace(_CONT, task, None, 0 if event else number)

    def _kill(self) -> None:
        self.killed = True
        for one in self.tasks if self.everything else {self.main}:
            try:
                os.kill(_told(one, "Tgid"), signal.SIGKILL)
            except (ProcessLookupError, FileNotFoundError):
                continue


def main(arguments: list[str]) -> None:
    kill_at, who, result, *command = arguments
    if platform.system() != "Linux" or platform.machine() not in CALLS:
        sys.exit(UNABLE)
    arch, names = CALLS[platform.machine()]
    tracer = Tracer(_begin(command, arch, list(names)), int(kill_at), who == "all", names)
    tracer.run()
    told = {name: getattr(tracer, name) for name in ("killed", "step", "steps", "status")}
    Path(result).write_text(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
