"""What Qualys shows of one execution: its end, its times, its steps. Looks only."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from qflow_gitops.apply.steps import culprit, lasted, meaning, time_of, told
from qflow_gitops.base.jsondiff import MISSING
from qflow_gitops.errors import QflowError, UnreachableError
from qflow_gitops.ports.qualys import Execution, Qualys
from qflow_gitops.results.sources import UNKNOWN
from qflow_gitops.results.stories import Culprit, Depth, ExecutionTold, StepTold
from qflow_gitops.specs.hiding import Hiding, HidingAll

OUTPUTS = 20
"""So many steps' details and outputs are looked at: two calls each."""
_UNKNOWN_SPEC = (
    "The spec that was sent isn't in this clone, so what it calls sensitive isn't known: no output "
    "and no text of a step is shown."
)
_NOT_SHOWN = "Qualys doesn't show {} (404): it shows an execution for 30 days, to who may list it."


class Looker(NamedTuple):
    """Looks at one execution.

    `statuses` say what Qualys' words mean. `hiding` knows what its spec calls sensitive, None where
    its spec isn't known: then nothing is shown that may hold it.
    """

    qualys: Qualys
    execution_id: str
    statuses: Mapping[str, str]
    hiding: Hiding | None
    depth: Depth = Depth()

    def look(self) -> ExecutionTold:
        """Look at all of it; what stops it at the steps is told beside the execution.

        Raises AuthError, UnreachableError where that one can't be looked at.
        """
        found = self.qualys.execution(self.execution_id)
        if found is None:
            return ExecutionTold(problem=_NOT_SHOWN.format("this execution"))
        try:
            return self._with_steps(found)
        except QflowError as problem:
            return self._told(found)._replace(error=problem)

    def begun(self, told: ExecutionTold) -> ExecutionTold:
        """Add what started it, as far as Qualys shows that."""
        with suppress(QflowError):
            echo = self.qualys.echo(self.execution_id)
            return told._replace(source=(echo.source if echo else "") or UNKNOWN)
        return told

    def glance(self) -> ExecutionTold:
        """Look as `look` does, but at no more than says how it stands."""
        return self._replace(depth=Depth()).look()

    def _with_steps(self, found: Execution) -> ExecutionTold:
        shown = self.qualys.steps(self.execution_id)
        if shown is None:
            return self._told(found)._replace(problem=_NOT_SHOWN.format("its steps"))
        steps = [told(step, self.statuses, self._texts) for step in shown.steps]
        about = self._culprit(steps, self._told(found))
        wanted = steps[:OUTPUTS] if self.depth.steps else [about.step] if about else []
        more = {id(step): self._in_full(step) for step in wanted if step.node_id}
        if about:
            about = about._replace(step=more.get(id(about.step), about.step))
        return self._told(found)._replace(
            steps=tuple(more.get(id(step), step) for step in steps),
            missing=shown.missing,
            culprit=about,
            problem="" if self.hiding else _UNKNOWN_SPEC,
            raw=dict(self._raw(steps)) if self.depth.raw else {},
        )

    @property
    def _texts(self) -> Hiding:
        """What may be shown of texts: nothing, where nobody knows what is sensitive."""
        return self.hiding or HidingAll()

    def _told(self, found: Execution) -> ExecutionTold:
        return ExecutionTold(
            status=found.status,
            meaning=meaning(found.status, self.statuses),
            ended=found.ended,
            created=time_of(found.created_at),
            began=time_of(found.start_date),
            finished=time_of(found.end_date),
            workflow_id=found.workflow_id,
            lasted=lasted(found),
            seen=True,
        )

    def _culprit(self, steps: list[StepTold], seen: ExecutionTold) -> Culprit | None:
        """Find the step to blame for an end that isn't known to be a success."""
        return culprit(steps) if seen.ended and seen.meaning != "succeeded" else None

    def _in_full(self, step: StepTold) -> StepTold:
        """Look at a step's details, which tell of errors (docs/api.md 1.7), and at its output."""
        found = step
        dispensable = UnreachableError if self.depth.steps else QflowError
        with suppress(dispensable):  # the list has told of it, too
            details = self.qualys.step(self.execution_id, step.node_id)
            if details:
                more = told(details, self.statuses, self._texts).said
                known = {saying.text for saying in more}
                rest = (each for each in step.said if each.text not in known)
                said = sorted((*more, *rest), key=lambda saying: not saying.likely)
                found = step._replace(said=tuple(said))
        if self.hiding is None:
            return found
        with suppress(dispensable):
            shown = self.qualys.shown(self.execution_id, "steps", step.node_id, "output")
            output = MISSING if shown is None else self.hiding.value(shown)
            return found._replace(output=output)
        return found

    def _raw(self, steps: list[StepTold]) -> Iterator[tuple[str, Any]]:
        if self.hiding is None:
            return
        nodes = [step.node_id for step in steps if step.node_id][:OUTPUTS]
        for below in ((), ("steps",), *(("steps", node, "output") for node in nodes)):
            path = "/".join(("/qflowapi/v1/executions", self.execution_id, *below))
            yield path, self.hiding.value(self.qualys.shown(self.execution_id, *below))
