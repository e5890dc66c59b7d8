"""Rules only ever hold: which of what is due a policy doesn't let through, and what releases it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.policy.approvals import Approval
from qflow_gitops.policy.limits import Limits
from qflow_gitops.policy.rules import (
    Approvals,
    Hold,
    Policy,
    PolicyContext,
    PolicyVerdict,
    Scope,
    judge,
    needed_approvals,
)
from qflow_gitops.policy.windows import Window
from qflow_gitops.specs.spec import RunSpec, from_document
from qflow_gitops.yaml.parse import parse
from tests.helpers.values import replace

WORKFLOW = "6cad21c8-4405-4517-beb9-7372feafb5b4"
OTHER = "7cad21c8-4405-4517-beb9-7372feafb5b4"
SATURDAY = datetime(2026, 11, 28, 12, tzinfo=UTC)
WEEKEND = Window("deny", "0 0 * * SAT", 48 * 3600.0, "Europe/Berlin")


def run(name: str, workflow: str = WORKFLOW, cloud: str = "aws", **metadata: str) -> RunSpec:
    parts = "".join(f"  {key}: {value}\n" for key, value in metadata.items())
    text = (
        "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\n"
        f"metadata:\n  name: {name}\n{parts}"
        f"spec:\n  workflowId: {workflow}\n  connectorType: {cloud}\n  input: {{value: {name}}}\n"
    )
    return from_document(parse(text.encode(), f"runs/{name}.yaml").documents[0], "prod")


RUNS = [run(f"r{number}") for number in range(6)]


def held(judged: PolicyVerdict) -> dict[str, str]:
    return {name: hold.reason for (_, name), hold in judged.held.items()}


def only(judged: PolicyVerdict) -> Hold:
    (hold,) = set(judged.held.values())
    return hold


def test_a_policy_says_25_runs_where_it_says_nothing() -> None:
    many = [run(f"r{number}") for number in range(26)]
    assert judge(many[:25], PolicyContext((Policy(),)), {}).held == {}
    hold = only(judge(many, PolicyContext((Policy(),)), {}))
    assert (hold.reason, hold.release) == ("limit", "limit:runs")
    assert "at most 25 runs an apply; 26 are due" in hold.detail
    assert "apply --ack limit:runs=26 --reason TEXT" in hold.hint


@pytest.mark.parametrize(
    ("limits", "total", "name"),
    [
        (Limits(runs=5), 6, "limit:runs"),
        (Limits(share=50.0), 11, "limit:share"),
        (Limits(connector_types={"aws": 5}), 6, "limit:aws"),
        (Limits(workflows={WORKFLOW: 5}), 6, f"limit:{WORKFLOW}"),
    ],
)
def test_a_limit_holds_all_that_it_counts(limits: Limits, total: int, name: str) -> None:
    facts = PolicyContext((Policy(limits),), total=total)
    assert only(judge(RUNS, facts, {})).release == name
    assert len(judge(RUNS, facts, {}).held) == 6
    assert len(judge(RUNS, facts, {name: 5}).held) == 6
    released = judge(RUNS, facts, {name: 6})
    assert released.held == {}
    assert released.released == {one.key: (name,) for one in RUNS}


@pytest.mark.parametrize(
    ("limits", "total"),
    [
        (Limits(runs=6), 6),
        (Limits(share=50.0), 12),
        (Limits(share=50.0, share_from=12), 11),
        (Limits(connector_types={"oci": 1}), 6),
        (Limits(workflows={OTHER: 1}), 6),
    ],
)
def test_what_is_within_the_limits_passes(limits: Limits, total: int) -> None:
    assert judge(RUNS, PolicyContext((Policy(limits),), total=total), {}).held == {}


def test_a_limit_of_some_leaves_the_others() -> None:
    some = [*RUNS[:2], run("x", OTHER), run("y", OTHER)]
    facts = PolicyContext((Policy(Limits(workflows={OTHER: 1})),))
    assert held(judge(some, facts, {})) == {"x": "limit", "y": "limit"}


def test_what_is_held_for_itself_is_not_counted() -> None:
    facts = PolicyContext((Policy(Limits(runs=1), denied=frozenset({OTHER})),))
    assert held(judge([run("a"), run("b", OTHER)], facts, {})) == {"b": "workflow"}


def test_windows_hold_what_is_due_and_say_when_they_open() -> None:
    facts = PolicyContext((Policy(windows=(WEEKEND,)),), now=SATURDAY)
    hold = only(judge(RUNS, facts, {}))
    assert hold.release == "window"
    assert "is open: runs may be sent from 2026-11-29T23:00:00Z on" in hold.detail
    assert judge(RUNS, facts, {"window": 6}).held == {}
    assert judge(RUNS, replace(facts, now=None), {}).held == {}
    elsewhere = PolicyContext(
        (Policy(windows=(replace(WEEKEND, environments=("dev",)),)),), now=SATURDAY
    )
    assert judge(RUNS, elsewhere, {}).held == {}


def test_each_of_two_holds_needs_its_own_release() -> None:
    facts = PolicyContext((Policy(Limits(runs=5), windows=(WEEKEND,)),), now=SATURDAY)
    assert only(judge(RUNS, facts, {"window": 6})).release == "limit:runs"
    assert only(judge(RUNS, facts, {"limit:runs": 6})).release == "window"
    both = judge(RUNS, facts, {"limit:runs": 6, "window": 6})
    assert set(both.released.values()) == {("limit:runs", "window")}


def test_what_was_released_stays_so_when_fewer_are_left() -> None:
    facts = PolicyContext((Policy(Limits(runs=2)),))
    before = dict.fromkeys((one.key for one in RUNS[:4]), ("limit:runs",))
    assert held(judge(RUNS[:5], facts, {"limit:runs": 6}, before)) == {"r4": "limit"}
    other = dict.fromkeys(before, ("window",))
    assert len(held(judge(RUNS[:5], facts, {"limit:runs": 6}, other))) == 5


@pytest.mark.parametrize(
    ("value", "passes"),
    [("CHG0012345", True), ("CHG1", False), ("xCHG0012345", False), ("", False)],
)
def test_an_annotation_has_to_match_as_a_whole(value: str, passes: bool) -> None:
    one = run("a", annotations=f"{{ticket: '{value}'}}") if value else run("a")
    facts = PolicyContext((Policy(annotations={"ticket": "CHG[0-9]{7}"}),))
    found = judge([one], facts, {})
    assert (found.held == {}) is passes
    if not passes:
        assert only(found).release == ""
        assert "runs/a.yaml" in only(found).hint


def test_workflows_are_denied_or_not_allowed() -> None:
    denied = PolicyContext((Policy(denied=frozenset({WORKFLOW})),))
    both = PolicyContext((Policy(denied=frozenset({WORKFLOW}), allowed=frozenset({WORKFLOW})),))
    allowed = PolicyContext((Policy(allowed=frozenset({OTHER})),))
    for facts in (denied, both, allowed):
        assert only(judge(RUNS, facts, {})).reason == "workflow"
    assert judge(RUNS, PolicyContext((Policy(allowed=frozenset({WORKFLOW})),)), {}).held == {}
    upper = run("a", WORKFLOW.upper())
    assert only(judge([upper], denied, {})).reason == "workflow"


TWO = Policy(approvals=(Approvals(1), Approvals(2, Scope(labels={"tier": "critical"}))))


def test_the_highest_number_of_approvals_counts() -> None:
    critical = run("a", labels="{tier: critical}")
    assert needed_approvals([TWO], critical) == 2
    assert needed_approvals([TWO], RUNS[0]) == 1
    assert needed_approvals([Policy()], critical) == 0
    assert needed_approvals([Policy(), TWO], critical) == 2


def test_approvals_are_asked_for_only_where_something_is_sent() -> None:
    one = run("a", labels="{tier: critical}")
    assert judge([one], PolicyContext((TWO,)), {}).held == {}
    assert "nobody was asked" in only(judge([one], PolicyContext((TWO,), sending=True), {})).detail
    few = PolicyContext((TWO,), sending=True, approvals={one.key: Approval(12, ("mara",))})
    assert "needs 2 approvals, and has 1 in pull request #12" in only(judge([one], few, {})).detail
    enough = replace(few, approvals={one.key: Approval(12, ("mara", "joao"))})
    assert judge([one], enough, {}).held == {}


def test_approved_asks_for_one_whatever_the_policy_says() -> None:
    facts = PolicyContext((Policy(),), sending=True, approvals={})
    assert only(judge(RUNS, facts, {})).reason == "approval"
    assert only(judge(RUNS, facts, {"approval": 6})).release == ""
    why = PolicyContext(
        (Policy(),), approvals={RUNS[0].key: Approval(3, ("mara",), "it is another one")}
    )
    assert "it is another one" in only(judge(RUNS[:1], why, {})).detail


def test_signatures_are_those_of_the_pull_request() -> None:
    policy, one = Policy(signed_commits=True), RUNS[0]
    assert judge([one], PolicyContext((policy,)), {}).held == {}
    assert only(judge([one], PolicyContext((policy,), sending=True), {})).reason == "policy"
    for signed in (True, False):
        found = {one.key: Approval(12, ("mara",), signed=signed)}
        judged = judge([one], PolicyContext((policy,), sending=True, approvals=found), {})
        assert (judged.held == {}) is signed


def test_a_policy_that_cannot_be_read_passes_nothing() -> None:
    hold = only(
        judge(RUNS, PolicyContext((Policy(),), unreadable="commit abc isn't in this clone"), {})
    )
    assert (hold.reason, hold.release) == ("policy", "")
    assert "commit abc isn't in this clone" in hold.detail


policies = st.builds(
    Policy,
    limits=st.builds(
        Limits,
        runs=st.integers(1, 8),
        share=st.none() | st.sampled_from((10.0, 60.0)),
        connector_types=st.sampled_from(({}, {"aws": 1}, {"oci": 1})),
        workflows=st.sampled_from(({}, {WORKFLOW: 2})),
    ),
    windows=st.sampled_from(((), (WEEKEND,))),
    approvals=st.sampled_from(((), (Approvals(1),), (Approvals(2),))),
    allowed=st.none() | st.just(frozenset({WORKFLOW})),
    denied=st.sampled_from((frozenset(), frozenset({OTHER}))),
    annotations=st.sampled_from(({}, {"ticket": "CHG[0-9]+"})),
    signed_commits=st.booleans(),
)
specs = st.lists(
    st.sampled_from(
        [
            *RUNS,
            run("o", OTHER),
            run("oci", cloud="oci"),
            run("t", annotations="{ticket: CHG1}"),
        ]
    ),
    max_size=9,
    unique_by=lambda one: one.key,
)
approved = st.builds(
    Approval, st.just(1), st.sampled_from(((), ("a",), ("a", "b"))), signed=st.booleans()
)


@given(specs, st.lists(policies, min_size=1, max_size=2), policies, approved, st.booleans())
def test_one_more_policy_never_lets_more_through(
    due: list[RunSpec], some: list[Policy], more: Policy, approval: Approval, asked: bool
) -> None:
    approvals = {one.key: approval for one in due} if asked else None
    facts = PolicyContext(tuple(some), len(due), SATURDAY, sending=True, approvals=approvals)
    stricter = replace(facts, policies=(*some, more))
    alone = judge(due, replace(facts, policies=(more,)), {})
    passed = {one.key for one in due} - set(judge(due, stricter, {}).held)
    # A limit counts what the other rules leave, so only what is about one run is compared so.
    own = {key for key, hold in alone.held.items() if hold.release == ""}
    assert not passed & own
    assert not passed & {k for k, h in judge(due, facts, {}).held.items() if h.release == ""}
    count = len(passed)
    assert all(count <= each.limits.runs for each in stricter.policies)


@given(specs, st.lists(policies, min_size=1, max_size=2), approved, st.booleans())
def test_what_passes_satisfies_every_rule(
    due: list[RunSpec], rules: list[Policy], approval: Approval, asked: bool
) -> None:
    """The rules, said once more in another way."""
    approvals = {one.key: approval for one in due} if asked else None
    facts = PolicyContext(tuple(rules), len(due), SATURDAY, sending=True, approvals=approvals)
    found = judge(due, facts, {})
    passed = [one for one in due if one.key not in found.held]
    assert not found.released
    for policy in rules:
        assert not (policy.windows and passed)
        assert len(passed) <= policy.limits.runs
        for one in passed:
            assert one.workflow_id not in policy.denied
            assert policy.allowed is None or one.workflow_id in policy.allowed
            assert not policy.annotations or one.annotations.get("ticket") == "CHG1"
            assert not policy.signed_commits or (asked and approval.signed)
            assert not policy.approvals or (
                asked and len(approval.approvers) >= policy.approvals[0].count
            )
            assert not asked or approval.approvers
        for cloud, most in policy.limits.connector_types.items():
            assert sum(cloud in one.connector_types for one in passed) <= most
        for workflow, most in policy.limits.workflows.items():
            assert sum(one.workflow_id == workflow for one in passed) <= most
