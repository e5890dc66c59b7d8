"""Everyday work is not in the way: a team's month, and each time that somebody had to decide.

Ana and Ben work in clones of their own; what they merge, a CI applies from a fresh clone. Whatever
the program holds or refuses has to be in the list of decisions, and nothing else may be there.

`.ci/run` lives through the first week, `.ci/nightly` through all four.
"""

from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.month import Month, command, edit, move, remove, run, write
from tests.helpers.partners import nightly
from tests.helpers.specs import CONNECTOR, WORKFLOW

GOLDEN = Path(__file__).parent / "month.txt"


@pytest.fixture
def month(tmp_path: Path, cli: Cli, sandbox: SandboxServer) -> Month:
    """An empty repository with a main branch, and its clones."""
    remote = Remote(tmp_path / "remote.git")
    first = remote.clone("ana")
    first.write("README.md", "# Our runs\n")
    first.git("switch", "--quiet", "-C", "main")
    first.commit("begin")
    first.git("push", "--quiet", "origin", "main")
    return Month(tmp_path, remote, cli, sandbox)


def test_its_first_week(month: Month) -> None:
    """As the transcript of the month begins."""
    first_week(month)
    told = GOLDEN.read_text(encoding="utf-8").splitlines()
    assert month.told == told[: len(month.told)]
    assert len(month.told) > 10
    assert [*month.held] == DECISIONS[: len(month.held)]


