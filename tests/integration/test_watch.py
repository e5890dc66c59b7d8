"""`watch`, with real processes: a project is applied again and again, each run once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import Remote
from tests.helpers.fleets import MEMBER
from tests.helpers.git import Workspace
from tests.helpers.specs import spec
from tests.picture import ROOT


class Watcher:
    """A running `watch` in a clone; what it says is in `log`."""

    def __init__(self, clone: Path, log: Path, *words: str, **environ: str) -> None:
        self._log = log.open("wb")
        self.log = log
        program = "from qflow_gitops.cli.main import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, "-C", str(clone), "watch", "--jitter", "0%", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8")

    def ended(self, seconds: float = 60.0) -> int:
        try:
            return self.process.wait(seconds)
        finally:
            self._log.close()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.ended(9.0)


def until(what: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it didn't come to it"
        time.sleep(0.05)


@pytest.fixture
def base(tmp_path: Path) -> Workspace:
    """A clone of a remote whose project is applied without anybody's approval."""
    clone = Remote(tmp_path / "remote.git").clone("dev")
    clone.write("qflow.yaml", MEMBER)
    clone.write("runs/a.yaml", spec("a", 1))
    clone.commit("one")
    clone.git("push", "--quiet", "origin", "HEAD:main")
    return clone


@pytest.fixture
def remote(base: Workspace, tmp_path: Path) -> Remote:
    return Remote(tmp_path / "remote.git")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Callable[..., Watcher]]:
    """Begins watches, and ends what is left of them."""
    begun: list[Watcher] = []

    def begin(clone: Path, *words: str, **environ: str) -> Watcher:
        log = tmp_path / f"log{len(begun)}"
        begun.append(Watcher(clone, log, *words, **environ))
        return begun[-1]

    yield begin
    for one in begun:
        if one.process.poll() is None:
            one.process.kill()
            one.ended()


def _files(clone: Path) -> dict[str, bytes]:
    """What a fetch of a person's own would leave as it is."""
    places = [clone / ".git" / name for name in ("HEAD", "index", "refs/heads/main")]
    places += [clone / "qflow.yaml", *(clone / "runs").iterdir()]
    return {one.name: one.read_bytes() for one in places}


@pytest.mark.parametrize("bare", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_what_is_pushed_is_applied_by_the_next_round_and_nothing_twice(
    base: Workspace, remote: Remote, sandbox: SandboxServer, watched: Callable[..., Watcher],
    tmp_path: Path, bare: bool,
) -> None:  # fmt: skip
    """From a clone whose work tree, index and HEAD stay as they are, or that has none."""
    clone = remote.clone("watcher", *(["--bare"] if bare else []))
    before = {} if bare else _files(clone.path)
    health = tmp_path / "health.json"
    watcher = watched(clone.path, "--every", "1s", "--health", str(health))
    until(health.exists)
    assert json.loads(health.read_text())["exitCode"] == 0
    base.write("runs/b.yaml", spec("b", 2))
    commit = base.publish("two")
    until(lambda: len(sandbox.executions()) == 2)
    until(lambda: json.loads(health.read_text())["commit"] == commit)
    assert watcher.end() == 0
    assert remote.states() == {"a": "succeeded", "b": "succeeded"}
    assert len(sandbox.executions()) == 2
    assert [line for line in watcher.said.splitlines() if "succeeded" in line] == [
        line for line in watcher.said.splitlines() if line.startswith("prod/")
    ]
    assert clone.git("status", "--porcelain", "--untracked-files=no") == "" if not bare else True
    assert bare or _files(clone.path) == before
    assert clone.git("rev-parse", "refs/remotes/origin/main") == commit


@pytest.mark.nightly
def test_sigterm_is_handed_on_and_all_is_over_in_time(
    base: Workspace, remote: Remote, watched: Callable[..., Watcher],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The round records what it has; who begins again goes on."""
    from tests.helpers.sandboxes import served

    with served(duration=30.0) as slow:
        monkeypatch.setenv("QFLOW_GATEWAY", slow.url)
        monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
        monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
        watcher = watched(remote.clone("watcher").path)
        until(lambda: remote.git("branch", "--list", "qflow-lock") and remote.states())
        until(lambda: remote.states() == {"a": "accepted"})
        begun = time.monotonic()
        assert watcher.end() == 0
        assert time.monotonic() - begun < 7.5
        assert remote.states() == {"a": "accepted"}
        again = watched(remote.clone("again").path, "--rounds", "1", "--every", "1s")
        again.process.send_signal(signal.SIGTERM)
        assert again.ended() in (143, -signal.SIGTERM)
        assert len(slow.executions()) == 1


@pytest.mark.nightly
def test_it_answers_how_it_stands(
    base: Workspace, remote: Remote, sandbox: SandboxServer, watched: Callable[..., Watcher]
) -> None:
    watcher = watched(remote.clone("watcher").path, "--listen", "0")
    until(lambda: "/healthz" in watcher.said)
    (address,) = {one.rpartition("/")[0] for one in watcher.said.split() if "/healthz" in one}
    with pytest.raises(HTTPError, match="503"):
        urlopen(f"{address}/healthz")
    until(lambda: "succeeded" in watcher.said)
    until(lambda: b"rounds_total{" in urlopen(f"{address}/metrics").read())
    assert json.load(urlopen(f"{address}/healthz"))["exitCode"] == 0
    assert watcher.end() == 0
