"""Many real processes that apply the same commit at once, each in a clone of its own."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qflow_gitops
from tests.helpers.clones import BRANCH, BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import spec

PROGRAM = [sys.executable, "-c", "from qflow_gitops.cli.main import main; main()"]


TREE = Path(qflow_gitops.__file__).parents[1]
"""The source tree that is at work here."""


def environment(folder: Path, url: str = "", tree: Path = TREE) -> dict[str, str]:
    """What the processes see: nothing of the caller's but the PATH; they run what is in `tree`."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text("[user]\n\tname = Storm\n\temail = storm@example.com\n")
    known = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    known["PYTHONPATH"] = str(tree)
    if url:
        known["QFLOW_GATEWAY"] = url
        known |= {"QFLOW_CLIENT_ID": "sandbox", "QFLOW_CLIENT_SECRET": "sandbox"}
    return known


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox in a process of its own, asked over HTTP what it saw."""

    url: str

    def executions(self) -> list[dict[str, Any]]:
        return self._asked("executions")

    def requests(self) -> list[dict[str, Any]]:
        return self._asked("requests")

    def _asked(self, what: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_sandbox/{what}") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@contextlib.contextmanager
def sandbox_process(folder: Path, *options: str) -> Iterator[RunningSandbox]:
    """Start `qflow-gitops sandbox` and end it afterwards."""
    process = subprocess.Popen(
        [*PROGRAM, "sandbox", "--duration", "0", *options],
        cwd=folder, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield RunningSandbox(process.stdout.readline().removeprefix("listening on ").strip())
    finally:
        process.terminate()
        process.communicate()


@dataclass(frozen=True)
class Ended:
    """One process: its exit code, what it said, and the CPU seconds of it and its children."""

    code: int
    out: str
    err: str
    cpu: float


@dataclass(frozen=True)
class Race:
    """The pushes that one clone tried, oldest first: whether each won."""

    won: tuple[bool, ...]

    @property
    def lost(self) -> int:
        return self.won.count(False)

    @property
    def lost_in_a_row(self) -> int:
        longest = now = 0
        for one in self.won:
            now = 0 if one else now + 1
            longest = max(longest, now)
        return longest


class Storm:
    """A bare remote with so many due runs, and so many clones of it."""

    def __init__(self, folder: Path, *, clones: int, runs: int) -> None:
        self.folder = folder
        self.runs = [f"run-{number:03}" for number in range(runs)]
        self.remote = Remote(folder / "remote.git")
        author = Workspace(folder / "author")
        author.path.mkdir()
        author.git("init", "--quiet", "--initial-branch=main")
        author.git("remote", "add", "origin", self.remote.path.as_uri())
        _named(author)
        limits = f"  policy: {{limits: {{runs: {runs}}}}}\n"
        author.write("qflow.yaml", BRANCH_PROJECT + limits)
        for number, name in enumerate(self.runs):
            author.write(f"runs/{name}.yaml", spec(name, number))
        author.commit("the runs")
        author.git("push", "--quiet", "origin", "main")
        self.clones = [_named(self.remote.clone(f"clone-{number}")) for number in range(clones)]

    def apply(self, url: str, *options: str, limit: float) -> tuple[list[Ended], float]:
        """Let every clone apply, see `at_once`."""
        return at_once(self.clones, environment(self.folder, url), *options, limit=limit)

    def races(self) -> list[Race]:
        """Say which pushes each clone won and lost: a lost one's commit is only in the clone."""
        won = set(self.remote.git("rev-list", BRANCH).split())
        return [Race(tuple(commit in won for commit in _tried(clone))) for clone in self.clones]


def at_once(
    clones: Sequence[Workspace], known: dict[str, str], *options: str, limit: float
) -> tuple[list[Ended], float]:
    """Let every clone apply at once; how each ended, and the seconds until the last did."""
    command = [*PROGRAM, "apply", "--yes", "--no-wait", *options]
    begun = time.perf_counter()
    with contextlib.ExitStack() as opened:
        started = []
        for clone in clones:
            started.append(_start(command, clone, known, opened.enter_context))
            opened.callback(_end, started[-1][0])
        ended = [_wait(one, begun + limit) for one in started]
    return ended, time.perf_counter() - begun


def _end(process: subprocess.Popen[str]) -> None:
    """End a process that whoever stopped the storm has left."""
    if process.returncode is None:
        process.kill()
        process.wait()


def _start(
    command: Sequence[str], clone: Workspace, known: dict[str, str], keep: Any
) -> tuple[subprocess.Popen[str], Path]:
    place = clone.path.parent / f"{clone.path.name}.log"
    out = keep(place.with_suffix(".out").open("w"))
    err = keep(place.with_suffix(".err").open("w"))
    process = subprocess.Popen(
        command, cwd=clone.path, env=known, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
        text=True,
    )  # fmt: skip
    return process, place


def _wait(started: tuple[subprocess.Popen[str], Path], until: float) -> Ended:
    """Wait for one process; a process that takes too long is killed and fails the caller."""
    process, place = started
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.perf_counter() > until:
            process.kill()
            _, status, usage = os.wait4(process.pid, 0)
            break
        time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(status)
    out, err = (place.with_suffix(end).read_text() for end in (".out", ".err"))
    return Ended(process.returncode, out, err, usage.ru_utime + usage.ru_stime)


def _named(clone: Workspace) -> Workspace:
    """Give a clone an identity of its own, by which its commits are known."""
    clone.git("config", "user.name", clone.path.name)
    clone.git("config", "user.email", f"{clone.path.name}@example.com")
    return clone


def _tried(clone: Workspace) -> list[str]:
    """Give the commits of the lockfile that were made in a clone, in the order of their making."""
    listing = ["--batch-all-objects", "--unordered", "--batch-check=%(objecttype) %(objectname)"]
    objects = clone.git("cat-file", *listing).splitlines()
    commits = [line.split()[1] for line in objects if line.startswith("commit")]
    form = "%H %ce %(trailers:key=Qflow-Serial,valueonly,separator=)"
    shown = clone.git("log", "--no-walk=unsorted", f"--format={form}", *commits).splitlines()
    mine = f"{clone.path.name}@example.com"
    made = [words for words in map(str.split, shown) if len(words) == 3 and words[1] == mine]
    return [commit for commit, _, _ in sorted(made, key=lambda words: int(words[2]))]
