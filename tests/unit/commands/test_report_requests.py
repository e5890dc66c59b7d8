"""`report --live`: what executions were started with, against what their attempts sent."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.audit.span import Span
from qflow_gitops.commands import report_requests
from qflow_gitops.commands.report import Asked, ReportServices, report
from qflow_gitops.errors import ExitCode, UnreachableError
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.evidence import DifferenceTold, Evidence, Kind
from qflow_gitops.sources.loader import DIRECT
from tests.fakes.qualys import Begun
from tests.fakes.world import WORKFLOW, World, project_file
from tests.unit.apply.stories import vanished

KEYED = project_file("apply: {correlationKey: qflowRun}")


def applied(settings: str = project_file()) -> tuple[World, Begun]:
    world = World(settings)
    world.specs("a")
    world.apply()
    (begun,) = world.qualys.begun
    return world, begun


def told(world: World, **asked: Any) -> Evidence:
    head = world._head()
    services = ReportServices(
        world.git, head, world.store, world._settings(head), DIRECT, world.clock, world.connect
    )
    body = report(Asked(live=True, **asked), services).body
    assert isinstance(body, Evidence)
    return body


def found(world: World) -> list[DifferenceTold]:
    return [one for one in told(world).compared.differences if one.kind is Kind.OTHER_REQUEST]


def rewritten(world: World, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the attempt, as somebody may who can push to the lockfile's branch."""
    data = json.loads(world.store.place.versions[-1])
    change(data["environments"]["prod"]["runs"]["a"]["attempts"][0])
    world.store.place.versions[-1] = json.dumps(data).encode()


@pytest.mark.parametrize("settings", [project_file(), KEYED])
def test_an_execution_that_shows_its_request_is_no_difference(settings: str) -> None:
    world, _ = applied(settings)
    compared = told(world).compared
    assert compared.differences == ()
    assert not [limit for limit in compared.limits if "started with" in limit]


def test_an_attempt_that_claims_what_somebody_started_by_hand_is_named() -> None:
    """Without this nothing in the report would tell: the attempt is as a real one."""
    world, _ = applied()
    by_hand = world.qualys.begin(WORKFLOW, {"input": {"value": "canary-4711", "more": 1}})
    by_hand.end("Success", world.clock.now())
    world.qualys.begun.pop(0)
    rewritten(world, lambda attempt: attempt.update(executionId=by_hand.id))
    (one,) = found(world)
    assert (one.environment, one.run, one.number) == ("prod", "a", 1)
    assert one.execution_id == by_hand.id
    assert one.text == (
        f"prod/a #1: Qualys shows that its execution {by_hand.id} was started with something "
        "else, at /input/more, /input/value."
    )
    assert "canary" not in repr(told(world))


def test_the_exit_code_tells_of_it() -> None:
    world, begun = applied()
    begun.body = {"input": {"value": "other"}}
    head = world._head()
    services = ReportServices(
        world.git, head, world.store, world._settings(head), DIRECT, world.clock, world.connect
    )
    made = report(Asked(live=True, exit_code=True), services)
    assert (made.exit_code, made.reason) == (ExitCode.PENDING, "differs")


def test_what_was_started_another_way_is_named() -> None:
    world, begun = applied()
    begun.source = "UI"
    (one,) = found(world)
    assert "was started through UI, not through the API" in one.text


def test_the_key_alone_does_not_make_it_the_same() -> None:
    """Whoever starts it by hand chooses the key that it carries."""
    world, begun = applied(KEYED)
    begun.body = {"input": {**begun.body["input"], "value": "other"}}
    (one,) = found(world)
    assert one.text.endswith("at /input/value.")


def test_of_many_places_a_few_are_named_and_no_secret() -> None:
    world, begun = applied()
    token = "ghp_" + "a1B2" * 9
    begun.body = {"input": {"value": "a", token: 1, **{f"v{n}": n for n in range(7)}}}
    (one,) = found(world)
    assert token not in one.text
    assert one.text.endswith("/input/v0, /input/v1, /input/v2, /input/v3 and 3 more.")


def test_a_whole_body_that_was_taken_for_the_input_is_the_same() -> None:
    world, begun = applied()
    begun.body = {"input": begun.body}
    assert found(world) == []


def test_what_is_not_echoed_is_unknown() -> None:
    world, begun = applied()
    begun.echoed = False
    assert found(world) == []
    (limit,) = (one for one in told(world).compared.limits if "couldn't be compared" in one)
    assert limit.startswith("What 1 execution was started with")


def without_its_file(world: World, body: str = "") -> None:
    change = {"blob": "0" * 40, "commit": "0" * 40}
    rewritten(
        world, lambda attempt: attempt.update(change, **({"bodySha256": body} if body else {}))
    )


def test_without_its_file_the_same_bytes_are_the_same_request() -> None:
    world, _ = applied()
    without_its_file(world)
    assert found(world) == []
    assert not [limit for limit in told(world).compared.limits if "couldn't be" in limit]
    without_its_file(world, "0" * 64)
    assert found(world) == []
    assert [limit for limit in told(world).compared.limits if "couldn't be compared" in limit]


def test_without_its_file_another_key_is_another_request() -> None:
    world, begun = applied(KEYED)
    without_its_file(world)
    assert found(world) == []
    begun.body = {"input": {"value": "a", "qflowRun": "somebody-else"}}
    (one,) = found(world)
    assert one.text.endswith("doesn't carry its key, qflowRun.")


def test_who_adopted_it_all_the_same_is_said() -> None:
    world = World()
    vanished(world, "a")
    other = world.qualys.begin(WORKFLOW, {"input": {"value": "other"}})
    world.resolve("prod/a", State.ADOPTED, execution_id=other.id, although_different=True)
    (one,) = found(world)
    assert one.text.endswith("at /input/value; ada adopted it all the same.")


def test_no_more_are_asked_for_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_requests, "REQUESTS", 2)
    world = World()
    world.specs("a", "b", "c")
    world.apply()
    for begun in world.qualys.begun:
        begun.body = {"input": {"value": "other"}}
    assert len(found(world)) == 2
    assert any(
        "What 1 older execution was started with" in one for one in told(world).compared.limits
    )


def test_where_it_cannot_be_asked_all_else_is_told() -> None:
    world, _ = applied()
    world.qualys.refuses["echo"] = UnreachableError("Nobody answers.")
    body = told(world)
    assert body.compared.executions == 1
    assert any("requests could be looked at: Nobody" in one for one in body.compared.limits)


def test_an_execution_outside_the_span_is_not_asked_about() -> None:
    world, begun = applied()
    begun.body = {"input": {"value": "other"}}
    world.clock.sleep(3600.0)
    assert told(world, span=Span(since=world.now)).compared.differences == ()
