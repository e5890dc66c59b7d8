"""Hold what is due: doubles, limits and windows, commits that no branch has, freezes.

And let through what a person released by name.
"""

from collections import Counter
from collections.abc import Mapping

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.freezes import Freeze, describe, way_on
from qflow_gitops.lockfile.inheritance import Inheritance
from qflow_gitops.plan.change import Action, Change, Reason, as_held
from qflow_gitops.plan.context import COUNT, Context, apply_command, release_command
from qflow_gitops.plan.run import decide
from qflow_gitops.plan.same_request import doubles
from qflow_gitops.policy.rules import PolicyContext, PolicyVerdict, judge, needed_approvals
from qflow_gitops.specs.load import SpecSet
from qflow_gitops.specs.spec import RunSpec


def with_released(found: list[Change], context: Context, inheritance: Inheritance) -> list[Change]:
    """Take the holds that a person released by name and count out of the way.

    Behind a hold there may be another one, which asks for a release of its own.
    """
    released: dict[RunKey, tuple[str, ...]] = {}
    while True:
        found = with_doubles(found, released, context)
        counts = Counter((one.environment, one.release) for one in found if one.release)
        again = {
            one.key: (*released.get(one.key, ()), one.release)
            for one in found
            if one.spec
            and one.release
            and (
                one.key in context.brakes.released
                or context.brakes.acks.get(one.release) == counts[one.environment, one.release]
            )
        }
        if not again:
            return found
        released |= again
        found = [
            decide(one.spec, context, inheritance, frozenset(again[one.key]))._replace(
                released=again[one.key]
            )
            if one.spec and one.key in again
            else one
            for one in found
        ]


def with_doubles(
    found: list[Change], released: Mapping[RunKey, tuple[str, ...]], context: Context
) -> list[Change]:
    """Of several due runs with one request hold all but the first."""
    meant = {key for key, names in released.items() if Reason.SAME_REQUEST in names}
    due = (one.spec for one in found if one.action is Action.RUN and one.spec)
    others = doubles(due, context.project, meant)
    return [
        _double(one, one.spec, others[one.key], context)
        if one.spec and one.action is Action.RUN and one.key in others
        else one
        for one in found
    ]


def _double(found: Change, one: RunSpec, first: RunSpec, context: Context) -> Change:
    who = f"{first.environment}/{first.name}"
    where = "" if first.environment == one.environment else f" {first.environment}"
    return found._replace(
        action=Action.HOLD,
        reason=Reason.SAME_REQUEST,
        detail=f"{who} ({first.file}) asks for the same on the same platform, and is to run first",
        hint=f"If once is enough, remove one of them, or apply{where} and then "
        f"`qflow-gitops baseline {one.environment}/{one.name} --reason TEXT`. If it is meant "
        f"again: {release_command(Reason.SAME_REQUEST, one, context)}, or "
        f"`qflow-gitops rerun {one.environment}/{one.name} --reason TEXT`, commit, apply.",
        release=Reason.SAME_REQUEST,
    )


def with_numbers(found: list[Change]) -> list[Change]:
    """Fill in how many are held by each name, which is what `--ack` asks for."""
    counts = Counter((one.environment, one.release) for one in found if one.release)
    return [
        one._replace(hint=one.hint.replace(COUNT, str(counts[one.environment, one.release])))
        if one.release
        else one
        for one in found
    ]


def with_rules(
    found: list[Change], specs: SpecSet, context: Context, facts: PolicyContext
) -> list[Change]:
    """Hold what the policy doesn't let through, in each environment for itself."""
    totals = Counter(environment for environment, _ in (*specs.specs, *specs.invalid))
    judged: dict[RunKey, Change] = {}
    for environment in context.environments:
        due = {
            one.key: one
            for one in found
            if one.action is Action.RUN and one.environment == environment
        }
        runs = [one.spec for one in due.values() if one.spec]
        command = apply_command(environment, context)
        brakes, here = context.brakes, facts._replace(total=totals[environment], command=command)
        found_so = judge(runs, here, brakes.acks, brakes.released)
        judged |= {key: _as_judged(one, found_so, here) for key, one in due.items()}
    return [judged.get(one.key, one) for one in found]


def _as_judged(one: Change, said: PolicyVerdict, facts: PolicyContext) -> Change:
    assert one.spec is not None  # noqa: S101  every change that runs has its spec
    one = one._replace(
        approvals=needed_approvals(facts.policies, one.spec),
        signed=any(each.signed_commits for each in facts.policies),
        released=(*one.released, *said.released.get(one.key, ())),
    )
    hold = said.held.get(one.key)
    return one if hold is None else as_held(one, hold)


def at_its_commit(found: list[Change], context: Context) -> list[Change]:
    """Hold what is due at a commit that no branch has, unless a person released that one commit."""
    hold = context.brakes.unmerged
    if hold is None:
        return found
    released = context.brakes.acks.get(hold.release) == 1
    return [
        one
        if one.action is not Action.RUN
        else one._replace(released=(*one.released, hold.release))
        if released
        else as_held(one, hold)
        for one in found
    ]


def with_freezes(one: Change, freezes: tuple[Freeze, ...]) -> Change:
    """Hold what would run as long as anything is frozen."""
    if not freezes or one.action is not Action.RUN:
        return one
    return one._replace(
        action=Action.HOLD,
        reason=Reason.FROZEN,
        detail=describe(freezes),
        hint=way_on(freezes),
        due=one.reason,
    )
