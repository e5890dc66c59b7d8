"""Is this execution the attempt's? What a person says is held against what Qualys shows."""

import hashlib
import shlex
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qflow_gitops.apply.doubt import EARLIER, Doubt, created_at, sent_of
from qflow_gitops.apply.matching import SOURCE, Match, Sent, differing, grade
from qflow_gitops.apply.reconciler import LATER, Reconciler
from qflow_gitops.base.jsondiff import MISSING, Difference
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import UsageProblem
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.qualys import Execution, Qualys, TriggerInput
from qflow_gitops.specs import secrets
from qflow_gitops.specs.spec import RunSpec, body_of, hidden, with_key

_RECORDED = 50  # paths that an event names at most
_UNCHANGED = "The lockfile is as it was."


class Against(NamedTuple):
    """One thing that speaks against it: a stable word, and a sentence."""

    word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Compared:
    """An execution beside what an attempt sent; `differences` are fit to be shown."""

    execution: Execution
    differences: tuple[Difference, ...] = ()
    against: tuple[Against, ...] = field(default=())

    @property
    def fits(self) -> bool:
        """Whether it shows this very request, and nothing speaks against it."""
        return not (self.differences or self.against)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What speaks against it, beside the differences."""
        return tuple(point.sentence for point in self.against)

    @property
    def facts(self) -> dict[str, Any]:
        """What the event of an adoption says of it; of a request only where it differs."""
        facts: dict[str, Any] = {"checked": "request" if self.fits else "execution"}
        if (at := created_at(self.execution)) is not None:
            facts["createdAt"] = stamp(at)
        if self.differences:
            facts["different"] = [difference.pointer for difference in self.differences[:_RECORDED]]
        if self.against:
            facts["against"] = [point.word for point in self.against]
        return facts


def compared(
    execution_id: str, doubt: Doubt, lockfile: Lockfile, reconciler: Reconciler
) -> Compared:
    """Hold an execution against what an attempt sent.

    Raises UsageProblem for one that can't be the attempt's, whatever a person says: another
    attempt has it, Qualys doesn't show it, or it is another workflow's.
    """
    qualys = reconciler.asked(doubt, lockfile)
    execution = qualys.execution(execution_id)
    workflow = doubt.attempt.fact("workflowId")
    if execution is None or execution.workflow_id.lower() != workflow.lower():
        seen = (
            "Qualys doesn't show it"
            if execution is None
            else f"it is one of {execution.workflow_id}"
        )
        raise UsageProblem(
            f"The execution {execution_id} can't be this run's: {seen}.",
            not_done=_UNCHANGED,
            hint=f"Look in Qualys for an execution of workflow {workflow} at about "
            f"{doubt.attempt.opened_at}.",
            reason="execution_differs",
        )
    execution = execution._replace(id=execution.id or execution_id)
    for known_id in {execution_id, execution.id}:
        _check_owner(known_id, lockfile)
    spec = reconciler.specs([doubt.attempt]).get(doubt.attempt.fact("nonce"))
    return _held_against(execution, doubt, spec, qualys)


def _check_owner(execution_id: str, lockfile: Lockfile) -> None:
    owner = lockfile.owner(execution_id)
    if owner is None:
        return
    environment, name, number = owner
    run = f"{environment}/{name}"
    held = lockfile.attempts(environment, name)[number - 1]
    wrong = f". If that was decided wrongly: {next_steps.reopen(run)}" if held.decision else ""
    raise UsageProblem(
        f"The execution {execution_id} belongs to {run} already.",
        not_done=_UNCHANGED,
        hint=f"See it: {next_steps.history(run)}{wrong}",
        reason="execution_taken",
    )


def _held_against(
    execution: Execution, doubt: Doubt, spec: RunSpec | None, qualys: Qualys
) -> Compared:
    sent = _sent(doubt.attempt, spec)
    echo = qualys.echo(execution.id)
    against = [*_of_time(execution, doubt), *_of_source(echo)]
    differences: tuple[Difference, ...] = ()
    # Who started it is a word of its own; here only what it was started with counts.
    match = grade(sent, echo._replace(source="") if echo else None)
    if match < Match.SAME_REQUEST:
        if echo is not None and sent.request is not None:
            differences = differing(sent.request, echo)
        if not differences:
            against.append(_unclear(sent, echo, match))
    sensitive = spec.sensitive if spec else ()
    shown = tuple(_fit_to_show(difference, sensitive) for difference in differences)
    return Compared(execution, shown, tuple(against))


def _sent(attempt: Attempt, spec: RunSpec | None) -> Sent:
    """Return all of what was sent, without the request where the file doesn't give its bytes."""
    sent = sent_of(attempt, {attempt.fact("nonce"): spec} if spec else {})
    if sent.request is None:
        return sent
    request = with_key(sent.request, sent.key, sent.nonce)
    as_sent = hashlib.sha256(body_of(request)).hexdigest() == sent.body_sha256
    return sent._replace(request=request if as_sent else None)


