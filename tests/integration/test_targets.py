"""Targets in real git: written out, gathered and renamed, in both stores and from fresh clones."""

import json

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import spec


@pytest.fixture(params=["project", "remote"])
def place(request: pytest.FixtureRequest, workspace: Workspace) -> Workspace:
    """A clone whose lockfile is in its work tree, or on a branch of its remote; no spec."""
    request.getfixturevalue(request.param)
    workspace.remove("runs/aws/buckets.yaml")
    return workspace


def merge(place: Workspace) -> None:
    place.commit("step")
    if place.git("remote"):
        place.git("push", "--quiet", "origin", "main")


def gathered(name: str, *targets: str) -> str:
    lines = "".join(f"    - {{name: {each}, input: {{to: {each}}}}}\n" for each in targets)
    return spec(name, "v", extra=f"  targets:\n{lines}")


def alone(name: str, *, of: str) -> str:
    return spec(name, "v", metadata=f"  previousName: {of}\n", extra=f"    to: {name}\n")


def test_one_request_each_however_it_is_written(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Sent as targets, written out, gathered under another name, renamed: two executions."""
    steps = [
        {"a": gathered("one", "us", "eu")},
        {"us": alone("us", of="one/us"), "eu": alone("eu", of="one/eu")},
        {"b": gathered("two", "us").replace("{name: us", "{name: us, previousName: us")
            + "---\n" + alone("eu", of="one/eu")},
        {"b": gathered("two", "us", "eu").replace("{name: us", "{name: us, previousName: us")
            .replace("{name: eu", "{name: eu, previousName: eu")},
        {"c": gathered("three", "eu", "us")
            .replace("name: three", "name: three\n  previousName: two")},
        {"c": gathered("three", "us", "eu")},
    ]  # fmt: skip
    for files in steps:
        for old in (place.path / "runs").glob("*.yaml"):
            old.unlink()
        for name, text in files.items():
            place.write(f"runs/{name}.yaml", text)
        merge(place)
        done = cli("apply", "--yes")
        assert done.code == 0, done.err
        assert cli("lock", "verify").code == 0
        assert len(sandbox.executions()) == 2
    assert cli.json("plan")["counts"]["run"] == 0
    for name in ("us", "eu"):
        assert len(cli.json("history", f"three/{name}")["attempts"]) == 1


@pytest.mark.parametrize("given", ["one/us", "prod/one/us"])
def test_the_action_takes_a_target(given: str) -> None:
    from qflow_gitops.cli.action import _run

    assert _run({"run": given, "environment": "prod"}, "retry") == "prod/one/us"
    assert _run({"run": given}, "retry") == given


def test_files_of_targets_lie_below_their_run(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write("runs/a.yaml", gathered("one", "us", "ap.ap-south-1"))
    workspace.publish("targets")
    assert cli("apply", "--yes").code == 0
    names = remote.git("ls-tree", "-r", "--name-only", BRANCH).splitlines()
    below = [name.partition("/prod/")[2][3:] for name in names if "/one/" in name]
    assert below == ["one/ap.ap-south-1.json", "one/us.json"]
    content = json.loads(remote.git("show", f"{BRANCH}:{next(n for n in names if 'us.json' in n)}"))
    assert (content["environment"], content["name"]) == ("prod", "one/us")
    fresh = Cli(remote.clone("fresh").path, cli._capfd)
    assert fresh.json("plan")["counts"]["run"] == 0
    assert fresh("lock", "verify").code == 0
    assert len(fresh.json("history", "one/us")["attempts"]) == 1


def test_a_specs_name_sends_nothing_again_whose_end_nobody_knows(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """What ended may have done its work: only its own name, said by a person, sends it again."""
    settings = place.read("qflow.yaml")
    place.write("qflow.yaml", settings + "  apply: {onFailure: continue}\n")
    place.write("runs/a.yaml", gathered("one", "eu", "us"))
    merge(place)
    sandbox.set_faults("outcome=Odd")
    assert cli("apply", "--yes").code == 1
    sandbox.set_faults()
    for named in ("one", "one/*", "prod/one"):
        refused = cli("apply", "--yes", "--retry", named)
        assert (refused.code, "none of these 2" in refused.err) == (2, True), refused
    assert cli("apply", "--yes", "--retry", "one/eu").code == 0
    assert len(sandbox.executions()) == 3
    place.write("qflow.yaml", place.read("qflow.yaml") + "  statuses: {Odd: failed}\n")
    merge(place)
    assert cli("apply", "--yes", "--retry", "one").code == 0
    assert len(sandbox.executions()) == 4
