"""The lockfile's branch over ssh, and over http and https with a token, as in a CI.

`.ci/run` goes over http with a token, and applies over ssh, `.ci/nightly` does each over https and
with an ssh command in the environment, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.gitdaemon import free_port
from tests.helpers.githttp import TOKEN, GitHttp, has_backend, header, make_certificate, serve_http
from tests.helpers.partners import nightly
from tests.helpers.specs import spec
from tests.helpers.sshd import MISSING, Sshd, serve_ssh

RUN = "encrypt-prod-buckets"
WRONG = "ghs_canaryWrongToken9876543210"

needs_backend = pytest.mark.skipif(not has_backend(), reason="this git has no http-backend")
needs_sshd = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@dataclass(frozen=True)
class Place:
    """A remote, reached as `server` and `path`; `settings` are what git needs for that."""

    server: str
    path: str
    settings: tuple[tuple[str, str], ...]
    remote: Remote

    def connect(self, workspace: Workspace, server: str = "") -> None:
        """Let a workspace reach its remote this way alone."""
        workspace.git("remote", "set-url", "origin", (server or self.server) + self.path)
        for name, value in self.settings:
            workspace.git("config", name, value)

    def clone(self, name: str, *options: str) -> Workspace:
        """A fresh clone, made through this way as well."""
        beside = Workspace(self.remote.path.parent)
        config = [word for one in self.settings for word in ("-c", "=".join(one))]
        beside.git("clone", "--quiet", *options, *config, self.server + self.path, name)
        return Workspace(beside.path / name)


def http_place(git: GitHttp, remote: Remote, *more: tuple[str, str]) -> Place:
    settings = ((f"http.{git.url}/.extraheader", header()), *more)
    return Place(git.url, f"/{remote.path.name}", settings, remote)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_certificate(tmp_path_factory.mktemp("tls"))
    if made is None:
        pytest.skip("needs openssl for a certificate")
    return made


@pytest.fixture
def http(remote: Remote) -> Iterator[GitHttp]:
    with serve_http(remote.path.parent) as git:
        yield git


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with serve_ssh(tmp_path_factory.mktemp("ssh") / "server") as server:
        yield server


HTTP = pytest.param("http", marks=needs_backend)
OTHERS = (
    pytest.param("https", marks=[needs_backend, nightly]),
    pytest.param("ssh by the environment", marks=[needs_sshd, nightly]),
)


@pytest.fixture(params=[HTTP, pytest.param("ssh", marks=[needs_sshd, nightly]), *OTHERS])
def place(
    request: pytest.FixtureRequest, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    if request.param == "http":
        yield http_place(request.getfixturevalue("http"), remote)
    elif request.param == "https":
        certificate = request.getfixturevalue("certificate")
        trusted = ("http.sslCAInfo", str(certificate.with_suffix(".crt")))
        with serve_http(remote.path.parent, certificate) as git:
            yield http_place(git, remote, trusted)
    else:
        server: Sshd = request.getfixturevalue("ssh")
        settings: tuple[tuple[str, str], ...] = (("core.sshCommand", server.command()),)
        if request.param != "ssh":
            monkeypatch.setenv("GIT_SSH_COMMAND", server.command())
            settings = ()
        yield Place(server.address, str(remote.path), settings, remote)


def refused(done: Done, sandbox: SandboxServer) -> None:
    """It ended before anything was sent, with a sentence and without the token."""
    assert done.code == 11, done.err
    assert "Error: " in done.err
    assert "→ " in done.err
    assert "Traceback" not in done.err
    for secret in (TOKEN, WRONG, header().rsplit(" ", 1)[1], header(WRONG).rsplit(" ", 1)[1]):
        assert secret not in done.out + done.err
    assert sandbox.requests("POST", "/run") == []


@pytest.mark.parametrize(
    "place", [HTTP, pytest.param("ssh", marks=needs_sshd), *OTHERS], indirect=True
)
def test_clones_apply_through_it(
    place: Place, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    place.connect(workspace)
    done = cli("apply", "--yes")
    assert done.code == 0, done.err
    fresh = place.clone("fresh")
    other = Cli(fresh.path, cli._capfd)
    assert other.json("plan")["counts"]["run"] == 0
    fresh.write("runs/b.yaml", spec("b"))
    fresh.commit("b")
    fresh.git("push", "--quiet", "origin", "main")
    assert other("apply", "--yes").code == 0
    assert cli.json("status")["exitCode"] == 0
    shallow = Cli(place.clone("shallow", "--depth=1").path, cli._capfd)
    done = shallow("apply", "--yes")
    assert done.code == 0, done.err
    assert place.remote.states() == {RUN: "succeeded", "b": "succeeded"}
    assert len(sandbox.executions()) == 2
    assert shallow("lock", "verify").code == 0


def test_a_lost_race_is_noticed_through_it(
    place: Place, workspace: Workspace, cli: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    place.connect(workspace)
    second = Cli(place.clone("second").path, cli._capfd)
    pushed = GitBranch.push
    done: list[int] = []

    def push(self: GitBranch, commit: str, parent: str) -> bool:
        if not done:
            done.append(1)
            assert second("apply", "--yes").code == 0
        return pushed(self, commit, parent)

    monkeypatch.setattr(GitBranch, "push", push)
    assert cli("apply", "--yes").code == 0
    assert done
    assert len(sandbox.executions()) == 1
    assert len(place.remote.attempts(RUN)) == 1


def test_a_refusing_remote_sends_nothing(
    place: Place, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """What the server's own hook says arrives through every transport."""
    place.connect(workspace)
    place.remote.hook("pre-receive", 'echo "protected branch hook declined" >&2; exit 1\n')
    done = cli("apply", "--yes")
    refused(done, sandbox)
    assert "hook declined" in done.err