def _of_time(execution: Execution, doubt: Doubt) -> list[Against]:
    if execution.id.lower() in (earlier.lower() for earlier in doubt.before or ()):
        return [Against("before", "It was there before the attempt was recorded.")]
    if not doubt.is_timed:
        return []  # its sender's clock and Qualys' say nothing of each other
    start, end = doubt.opened_at - EARLIER, doubt.opened_at + LATER
    at = created_at(execution)
    if at is None:
        return [Against("time", "Qualys doesn't show when it began.")]
    if not start <= at <= end:
        said = f"It began at {stamp(at)}, which isn't between {stamp(start)} and {stamp(end)}."
        return [Against("time", said)]
    return []


def _of_source(echo: TriggerInput | None) -> list[Against]:
    if echo is None or echo.source in ("", SOURCE):
        return []
    source = secrets.masked(echo.source[:60])
    return [Against("source", f"It was started through {source}, not through the API.")]


def _unclear(sent: Sent, echo: TriggerInput | None, match: Match) -> Against:
    """Say why the requests can't be compared, or differ in a way that has no place."""
    if match is Match.DIFFERENT:
        return Against("key", f"It doesn't carry this attempt's key, `{sent.key}`.")
    if echo is None or echo.input is None or (sent.request is not None and echo.variables is None):
        return Against("not_shown", "Qualys doesn't show (all of) what it was started with.")
    said = "The file, as it was sent, isn't in this clone, so the requests can't be compared."
    return Against("request_unknown", said)


def _fit_to_show(difference: Difference, sensitive: tuple[str, ...]) -> Difference:
    """Mask what the spec calls sensitive, and what looks like a secret: it is anybody's request."""
    name = difference.pointer.rpartition("/")[2]
    values = (
        value
        if value is MISSING
        else secrets.masked(hidden(value, difference.pointer, sensitive), name)
        for value in (difference.old, difference.new)
    )
    return Difference(secrets.masked_pointer(difference.pointer), *values)


def refusal(compared: Compared, doubt: Doubt, run: str) -> UsageProblem:
    """Say that an execution wasn't adopted, since it doesn't show this request."""
    found = compared.execution.id
    many = len(compared.differences)
    if many:
        said, reason = f"{many:,} value{'s differ' if many > 1 else ' differs'}", "request_differs"
    else:
        said, reason = compared.against[0].sentence.rstrip("."), compared.against[0].word
    return UsageProblem(
        f"The execution {found} doesn't show the request of attempt {doubt.attempt.number}: "
        f"{said}.",
        where=run,
        not_done=_UNCHANGED,
        hint=f"If it is this run's all the same: `qflow-gitops resolve {run} --adopt "
        f"{shlex.quote(found)} "
        "--although-different --reason TEXT`. Otherwise look in Qualys for an execution of "
        f"workflow {doubt.attempt.fact('workflowId')} at about {doubt.attempt.opened_at}",
        reason=reason,
    )
