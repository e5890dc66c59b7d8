"""The evidence as OCSF: each event is what the schema asks for, and says no more than is known."""

import json
from dataclasses import replace
from typing import Any

import pytest

from qflow_gitops.lockfile.states import State
from qflow_gitops.render import ocsf
from qflow_gitops.render.ocsf_words import ALARMS, MEANINGS, TITLES
from qflow_gitops.results.evidence import (
    ApprovalTold,
    AttemptEvidence,
    Compared,
    DifferenceTold,
    EventTold,
    Evidence,
    Kind,
    Outcome,
    ReleaseTold,
    RunEvidence,
)
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import CommitTold, Culprit, StepTold
from tests.helpers.evidence import HOSTILE, Maker
from tests.helpers.ocsf import NOT_OF_A_PROFILE, faults, recommended

KEY = ("prod", "a")
AT = "2026-10-06T12:00:00Z"
NOTHING = Compared()
ALL = Compared(tuple(DifferenceTold(kind, f"It is {kind}.", *KEY, 1) for kind in Kind))


def event(what: str, at: str = AT, **more: Any) -> EventTold:
    named = {name: more.pop(name) for name in ("by", "reason", "ci_run", "tool") if name in more}
    return EventTold(at, what, **named, more=more)


def attempt(*events: EventTold, **more: Any) -> AttemptEvidence:
    known: dict[str, Any] = {
        "key": KEY, "number": 1, "state": State.SUCCEEDED, "outcome": Outcome.SUCCEEDED,
        "anchor": "a-1", "opened_at": AT, "changed_at": AT, "workflow_id": "w-1",
    }  # fmt: skip
    return AttemptEvidence(**{**known, **more}, events=events)


def report(*attempts: AttemptEvidence, compared: Compared = NOTHING, **more: Any) -> Report:
    body = Evidence(
        LockSeen("here", exists=True), (RunEvidence(KEY, attempts),), "2026-11-01T00:00:00Z",
        "0.1.0", lineage="l", compared=compared, **more,
    )  # fmt: skip
    return Report("report", body=body)


def events_of(told: Report) -> list[dict[str, Any]]:
    text = ocsf.render(told)
    assert text.isascii()
    found = [json.loads(line) for line in text.splitlines()]
    for each in found:
        assert faults(each) == [], each
    return found


def one(*events: EventTold, **more: Any) -> dict[str, Any]:
    """The event of the last of these."""
    return events_of(report(attempt(*events, **more)))[-1]


INTENT = event("intent", by="ada@example.com", ci_run="https://ci.example/1", tool="0.1.0")


# --- by the schema -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("said", [lambda text: text, lambda text: HOSTILE + text])
def test_each_event_is_what_the_schema_asks_for(seed: int, said: Any) -> None:
    found = events_of(Report("report", body=Maker(said, seed).evidence(60, targets=5)))
    assert len(found) > 100
    assert len({each["metadata"]["uid"] for each in found}) == len(found)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("decided", [False, True])
def test_each_state_has_its_words(state: State, decided: bool) -> None:
    who = {"by": "bob", "reason": "It burns."} if decided else {}
    found = one(INTENT, event(state.value, **who), state=state)
    assert (found["activity_name"] == "Decision") is decided
    assert found["message"] == f"prod/a #1 {MEANINGS[state].says}."
    assert ("decided by a person" in found["metadata"].get("labels", ())) is decided


def test_what_is_recommended_is_told_where_it_is_known() -> None:
    whole = one(
        INTENT,
        event("refused", httpStatus=403, detail="No right to run it."),
        request={"variables": {"connectorId": "c-1", "region": "eu-west-1"}},
        facts={"gateway": "gateway.qg2.apps.qualys.eu", "nonce": "0" * 32},
    )
    assert recommended(6003) - set(whole) == NOT_OF_A_PROFILE
    assert whole["api"]["response"] == {"code": 403, "error_message": "No right to run it."}
    assert whole["api"]["request"]["uid"] == "0" * 32
    assert whole["dst_endpoint"]["hostname"] == "gateway.qg2.apps.qualys.eu"
    assert whole["status_code"] == "403"


