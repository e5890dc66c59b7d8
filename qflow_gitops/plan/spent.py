"""Decide about a run by whether its request was sent before."""

from qflow_gitops.base.jsondiff import Difference, differences
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.decisions import explained, unexplained
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.states import RETRIABLE, UNDER_WAY, State
from qflow_gitops.plan.change import Action, Change, Reason, change_of, named, run_of
from qflow_gitops.plan.context import RETRY, Context, apply_command
from qflow_gitops.specs.spec import CONNECTOR_IDS, RunSpec, hidden

_SKIPPED = {
    State.SUCCEEDED: Reason.ALREADY_RAN,
    State.ASSUMED: Reason.ALREADY_RAN,
    State.BASELINED: Reason.BASELINED,
    State.ACCEPTED: Reason.IN_PROGRESS,
    State.RUNNING: Reason.IN_PROGRESS,
    State.ADOPTED: Reason.IN_PROGRESS,
}
_HELD = {
    State.FAILED: Reason.FAILED,
    State.CANCELLED: Reason.FAILED,
    State.ENDED: Reason.FAILED,
    State.REFUSED: Reason.REFUSED,
    State.EXPIRED: Reason.EXPIRED,
}


def spent(
    spec: RunSpec,
    last: Placed,
    record: tuple[Placed, ...],
    context: Context,
    released: frozenset[str],
) -> Change:
    """Decide about a request that counts as this run's already."""
    state, detail = _known(spec, last, context)
    if state in _SKIPPED:
        reverted = any(each.attempt.counted for each in record[record.index(last) + 1 :])
        hint = f"To send it once more: {next_steps.rerun(run_of(spec))}" if reverted else ""
        return change_of(Action.SKIP, _SKIPPED[state], spec, detail, hint, last)
    reason = _HELD[state]
    if context.brakes.retried(spec.key, together=state in RETRIABLE) and state is not State.EXPIRED:
        return change_of(
            Action.RUN, Reason.RETRY, spec, f"released by --retry; {detail}", "", last, ()
        )
    if state in RETRIABLE and RETRY in released:
        said_so = f"released by --retry-failed; {detail}"
        return change_of(Action.RUN, Reason.RETRY, spec, said_so, "", last, ())
    release = RETRY if context.brakes.retry_failed and state in RETRIABLE else ""
    hint = _way_on(spec, last.attempt, state, context)
    return change_of(Action.HOLD, reason, spec, detail, hint, last, release=release)


def _known(spec: RunSpec, last: Placed, context: Context) -> tuple[State, str]:
    """Return the state of an attempt and say it; a word that is explained by now settles it."""
    attempt, detail = last.attempt, f"{named(last, spec)} {describe(last.attempt)}"
    if attempt.state is not State.ENDED:
        return attempt.state, detail
    state = explained(attempt, context.project.statuses)
    if state is not None:
        return state, f"{detail}; the settings explain that word as {state} by now"
    why = "nobody explained that word" if unexplained(attempt) else "how it ended isn't known"
    return State.ENDED, f"{detail}; {why}"


def _way_on(spec: RunSpec, last: Attempt, state: State, context: Context) -> str:
    run = run_of(spec)
    alone = context._replace(brakes=context.brakes.by_name)
    retry = next_steps.retry(run, apply_command(spec.environment, alone))
    if state is State.EXPIRED:
        return f"Say what you know: {next_steps.settle_doubt(run)}"
    if state is State.ENDED:
        word, settings = unexplained(last), context.project.folder.settings
        teach = f". {next_steps.explain(word, settings)}"
        again = f". To send it again, however it ended: {retry}"
        return next_steps.settle_end(run) + (teach if word else "") + again
    return f"{retry}, or change the spec"


def due_now(
    spec: RunSpec, record: tuple[Placed, ...], same: list[Placed], context: Context
) -> Change:
    """Decide about a request that this run has never sent."""
    before = context.previous.get(spec.key)
    changed = since(before, spec) if before else None
    last = next((each for each in reversed(record) if each.attempt.counted), None)
    if same:
        detail = f"{named(same[-1], spec)} {describe(same[-1].attempt)}"
        return change_of(Action.RUN, Reason.UNSENT, spec, detail, "", last or same[-1], changed)
    if last is None:
        return change_of(Action.RUN, Reason.ADDED, spec, "never sent before")
    sent, told = last.attempt, f"{named(last, spec)}"
    if is_once_more(spec, sent):
        detail = f"the same request once more; {told} {describe(sent)}"
        return change_of(Action.RUN, Reason.RERUN, spec, detail, "", last, changed)
    detail = f"differs from {told}, which {describe(sent)}"
    return change_of(Action.RUN, Reason.MODIFIED, spec, detail, "", last, changed)


