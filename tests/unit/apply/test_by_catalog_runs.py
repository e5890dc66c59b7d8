"""Runs that have their connectors from a catalog, through plan, apply and verify."""

import json
import random
from typing import Any

import pytest

from qflow_gitops.errors import ExitCode
from qflow_gitops.plan.change import Action, Change
from qflow_gitops.results.plans import Planned
from tests.fakes.world import World, project_file
from tests.unit.apply.stories import Team

AWS = "connectors/prod/aws.yaml"
A, B, C = (f"0b6f2c1e-4405-4517-beb9-7372feafb5b{number}" for number in (1, 2, 3))
BY_NAME = "  connectorType: aws\n  connector: payments\n"
SELECTED = "  connectorType: aws\n  targets: {connectors: {cloud: aws, labels: {tier: prod}}}\n"


@pytest.fixture
def world() -> World:
    return World()


def catalog(world: World, **entries: Any) -> None:
    data = {
        "apiVersion": "qflow-gitops/v1",
        "kind": "ConnectorCatalog",
        "connectors": {
            name: {"id": entry} if isinstance(entry, str) else entry
            for name, entry in entries.items()
        },
    }
    world.git.write(AWS, json.dumps(data))


def prod(connector: str, **more: Any) -> dict[str, Any]:
    return {"id": connector, "labels": {"tier": "prod"}, **more}


def changes(world: World, **request: Any) -> dict[str, Change]:
    body = world.plan(**request).body
    assert isinstance(body, Planned)
    return {change.name: change for change in body.plan.changes}


def due(world: World, **request: Any) -> set[str]:
    return {name for name, each in changes(world, **request).items() if each.action is Action.RUN}


def sent_to(world: World) -> list[str]:
    variables = [body.get("variables", {}) for _, body in world.qualys.sent]
    return [each["connectorId"] for each in variables if "connectorId" in each]


def test_an_id_that_changes_in_the_catalog_is_another_request(world: World) -> None:
    catalog(world, payments=A, other=B)
    world.spec("named", extra=BY_NAME)
    world.spec("plain")
    world.commit()
    world.apply()
    catalog(world, payments=C, other=B)
    world.commit()
    assert due(world) == due(world, full=True) == {"named"}
    (change,) = [each for each in changes(world).values() if each.action is Action.RUN]
    assert change.reason == "modified"
    (since,) = change.since or ()
    assert tuple(since) == ("/variables/connectorId", A, C)
    world.apply()
    assert sent_to(world) == [A, C]
    assert world.verify().exit_code is ExitCode.OK


def test_a_name_in_place_of_its_id_runs_nothing(world: World) -> None:
    catalog(world, payments=A)
    world.spec("one", extra=f"  connectorType: aws\n  variables: {{connectorId: {A.upper()}}}\n")
    world.commit()
    world.apply()
    world.spec("one", extra=BY_NAME)
    world.commit()
    assert due(world, full=True) == set()
    catalog(world, shop=A)
    world.spec("one", extra=BY_NAME.replace("payments", "shop"))
    world.commit()
    assert due(world, full=True) == set()


def test_an_account_that_comes_and_goes(world: World) -> None:
    catalog(world, payments=prod(A), shop=prod(B), dev=C)
    world.spec("one", extra=SELECTED)
    world.commit()
    world.apply()
    assert sorted(sent_to(world)) == [A, B]
    catalog(world, payments=prod(A), shop=prod(B, disabled=True), dev=prod(C))
    base = world.git.resolve("HEAD")
    world.commit()
    shown = changes(world, base=base)
    assert {name: each.reason for name, each in shown.items()} == {
        "one/dev": "added", "one/payments": "already_ran", "one/shop": "removed",
    }  # fmt: skip
    world.apply()
    assert sent_to(world)[2:] == [C]
    catalog(world, payments=prod(A), shop=prod(B), dev=prod(C))
    world.commit()
    assert due(world, full=True) == set()
    assert world.verify().exit_code is ExitCode.OK