def test_a_state_of_a_newer_version_is_unknown() -> None:
    found = one(INTENT, event("teleported"))
    assert (found["status"], found["activity_name"]) == ("Unknown", "Unknown")


# --- never more than is known --------------------------------------------------------


def test_only_what_is_known_to_have_succeeded_is_called_so() -> None:
    for state in State:
        found = one(INTENT, event(state.value, status="Finished"), state=state)
        succeeded = state in (State.ACCEPTED, State.ADOPTED, State.SUCCEEDED)
        assert (found["status_id"] == 1) is succeeded, state


@pytest.mark.parametrize("state", [State.ENDED, State.IN_DOUBT, State.EXPIRED, State.ASSUMED])
def test_what_nobody_knows_is_unknown(state: State) -> None:
    found = one(INTENT, event(state.value, status="Finished"), state=state)
    assert (found["status_id"], found["status"]) == (0, "Unknown")
    assert found["severity_id"] > 1


def test_what_was_declared_called_nothing() -> None:
    found = one(event("baselined", by="ada", detail="Done by hand."), state=State.BASELINED)
    assert found["api"]["operation"] == "qflow-gitops baseline"
    assert found["status"] == "Declared"
    assert found["status_detail"] == "Done by hand."
    assert found["metadata"]["labels"] == ["declared"]
    assert "dst_endpoint" not in found


def test_of_nobody_no_user_is_made_up() -> None:
    found = one(event("intent"))
    assert found["actor"] == {"app_name": "qflow-gitops"}
    assert found["src_endpoint"]["type"] == "Unknown"


def test_who_started_it_is_the_actor_until_somebody_decides() -> None:
    told = attempt(INTENT, event("in_doubt"), event("absent", by="bob"), actor="ada@example.com")
    names = [each["actor"]["user"]["name"] for each in events_of(report(told))]
    assert names == ["ada@example.com", "ada@example.com", "bob"]


def test_an_event_tells_only_what_was_known_then() -> None:
    """Else a later export told something else under the same name."""
    told = attempt(INTENT, event("accepted", httpStatus=200), event("succeeded", status="Done"))
    earlier = report(told._replace(events=told.events[:2], execution_id="e-1"))
    later = report(told._replace(execution_id="e-1", status="Done", outcome=Outcome.FAILED))
    assert events_of(later)[:2] == events_of(earlier)
    intent, accepted, ended = events_of(later)
    assert "e-1" not in json.dumps(intent)
    for each in (accepted, ended):
        assert [one["uid"] for one in each["resources"]] == ["w-1", "e-1"]


def test_an_adoption_that_was_put_back_keeps_its_execution() -> None:
    told = attempt(
        INTENT,
        event("in_doubt"),
        event("adopted", by="bob"),
        event("in_doubt", by="bob", reopens="adopted", letGo="e-wrong"),
        event("adopted", by="bob"),
        execution_id="e-right",
    )
    executions = [
        [each["uid"] for each in one["resources"] if each["type"] == "execution"]
        for one in events_of(report(told))
    ]
    assert executions == [[], [], ["e-wrong"], [], ["e-right"]]


# --- what a SIEM does with it ----------------------------------------------------------


def test_exports_of_spans_that_meet_are_the_whole_and_nothing_twice() -> None:
    whole = Maker().evidence(80)._replace(since="", until="", compared=NOTHING)
    cut = "2026-09-15T00:00:00Z"
    parts = [whole._replace(until=cut), whole._replace(since=cut)]
    first, second, both = (
        [each["metadata"]["uid"] for each in events_of(Report("report", body=body))]
        for body in (*parts, whole)
    )
    assert first
    assert second
    assert sorted([*first, *second]) == sorted(both)


def test_by_which_step_it_failed_may_become_known_later_and_nothing_else_changes() -> None:
    """As docs/reference/ocsf.md says of a later export of the same event."""
    step = StepTold("n-1", "aws", 1, "Failed", "failed", AT, AT)
    events = (INTENT, event("accepted"), event("failed", status="Failed"))
    told = attempt(*events, state=State.FAILED, outcome=Outcome.FAILED)
    known = told._replace(culprit=Culprit(step, certain=True, ordered=True))
    before, after = events_of(report(told)), events_of(report(known))
    assert before[:2] == after[:2]
    assert after[2]["unmapped"].pop("failedAt")["nodeId"] == "n-1"
    assert before[2] == after[2]


