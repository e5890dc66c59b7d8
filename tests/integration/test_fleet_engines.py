"""Which engine works on a fleet: what each needs is said, and what is said helps."""

import socket
import sys
from pathlib import Path

import pytest

from qflow_gitops.fleet import engines
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.fleets import FleetOnDisk, order_of

CELERY = ("fleet", "apply", "--engine", "celery")
LOCAL = ("fleet", "apply", "--engine", "local")
BROKER = "QFLOW_FLEET_BROKER"


@pytest.fixture
def fleet(tmp_path: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> FleetOnDisk:
    made = FleetOnDisk(tmp_path, ["a"])
    for name, value in made.credentials("sandbox", "sandbox").items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def operator(fleet: FleetOnDisk, capfd: pytest.CaptureFixture[str]) -> Cli:
    return Cli(fleet.clone.path, capfd)


def nobody_listens() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"redis://:canary-broker-password@127.0.0.1:{free.getsockname()[1]}/0"


@pytest.mark.parametrize("command", [CELERY, ("fleet", "worker")])
@pytest.mark.parametrize("broker", ["", "memory://", "filesystem://", "127.0.0.1:6379"])
def test_a_broker_is_named_and_is_one(
    broker: str, command: tuple[str, ...], operator: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER, broker)
    refused = operator(*command)
    assert refused.code == 2
    said = "It is no address of Redis or RabbitMQ." if broker else "It isn't set."
    assert f"Error: {BROKER}: {said}\n" in refused.err
    assert "redis://HOST:6379/0" in refused.err


@pytest.mark.parametrize("command", [CELERY, LOCAL, ("fleet", "worker"), ("fleet", "matrix")])
def test_a_fleet_beside_another_one_is_worked_on_by_nobody(
    command: tuple[str, ...], fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """They would share fleet.lock, in which nothing is written."""
    monkeypatch.setenv(BROKER, nobody_listens())
    fleet.clone.write("eu/fleet.yaml", fleet.clone.read("fleet.yaml"))
    fleet.write()
    refused = operator(*command)
    assert refused.code == 3, refused
    assert "several fleets, which would share one fleet.lock" in refused.err
    assert sandbox.executions() == []
    assert fleet.remote.git("branch", "--list", "qflow-fleet") == ""


def test_a_broker_that_does_not_answer_is_told_without_its_password(
    operator: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER, nobody_listens())
    refused = operator(*CELERY)
    assert refused.code == 12
    assert "The broker doesn't answer" in refused.err
    assert "canary" not in refused.err + refused.out
    assert sandbox.executions() == []


@pytest.mark.parametrize(
    "more", [("--inventory", "true"), ("--ack", "unmerged=1", "--reason", "x")]
)
def test_what_workers_cannot_know_is_refused(
    more: tuple[str, ...], operator: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER, nobody_listens())
    refused = operator(*CELERY, *more)
    assert refused.code == 2
    assert f"`{' '.join(more).partition('=')[0].partition(' true')[0]}`" in refused.err
    assert operator(*LOCAL).code == 0
    assert order_of(sandbox.executions()) == ["a-0"]


def test_what_was_let_go_here_is_not_for_workers(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They read what is on the remote's default branch, and nobody could tell them."""
    monkeypatch.setenv(BROKER, nobody_listens())
    fleet.clone.write("README.md", "more")
    fleet.clone.commit("mine")
    assert operator(*LOCAL, "--ack", "unmerged=1", "--reason", "x").code == 0
    refused = operator(*CELERY)
    assert refused.code == 2
    assert "Have it merged first." in refused.err
    fleet.clone.git("push", "--quiet", "origin", "HEAD:main")
    assert "The broker doesn't answer" in operator(*CELERY).err


@pytest.mark.parametrize("command", [CELERY, ("fleet", "worker")])
def test_workers_agree_by_a_remote(
    command: tuple[str, ...], fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(BROKER, nobody_listens())
    fleet.clone.git("remote", "remove", "origin")
    refused = operator(*command)
    assert refused.code == 2
    assert "has no remote origin" in refused.err
    assert operator(*LOCAL).code == 0
    assert order_of(sandbox.executions()) == ["a-0"]


@pytest.mark.parametrize("command", [CELERY, ("fleet", "worker")])
def test_without_celery_it_says_what_to_install(
    command: tuple[str, ...], operator: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER, nobody_listens())
    # What was imported before is an attribute of its package as well.
    for name in ("celery", "celery_worker"):
        monkeypatch.delitem(sys.modules, f"{engines.__name__}.{name}", raising=False)
        monkeypatch.delattr(engines, name, raising=False)
    monkeypatch.setitem(sys.modules, "celery", None)
    refused = operator(*command)
    assert refused.code == 2
    assert "pip install 'qflow-gitops[celery]'" in refused.err