@pytest.mark.parametrize("seed", range(12))
def test_diffs_and_full_looks_agree_on_catalogs(world: World, seed: int) -> None:
    """Whatever changes in specs and catalogs: the plan from the base is that from all specs."""
    order = random.Random(seed)
    for _ in range(6):
        entries: dict[str, Any] = {}
        for name in ("payments", "shop", "dev"):
            if name == "payments" or order.random() < 0.7:
                entries[name] = prod({"payments": A, "shop": B, "dev": C}[name])
            if name in entries and name != "payments" and order.random() < 0.3:
                entries[name]["disabled"] = True
        catalog(world, **entries)
        if order.random() < 0.5:
            world.spec("named", order.randrange(2), extra=BY_NAME)
        if order.random() < 0.5:
            world.spec("selected", order.randrange(2), extra=SELECTED)
        world.commit()
        for cached in (False, True):
            assert due(world, cached=cached) == due(world, full=True)
        if order.random() < 0.7:
            world.apply()
    assert world.verify().exit_code is ExitCode.OK


def test_what_a_verdict_was_kept_of_is_asked_anew_with_another_catalog(world: World) -> None:
    catalog(world, payments=A)
    world.spec("named", extra=BY_NAME)
    world.commit()
    first = changes(world, cached=True, full=True)["named"].spec
    catalog(world, payments=B)
    world.commit()
    again = changes(world, cached=True, full=True)["named"].spec
    assert first is not None
    assert again is not None
    assert (first.connectors, again.connectors) == ((A,), (B,))
    world.apply()
    catalog(world, payments=B, more=C)
    world.commit()
    assert changes(world, cached=True, full=True)["named"].reason == "already_ran"
    known = changes(world, cached=True, full=True)["named"].spec
    assert known is not None
    assert known.catalog == AWS


def test_a_doubt_is_looked_up_with_the_catalog_of_its_time(world: World) -> None:
    from qflow_gitops.sources.specs import sent_specs

    catalog(world, payments=A)
    world.spec("named", extra=BY_NAME)
    world.commit()
    world.apply()
    catalog(world, other=A)
    world.spec("named", extra=BY_NAME.replace("payments", "other"))
    world.commit()
    attempts = world.attempts("named")
    (found,) = sent_specs(world.git, world.project, attempts).values()
    assert found.variables == {"connectorId": A}


def test_rerun_writes_below_what_is_selected(tmp_path: Any) -> None:
    world = World(root=tmp_path)
    catalog(world, payments=prod(A), shop=prod(B))
    world.spec(
        "one",
        extra="  connectorType: aws\n  targets:\n    connectors: {cloud: aws}\n"
        "    regions: [us-east-1]\n",
    )
    world.commit()
    world.apply()
    world.on_disk()
    world.rerun("one/payments.us-east-1", "again")
    text = world.from_disk("runs/one.yaml")
    assert text.endswith(
        '    overrides:\n      "payments.us-east-1":\n        rerun: 1\n'
        "        annotations:\n          rerunReason: again\n"
    )
    world.commit()
    assert due(world, full=True) == {"one/payments.us-east-1"}


def approved(team: Team, number: int, **entries: Any) -> None:
    """Propose, approve and merge what a catalog becomes."""
    team.world.git.switch(f"pull-{number}", team.world.git.resolve("main"))
    catalog(team.world, **entries)
    head = team.on_branch(number)
    team.world.github.open(number, head, team.world.git.resolve("main"), author="ada")
    team.world.github.approve(number, "bob")
    team.merge(number)


def test_what_a_catalog_changes_is_approved_with_it() -> None:
    team = Team(project_file("policy: {approvals: [{count: 1}]}"))
    catalog(team.world, payments=prod(A))
    team.world.spec("one", extra=SELECTED)
    team.world.spec("named", "n", extra=BY_NAME)
    team.commit()
    team.world.baseline()
    approved(team, 7, payments=prod(B), shop=prod(C))
    assert due(team.world) == {"named", "one/payments", "one/shop"}
    assert team.world.apply(approved=True).report.exit_code is ExitCode.OK
    assert sorted(sent_to(team.world)) == [B, B, C]


def test_a_catalog_that_changed_after_the_merge_is_not_what_was_approved() -> None:
    team = Team(project_file("policy: {approvals: [{count: 1}]}"))
    catalog(team.world, payments=prod(A))
    team.world.spec("one", extra=SELECTED)
    team.commit()
    team.world.baseline()
    approved(team, 7, payments=prod(B))
    for connector in (C, B):
        catalog(team.world, payments=prod(connector))
        team.commit()
        done = team.world.apply(approved=True)
        assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "approval")
    assert sent_to(team.world) == []
