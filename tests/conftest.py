"""A clean environment for every test: no user's settings, no CI, no credentials."""

import gc
import itertools
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.github_api import GitHubApi
from tests.helpers.kept import Kept
from tests.helpers.partners import NIGHTLY
from tests.helpers.sandboxes import served
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT
from tests.helpers.stamps import Authority, StampServer

settings.register_profile(
    "default",
    max_examples=200 if NIGHTLY else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("default")

gc.disable()  # until all tests are collected

_FOREIGN = ("GIT_", "QFLOW_", "GITHUB_", "GITLAB_", "CI_", "XDG_")
_NAMES = ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names for the folders of people who are at home nowhere else, one for each test."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def clean_environment(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable or file of the user's reaches a test; signal handlers are put back."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name in _NAMES:
            monkeypatch.delenv(name)
    home = next(homes)
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Test\n\temail = test@example.com\n"
        "[init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n"
        # Each commit and push would start one more process, to find that there is nothing to do.
        "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[receive]\n\tautoGC = false\n"
    )
    monkeypatch.setenv("HOME", str(home))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    Workspace(folder).git("init", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    """A fresh git repository."""
    folder = tmp_path / "repository"
    shutil.copytree(template, folder)
    return Workspace(folder)


@pytest.fixture
def cli(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> Cli:
    """The program, run in this process inside the workspace."""
    return Cli(workspace.path, capfd)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A running sandbox that the environment points at."""
    with served(duration=0.05) as server:
        monkeypatch.setenv("QFLOW_GATEWAY", server.url)
        monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
        monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
        yield server


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """States that are made once."""
    return Kept(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def project(workspace: Workspace, kept: Kept) -> Workspace:
    """A repository with the settings for the sandbox and the release note's sample."""

    def make() -> None:
        workspace.write("qflow.yaml", SANDBOX_PROJECT)
        workspace.write("runs/README.md", "Specs.\n")
        workspace.write("runs/aws/buckets.yaml", SAMPLE)
        workspace.commit("the release note's sample")

    kept.begin("project", make, workspace)
    return workspace


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--golden` writes the golden files anew; `--fault` picks tests by what they would find."""
    parser.addoption("--golden", action="store_true", help="write the golden files anew")
    parser.addoption(
        "--fault", action="append", type=int, help="only tests of this fault (tests/helpers/faults)"
    )


def pytest_collection_finish() -> None:
    """What thousands of tests are made of stays: the garbage collection needn't look through it."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test's faults stand in a JUnit report; without those asked for, it isn't run.

    Neither is what `.ci/nightly` is for, unless it asks, a fault is looked for, or golden files are
    written anew.
    """
    night = NIGHTLY or config.getoption("--golden")
    wanted: list[int] = config.getoption("--fault")
    left: list[pytest.Item] = []
    kept: list[pytest.Item] = []
    for item in items:
        of_it = {one for mark in item.iter_markers("fault") for one in mark.args}
        item.user_properties += [("fault", str(one)) for one in sorted(of_it)]
        here = of_it & {*wanted} if wanted else night or not item.get_closest_marker("nightly")
        (kept if here else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.fixture
def remote(workspace: Workspace, tmp_path: Path, kept: Kept) -> Remote:
    """A bare remote that `workspace` pushes to, with the sample and the branch store's settings."""
    path = tmp_path / "remote.git"

    def make() -> None:
        workspace.git("remote", "add", "origin", Remote(path).path.as_uri())
        workspace.write("qflow.yaml", BRANCH_PROJECT)
        workspace.write("runs/README.md", "Specs.\n")
        workspace.write("runs/aws/buckets.yaml", SAMPLE)
        workspace.commit("the release note's sample")
        workspace.git("push", "--quiet", "origin", "main")

    kept.begin("remote", make, workspace, path)
    return Remote(path)


@pytest.fixture
def shared(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, kept: Kept
) -> Workspace:
    """A clone of a remote that holds the lockfile, of which everything was applied."""

    def make() -> None:
        assert cli("apply", "--yes").code == 0

    kept.begin("shared", make, workspace, remote.path, sandbox)
    return workspace


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move this process' clock forward (or back) by seconds."""

    def move(seconds: float) -> None:
        ahead = timedelta(seconds=seconds)
        monkeypatch.setattr(SystemClock, "now", lambda _clock: datetime.now(UTC) + ahead)

    return move


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubApi]:
    """A GitHub that the environment points at."""
    with GitHubApi() as api:
        for name, value in api.environ.items():
            monkeypatch.setenv(name, value)
        yield api


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Authority]:
    """Roots with a server's certificate each, made once; by a name, and what else is said of it."""
    folder = tmp_path_factory.mktemp("authorities")
    made: dict[str, Authority] = {}

    def named(name: str = "one", **how: Any) -> Authority:
        if name not in made:
            made[name] = Authority(folder / name, **how)
        return made[name]

    return named


@pytest.fixture
def stamps(authorities: Callable[..., Authority]) -> Iterator[StampServer]:
    """A running time-stamp server."""
    server = StampServer(authorities())
    yield server
    server.close()
