"""The steps of an execution, told: what their words mean, and by which one it didn't succeed."""

from collections.abc import Mapping, Sequence

from qflow_gitops.base.times import of_milliseconds, stamp
from qflow_gitops.lockfile.states import ENDINGS, State
from qflow_gitops.ports.qualys import Execution, Step
from qflow_gitops.results.stories import Culprit, Lasted, Saying, StepTold
from qflow_gitops.specs.hiding import Hiding

_BAD = (State.FAILED, State.CANCELLED)


def meaning(word: str, statuses: Mapping[str, str]) -> str:
    """Say what a status word means by the settings and the documentation, "" for unknown.

    `statuses` has the words in lower case. A word that nobody explained is neither success nor
    failure (docs/api.md 3).
    """
    state = statuses.get(word.lower(), "")
    return state if state in ENDINGS else ""


def told(step: Step, statuses: Mapping[str, str], hiding: Hiding) -> StepTold:
    """Tell a step, without what its spec calls sensitive."""
    said = [Saying(each.field, hiding.text(each.text), each.likely) for each in step.said]
    return StepTold(
        step.node_id,
        step.node_type,
        step.order,
        step.status,
        meaning(step.status, statuses),
        time_of(step.created_at),
        time_of(step.updated_at),
        tuple(each for each in said if each.text),
    )


def culprit(steps: Sequence[StepTold]) -> Culprit | None:
    """Find the step by which an execution didn't succeed; None where nothing points at one.

    The first with a word that stands for a failure, else for being cancelled; else the last by
    their order whose word isn't known to stand for success, which proves little. Without any order
    it is the last as they came.
    """
    ordered = [step for step in steps if step.order is not None]
    for state in _BAD:
        found = next((step for step in steps if step.meaning == state), None)
        if found:
            return Culprit(found, certain=True, ordered=bool(ordered))
    unknown = [step for step in ordered or steps if step.meaning != State.SUCCEEDED]
    if not unknown:
        return None
    return Culprit(unknown[-1], certain=False, ordered=bool(ordered))


def lasted(execution: Execution) -> Lasted:
    """Say how long an execution took, by the times that it shows (docs/api.md 1.6)."""
    created, began, ended = execution.created_at, execution.start_date, execution.end_date
    return Lasted(_between(created, began), _between(began, ended), _between(created, ended))


def _between(start: int | None, end: int | None) -> float | None:
    first, last = of_milliseconds(start), of_milliseconds(end)
    if first is None or last is None or last < first:
        return None
    return (last - first).total_seconds()


def time_of(at: int | None) -> str:
    """Write a time of Qualys' (milliseconds since 1970), "" for none."""
    moment = of_milliseconds(at)
    return stamp(moment) if moment else ""
