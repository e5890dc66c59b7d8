"""What the rollout of a spec says about one of its targets that is due."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from qflow_gitops.base.times import stamp
from qflow_gitops.lockfile import next_steps
from qflow_gitops.plan.change import Change, Reason, as_held, listed
from qflow_gitops.plan.context import Context, release_command
from qflow_gitops.policy.rollout import Progress
from qflow_gitops.policy.rules import Hold
from qflow_gitops.specs.spec import RunSpec


class Turn(NamedTuple):
    """How far a rollout may go, the place of each target in it, and how many may fail."""

    progress: Progress
    places: Mapping[str, int]
    most: int


def in_turn(
    change: Change, spec: RunSpec, turn: Turn, way_on: str, context: Context, *, is_next: bool
) -> Change:
    """Decide about one due target; `way_on` says what is done about those that failed.

    `is_next`: a release lets it go on, as it is in the next batch.
    """
    made, place = turn.progress, turn.places[spec.target]
    if made.doubtful:
        return as_held(
            change,
            Hold(
                Reason.ROLLOUT,
                f"nobody knows whether {listed(made.doubtful)} ran, so no other target is started",
                f"First: {next_steps.look_up(spec.environment)}",
            ),
        )
    if change.reason is Reason.RETRY:
        return change
    if made.stopped:
        return as_held(change, _stopped(spec, turn, way_on, context, is_next=is_next))
    number, batches = made.batch_of(place), len(made.sizes)
    if made.halted:
        detail = f"{listed(made.again)} failed and is sent again first"
        return change.waiting(Reason.ROLLOUT, detail, batch=number)
    if place < made.allowed:
        return change
    detail, opens = f"in batch {number} of {batches}", ""
    if number == made.batch_of(made.allowed):
        if made.opens:
            opens = stamp(datetime.fromtimestamp(made.opens, UTC))
            detail += f", which begins at {opens}"
        elif made.waits_for:
            detail += f", after {listed(made.waits_for)}"
    return change.waiting(Reason.ROLLOUT, detail, batch=number, opens=opens)


def _stopped(spec: RunSpec, turn: Turn, way_on: str, context: Context, *, is_next: bool) -> Hold:
    failed, count = turn.progress.failed, len(turn.places)
    may = f"at most {turn.most} may" if turn.most else "none may"
    detail = f"{len(failed)} of {count} targets failed, and {may}: {listed(failed)}"
    if not is_next:
        return Hold(Reason.ROLLOUT, f"{detail}; another batch comes before its own", way_on)
    release = release_command(Reason.ROLLOUT, spec, context)
    hint = f"{way_on}. Or let this batch go on all the same: {release}"
    return Hold(Reason.ROLLOUT, detail, hint, Reason.ROLLOUT)
