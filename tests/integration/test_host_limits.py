"""A repository host that takes no file above 1 MB takes the lockfile, however much is recorded."""

from collections.abc import Iterator

import pytest

from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.states import State
from qflow_gitops.sandbox.server import SandboxServer
from tests.benchmarks import recorded
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.partners import rows
from tests.helpers.specs import spec
from tests.helpers.stores import store_of

RUN = "encrypt-prod-buckets"
MOST = 1_000_000
"""Bytes of a file that the host takes."""
EXPECTED = 300_000
"""Bytes that no file of the lockfile comes near."""
REFUSE = f"""\
while read old new ref; do
  git rev-list --objects --no-object-names "$new" --not --all |
  git cat-file --batch-check='%(objecttype) %(objectsize)' |
  awk '$1 == "blob" && $2 > {MOST} {{ big = 1 }} END {{ exit big }}' || {{
    echo "a file above 1 MB: hook declined" >&2; exit 1; }}
done
"""


def sizes(remote: Remote) -> Iterator[int]:
    """How large the files of the lockfile's branch are."""
    lines = remote.git("ls-tree", "-r", "--long", BRANCH).splitlines()
    return (int(line.split()[3]) for line in lines)


@pytest.fixture
def host(remote: Remote) -> Remote:
    remote.hook("pre-receive", REFUSE)
    return remote


def test_the_host_refuses_what_is_larger(host: Remote, workspace: Workspace) -> None:
    for size, taken in ((MOST, True), (MOST + 1, False)):
        workspace.write("file", b"x" * size)
        workspace.commit("a file")
        pushed = workspace.git("push", "--porcelain", "origin", f"HEAD:{size}") if taken else ""
        assert ("Done" in pushed) is taken
    with pytest.raises(Exception, match="non-zero exit status"):
        workspace.git("push", "--quiet", "origin", "HEAD:more")


def test_a_run_with_a_thousand_attempts(
    host: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Each as long as one that apply makes. The next apply adds to the last of its files."""
    assert cli("apply", "--yes").code == 0
    (first,) = host.attempts(RUN)
    known = ("number", "state", "executionId", "status", "digest", "events")
    facts = {name: value for name, value in first.items() if name not in known}
    with store_of(workspace.path).session() as session:
        for hundred in range(10):
            session.record(
                [one for number in range(max(2, 100 * hundred + 1), 100 * hundred + 101)
                 for one in ended(number, facts)]
            )  # fmt: skip
    assert max(sizes(host)) < EXPECTED
    workspace.write("runs/aws/buckets.yaml", spec(RUN, "changed"))
    workspace.publish("changed")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2
    attempts = host.attempts(RUN)
    assert [one["number"] for one in attempts] == list(range(1, 1002))
    assert attempts[-1]["state"] == "succeeded"
    names = host.git("ls-tree", "-r", "--name-only", BRANCH).splitlines()
    assert sum(RUN in name for name in names) == 11
    assert max(sizes(host)) < EXPECTED
    assert Cli(host.clone("fresh").path, cli._capfd)("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def ended(number: int, facts: dict[str, object]) -> Iterator[Transition]:
    """An attempt that failed, as long as one of an apply's."""
    by = {"by": {"actor": "somebody@example.com", "run": "https://ci.example.com/runs/1"}}
    at = "2026-01-01T00:00:00Z"
    opens = Event(at, State.INTENT, {**by, "executionsBefore": [f"{one:036}" for one in range(4)]})
    digest = f"v1:sha256:{number:064}"
    yield Transition(
        "prod", RUN, number, opens,
        opens=Attempt(number, State.INTENT, digest, (opens,), facts=facts),
    )  # fmt: skip
    for to in (State.ACCEPTED, State.FAILED):
        yield Transition(
            "prod", RUN, number, Event(at, to, {"status": "Failure"}),
            execution_id=f"{number:036}", status="Failure",
        )  # fmt: skip


@pytest.mark.parametrize("count", rows((2_000, 50_000), lambda count: count == 2_000))
def test_very_many_runs(
    count: int, host: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    head = workspace.git("rev-parse", "HEAD")
    facts = {"workflowId": "6cad21c8-4405-4517-beb9-7372feafb5b4", "platform": "sandbox",
             "file": "runs/one.yaml", "commit": head, "blob": head, "nonce": "1" * 32}  # fmt: skip
    runs = [
        recorded.Run(f"run-{one:05}", f"v1:sha256:{recorded.made_up(one)}", facts)
        for one in range(count)
    ]
    recorded.write(host.path, 2, recorded.history(runs, head))
    assert len(host.states()) == count
    before = host.tip()
    done = cli("apply", "--yes")
    assert done.code == 0, done
    assert len(sandbox.executions()) == 1
    assert host.git("merge-base", before, BRANCH) == before
    assert max(sizes(host)) < EXPECTED
    changed = host.git("diff-tree", "-r", "--name-only", before, BRANCH).splitlines()
    assert len(changed) == 2  # the head, and one run
    shared = host.git("rev-list", "--objects", "--no-object-names", f"{before}..{BRANCH}")
    assert len(shared.split()) < 40  # of all that is recorded next to nothing is written again
