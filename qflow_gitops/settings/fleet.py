"""A fleet, as `fleet.yaml` gives it, with each default."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from qflow_gitops.base.paths import folder_form
from qflow_gitops.base.times import duration
from qflow_gitops.findings.finding import Diagnostic, has_errors
from qflow_gitops.policy import rollout
from qflow_gitops.policy.waves import Counting, Outcomes, Wave
from qflow_gitops.settings.fleet_rules import problems
from qflow_gitops.yaml.document import Document

_UNITS = {"MiB": 2**20, "GiB": 2**30}


class FleetMember(NamedTuple):
    """A project in another repository.

    `project` is its folder there. `environment` is "" for its only or default one, `credentials`
    the name of a set of variables, "" for none.
    """

    name: str
    repository: str
    ref: str = "main"
    project: str = "."
    environment: str = ""
    labels: Mapping[str, str] = {}
    credentials: str = ""

    @property
    def part(self) -> str:
        """What of its repository it is: `PROJECT:ENVIRONMENT`; "" where it names neither."""
        if (self.project, self.environment) == (".", ""):
            return ""
        return f"{self.project}:{self.environment}"


class Subscription(NamedTuple):
    """Members of which at most so many are worked on at once."""

    name: str
    members: tuple[str, ...]
    at_once: int = 1


class Fleet(NamedTuple):
    """Members, and how they are worked on.

    `time` (seconds) and `memory` (bytes) are what one member's process may take, `at_once` is how
    many there are at a time.
    """

    members: tuple[FleetMember, ...]
    waves: tuple[Wave, ...] = (Wave(),)
    subscriptions: tuple[Subscription, ...] = ()
    outcomes: Outcomes = Outcomes()
    time: float = 3600.0
    memory: int = 2**30
    at_once: int = 4


def from_document(
    document: Document, inventory: Sequence[FleetMember] = ()
) -> tuple[Fleet | None, tuple[Diagnostic, ...]]:
    """Read a fleet from a document that satisfies the schema `fleet`.

    `inventory` are members that come from elsewhere, after those of the document.
    """
    spec: Mapping[str, Any] = document.data["spec"]
    limits = spec.get("limits", {})
    fleet = Fleet(
        members=(*members_of(spec.get("members", ())), *inventory),
        subscriptions=tuple(
            Subscription(name, tuple(each["members"]), int(each.get("atOnce", 1)))
            for name, each in spec.get("subscriptions", {}).items()
        ),
        outcomes=Outcomes(
            **{name: Counting(word) for name, word in spec.get("outcomes", {}).items()}
        ),
    )
    if "waves" in spec:
        fleet = fleet._replace(waves=tuple(map(_wave, spec["waves"])))
    if "time" in limits:
        fleet = fleet._replace(time=duration(limits["time"]))
    if "memory" in limits:
        fleet = fleet._replace(memory=_bytes(limits["memory"]))
    if "atOnce" in spec.get("apply", {}):
        fleet = fleet._replace(at_once=int(spec["apply"]["atOnce"]))
    found = tuple(problems(document, fleet))
    return None if has_errors(found) else fleet, found


def members_of(given: Iterable[Mapping[str, Any]]) -> tuple[FleetMember, ...]:
    """Read members that satisfy the schema."""
    return tuple(
        FleetMember(**{**each, "project": folder_form(each.get("project", "."))}) for each in given
    )


def _wave(given: Mapping[str, Any]) -> Wave:
    percent = given.get("percent")
    return Wave(
        given.get("select"),
        None if percent is None else int(percent),
        rollout.share_of(given.get("maxFailures", 0)),
        duration(given["soak"]) if "soak" in given else 0.0,
    )


def _bytes(text: str) -> int:
    return int(text[:-3]) * _UNITS[text[-3:]]
