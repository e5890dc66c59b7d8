"""Every CI system, over the registry: what it tells, and that nothing malformed raises."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.ci.context import CIContext
from qflow_gitops.ci.detect import SYSTEMS, describe

HEAD, MERGE = "a" * 40, "b" * 40
GITHUB = {
    "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "ada", "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "team/runs", "GITHUB_RUN_ID": "42", "GITHUB_SHA": MERGE,
}  # fmt: skip
GITLAB = {
    "GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ada", "CI_JOB_URL": "https://gitlab.example/j/42",
    "CI_COMMIT_SHA": HEAD,
}  # fmt: skip
MERGE_REQUEST = {"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
JENKINS = {
    "JENKINS_URL": "https://ci.example/", "USER": "ada", "BUILD_URL": "https://ci.example/job/a/42/",
}  # fmt: skip
FLEET = {"QFLOW_FLEET_ACTOR": "ada", "QFLOW_FLEET_RUN": "https://ci.example/job/42"}
ONE: Mapping[str, Mapping[str, str]] = {
    "github": GITHUB, "gitlab": GITLAB, "jenkins": JENKINS, "fleet": FLEET, "": {"USER": "ada"},
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["pull_request", "merge_group", "number", "head", "sha", "base_ref"]),
            inner,
        )
    ),
    max_leaves=12,
)


def event(folder: Path, data: object) -> dict[str, str]:
    path = folder / "event.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return {"GITHUB_EVENT_PATH": str(path)}


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_system_knows_itself_alone_and_names_the_actor(name: str) -> None:
    told = describe(ONE[name])
    assert (told.system, told.actor) == (name, "ada")
    assert told == SYSTEMS[name](ONE[name])
    others = {each for each in SYSTEMS if each not in (name, "")}
    assert all(SYSTEMS[each](ONE[name]) is None for each in others)


def test_a_pull_request_on_github_is_its_head_not_the_merge(tmp_path: Path) -> None:
    pull = {"number": 7, "head": {"sha": HEAD}}
    environ = {**GITHUB, "GITHUB_REF": "refs/pull/7/merge", "GITHUB_BASE_REF": "main"}
    address = "https://github.com/team/runs/actions/runs/42"
    told = describe(environ | event(tmp_path, {"pull_request": pull}))
    pages = "https://github.com/team/runs"
    assert told == CIContext("ada", address, "main", "github", "7", HEAD, pages=pages)
    without = describe(environ)
    assert (without.pull_request, without.commit) == ("7", "")


def test_a_push_and_a_merge_queue_on_github(tmp_path: Path) -> None:
    told = describe({**GITHUB, "GITHUB_REF": "refs/heads/main"})
    assert (told.pull_request, told.target, told.commit) == ("", "", MERGE)
    queue = {"merge_group": {"base_ref": "refs/heads/main"}}
    told = describe(GITHUB | event(tmp_path, queue))
    assert (told.pull_request, told.target, told.commit) == ("", "main", MERGE)


def test_the_runners_own_files_are_known() -> None:
    files = {"GITHUB_OUTPUT": "/a", "GITHUB_STEP_SUMMARY": "/b", "GITHUB_ENV": "/c"}
    assert describe(GITHUB | files).appended == ("/a", "/b")


def test_a_merge_request_on_gitlab() -> None:
    told = describe({**GITLAB, **MERGE_REQUEST})
    address = "https://gitlab.example/j/42"
    assert told == CIContext("ada", address, "main", "gitlab", "7", HEAD)
    named = {"CI_SERVER_URL": "https://gitlab.example", "CI_PROJECT_PATH": "team/sub/runs"}
    assert describe({**GITLAB, **named}).pages == "https://gitlab.example/team/sub/runs/-"
    merged = {"CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD, "CI_COMMIT_SHA": MERGE}
    assert describe({**GITLAB, **MERGE_REQUEST, **merged}).commit == HEAD


WORKFLOW = {
    "GITHUB_WORKFLOW_REF": "team/runs/.github/workflows/qflow.yml@refs/heads/main",
    "GITHUB_WORKFLOW_SHA": HEAD,
}  # fmt: skip


def test_the_file_that_says_what_a_ci_does_is_what_the_ci_names() -> None:
    told = describe(GITHUB | WORKFLOW)
    assert (told.workflow, told.workflow_commit) == (WORKFLOW["GITHUB_WORKFLOW_REF"], HEAD)
    assert describe(GITHUB | WORKFLOW | {"GITHUB_WORKFLOW_SHA": "main"}).workflow_commit == ""
    for system in (GITHUB, GITLAB, JENKINS):
        assert (describe(system).workflow, describe(system).workflow_commit) == ("", "")


@pytest.mark.parametrize(
    ("path", "workflow", "commit"),
    [
        (".gitlab-ci.yml", ".gitlab-ci.yml", HEAD),
        ("ci/runs.yml", "ci/runs.yml", HEAD),
        ("runs.yml@team/pipelines:main", "runs.yml@team/pipelines:main", ""),
        ("https://files.example/ci.yml?private_token=secret", "", ""),
        ("", "", ""),
    ],
)
def test_gitlab_s_file_has_this_commit_only_in_this_project(
    path: str, workflow: str, commit: str
) -> None:
    """The file may be another project's, or anywhere: docs, "Specify a custom CI/CD file"."""
    told = describe(GITLAB | {"CI_CONFIG_PATH": path})
    assert (told.workflow, told.workflow_commit) == (workflow, commit)


