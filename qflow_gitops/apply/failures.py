"""By which steps the runs of an apply failed: one look each, once everything is recorded.

What was seen is kept in the lockfile, in one further write, for who can't ask Qualys. Whatever such
a look shows, or doesn't, and whether it could be kept, changes no outcome and no exit code.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from qflow_gitops.apply import events
from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.apply.services import ApplyServices
from qflow_gitops.apply.steps import culprit, told
from qflow_gitops.apply.workers import Background
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.failing import told_of
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Note
from qflow_gitops.lockfile.states import UNSUCCESSFUL
from qflow_gitops.ports.lockfile import LostRace
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.applies import Applied, Outcome
from qflow_gitops.results.failing import recorded
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import Culprit
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import lockseen
from qflow_gitops.sources.specs import as_sent
from qflow_gitops.specs.hiding import Hiding, HidingAll

MOST = 10
"""So many failed runs are looked at, at once."""
WITHIN = 15.0
"""Seconds for all of them; a look that takes longer isn't waited for."""
KEPT_WITHIN = 20.0
"""Seconds that a remote may take to keep what was seen: a result waits for it."""
_STEP = 0.2  # seconds between two looks at whether somebody asked to stop
_TRIES = 3  # writes, while others are faster


def with_steps(
    report: Report, services: ApplyServices, project: Project
) -> Generator[events.Event, None, Report]:
    """Add to runs that failed by which step, and what that says, as far as Qualys tells."""
    body = report.body
    if not isinstance(body, Applied):
        return report
    failed = [
        each
        for each in body.outcomes
        if each.attempt.state in UNSUCCESSFUL and each.attempt.execution_id
    ][:MOST]
    if not failed or services.stop():
        return report
    found: Mapping[int, Culprit] = {}
    with suppress(QflowError):
        found = _looked_at(failed, services, project)
    outcomes = tuple(replace(each, failed_at=found.get(id(each))) for each in body.outcomes)
    body, lost = replace(body, outcomes=outcomes), ""
    if not services.stop():
        body, lost = _keep(body, services, project)
    report = replace(report, body=body)
    if not lost:
        return report
    yield events.Said(lost)
    return replace(report, notes=(*report.notes, lost))


def _keep(body: Applied, services: ApplyServices, project: Project) -> tuple[Applied, str]:
    """Record what was seen, in one write; say what kept it from that, "" for nothing.

    The lockfile that was left is then the one with it, unless another process wrote in between:
    of what that one did the apply tells nothing.
    """
    seen = [each for each in body.outcomes if each.failed_at]
    if not seen:
        return body, ""
    services.hurry(KEPT_WITHIN)
    try:
        with services.store.session() as session:
            ours = lockseen.seen(lockseen.held(session, services.store.where)) == body.lock
            for _ in range(_TRIES):
                notes = tuple(_new(seen, session.lockfile, services, project))
                if not notes:
                    return body, ""
                with suppress(LostRace):
                    session.record([], Checkpoint(notes=notes))
                    left = lockseen.seen(lockseen.held(session, services.store.where))
                    return (replace(body, lock=left) if ours else body), ""
                ours = False
        why = "Others were faster."
    except QflowError as problem:
        why = problem.message
    said = f"By which steps runs failed isn't in the lockfile, so comments can't say it: {why}"
    return body, said


def _new(
    seen: Sequence[Outcome], lockfile: Lockfile, services: ApplyServices, project: Project
) -> Iterator[Note]:
    """Say what isn't recorded yet, of attempts that are what they were when Qualys was asked."""
    at, keeps_messages = stamp(services.clock.now()), project.apply.keeps_messages
    for each in seen:
        attempts, mine = lockfile.attempts(*each.key), each.attempt
        now = attempts[mine.number - 1] if mine.number <= len(attempts) else None
        same = now and (now.state, now.execution_id, len(now.events)) == (
            mine.state, mine.execution_id, len(mine.events),
        )  # fmt: skip
        if same and each.failed_at and not told_of(lockfile, mine):
            found, by = each.failed_at, services.author
            yield Note(*each.key, recorded(at, mine, found, by, message=keeps_messages))


def _looked_at(
    failed: list[Outcome], services: ApplyServices, project: Project
) -> Mapping[int, Culprit]:
    """Look at each on a thread of its own, until all are there or the time is over."""
    gateways = Gateways(services.qualys, project)
    specs = as_sent(services.git, project, [each.attempt for each in failed])
    background: Background[int] = Background()
    for each, spec in zip(failed, specs, strict=True):
        qualys = gateways.asked(each.environment, each.attempt)
        hiding = Hiding(spec) if spec else HidingAll()
        about = (qualys, each.attempt.execution_id, project.statuses, hiding)
        background.do(id(each), lambda about=about: look(*about))  # type: ignore[misc]
    background.close()
    found: dict[int, Culprit] = {}
    end, left = services.clock.monotonic() + WITHIN, len(failed)
    for _ in range(round(WITHIN / _STEP)):
        for owner, seen in background.done(_STEP):
            left -= 1
            if isinstance(seen, Culprit):
                found[owner] = seen
        if not left or services.stop() or services.clock.monotonic() > end:
            break
    return found


def look(
    qualys: Qualys, execution_id: str, statuses: Mapping[str, str], hiding: Hiding
) -> Culprit | None:
    """Find the step by which an execution didn't succeed, with its details, which tell of errors.

    None where Qualys doesn't show it. Raises AuthError, UnreachableError.
    """
    shown = qualys.steps(execution_id)
    about = culprit([told(step, statuses, hiding) for step in shown.steps]) if shown else None
    if about is None or about.step.message or not about.step.node_id:
        return about
    with suppress(QflowError):  # the list has told which one
        details = qualys.step(execution_id, about.step.node_id)
        if details:
            return about._replace(step=told(details, statuses, hiding))
    return about
