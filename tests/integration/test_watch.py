"""`watch`, with real processes: a project is applied again and again, each run once."""

import json
import signal
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
from tests.helpers.receivers import KEY, Answer, receiving
from tests.helpers.sandboxes import served
from tests.helpers.specs import spec
from tests.helpers.watchers import Watcher, project, until


@pytest.fixture
def base(tmp_path: Path) -> Workspace:
    """A clone of a remote whose project is applied without anybody's approval."""
    return project(tmp_path)


@pytest.fixture
def remote(base: Workspace, tmp_path: Path) -> Remote:
    return Remote(tmp_path / "remote.git")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Callable[..., Watcher]]:
    """Begins watches, and ends what is left of them."""
    begun: list[Watcher] = []

    def begin(clone: Path, *words: str, **environ: str) -> Watcher:
        log = tmp_path / f"log{len(begun)}"
        begun.append(Watcher(clone, log, "--every", "1s", *words, **environ))
        return begun[-1]

    yield begin
    for one in begun:
        if one.process.poll() is None:
            one.kill()


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
    watcher = watched(clone.path)
    until(lambda: watcher.stands)
    assert watcher.stands["exitCode"] == 0
    base.write("runs/b.yaml", spec("b", 2))
    commit = base.publish("two")
    until(lambda: watcher.stands["commit"] == commit)
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
        again = watched(remote.clone("again").path, "--rounds", "1")
        again.process.send_signal(signal.SIGTERM)
        assert again.ended() in (143, -signal.SIGTERM)
        assert len(slow.executions()) == 1


@pytest.mark.nightly
def test_it_answers_how_it_stands(
    base: Workspace, remote: Remote, sandbox: SandboxServer, watched: Callable[..., Watcher]
) -> None:
    watcher = watched(remote.clone("watcher").path, "--listen", "0")
    until(lambda: "/healthz" in watcher.said)
    address = watcher.address
    with pytest.raises(HTTPError, match="503"):
        urlopen(f"{address}/healthz")
    until(lambda: "succeeded" in watcher.said)
    until(lambda: b"rounds_total{" in urlopen(f"{address}/metrics").read())
    assert json.load(urlopen(f"{address}/healthz"))["exitCode"] == 0
    assert watcher.end() == 0


@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_what_an_apply_left_to_tell_is_told_when_it_can_be(
    base: Workspace, remote: Remote, sandbox: SandboxServer, watched: Callable[..., Watcher]
) -> None:
    """By the settings of the commit that was applied, though HEAD has older ones."""
    clone = remote.clone("watcher")
    base.write("qflow.yaml", MEMBER + "  notify: {events: [started, finished]}\n")
    base.publish("tell others")
    with receiving(rest=Answer(503)) as receiver:
        told = {"QFLOW_NOTIFY_URL": receiver.url, "QFLOW_NOTIFY_KEY": KEY}
        watcher = watched(clone.path, **told)
        until(lambda: "2 notices are still to be told." in watcher.said, 150)
        receiver.rest = Answer()
        until(lambda: "outbox" not in remote.record(), 150)
        assert watcher.end() == 0
    assert len({*receiver.ids}) == 2
    assert watcher.stands["exitCode"] == 0
    assert clone.git("rev-parse", "HEAD") != remote.git("rev-parse", "main")


@pytest.mark.nightly
@pytest.mark.timeout(1200)
def test_its_memory_stays_as_it_is(
    base: Workspace, remote: Remote, sandbox: SandboxServer, watched: Callable[..., Watcher]
) -> None:
    """Of the watch itself, over rounds that send something and rounds that don't.

    What the C library keeps of what was freed grows by a megabyte over three hundred rounds, and no
    more from there; what Python holds is measured in test_watching.py.
    """
    watcher = watched(remote.clone("watcher").path, "--listen", "0")
    until(lambda: watcher.round >= 20, 180)
    address = watcher.address
    early, opened = watcher.resident, len(watcher.files)
    for number in range(10):
        base.write("runs/a.yaml", spec("a", number + 2))
        base.publish(f"{number}")
        until(lambda number=number: watcher.round >= 30 + 10 * number, 180)  # type: ignore[misc]
        for _ in range(50):
            urlopen(f"{address}/metrics").read()
    assert watcher.round >= 120
    assert watcher.resident - early < 2 * 2**20
    assert len(watcher.files) <= opened + 1
    assert watcher.end() == 0
    assert len(sandbox.executions()) == 11
