"""One run's whole story, as lines for a person; what needs a look comes first."""

from collections.abc import Iterator, Mapping
from typing import Any

from qflow_gitops.base.jsondiff import MISSING
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.notes import FAILED_AT, LedgerEvent
from qflow_gitops.render import steps
from qflow_gitops.render.describe import difference, value, where
from qflow_gitops.render.escape import clean
from qflow_gitops.render.layout import Line, Table
from qflow_gitops.render.marks import Mark, Marked, hint, joined
from qflow_gitops.render.signs import BY_SIGN, of_state, of_word, signed
from qflow_gitops.results.sources import started_through
from qflow_gitops.results.stories import AttemptTold, ExecutionTold, StepTold, Story

_REQUEST, _OUTPUT, _DIFFERENCES, _STEPS = 24, 40, 8, 40
"""So many lines, or rows, of each are shown."""
_WIDE = 66  # characters of a part of the request that is on one line
_BRIEF = 12  # lines of the output of the one step that is told in full with the whole story
_CONFIDENTIAL = "Outputs of steps may be confidential: they hold what was found in the cloud."
_UNDOCUMENTED = "isn't documented"


def story(body: Story) -> Iterator[Line]:
    """What was asked for: all of it, or only its steps, or only the JSON as it came."""
    yield from _head(body)
    if body.execution.culprit:
        yield signed("✗", steps.culprit(body.execution.culprit))
        if why := steps.doubtful(body.execution.culprit):
            yield f"      ({why})"
        if message := body.execution.culprit.step.message:
            yield f"      {clean(message.text)}"
            yield f"      (field {clean(message.field)}, which {_UNDOCUMENTED})"
        if body.execution.culprit.recorded:
            yield "      (recorded by an apply, which asked Qualys then)"
    yield from (hint(clean(way)) for way in body.next)
    yield from _execution(body)
    if body.depth.steps:
        yield from _in_full(body.execution)
    if body.depth.raw:
        yield from _raw(body.execution.raw)
    if not (body.depth.steps or body.depth.raw):
        yield from _steps(body.execution)
        yield from _request(body)
        yield from _from(body)
        yield from _attempts(body)


def _head(body: Story) -> Iterator[str]:
    if body.key is None:
        yield Marked("Execution ", Mark.ID(clean(body.execution_id)))
        yield f"  {clean(body.state)}"
        return
    attempt = body.attempts[body.told].attempt if body.attempts else None
    means = of_state(attempt.state if attempt else None)
    yield Marked(Mark.PLACE(clean("/".join(body.key))), "  ", means(clean(body.state)))
    if body.attempts:
        yield f"  since {body.since}, attempt {body.attempts[body.told].attempt.number}"


def _request(body: Story) -> Iterator[str]:
    if body.key is None or not (body.attempts or body.spec):
        return
    yield ""
    if not body.attempts and body.spec:
        yield Mark.TITLE(f"Request, as its spec asks for it now · {clean(body.spec.file)}")
        yield f"  {where(body.spec, body.names)}"
        yield from _parts(body.spec.workflow_id, body.spec.masked)
        return
    told = body.attempts[body.told]
    file = clean(told.attempt.fact("file"))
    yield Mark.TITLE(f"Request, as it was sent · {file}" if file else "Request, as it was sent")
    yield from _parts(told.attempt.fact("workflowId"), told.request or {})
    if told.request is None:
        yield f"  the rest isn't known: {clean(told.unknown)}"
    if body.spec is None:
        yield "  Its spec isn't there any more, or not by this name."
    elif body.spec.digest != told.attempt.digest:
        yield "  Its spec asks for another request by now; `qflow-gitops plan` shows it."


def _parts(workflow_id: str, request: Mapping[str, Any]) -> Iterator[str]:
    """Each part of a request on a line if that is short, else on several."""
    yield Marked("  workflow   ", Mark.ID(clean(workflow_id) or "unknown"))
    for name, part in request.items():
        line = value(part, _WIDE + 1)
        if len(line) <= _WIDE:
            yield f"  {name:9}  {line}"
        else:
            yield f"  {name}"
            yield from (f"  {each}" for each in _lines(part, _REQUEST))


def _from(body: Story) -> Iterator[str]:
    """Say who let it be sent, and out of what."""
    if not body.attempts:
        return
    attempt = body.attempts[body.told].attempt
    yield ""
    yield Mark.TITLE("By")
    told = _facts(attempt, body)
    yield from (Marked(f"  {name:11}", words) for name, words in told if words)


