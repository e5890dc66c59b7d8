"""The fleet's pipeline for GitLab and its child pipelines, run by `gitlab-ci-local`.

That program starts no pipeline from another's artifact: the file that `turns` wrote is put where it
reads one. A variable reaches the jobs of its environment alone, as GitLab has it. `.ci/run` looks
at which jobs there are, `.ci/nightly` lets them run.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.fleets import FleetOnDisk, order_of
from tests.helpers.githttp import TOKEN, serve_http
from tests.helpers.gitlab import ROOT, GitLab, Pipeline
from tests.helpers.node import requires_node
from tests.helpers.partners import nightly, requires

pytestmark = [requires_node, requires("rsync")]
SHIPPED = ROOT / "examples/fleet/gitlab"
MEMBERS = "qflow-members.yml"
ROUNDS = 3


INSTALLED = "default: {before_script: []}\n"
"""Where the program is there already, so that jobs needn't install it."""


@pytest.fixture
def fleet(tmp_path: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> FleetOnDisk:
    """Three members, one of them with a name that is a word of GitLab's."""
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    made = FleetOnDisk(tmp_path, ("c1", "image", "b"))
    for name in (".gitlab-ci.yml", "qflow-member.yml"):
        text = (SHIPPED / name).read_text("utf-8")
        made.clone.write(name, text.replace("your-group/your-fleet # ", "team/fleet # "))
    made.write()
    return made


@pytest.fixture
def gitlab(fleet: FleetOnDisk, tmp_path: Path) -> Iterator[GitLab]:
    """The fleet's repository behind an address that takes a job's token."""
    (tmp_path / "served/team").mkdir(parents=True)
    (tmp_path / "served/team/fleet.git").symlink_to(fleet.remote.path)
    scoped = {
        "QFLOW_CLIENT_ID": {name.upper(): "test-client" for name in fleet.names},
        "QFLOW_CLIENT_SECRET": {name.upper(): "test-canary-secret" for name in fleet.names},
        "GIT_TOKEN": {name.upper(): f"test-canary-git-{name}" for name in fleet.names},
        "QFLOW_FLEET_GIT_TOKEN": {"fleet-read": "test-canary-read"},
    }
    variables = {name: {"values": values} for name, values in scoped.items()}
    with serve_http(tmp_path / "served") as server:
        address = server.url.replace("//", f"//x-access-token:{TOKEN}@")
        found = GitLab(f"{address}/team/fleet.git", tmp_path / "gitlab")
        found.files = {
            ".installed.yml": f"include: {{local: .gitlab-ci.yml}}\n{INSTALLED}",
            ".gitlab-ci-local-variables.yml": json.dumps(variables),
        }
        yield found


def turns(gitlab: GitLab, number: int) -> Pipeline:
    """A round's first job."""
    done = gitlab.run("push", "main", f"turns-{number}")
    assert f"turns-{number}" in done.results, done.out
    return done


def members(gitlab: GitLab, number: int, written: Pipeline) -> Pipeline:
    """The child pipeline that `turns` wrote."""
    job = f"turns-{number}"
    for place in (written.artifact(job, MEMBERS), written.kept(job, MEMBERS)):
        if place.is_file():
            text = place.read_text()
    mine = {**gitlab.files}
    gitlab.files |= {".installed.yml": text + INSTALLED}
    try:
        return gitlab.run("parent_pipeline")
    finally:
        gitlab.files = mine


@nightly
def test_round_after_round_each_member_has_a_job(gitlab: GitLab, sandbox: SandboxServer) -> None:
    found = []
    out = ""
    for number in range(1, ROUNDS + 1):
        first = turns(gitlab, number)
        child = members(gitlab, number, first)
        found.append((first.results[f"turns-{number}"], child.results))
        out += first.out + child.out
    assert found == [
        ("passed", {"member c1": "passed"}),
        ("passed", {"member image": "passed", "member b": "passed"}),
        ("passed", {"nobody": "passed"}),
    ], out
    assert order_of(sandbox.executions())[0] == "c1-0"
    assert sorted(order_of(sandbox.executions())) == ["b-0", "c1-0", "image-0"]
    assert "canary" not in out


@nightly
def test_a_canary_that_fails_stops_the_next_round(gitlab: GitLab, sandbox: SandboxServer) -> None:
    sandbox.set_faults("fail")
    assert list(members(gitlab, 1, turns(gitlab, 1)).results.values()) == ["failed"]
    second = turns(gitlab, 2)
    assert second.results == {"turns-2": "failed"}
    assert "wave 1 is stopped" in second.out
    assert members(gitlab, 2, second).results == {"nobody": "passed"}
    assert order_of(sandbox.executions()) == ["c1-0"]


def test_which_jobs_a_pipeline_has(gitlab: GitLab) -> None:
    """Rounds that begin whatever came of the one before, in this project and on its main branch."""
    found = gitlab.jobs("push")
    numbers = range(1, ROUNDS + 1)
    stages = [f"{name}-{number}" for number in numbers for name in ("turns", "members")]
    assert [*found] == stages
    assert {one["when"] for one in found.values()} == {"always"}
    assert gitlab.jobs("push", CI_PROJECT_PATH="stranger/fleet") == {}
    file = YAML(typ="safe", pure=True).load(SHIPPED / ".gitlab-ci.yml")
    assert file["stages"] == stages
    for number in numbers:
        assert file[f"members-{number}"]["trigger"] == {
            "include": [{"artifact": MEMBERS, "job": f"turns-{number}"}], "strategy": "depend",
        }  # fmt: skip
    assert [file[f"turns-{number}"].get("variables") for number in numbers] == [
        {"AGAIN": ""}, None, None,
    ]  # fmt: skip
