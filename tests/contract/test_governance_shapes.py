"""Whatever a code host answers is a value, or a problem that says so; never a crash."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.errors import QflowError
from qflow_gitops.github.client import Client as GitHub
from qflow_gitops.github.governance import GitHubGovernance
from qflow_gitops.gitlab.client import Client as GitLab
from qflow_gitops.gitlab.governance import GitLabGovernance
from qflow_gitops.http.asking import CALLS
from qflow_gitops.http.transport import HttpAnswer
from qflow_gitops.ports.governance import Governance
from tests.helpers.github_settings import guarded
from tests.helpers.gitlab_api import project


def keys(value: Any) -> set[str]:
    """Every name of a field in a JSON value."""
    if isinstance(value, list):
        return {key for item in value for key in keys(item)}
    if isinstance(value, dict):
        return {*value} | {key for item in value.values() for key in keys(item)}
    return set()


FIELDS = sorted(keys([*guarded().values(), *project().values()]))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    LEAVES | st.sampled_from(["main", "active", "pull_request", "required_reviewers", "selected"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)
    ),
    max_leaves=12,
)
LOOKS: tuple[Callable[[Governance], object], ...] = (
    lambda host: host.repository(),
    lambda host: host.environment("production"),
    lambda host: host.branch("main"),
    lambda host: host.branch("main", pushed=True),
    lambda host: host.variables("QFLOW_FREEZE", ("production",)),
    lambda host: host.secrets("production"),
    lambda host: host.schedules({"a/b.yml": True}),
    lambda host: host.jobs(("actions/checkout@v6",)),
    lambda host: host.token(),
    lambda host: host.retention(),
    lambda host: host.tool_version("octo/tool", "a" * 40),
)


class Answers:
    """A transport that gives these answers in turn, again and again, and counts."""

    def __init__(self, *bodies: bytes) -> None:
        self._bodies = bodies
        self.asked = 0

    def send(self, method: str, _path: str, **_more: object) -> HttpAnswer:
        assert method == "GET"
        self.asked += 1
        return HttpAnswer(200, {}, self._bodies[self.asked % len(self._bodies)])


def hosts(answers: Any) -> tuple[Governance, Governance]:
    return (
        GitHubGovernance(GitHub(answers, "t", "", "octo/runs"), "https://github.example"),
        GitLabGovernance(GitLab(answers, "t", "", "octo/runs"), "https://gitlab.example"),
    )


@pytest.mark.parametrize("at", range(len(LOOKS)))
@given(st.lists(JSON, min_size=1, max_size=4))
def test_any_json_is_a_value_or_a_problem(at: int, data: list[Any]) -> None:
    for host in hosts(Answers(*(json.dumps(one).encode() for one in data))):
        with contextlib.suppress(QflowError):
            LOOKS[at](host)


def test_what_is_no_json_is_a_problem() -> None:
    for host in hosts(Answers(b"<html>a proxy's page</html>")):
        for look in LOOKS[:-1]:
            with pytest.raises(QflowError):
                look(host)


def test_lists_without_an_end_are_given_up() -> None:
    """Pages that are always full, of both shapes; and one look asks no more than it may."""
    many = [{"name": f"n{n}", "id": n, "type": "deletion", "key": "k"} for n in range(100)]
    one, other = hosts(Answers(json.dumps(many).encode()))
    with pytest.raises(QflowError, match="more of them"):
        one.branch("main")
    with pytest.raises(QflowError, match="more of them"):
        other.secrets("production")
    whole = {"branch_policies": many, "secrets": many, "variables": many}
    policy = {"deployment_branch_policy": {"custom_branch_policies": True}}
    answers = Answers(json.dumps(whole | policy).encode())
    host = hosts(answers)[0]
    with pytest.raises(QflowError, match="more of them"):
        host.environment("production")
    for _ in range(CALLS):
        with pytest.raises(QflowError):
            host.secrets("production")
    assert answers.asked == CALLS