def _facts(attempt: Attempt, body: Story) -> Iterator[tuple[str, str]]:
    evidence = attempt.evidence
    yield "sent by", _who(attempt.events[0].extra)
    if body.commit:
        at = f" by {clean(body.commit.author)}, {body.commit.at}" if body.commit.at else ""
        said = f": {clean(body.commit.subject)}" if body.commit.subject else ""
        lost = "" if at else ", which isn't in this clone"
        yield "commit", f"{clean(body.commit.id[:10])}{at}{said}{lost}"
    if file := body.apply.get("workflow"):
        at = str(body.apply.get("workflowCommit", ""))[:10]
        yield "CI's file", clean(f"{file}{f', commit {at}' if at else ''}")
    number = evidence.get("pullRequest")
    yield "pull req.", f"#{clean(str(number))}" if number else ""
    yield "approved", ", ".join(_approvals(evidence))
    yield "merged by", clean(str(evidence.get("mergedBy", "")))
    for one in _listed(evidence.get("released")):
        yield "released", _release(one)
    for event in body.events:
        yield event.event, "" if event.event == FAILED_AT else _event(event)
    annotations = attempt.facts.get("annotations")
    if isinstance(annotations, Mapping):
        for name, words in annotations.items():
            yield "annotated", f"{clean(str(name))}: {clean(str(words))}"
    yield "digest", Mark.ID(clean(attempt.digest))


def _who(extra: Mapping[str, Any]) -> str:
    by = extra.get("by")
    return clean(", ".join(map(str, by.values()))) if isinstance(by, Mapping) else ""


