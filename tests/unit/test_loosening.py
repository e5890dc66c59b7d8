"""In what a newer policy holds less: each of its rules, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.policy.limits import Limits
from qflow_gitops.policy.loosening import loosened
from qflow_gitops.policy.rollout import Rollout, Share
from qflow_gitops.policy.rules import Approvals, Policy, Scope
from qflow_gitops.policy.tickets import TicketRule
from qflow_gitops.policy.windows import Window

STRICT = Policy(
    Limits(5, 10.0, 10, {"oci": 2}, {"w": 1}),
    (Window("deny", "0 0 * * SAT", 3600.0, "UTC"),),
    (Approvals(2, Scope(("prod",))),),
    frozenset({"a"}),
    frozenset({"x"}),
    {"ticket": "CHG[0-9]+"},
    True,
    True,
    Rollout((Share(1), Share(10, percent=True)), Share(1), 600.0),
    ticket=TicketRule("servicenow", "CHG[0-9]+", states=("-2",)),
)
TICKET = TicketRule("servicenow", "CHG[0-9]+", states=("-2", "0"))
LIMITS = STRICT.limits
ROLLOUT = Rollout((Share(1), Share(10, percent=True)), Share(1), 600.0)
LOOSER: list[tuple[dict[str, Any], str]] = [
    ({"limits": LIMITS._replace(runs=6)}, "limits.runs: 5 → 6"),
    ({"limits": LIMITS._replace(share=20.5)}, "limits.share.percent: 10 → 20.5"),
    ({"limits": LIMITS._replace(share=None)}, "limits.share.percent: 10 → none"),
    ({"limits": LIMITS._replace(share_from=50)}, "limits.share: from 10 specs on → from 50"),
    ({"limits": LIMITS._replace(connector_types={})}, "limits.connectorTypes.oci: 2 → none"),
    ({"limits": LIMITS._replace(workflows={"w": 9})}, "limits.workflows.w: 1 → 9"),
    ({"windows": ()}, "windows: others than before"),
    ({"approvals": ()}, "approvals: 2 → 0"),
    ({"approvals": (Approvals(1, Scope(("prod",))),)}, "approvals: 2 → 1"),
    ({"allowed": None}, "workflows.allow: all are allowed now"),
    ({"allowed": frozenset({"a", "b"})}, "workflows.allow: 1 more"),
    ({"denied": frozenset()}, "workflows.deny: 1 fewer"),
    ({"annotations": {}}, "require.annotations.ticket: no more"),
    ({"annotations": {"ticket": ".*"}}, "require.annotations.ticket: another pattern"),
    ({"rollout": None}, "rollout: no more"),
    ({"rollout": ROLLOUT._replace(pause=60.0)}, "rollout.pause: 600 s → 60 s"),
    ({"rollout": ROLLOUT._replace(max_failures=Share(2))}, "rollout.maxFailures: 1 → 2"),
    ({"rollout": ROLLOUT._replace(batches=())}, "rollout.batches: 1, 10% → all"),
    ({"signed_commits": False}, "require.signedCommits: no more"),
    ({"workflow_revision": False}, "require.workflowRevision: no more"),
    ({"ticket": None}, "require.ticket: no more"),
    ({"ticket": TICKET}, "require.ticket: others than before"),
    ({"approvals_elsewhere": True}, "apply.approvals: github → elsewhere"),
]


@pytest.mark.parametrize(("change", "said"), LOOSER)
def test_what_holds_less_is_named(change: dict[str, Any], said: str) -> None:
    assert loosened(STRICT, STRICT._replace(**change)) == [said]


def test_every_rule_of_a_policy_is_compared() -> None:
    """A rule that is added to policies has to be added here, too."""
    named = {name for change, _ in LOOSER for name in change}
    assert named == set(Policy._fields)


@given(st.lists(st.sampled_from(LOOSER), max_size=4))
def test_what_holds_more_is_not_named(changes: list[tuple[dict[str, Any], str]]) -> None:
    looser = STRICT._replace(**{name: value for one, _ in changes for name, value in one.items()})
    tightened = loosened(looser, STRICT)
    assert set(tightened) <= {
        "windows: others than before",
        "rollout.batches: all → 1, 10%",
        "require.annotations.ticket: another pattern",
        "require.ticket: others than before",
    }
    assert loosened(looser, looser) == []


def test_a_rule_for_all_runs_takes_the_place_of_one_for_some() -> None:
    assert loosened(STRICT, STRICT._replace(approvals=(Approvals(2),))) == []