@nightly
@pytest.mark.timeout(600)
def test_a_month(month: Month, request: pytest.FixtureRequest) -> None:
    """Forty pull requests; what somebody had to decide, and why."""
    first_week(month)
    second_week(month)
    third_week(month)
    fourth_week(month)
    assert month.number == 40
    decided = [(reason, what) for reason, what in month.held]
    assert decided == DECISIONS
    assert all(month.held.values())  # nothing is held any more
    text = "\n".join(month.told) + f"\n\n{len(decided)} decisions\n"
    if request.config.getoption("--golden"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == text


DECISIONS = [
    ("failed", "prod/rotate-keys"),
    ("failed", "prod/quarantine"),
    ("renamed", "prod/logs-archive"),
    ("unmerged", "prod/ports"),
    ("failed", "production/close-ports"),
]
"""What somebody had to decide in that month: (why, about what)."""


def first_week(team: Month) -> None:
    """Beginning, and the first runs."""
    team.pull_request(
        "ana",
        "begin with qflow-gitops",
        command(team, "ana", "init", str(team.folder / "ana"), "--platform", "sandbox"),
        edit("qflow.yaml", ("  lock:", "  statuses: {Failed: failed}\n  lock:")),
    )
    first = ("buckets", "aws"), ("machines", "azure"), ("logs", "gcp")
    team.pull_request(
        "ana",
        "three new runs",
        *(write(f"runs/{name}.yaml", run(name, cloud)) for name, cloud in first),
        applies=3,
    )
    team.pull_request(
        "ben", "another value", edit("runs/logs.yaml", ("value: 1", "value: 2")), applies=1
    )
    team.pull_request(
        "ben",
        "folders for each cloud",
        *(move(f"runs/{name}.yaml", f"runs/{cloud}/{name}.yaml") for name, cloud in first),
        merge="squash",
    )
    labels = ("metadata:\n", "metadata:\n  labels: {team: cloudsec, tier: prod}\n")
    team.pull_request(
        "ana",
        "labels",
        edit("runs/aws/buckets.yaml", labels),
        edit("runs/azure/machines.yaml", labels),
        merge="rebase",
    )
    legacy = (f"    connectorId: {CONNECTOR}\n", f"    credentials: {CONNECTOR}\n")
    team.pull_request(
        "ben",
        "two runs that were written for an older release",
        write("runs/aws/tags.yaml", run("tags").replace(*legacy)),
        write("runs/aws/snapshots.yaml", run("snapshots").replace(*legacy)),
        applies=2,
    )
    team.pull_request(
        "ana", "migrate legacy variables", command(team, "ana", "migrate"), merge="squash"
    )
    team.pull_request(
        "ben",
        "a run whose keys are refused",
        write("runs/aws/keys.yaml", run("rotate-keys")),
        applies=1,
        code=1,
        fails=True,
    )
    team.decide("failed", "prod/rotate-keys", "ben", "the keys are valid now: --retry")
    team.apply_by_hand("ben", "--retry", "prod/rotate-keys", "--reason", "valid now", sends=1)
    team.pull_request(
        "ana", "a page about our runs", write("docs/runs.md", "# How we run\n"), merge="rebase"
    )


def second_week(team: Month) -> None:
    """Changes of what is there."""
    team.pull_request(
        "ana",
        "the same in another form",
        edit("runs/gcp/logs.yaml", ("   # agreed", ""), ("target: logs", 'target: "logs"')),
        edit(
            "runs/aws/buckets.yaml",
            ("  input:\n    target: buckets\n    value: 1   # agreed\n", ""),
            ("spec:\n", "spec:\n  input: {value: 1, target: buckets}\n"),
        ),
    )
    team.pull_request(
        "ben",
        "ids in capitals, as the portal shows them",
        edit("runs/azure/machines.yaml", (WORKFLOW, WORKFLOW.upper())),
        merge="squash",
    )
    team.pull_request(
        "ana",
        "two values",
        edit("runs/aws/tags.yaml", ("value: 1", "value: 5")),
        edit("runs/azure/machines.yaml", ("value: 1", "value: 5")),
        merge="rebase",
        applies=2,
    )
    team.pull_request(
        "ben",
        "the buckets once more",
        command(team, "ben", "rerun", "buckets", "--reason", "new ones"),
        applies=1,
    )
    team.pull_request("ana", "no snapshots any more", remove("runs/aws/snapshots.yaml"))
    team.pull_request(
        "ben",
        "a quarantine",
        write("runs/azure/quarantine.yaml", run("quarantine", "azure")),
        applies=1,
        code=1,
        fails=True,
    )
    team.decide("failed", "prod/quarantine", "ana", "the group was wrong: the spec is changed")
    team.pull_request(
        "ana",
        "quarantine in the right group",
        edit("runs/azure/quarantine.yaml", ("resourceGroup: machines", "resourceGroup: networks")),
        applies=1,
    )
    team.pull_request(
        "ana",
        "tickets",
        edit(
            "runs/azure/quarantine.yaml",
            ("metadata:\n", "metadata:\n  annotations: {ticket: CHG1}\n"),
        ),
        edit("runs/aws/keys.yaml", ("metadata:\n", "metadata:\n  annotations: {ticket: CHG2}\n")),
    )
    team.pull_request(
        "ben",
        "the reason is nobody else's business",
        edit(
            "runs/azure/quarantine.yaml",
            ("value: 1   # agreed\n", "value: 1   # agreed\n  sensitive: [/input/target]\n"),
        ),
        behind=1,
    )
    team.pull_request(
        "ana",
        "another bucket policy, begun a while ago",
        edit("runs/aws/buckets.yaml", ("rerun: 1", "rerun: 1\n  # see CHG3")),
        write("runs/aws/policy.yaml", run("policy")),
        behind=2,
        applies=1,
    )
    both = run("images") + "---\n" + run("volumes")
    team.pull_request(
        "ben", "two runs in a file", write("runs/aws/disks.yaml", both), merge="squash", applies=2
    )
    team.pull_request(
        "ana",
        "the logs are called otherwise",
        move("runs/gcp/logs.yaml", "runs/gcp/logs-archive.yaml"),
        edit("runs/gcp/logs-archive.yaml", ("name: logs\n", "name: logs-archive\n")),
        before={
            ("renamed", "prod/logs-archive"): (
                "it is the same run: previousName",
                edit(
                    "runs/gcp/logs-archive.yaml",
                    ("name: logs-archive\n", "name: logs-archive\n  previousName: logs\n"),
                ),
            )
        },
    )


def third_week(team: Month) -> None:
    """A branch that was applied before it was merged, and what follows."""
    team.pull_request(
        "ben",
        "one file for each run",
        remove("runs/aws/disks.yaml"),
        write("runs/aws/images.yaml", run("images")),
        write("runs/aws/volumes.yaml", run("volumes")),
        merge="squash",
    )
    team.pull_request(
        "ana",
        "another value, and a new run",
        edit("runs/aws/images.yaml", ("value: 1", "value: 2")),
        write("runs/gcp/metrics.yaml", run("metrics", "gcp")),
        applies=2,
    )
    team.pull_request(
        "ben",
        "open ports, tried from the branch before it is merged",
        write("runs/aws/ports.yaml", run("ports")),
        merge="squash",
        before={
            ("unmerged", "prod/ports"): (
                "it can't wait for the review: --ack unmerged=1",
                command(
                    team, "ben", "apply", "--yes", "--ack", "unmerged=1", "--reason", "can't wait"
                ),
            )
        },
        tried=True,
    )
    team.pull_request(
        "ana", "comments in the settings", edit("qflow.yaml", ("spec:\n", "# ours\nspec:\n"))
    )
    team.pull_request(
        "ana",
        "the volumes once more",
        command(team, "ana", "rerun", "volumes", "--reason", "monthly"),
        merge="rebase",
        applies=1,
    )
    team.pull_request(
        "ben",
        "no metrics any more, and other tags",
        remove("runs/gcp/metrics.yaml"),
        edit("runs/aws/tags.yaml", ("value: 5", "value: 6")),
        applies=1,
    )
    team.pull_request(
        "ana", "back to the tags that we had", edit("runs/aws/tags.yaml", ("value: 6", "value: 5"))
    )
    team.pull_request(
        "ben",
        "folders for each team",
        move("runs/aws/images.yaml", "runs/platform/images.yaml"),
        move("runs/aws/volumes.yaml", "runs/platform/volumes.yaml"),
        edit(
            "runs/platform/images.yaml", ("metadata:\n", "metadata:\n  labels: {team: platform}\n")
        ),
        merge="squash",
    )
    name = f"platform: sandbox\n      connectors: {{{CONNECTOR}: payments}}\n"
    team.pull_request(
        "ana", "a name for the account", edit("qflow.yaml", ("platform: sandbox\n", name))
    )


def fourth_week(team: Month) -> None:
    """A new environment, and another name for the first one."""
    dev = "  environment: dev\n"
    team.environments = ("prod", "dev")
    team.pull_request(
        "ben",
        "an environment to try things in, and its first run",
        edit(
            "qflow.yaml", ("  environments:\n", "  environments:\n    dev: {platform: sandbox}\n")
        ),
        write("runs/dev/try.yaml", run("try", metadata=dev)),
        applies=1,
    )
    team.pull_request(
        "ana",
        "another value there, and one more",
        edit("runs/dev/try.yaml", ("value: 1", "value: 2")),
        write("runs/dev/another.yaml", run("another", "gcp", metadata=dev)),
        merge="rebase",
        applies=2,
    )
    team.environments = ("production", "dev")
    team.pull_request(
        "ben",
        "prod is called production",
        edit(
            "qflow.yaml",
            ("defaultEnvironment: prod\n", "defaultEnvironment: production\n"),
            ("    prod:\n", "    production:\n      previousNames: [prod]\n"),
        ),
    )
    team.pull_request(
        "ana",
        "words that have done their work",
        edit("runs/gcp/logs-archive.yaml", ("  previousName: logs\n", "")),
        edit("qflow.yaml", ("      previousNames: [prod]\n", "")),
        merge="squash",
    )
    team.pull_request(
        "ben",
        "close ports",
        write("runs/aws/close.yaml", run("close-ports")),
        applies=1,
        code=1,
        fails=True,
    )
    team.pull_request(
        "ana",
        "other machines",
        edit("runs/azure/machines.yaml", ("value: 5", "value: 6")),
        applies=1,
    )
    team.decide("failed", "production/close-ports", "ben", "given up: the spec is removed")
    team.pull_request("ben", "ports stay as they are", remove("runs/aws/close.yaml"))
    team.pull_request(
        "ana",
        "what was tried in dev goes to production",
        write("runs/gcp/everywhere.yaml", run("everywhere", "gcp")),
        applies=1,
    )
    team.pull_request(
        "ben",
        "the images once more",
        command(team, "ben", "rerun", "images", "--reason", "monthly"),
        merge="squash",
        applies=1,
    )
    team.pull_request(
        "ana",
        "values of three clouds",
        edit("runs/aws/buckets.yaml", ("value: 1", "value: 2")),
        edit("runs/azure/quarantine.yaml", ("value: 1", "value: 2")),
        edit("runs/gcp/logs-archive.yaml", ("value: 2", "value: 3")),
        merge="rebase",
        applies=3,
    )