def _approvals(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Name who approved, with the review and its commit where these are recorded."""
    approvers = evidence.get("approvers")
    given = {str(each.get("by")): each for each in _listed(evidence.get("approvals"))}
    for who in approvers if isinstance(approvers, list) else ():
        told = given.get(str(who), {})
        review, commit = told.get("review"), str(told.get("commit", ""))[:10]
        more = (f"review {review}" if review else "", f"commit {commit}" if commit else "")
        said = ", ".join(filter(None, more))
        yield clean(f"{who} ({said})" if said else str(who))


def _listed(found: Any) -> list[Mapping[str, Any]]:
    some = found if isinstance(found, list) else []
    return [one for one in some if isinstance(one, Mapping)]


def _release(one: Mapping[str, Any]) -> str:
    number = f"={one['count']}" if "count" in one else ""
    by = f" by {one['by']}" if one.get("by") else ""
    reason = f": {one['reason']}" if one.get("reason") else ""
    return clean(f"{one.get('hold', '')}{number}{by}{reason}")


def _event(event: LedgerEvent) -> str:
    said = [f"{name} {words}" for name, words in event.extra.items() if isinstance(words, str)]
    by = _who(event.extra)
    return clean(f"{event.at} {', '.join(said)}") + (f", by {by}" if by else "")


def _attempts(body: Story) -> Iterator[str]:
    """Each attempt with what it changed; of the one that is meant all its events."""
    if not body.attempts:
        return
    yield ""
    left = f", and {body.earlier:,} before them" if body.earlier else ""
    yield Mark.TITLE(f"Attempts ({len(body.attempts):,}{left})")
    for number, each in enumerate(body.attempts):
        yield Marked("  ", _attempt(each, body))
        if number:
            yield from _since(each)
        if number == body.told:
            yield from (f"      {line}" for event in each.attempt.events for line in _moved(event))


def _attempt(each: AttemptTold, body: Story) -> Marked:
    attempt = each.attempt
    other = attempt.execution_id if attempt.execution_id != body.execution_id else ""
    state = attempt.state.replace("_", " ")
    parts = [
        f"#{attempt.number}",
        "" if each.key == body.key else clean(f"of {'/'.join(each.key)}"),
        Marked(of_state(attempt.state)(state), f" {attempt.changed_at}"),
        f'"{clean(attempt.status)}"' if attempt.status else "",
        Marked("as ", Mark.ID(clean(other))) if other else "",
    ]
    return joined([part for part in parts if part])


def _since(each: AttemptTold) -> Iterator[str]:
    if each.since is None:
        yield "      what it changed of the one before isn't known"
    elif not each.since:
        yield "      the same request as the one before"
    for differing in (each.since or ())[:_DIFFERENCES]:
        sign, words = difference(differing)
        yield BY_SIGN[sign](f"      {sign} {words}")
    if len(each.since or ()) > _DIFFERENCES:
        yield f"      … {len(each.since or ()) - _DIFFERENCES:,} more (--format json: all)"


def _moved(event: Event) -> Iterator[str]:
    detail = event.extra.get("detail", event.extra.get("status", ""))
    who, reason = _who(event.extra), event.extra.get("reason", "")
    said = [clean(str(words)) for words in (detail, reason) if words]
    yield "  ".join(filter(None, (event.at, event.to, *said, f"by {who}" if who else "")))


def _execution(body: Story) -> Iterator[Line]:
    found = body.execution
    if not body.execution_id:
        return
    yield ""
    on = f" on {clean(body.platform) or 'unknown platform'}"
    yield Marked(Mark.TITLE("Execution "), Mark.ID(clean(body.execution_id)), Mark.TITLE(on))
    if found.seen and body.key is None and found.source:
        yield Marked("  of workflow ", Mark.ID(clean(found.workflow_id) or "unknown"))
        yield f"  {clean(started_through(found.source))}"
    if found.seen:
        means = found.meaning or f"what that means {_UNDOCUMENTED}"
        end = f"ended {found.finished or 'at an unknown time'}" if found.ended else "hasn't ended"
        yield f'  "{clean(found.status)}" ({means}), {end}'
        yield f"  created {found.created or 'unknown'}, started {found.began or 'unknown'}"
        lasted = found.lasted
        yield (
            f"  queued {steps.seconds(lasted.queued)}, running {steps.seconds(lasted.running)}, "
            f"in all {steps.seconds(lasted.total)}"
        )
    if found.problem:
        yield signed("?", clean(found.problem))


def _steps(found: ExecutionTold) -> Iterator[Line]:
    """Every step in a line, and in full the one by which the execution didn't succeed."""
    if found.steps is None:
        return
    yield from _heading(found)
    rows = [_row(step) for step in found.steps[:_STEPS]]
    yield Table(("STEP", "NODE", "TYPE", "STATUS", "MEANS", "SINCE"), rows)
    if len(found.steps) > _STEPS:
        yield f"… {len(found.steps) - _STEPS:,} more (--steps, --format json: all)"
    if found.culprit:
        step = found.culprit.step
        rest = tuple(saying for saying in step.said if saying != step.message)
        yield from _full(step._replace(said=rest), _BRIEF)


def _heading(found: ExecutionTold) -> Iterator[str]:
    lost = f", and {found.missing:,} that Qualys counts and doesn't show" if found.missing else ""
    yield ""
    yield Mark.TITLE(f"Steps ({len(found.steps or ()):,}{lost}), by their order")


def _row(step: StepTold) -> tuple[str, ...]:
    place = "?" if step.order is None else str(step.order)
    return (
        place,
        step.node_id,
        step.node_type,
        step.status,
        of_word(step.meaning or "?"),
        step.updated,
    )


def _in_full(found: ExecutionTold) -> Iterator[str]:
    """Every step with what it says, and what it put out."""
    if found.steps is None:
        return
    yield from _heading(found)
    if any(step.output is not MISSING for step in found.steps):
        yield Mark.WARNING(f"! {_CONFIDENTIAL}")
    for step in found.steps:
        yield ""
        words = f'"{clean(step.status)}" ({step.meaning or _UNDOCUMENTED})' if step.status else ""
        yield f"{steps.step(step)}  {clean(step.node_type)}  {words}"
        yield f"  created {step.created or 'unknown'}, updated {step.updated or 'unknown'}"
        yield from _full(step)


def _full(step: StepTold, most: int = _OUTPUT) -> Iterator[str]:
    for saying in step.said:
        yield f"  {clean(saying.field)} ({_UNDOCUMENTED}): {clean(saying.text)}"
    if step.output is not MISSING:
        yield f"  output of {clean(step.node_id)}, which may be confidential:"
        yield from (f"  {line}" for line in _lines(step.output, most))


def _raw(found: Mapping[str, Any]) -> Iterator[str]:
    if found:
        yield ""
        yield Mark.WARNING(f"! {_CONFIDENTIAL}")
        yield "  As it came, but for secrets, what a spec calls sensitive, and what is too long."
    for path, data in found.items():
        yield ""
        yield f"GET {clean(path)}"
        yield from steps.lines(data, 1_000_000) if data is not None else ["  404"]


def _lines(data: Any, most: int) -> Iterator[str]:
    return (f"  {line}" for line in steps.lines(data, most))
