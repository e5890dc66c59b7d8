"""One plan has one digest, wherever a person or a program meets it, with holds and without."""

import re

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.github_api import GitHubApi
from tests.helpers.specs import spec
from tests.integration.test_comment import (  # noqa: F401  fixtures
    TWO,
    api,
    merge,
    pull,
    push,
    with_policy,
)

DIGEST = re.compile(r"v1:sha256:[0-9a-f]{64}")
HOLDS = {
    "nothing held": "",
    "one held": "  policy: {workflows: {deny: [0ffaf046-768b-79fc-83f6-aa25be52c2a1]}}\n",
    "all held": '  policy: {workflows: {deny: ["0ffaf046-768b-79fc-83f6-aa25be52c2a1", '
    '"6cad21c8-4405-4517-beb9-7372feafb5b4"]}}\n',
}


def _told(cli: Cli, *which: str) -> set[str]:
    """Ask each format of a plan for its digest."""
    found = {cli.json("plan", *which)["digest"]}
    for form in ("text", "markdown"):
        found |= {*DIGEST.findall(cli("plan", *which, "--format", form).out)}
    outputs = cli("-q", "plan", *which, "--report", "outputs=-").out
    return found | {*re.findall(r"^plan-digest=(.*)$", outputs, re.MULTILINE)}


@pytest.mark.parametrize("held", HOLDS)
def test_one_plan_has_one_digest(
    held: str,
    pull: Workspace,  # noqa: F811
    cli: Cli,
    api: GitHubApi,  # noqa: F811
    sandbox: SandboxServer,
) -> None:
    """Before the merge and after it; and an apply takes that one, and no other."""
    with_policy(pull, api, HOLDS[held])
    before = _told(cli, "--from", "origin/main")
    assert len(before) == 1
    cli("comment")
    (body,) = api.bodies(1)
    assert {*DIGEST.findall(body)} == before
    merge(pull, api)
    assert _told(cli) == before
    (digest,) = before
    other = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    refused = cli("apply", "--yes", "--digest", other)
    assert (refused.code, digest in refused.err, len(sandbox.executions())) == (7, True, 0)
    assert cli("apply", "--yes", "--digest", digest[:18]).code == 7
    done = cli("apply", "--yes", "--digest", digest)
    assert done.code == (5 if HOLDS[held] else 0), done
    sent = {"nothing held": 2, "one held": 1, "all held": 0}
    assert len(sandbox.executions()) == sent[held]


def test_each_environment_has_one_of_its_own(
    pull: Workspace,  # noqa: F811
    cli: Cli,
    api: GitHubApi,  # noqa: F811
) -> None:
    pull.write("qflow.yaml", TWO)
    pull.write("runs/dev.yaml", spec("new", metadata="  environment: dev\n"))
    pull.commit("another environment")
    push(pull, api)
    cli("comment")
    whole = cli("plan", "--from", "origin/main").out
    data = cli.json("plan", "--from", "origin/main")
    for environment, body in zip(("dev", "prod"), api.bodies(1), strict=True):
        (digest,) = _told(cli, "--from", "origin/main", "-e", environment)
        assert {*DIGEST.findall(body)} == {digest}
        assert f"  {environment}: {digest}\n" in whole
        assert data["environments"][environment]["digest"] == digest
