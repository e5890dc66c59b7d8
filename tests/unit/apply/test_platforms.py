"""From an attempt to the Qualys that it went to, and to no other."""

from typing import Any, cast

import pytest

from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.errors import UsageProblem
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.settings.project import Environment, Project


def gateways(platform: str, gateway: str) -> Gateways:
    made = Project(("runs",), "prod", {"prod": Environment("prod", platform)})
    return Gateways(lambda _platform: (cast(Qualys, object()), gateway), made)


def sent_to(platform: str, gateway: str) -> Attempt:
    facts: dict[str, Any] = {"platform": platform, "gateway": gateway}
    return Attempt(1, State.IN_DOUBT, "v1:sha256:" + "0" * 64, (), facts=facts)


@pytest.mark.parametrize(
    ("sent", "now", "way"),
    [
        (("US1", "g1"), ("EU1", "g2"), "Set `platform:` of prod in qflow.yaml back to US1"),
        (("private", "g1"), ("private", "g2"), "Set QFLOW_GATEWAY back to g1"),
    ],
)
def test_what_went_elsewhere_is_asked_for_nowhere(
    sent: tuple[str, str], now: tuple[str, str], way: str
) -> None:
    with pytest.raises(UsageProblem) as refused:
        gateways(*now).asked("prod", sent_to(*sent))
    assert way in refused.value.hint
    assert sent[1] in refused.value.message


def test_what_went_here_is_asked_for_here() -> None:
    assert gateways("private", "g1").asked("prod", sent_to("private", "g1"))
    assert gateways("US1", "g2").asked("prod", sent_to("US1", "an address it had before"))