def test_a_difference_that_is_found_again_has_its_name_and_says_what_is_so_by_then() -> None:
    running = DifferenceTold(Kind.OTHER_STATE, "It hasn't ended.", *KEY, 1, execution_id="e-1")
    ended = running._replace(text="It failed.")
    before, after = (events_of(report(compared=Compared((each,)))) for each in (running, ended))
    assert before[0]["metadata"]["uid"] == after[0]["metadata"]["uid"]
    assert before[0]["finding_info"]["uid"] == after[0]["finding_info"]["uid"]
    assert (before[0]["message"], after[0]["message"]) == (running.text, ended.text)


def test_events_are_in_the_order_of_time_and_say_their_place() -> None:
    found = events_of(Report("report", body=Maker().evidence(80)._replace(compared=NOTHING)))
    times = [each["time"] for each in found]
    assert times == sorted(times)
    assert found[0]["time"] % 1000 == 0
    assert found[0]["time"] > 1_700_000_000_000
    of_one = [each["metadata"] for each in found]
    correlated = [e for e in of_one if e["correlation_uid"] == of_one[-1]["correlation_uid"]]
    assert [each["sequence"] for each in correlated] == list(range(1, len(correlated) + 1))


def test_other_lockfiles_have_other_names() -> None:
    told = report(attempt(INTENT))
    assert isinstance(told.body, Evidence)
    other = replace(told, body=told.body._replace(lineage="m"))
    assert events_of(told)[0]["metadata"]["uid"] != events_of(other)[0]["metadata"]["uid"]


def test_what_allowed_it_stands_with_the_call() -> None:
    told = attempt(
        INTENT,
        event("accepted", httpStatus=200),
        approvals=(ApprovalTold("bob", "7", "c" * 40),),
        releases=(ReleaseTold("window", 2, "eve", "It burns.", AT),),
        commit=CommitTold("c" * 40, "Ada <ada@example.com>", AT, "Close it"),
        plan_digest="v1:sha256:1",
        pull_request=12,
    )
    for found in events_of(report(told)):
        facts = found["unmapped"]
        assert facts["approvals"] == [{"by": "bob", "review": "7", "commit": "c" * 40}]
        assert facts["releases"][0]["by"] == "eve"
        assert (facts["planDigest"], facts["pullRequest"]) == ("v1:sha256:1", 12)
        assert found["metadata"]["labels"] == ["released"]
        assert "bob" in {each["value"] for each in found["observables"]}
    assert events_of(report(told))[0]["severity"] == "Low"


def test_what_was_sent_is_whole() -> None:
    sent: dict[str, Any] = {"input": {"list": [], "text": "", "none": None, "no": False, "zero": 0}}
    assert one(INTENT, request=sent)["api"]["request"]["data"] == sent


def test_each_difference_is_a_finding() -> None:
    assert set(ALARMS) == set(TITLES) == set(Kind)
    found = events_of(report(compared=ALL))
    assert [each["class_uid"] for each in found] == [2004] * len(Kind)
    assert len({each["finding_info"]["uid"] for each in found}) == len(Kind)
    later = report(compared=ALL)
    assert isinstance(later.body, Evidence)
    later = replace(later, body=later.body._replace(made_at="2026-12-01T00:00:00Z"))
    assert [e["metadata"]["uid"] for e in events_of(later)] == [e["metadata"]["uid"] for e in found]


@pytest.mark.parametrize("at", ["", "no time", "9999999-01-01T00:00:00Z"])
def test_what_is_no_time_stops_nothing(at: str) -> None:
    assert one(event("intent", at))["time"] == 0


@pytest.mark.parametrize("gateway", ["", 7, None, "a b", "h:99999", "user:pass@host", "h:0"])
def test_what_is_no_host_is_left_out(gateway: object) -> None:
    found = one(INTENT, facts={"gateway": gateway})["dst_endpoint"]
    assert set(found) <= {"svc_name", "hostname"}
    assert found.get("hostname") in (None, "h")
