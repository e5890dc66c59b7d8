"""Settings of GitHub and GitLab, over HTTP to servers of the tests, and of the fake: told alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from qflow_gitops.errors import AuthError, QflowError, UnreachableError
from qflow_gitops.github import connect as github
from qflow_gitops.github.governance import GitHubGovernance
from qflow_gitops.gitlab import connect as gitlab
from qflow_gitops.gitlab.governance import GitLabGovernance
from qflow_gitops.ports.governance import (
    EVERY,
    Governance,
    HostedEnvironment,
    JobRights,
    Schedule,
    Secrets,
    Variable,
)
from tests.fakes.governance import GUARDED, RAN, FakeGovernance
from tests.helpers.github_api import REPOSITORY, Fault, GitHubApi
from tests.helpers.github_settings import guarded, rule
from tests.helpers.gitlab_api import PROJECT, GitLabApi, branch, schedule, variable

NAMES = frozenset({"QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"})


@dataclass
class Told:
    """A host, and what happens there."""

    told: Governance
    name: str
    open_lock: Callable[[], object]
    block_lock: Callable[[], object]
    freeze: Callable[[], object]
    stop: Callable[[], object]
    refuse: Callable[[int], object]


def _faked() -> Told:
    fake = FakeGovernance(
        environments={
            "production": HostedEnvironment(branches=("main",)),
            "production-approval": HostedEnvironment(2, 1),
        },
        branches={
            "main": GUARDED,
            "qflow-lock": GUARDED._replace(reviewed=False),
        },
        secret=Secrets(NAMES, frozenset()),
        timed=[Schedule("f", crons=("17 * * * *",), last=RAN)],
        rights=JobRights(writes=False, pushes=True),
    )
    lock = fake.branches["qflow-lock"]

    def problem(status: int) -> None:
        error = AuthError if status in (401, 403) else UnreachableError
        fake.problem = error("no")

    return Told(
        fake, "octo/runs",
        lambda: fake.branches.pop("qflow-lock"),
        lambda: fake.branches.update({"qflow-lock": lock._replace(blocks=("a rule",))}),
        lambda: fake.set_to.update({"QFLOW_FREEZE": Variable("incident", "the host")}),
        lambda: setattr(fake, "timed", [Schedule("f", "it is switched off")]),
        problem,
    )  # fmt: skip


def _github(api: GitHubApi) -> Told:
    def put(path: str, value: Any) -> Callable[[], object]:
        return lambda: api.settings.update({path: value})

    lock = "rules/branches/qflow-lock"
    client = github.connect(api.environ, quick=True)
    return Told(
        GitHubGovernance(client, "https://github.example"), REPOSITORY,
        put(lock, []),
        put(lock, [*api.settings[lock], rule("update")]),
        put("actions/variables/QFLOW_FREEZE", {"value": "incident"}),
        put("actions/workflows/qflow.yml", {"state": "disabled_manually"}),
        lambda status: api.faults.append(Fault("GET", ".", status)),
    )  # fmt: skip


def _gitlab(api: GitLabApi) -> Told:
    main = api.settings["protected_branches"][0]

    def put(path: str, *items: Any) -> Callable[[], object]:
        return lambda: api.settings.update({path: list(items)})

    return Told(
        GitLabGovernance(gitlab.connect(api.environ, PROJECT), "https://gitlab.example"), PROJECT,
        put("protected_branches", main),
        put("protected_branches", main, branch("qflow-lock", 0, "No one")),
        put("variables", variable("QFLOW_FREEZE", value="incident", environment_scope="*")),
        put("pipeline_schedules", schedule(7, active=False)),
        lambda status: api.faults.append(Fault("GET", ".", status)),
    )  # fmt: skip


@pytest.fixture(params=["github", "gitlab", "fake"])
def host(request: pytest.FixtureRequest) -> Iterator[Told]:
    if request.param == "fake":
        yield _faked()
        return
    if request.param == "gitlab":
        with GitLabApi() as lab:
            yield _gitlab(lab)
        return
    with GitHubApi() as api:
        api.settings = guarded()
        yield _github(api)


def test_a_repository_says_what_it_is(host: Told) -> None:
    found = host.told.repository()
    assert (found.name, found.default_branch) == (host.name, "main")
    assert (found.closed, found.fork_of) == ("", "")
    assert all(page.startswith("https://") for page in host.told.pages if page)


def test_a_guarded_branch_is_told_from_one_to_push_to(host: Told) -> None:
    main, lock = host.told.branch("main"), host.told.branch("qflow-lock", pushed=True)
    assert main.reviewed
    assert (main.approvals, main.owners, main.fresh) == (1, True, True)
    assert main.checks & {EVERY, "check", "qflow check"}
    for each in (main, lock):
        assert (each.forced, each.deleted, each.hidden) == (False, False, "")
    assert lock.blocks == ()
    host.open_lock()
    lock = host.told.branch("qflow-lock", pushed=True)
    assert (lock.forced, lock.deleted) == (True, True)
    host.block_lock()
    lock = host.told.branch("qflow-lock", pushed=True)
    assert lock.blocks
    assert not lock.bypassed


def test_environments_say_who_lets_jobs_through_and_from_where(host: Told) -> None:
    gate, apply = (host.told.environment(f"production{end}") for end in ("-approval", ""))
    assert gate
    assert gate.reviewers >= gate.approvals == 1
    assert gate.by_oneself is not True
    assert apply
    assert apply.kept or apply.branches == ("main",)
    other = host.told.environment("a/b c")
    assert other is None or not other.approvals


def test_secrets_have_names_alone(host: Told) -> None:
    found = host.told.secrets("production")
    assert found.own >= NAMES
    assert not found.shared & NAMES
    assert [name for name, _ in found.unguarded if name in NAMES] == []


def test_a_variable_is_found_with_its_value(host: Told) -> None:
    environments = ("production", "production-approval")
    assert list(host.told.variables("QFLOW_FREEZE", environments)) == []
    host.freeze()
    (found,) = host.told.variables("QFLOW_FREEZE", environments)
    assert found.value == "incident"
    assert found.where


def test_a_schedule_that_is_off_says_so(host: Told) -> None:
    files = {".github/workflows/qflow.yml": True}
    (found,) = host.told.schedules(files)
    assert not found.stopped
    assert found.last
    assert found.last.ended == "success"
    host.stop()
    (found,) = host.told.schedules(files)
    assert "switched it off" in found.stopped or "is switched off" in found.stopped


def test_jobs_run(host: Told) -> None:
    found, token = host.told.jobs(("actions/checkout@v6",)), host.told.token()
    assert (found.off, found.refused, found.unsure) == ("", (), ())
    assert token.writes is not True
    assert token.pushes is not False
    assert host.told.tool_version("octo/other", "b" * 40) == ""


@pytest.mark.parametrize(
    ("status", "kind"), [(403, AuthError), (401, AuthError), (500, UnreachableError)]
)
def test_who_may_not_is_told_so(host: Told, status: int, kind: type[QflowError]) -> None:
    host.refuse(status)
    for call in (
        lambda: host.told.branch("main"),
        lambda: host.told.environment("production"),
        lambda: host.told.secrets("production"),
        lambda: host.told.variables("QFLOW_FREEZE", ("production",)),
        lambda: host.told.schedules({"f": True}),
        lambda: host.told.jobs(()),
        host.told.token,
        host.told.repository,
    ):
        with pytest.raises(kind):
            call()
