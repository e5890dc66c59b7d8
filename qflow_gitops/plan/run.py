"""Decide about one run: the first thing that is true of it counts."""

from qflow_gitops.lockfile.attempt import is_leased
from qflow_gitops.lockfile.inheritance import Inheritance
from qflow_gitops.lockfile.states import DOUBTFUL
from qflow_gitops.plan.change import Change, Reason
from qflow_gitops.plan.context import Context
from qflow_gitops.plan.identity import (
    asked_before,
    being_sent,
    in_doubt,
    on_platform,
    two_of_a_name,
)
from qflow_gitops.plan.same_request import spent_by_others
from qflow_gitops.plan.spent import due_now, spent
from qflow_gitops.specs.spec import RunSpec


def decide(
    spec: RunSpec,
    context: Context,
    inheritance: Inheritance,
    released: frozenset[str] = frozenset(),
) -> Change:
    """Decide about one valid spec: desired minus recorded.

    `released` names the holds that a person took out of its way.
    """
    record = inheritance.attempts(spec.key)
    same = [each for each in record if each.attempt.digest == spec.digest]
    counted = [each for each in same if each.attempt.counted]
    if not counted and inheritance.contradicted(spec):
        return two_of_a_name(spec)
    doubt = next((each for each in record if each.attempt.state in DOUBTFUL), None)
    if doubt is not None and context.now and is_leased(doubt.attempt, context.now):
        return being_sent(spec, doubt)
    if doubt is not None:
        return in_doubt(spec, doubt)
    moved = None if Reason.PLATFORM in released else on_platform(spec, record, context)
    if moved is not None:
        return moved
    if counted:
        return spent(spec, counted[-1], record, context, released)
    if Reason.SAME_REQUEST not in released:
        others = spent_by_others(spec, record, context.project, context.lockfile)
        if others:
            return asked_before(spec, others, context, inheritance)
    return due_now(spec, record, same, context)
