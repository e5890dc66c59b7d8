"""The whole table: what was seen, and what nobody can see without a run."""

from collections.abc import Iterator
from datetime import datetime

from qflow_gitops.doctor.facts import errors, executions, steps, workflows
from qflow_gitops.doctor.qualys.visit import Visit
from qflow_gitops.results.checks import Fact

_RUN = "not observable without a run"
_NEVER = (
    ("a run: the status of success, and its answer", "1.4"),
    ("a run: whether system variables take arrays", "1.4"),
    ("a run: how soon its execution is listed", "1.5"),
    ("a run: whether anything makes it idempotent", "12"),
    ("a run: whether anything cancels it", "1.0"),
)


def facts(visit: Visit, made_up: frozenset[str], now: datetime) -> tuple[Fact, ...]:
    """Tell all that was seen; `made_up` are ids of nothing, `now` is the gateway's time."""
    return tuple(_all(visit, made_up, now))


def _all(visit: Visit, made_up: frozenset[str], now: datetime) -> Iterator[Fact]:
    there = visit.without(made_up)
    yield from workflows.facts(there)
    yield from executions.facts(there, now)
    yield from steps.facts(there)
    yield from errors.facts(visit, made_up, now)
    for about, source in _NEVER:
        yield Fact(about, source, "", _RUN)