def test_a_server_that_is_gone(
    place: Place, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    before, _, _ = place.server.rpartition(":")
    place.connect(workspace, f"{before}:{free_port()}")
    refused(cli("apply", "--yes"), sandbox)
    assert cli("plan").code == 11


@needs_backend
@pytest.mark.parametrize("where", ["header", "address"])
def test_a_wrong_token(
    where: str, http: GitHttp, remote: Remote, workspace: Workspace, cli: Cli,
    sandbox: SandboxServer,
) -> None:  # fmt: skip
    if where == "header":
        workspace.git("remote", "set-url", "origin", f"{http.url}/{remote.path.name}")
        workspace.git("config", f"http.{http.url}/.extraheader", header(WRONG))
    else:
        address = http.url.replace("http://", f"http://x-access-token:{WRONG}@")
        workspace.git("remote", "set-url", "origin", f"{address}/{remote.path.name}")
    refused(cli("apply", "--yes"), sandbox)
    refused(cli("apply", "--yes", "--format", "json"), sandbox)
    assert sandbox.requests() == []
    assert len(http.requests) <= 4, "a refused token isn't tried again and again"
    assert cli("plan").code == 11


@needs_backend
def test_a_token_in_the_address(
    http: GitHttp, remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    address = http.url.replace("http://", f"http://x-access-token:{TOKEN}@")
    workspace.git("remote", "set-url", "origin", f"{address}/{remote.path.name}")
    done = cli("-v", "apply", "--yes")
    assert done.code == 0, done.err
    assert TOKEN not in done.out + done.err
    assert TOKEN not in remote.git("log", "-p", BRANCH)
    remote.path.rename(remote.path.with_name("elsewhere.git"))
    workspace.write("runs/b.yaml", spec("b"))
    workspace.commit("b")
    gone = cli("-v", "apply", "--yes")
    assert gone.code == 11
    assert TOKEN not in gone.out + gone.err


@needs_backend
def test_a_token_that_may_only_read(
    http: GitHttp, remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    http_place(http, remote).connect(workspace)
    http.pushes = 0
    done = cli("apply", "--yes")
    refused(done, sandbox)
    assert "403" in done.err
    assert "right to push" in done.err
    assert cli.json("plan")["counts"]["run"] == 1


@needs_backend
def test_a_token_that_ends_between_intent_and_answer(
    http: GitHttp, remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    http_place(http, remote).connect(workspace)
    http.pushes = 1
    done = cli("apply", "--yes")
    assert done.code == 11
    (execution,) = sandbox.executions()
    assert execution["id"] in workspace.read("qflow.lock.rescue")
    http.pushes = None
    assert cli("lock", "push").code == 0
    assert cli("apply", "--yes").code == 0
    assert remote.states() == {RUN: "succeeded"}
    assert len(sandbox.executions()) == 1


@needs_backend
def test_an_untrusted_certificate(
    certificate: Path, remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    with serve_http(remote.path.parent, certificate) as git:
        http_place(git, remote).connect(workspace)
        refused(cli("apply", "--yes"), sandbox)
        assert git.requests == []


@needs_sshd
@pytest.mark.parametrize(
    "how", [{"key": "stranger"}, {"known": "nobody"}], ids=["a strange key", "an unknown host"]
)
def test_ssh_never_asks(
    how: dict[str, str], ssh: Sshd, remote: Remote, workspace: Workspace, cli: Cli,
    sandbox: SandboxServer,
) -> None:  # fmt: skip
    """Neither for a password nor whether a host is to be trusted: nobody is there to answer."""
    workspace.git("remote", "set-url", "origin", f"{ssh.address}{remote.path}")
    workspace.git("config", "core.sshCommand", ssh.command(**how))
    refused(cli("apply", "--yes"), sandbox)
    assert not (ssh.folder / "nobody").exists()
