"""What went wrong is said once, in the same word everywhere, with its reason and the next command.

The kind: several runs of one fate, in the apply that meets it and in every later command.
"""

import time
from datetime import UTC, datetime, timedelta

import pytest

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.sandbox.server import SandboxServer
from tests.cli.test_golden import Golden, golden  # noqa: F401  a fixture
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.helpers.specs import spec

NAMES = ("a", "b", "c")


@pytest.fixture
def three(project: Workspace, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Three runs, of which all is recorded at one time."""
    now = datetime.now(UTC)
    monkeypatch.setattr(SystemClock, "now", lambda _clock: now)
    project.remove("runs/aws/buckets.yaml")
    for name in NAMES:
        project.write(f"runs/{name}.yaml", spec(name, name))
    project.commit("three")
    return project


@pytest.mark.parametrize(
    ("fault", "said", "exit_code"),
    [
        ("401", "Status 401: Not authenticated", 1),
        ("403", "does not have the API ACCESS permission", 1),
        ("400", "Status 400: Sandbox fault 400", 1),
    ],
)
def test_refused(
    fault: str, said: str, exit_code: int, three: Workspace, cli: Cli, sandbox: SandboxServer,
    golden: Golden,  # noqa: F811
) -> None:  # fmt: skip
    """The reason is said once, stays, and all go on by one command."""
    sandbox.set_faults(f"{fault}@run")
    done = cli("-q", "apply", "--yes")
    golden(f"words-refused-{fault}", done)
    assert (done.code, done.out.count(said), done.err.count(said) <= 1) == (exit_code, 1, True)
    for later in (cli("apply", "--yes"), cli("plan"), cli("plan", "--format", "markdown")):
        assert said in later.out
        assert "`qflow-gitops apply --retry-failed`" in later.out
        assert later.code == 0
    assert said[:20] in cli("status").out
    assert said in cli("history", "a").out
    golden(f"words-refused-{fault}-plan", cli("plan"))
    golden(f"words-refused-{fault}-status", cli("status"))
    sandbox.set_faults()
    again = cli("apply", "--yes", "--retry-failed", "--ack", "retry=3", "--reason", "mended")
    assert (again.code, "3 succeeded, 0 held" in again.out) == (0, True), again
    assert "prod on sandbox: up to date, 3 runs recorded\n" in cli("apply", "--yes").out


def test_a_rate_limit(
    three: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It says how long it waited, and how long Qualys wants it to; and what is due again."""
    sandbox.set_faults("429=200")
    golden("words-rate-limit", cli("-q", "apply", "--yes"))
    golden("words-rate-limit-plan", cli("plan"))
    sandbox.set_faults("429=2#3")
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    done = cli("apply", "--yes", "--concurrency", "1")
    assert (done.code, "3 succeeded" in done.out) == (12, False), done
    limited = "Refused by a rate limit (429), 3 times in 4 s; Qualys asks to wait 2 s more"
    assert limited in done.out


def test_a_wait_is_told(three: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    """Also where nobody watches, when it begins."""
    sandbox.set_faults("429=1.5#1")
    done = cli("apply", "--yes", "--concurrency", "1")
    assert done.code == 0
    assert done.err.count("; next try in ") == 1, done.err


def test_ended_unexplained(
    three: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden,  # noqa: F811
) -> None:  # fmt: skip
    sandbox.set_faults("outcome=Failed")
    done = cli("-q", "apply", "--yes")
    assert done.out.startswith(
        "prod on sandbox: 3 ended unexplained, 0 held\n  ✗ 3 runs  each had ended"
    )
    assert "  → prod/a, and 2 more alike: Look in Qualys how it ended: `qflow-gitops" in done.out
    golden("words-ended-plan", cli("plan"))


def test_each_by_itself_where_that_is_asked_for(
    three: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("401@run")
    done = cli("-v", "apply", "--yes")
    assert done.out.count("Status 401: Not authenticated") == 3
    assert cli("-v", "plan").out.count("--retry prod/") == 3


@pytest.mark.parametrize("more", [("--no-wait",), ("--timeout", "1s")])
def test_what_is_under_way_has_a_next_command(
    more: tuple[str, ...], three: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(duration=30) as slow:
        monkeypatch.setenv("QFLOW_GATEWAY", slow.url)
        done = cli("apply", "--yes", *more)
        assert done.code == (0 if more == ("--no-wait",) else 8)
        look = "`qflow-gitops status --refresh -e prod` shows how they end, as the next apply does"
        assert f"  → {look}\n" in done.out
        assert cli("status", "--refresh", "-e", "prod").code == 0


def test_what_was_sent_before_is_told_apart_from_what_is_sent_now(
    three: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes", "--no-wait").code == 0
    three.write("runs/a.yaml", spec("a", "another"))
    three.commit("another")
    said = cli("apply", "--yes").out
    assert said.count("prod/a  attempt 1, sent before, had succeeded by") == 1
    assert said.count("prod/a  had succeeded by") == 1


def test_what_was_never_sent_isnt_said_to_be_missing(
    three: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where a limit kept it back nor where a person says that it didn't run."""
    sandbox.set_faults("429=200")
    assert cli("apply", "--yes").code == 12
    assert "isn't in this clone" not in cli("plan").out
    sandbox.set_faults("drop")
    assert cli("apply", "--yes", "--concurrency", "1").code == 9
    later, ahead = datetime.now(UTC) + timedelta(hours=1), sandbox.elapse
    ahead(3600)
    monkeypatch.setattr(SystemClock, "now", lambda _clock: later)
    for name in NAMES:
        cli("resolve", name, "--absent", "--reason", "looked")
    plan = cli("plan")
    assert "did not run, as was settled" in plan.out
    assert "isn't in this clone" not in plan.out