_NEAR = 1000  # numbers below a spec's own; further down only the same text is recognised


def is_once_more(spec: RunSpec, last: Attempt) -> bool:
    """Whether an attempt sent a spec's very request, under whatever `rerun`."""
    workflow = last.fact("workflowId").lower() == spec.workflow_id.lower()
    if workflow and last.fact("bodySha256") == spec.body_sha256:
        return True
    return workflow and last.digest in spec.digests(range(max(0, spec.rerun - _NEAR), spec.rerun))


def since(before: RunSpec, now: RunSpec) -> tuple[Difference, ...]:
    """Return what changes in the request; an id in capitals is the same id."""
    old = {"workflowId": before.workflow_id, **before.request}
    new = {"workflowId": now.workflow_id, **now.request}
    if before.rerun != now.rerun:
        old |= {"rerun": before.rerun} if before.rerun else {}
        new |= {"rerun": now.rerun} if now.rerun else {}
    pointers = before.sensitive + now.sensitive
    return tuple(
        Difference(
            difference.pointer,
            hidden(difference.old, difference.pointer, pointers),
            hidden(difference.new, difference.pointer, pointers),
        )
        for difference in differences(old, new)
        if not _is_one_id(difference)
    )


_IDS = frozenset(("/workflowId", *(f"/variables/{name}" for name in CONNECTOR_IDS)))


def _is_one_id(difference: Difference) -> bool:
    both = (difference.old, difference.new)
    return difference.pointer in _IDS and len({str(each).lower() for each in both}) == 1


_SAID = {
    State.INTENT: "was recorded at {at} and its outcome never was",
    State.ACCEPTED: "started at {at}",
    State.RUNNING: "is running since {at}",
    State.SUCCEEDED: "had succeeded by {at}",
    State.FAILED: "had failed by {at}",
    State.CANCELLED: "was cancelled before {at}",
    State.ENDED: "had ended by {at}",
    State.REFUSED: "was refused by Qualys at {at}",
    State.UNSENT: "was not sent at {at}",
    State.IN_DOUBT: "has been in doubt since {at}",
    State.ABSENT: "did not run, as was settled at {at}",
    State.ADOPTED: "was found to have started, at {at}",
    State.ASSUMED: "is assumed to have run, as was decided at {at}",
    State.EXPIRED: "has been in doubt for longer than Qualys can tell, since {at}",
    State.BASELINED: "was declared as done at {at}",
}


_SHORT = 40
_EXPLAINED = frozenset({State.REFUSED, State.UNSENT, State.IN_DOUBT, State.ENDED, State.CANCELLED})
"""States of which the last event says why: that has to be known to whoever decides later."""


def describe(attempt: Attempt) -> str:
    """Say in a few words how an attempt stands: state, Qualys' word, time, execution, why.

    An end is only known from when it was seen: it had come by then.
    """
    at = attempt.changed_at if attempt.state not in UNDER_WAY else attempt.opened_at
    text = _SAID[attempt.state].format(at=at)
    if attempt.status and attempt.state is not State.SUCCEEDED:
        text += f' with Qualys\' word "{attempt.status}"'
    if attempt.execution_id:
        text += f" as execution {attempt.execution_id}"
    if attempt.fact("commit"):
        text += f", at commit {attempt.fact('commit')[:10]}"
    why = _why(attempt)
    return f"{text}: {why}" if why else text


def _why(attempt: Attempt) -> str:
    """Return what is known of why it came to that; a person's reason stands elsewhere."""
    last = attempt.events[-1].extra
    known = attempt.state in _EXPLAINED and "by" not in last
    return str(last.get("detail", "")).removesuffix(".") if known else ""


def said_of(attempt: Attempt) -> str:
    """Return Qualys' word for an attempt, else the first words of why it came to what it is."""
    first = _why(attempt).partition(". ")[0] if attempt.state is State.REFUSED else ""
    return attempt.status or (first if len(first) <= _SHORT else first[: _SHORT - 1] + "…")
