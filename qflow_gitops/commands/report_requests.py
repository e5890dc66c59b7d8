"""What executions were started with, by what Qualys shows, held against what their attempts sent.

The lockfile alone can't tell an execution of its own from one that somebody started by hand and
wrote an attempt for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qflow_gitops.apply.matching import SOURCE, Match, Sent, differing, grade
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.qualys import Qualys, TriggerInput
from qflow_gitops.results.evidence import AttemptEvidence, DifferenceTold, Kind
from qflow_gitops.specs import secrets
from qflow_gitops.specs.spec import RunSpec, with_key

REQUESTS = 200
"""So many executions' requests are asked for, of the newest attempts: a call each. The limit of
APIs behind the same gateway is 300 an hour (docs/api.md 4.3 [I])."""
_NAMED = 5
"""So many places that differ are named."""
_LONG = 60


@dataclass
class Requests:
    """Holds executions against attempts.

    `specs_of` gives what attempts sent, in their order, None for what this clone doesn't have.
    """

    qualys: Qualys
    specs_of: Callable[[Sequence[AttemptEvidence]], Sequence[RunSpec | None]]
    found: list[DifferenceTold] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    problem: QflowError | None = None

    def compare(self, attempts: Sequence[AttemptEvidence]) -> None:
        """Hold the newest of these attempts against their executions, which Qualys shows.

        What stops it is kept as the `problem`.
        """
        newest = sorted(attempts, key=lambda one: one.opened_at)[-REQUESTS:]
        unclear = 0
        try:
            for one, spec in zip(newest, self.specs_of(newest), strict=True):
                why = _contradiction(one, spec, self.qualys.echo(one.execution_id))
                if why:
                    self.found.append(
                        DifferenceTold.about(Kind.OTHER_REQUEST, one, why + _adopted(one))
                    )
                unclear += why is None
        except QflowError as problem:
            self.problem = problem
            self.limits.append(
                f"Not all executions' requests could be looked at: {problem.message}"
            )
        if unclear:
            self.limits.append(
                f"What {unclear:,} execution{'s were' if unclear > 1 else ' was'} started with "
                "couldn't be compared: Qualys doesn't show it, or this clone lacks what was sent."
            )
        if left := len(attempts) - len(newest):
            self.limits.append(
                f"What {left:,} older execution{'s were' if left > 1 else ' was'} started with "
                "wasn't compared; --since, -e and RUN narrow it."
            )


def _contradiction(
    one: AttemptEvidence, spec: RunSpec | None, echo: TriggerInput | None
) -> str | None:
    """Say how an execution shows another request than the attempt's.

    "" where it shows the same, None where that can't be told. Unlike where an execution is looked
    for, a key of ours doesn't decide alone: who writes an attempt chooses its key.
    """
    if echo is None:
        return None
    shows = f"Qualys shows that its execution {one.execution_id}"
    if echo.source and echo.source != SOURCE:
        source = secrets.masked(echo.source[:_LONG])
        return f"{shows} was started through {source}, not through the API"
    body, key, nonce = (str(one.facts.get(name, "")) for name in _FACTS)
    if spec is None:
        by_key = grade(Sent(None, body, key, nonce), echo)
        if key and by_key is Match.DIFFERENT:
            return f"{shows} doesn't carry its key, {key}"
        return "" if grade(Sent(None, body), echo) is Match.SAME_REQUEST else None
    sent = with_key(spec.request, key, nonce)
    match = grade(Sent(sent, body), echo)
    if match is Match.DIFFERENT:
        return f"{shows} was started with something else{_places(sent, echo)}"
    return "" if match is Match.SAME_REQUEST else None


_FACTS = ("bodySha256", "correlationKey", "nonce")


def _places(sent: dict[str, object], echo: TriggerInput) -> str:
    """Name where, in as few words: the values may be confidential, and names that tell any."""
    places = [secrets.masked_pointer(each.pointer)[:_LONG] for each in differing(sent, echo)]
    more = f" and {len(places) - _NAMED:,} more" if len(places) > _NAMED else ""
    return f", at {', '.join(places[:_NAMED])}{more}" if places else ""


def _adopted(one: AttemptEvidence) -> str:
    """Say that a person knew, and took it for this attempt's all the same."""
    for event in one.events:
        if event.what == State.ADOPTED.value and event.more.get("checked") == "execution":
            return f"; {event.by or 'somebody'} adopted it all the same"
    return ""
