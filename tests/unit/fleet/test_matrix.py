"""The jobs of a CI for the members whose turn it is: matrices for GitHub, a pipeline for GitLab."""

import json
from typing import cast

import pytest

from qflow_gitops.errors import ExitCode, UnreachableError
from qflow_gitops.fleet.applying import Asked
from qflow_gitops.fleet.matrix import matrix
from qflow_gitops.fleet.work import Work
from qflow_gitops.fleet.working import work
from qflow_gitops.policy.waves import MemberStanding, Wave
from qflow_gitops.render import gitlab, outputs
from qflow_gitops.render import matrix as matrices
from qflow_gitops.results.fleets import FleetTold, Turn
from qflow_gitops.results.report import Report
from qflow_gitops.settings.fleet import Fleet, Subscription
from tests.unit.fleet.test_applying import World, fleet, members


def asked(world: World, *, retry: bool = True) -> Report:
    """Say whose turn it is."""
    with pytest.raises(StopIteration) as end:
        next(matrix(world.services, Asked({}), retry=retry))
    return cast("Report", end.value.value)


def names(report: Report) -> list[str]:
    assert isinstance(report.body, FleetTold)
    return [one.name for one in report.body.jobs]


def test_a_matrix_has_as_many_jobs_as_github_takes() -> None:
    world = World(Fleet(members(*(f"m{n:03}" for n in range(3))), (Wave(),)))
    report = asked(world)
    assert isinstance(report.body, FleetTold)
    many = report.body.jobs[:1] * 600
    whole = Report("fleet matrix", body=report.body._replace(jobs=many))
    found = json.loads(matrices.render(whole))
    assert [len(one["include"]) for one in found] == [256, 256, 88]
    told = dict(line.split("=", 1) for line in outputs.render(whole).splitlines())
    assert (told["members"], json.loads(told["matrices"])) == ("600", found)


def test_without_a_set_a_job_has_no_environment() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    report = asked(world)
    assert json.loads(matrices.render(report)) == [
        {"include": [{"member": "a", "credentials": "", "wave": 1}]}
    ]
    assert "environment" not in gitlab.render(report)


def test_where_it_is_nobodys_turn_there_is_no_matrix_and_a_pipeline_of_one_job() -> None:
    world = World(Fleet(()))
    report = asked(world)
    assert matrices.render(report) == "[]\n"
    assert gitlab.render(report).startswith("nobody:\n")


def test_those_of_a_subscription_have_their_turns_one_after_the_other() -> None:
    several = fleet("a", "b", "x", waves=(Wave(),))
    world = World(several._replace(subscriptions=(Subscription("one", ("a", "b"), 1),)))
    assert names(asked(world)) == ["a", "x"]


def test_credentials_go_nowhere_for_a_look_where_they_never_went() -> None:
    """A repository that was moved isn't even asked which commit it has."""
    world = World(Fleet(members("a", credentials="ACME"), (Wave(),)))
    world.store.record = world.store.record.accepted("ACME", "elsewhere.example/a")
    world.reach.problems["a"] = UnreachableError("It was asked.")
    report = asked(world)
    assert (report.exit_code, names(report)) == (ExitCode.HELD, [])
    assert isinstance(report.body, FleetTold)
    (told,) = report.body.members
    assert (told.turn, told.standing, told.problem) == (Turn.HOLD, MemberStanding.UNSENT, "")


def test_a_process_that_was_killed_is_a_failure_and_no_traceback() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    world.reach.ends["a"] = Work(-9, None, "It was killed.")
    asked(world)
    working = work(world.services, ["a"])
    assert next(working)
    with pytest.raises(StopIteration) as end:
        next(working)
    report = cast("Report", end.value.value)
    assert report.exit_code is ExitCode.BUG
    assert names(asked(world, retry=False)) == []