def test_a_build_of_jenkins() -> None:
    told = describe(JENKINS)
    assert told == CIContext("ada", JENKINS["BUILD_URL"], system="jenkins", stays=True)


@pytest.mark.parametrize(
    ("system", "more", "stays"),
    [
        (GITHUB, {}, False),
        (GITHUB, {"RUNNER_ENVIRONMENT": ""}, False),
        (GITHUB, {"RUNNER_ENVIRONMENT": "github-hosted"}, False),
        (GITHUB, {"RUNNER_ENVIRONMENT": "self-hosted"}, True),
        (GITHUB, {"CI_SHARED_ENVIRONMENT": "true"}, False),
        (GITLAB, {}, False),
        (GITLAB, {"CI_DISPOSABLE_ENVIRONMENT": "true"}, False),
        (GITLAB, {"CI_SHARED_ENVIRONMENT": "true"}, True),
        (GITLAB, {"RUNNER_ENVIRONMENT": "self-hosted"}, False),
        ({}, {"CI": "true", "RUNNER_ENVIRONMENT": "self-hosted"}, False),
    ],
)
def test_a_machine_stays_only_where_its_ci_says_so(
    system: Mapping[str, str], more: Mapping[str, str], stays: bool
) -> None:
    assert describe({**system, **more}).stays is stays


def test_a_member_of_a_fleet_is_told_no_more_than_who_and_where() -> None:
    assert describe(FLEET) == CIContext("ada", FLEET["QFLOW_FLEET_RUN"], system="fleet")
    for forged in ("javascript:alert(1)", "https://ci.example/\x1b[2J", "42"):
        assert describe(FLEET | {"QFLOW_FLEET_RUN": forged}).run == ""
    assert describe({"QFLOW_FLEET_ACTOR": "ada\x1b[2J"}) == CIContext()
    assert describe(FLEET | JENKINS).system == "jenkins"


def test_a_shell_knows_nothing_of_a_pull_request() -> None:
    assert describe({}) == CIContext()


@given(data=JSON | st.text(), ref=st.text(), sha=st.text())
def test_malformed_data_is_nothing_told(tmp_path: Path, data: object, ref: str, sha: str) -> None:
    environ = {**GITHUB, "GITHUB_REF": ref, "GITHUB_SHA": sha, **event(tmp_path, data)}
    for told in (
        describe(environ),
        describe({**GITLAB, "CI_MERGE_REQUEST_IID": ref, "CI_COMMIT_SHA": sha}),
    ):
        assert told.pull_request == "" or int(told.pull_request) > 0
        assert told.commit == "" or len(told.commit) in (40, 64)


@pytest.mark.parametrize("path", ["/nowhere/event.json", "/dev", "", "\0"])
def test_an_event_that_cannot_be_read_is_nothing_told(path: str) -> None:
    assert describe({**GITHUB, "GITHUB_EVENT_PATH": path}).pull_request == ""
