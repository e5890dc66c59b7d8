"""Hold what is due: doubles, limits and windows, commits that no branch has, freezes.

And let through what a person released by name.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.freezes import Freeze, describe, way_on
from qflow_gitops.lockfile.granted import granted
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
        counts = Counter((change.environment, change.release) for change in found if change.release)
        again = {
            change.key: (*released.get(change.key, ()), change.release)
            for change in found
            if change.spec
            and change.release
            and (
                change.release in context.brakes.released.get(change.key, ())
                or context.brakes.acks.get(change.release)
                == counts[change.environment, change.release]
            )
        }
        if not again:
            return found
        released |= again
        found = [
            decide(change.spec, context, inheritance, frozenset(again[change.key]))._replace(
                released=again[change.key]
            )
            if change.spec and change.key in again
            else change
            for change in found
        ]


def with_doubles(
    found: list[Change], released: Mapping[RunKey, tuple[str, ...]], context: Context
) -> list[Change]:
    """Of several due runs with one request hold all but the first."""
    meant = {key for key, names in released.items() if Reason.SAME_REQUEST in names}
    due = (change.spec for change in found if change.action is Action.RUN and change.spec)
    others = doubles(due, context.project, meant)
    return [
        _double(change, change.spec, others[change.key], context)
        if change.spec and change.action is Action.RUN and change.key in others
        else change
        for change in found
    ]


def _double(found: Change, spec: RunSpec, first: RunSpec, context: Context) -> Change:
    who = f"{first.environment}/{first.name}"
    where = "" if first.environment == spec.environment else f" {first.environment}"
    return found._replace(
        action=Action.HOLD,
        reason=Reason.SAME_REQUEST,
        detail=f"{who} ({first.file}) asks for the same on the same platform, and is to run first",
        hint=f"If once is enough, remove one of them, or apply{where} and then "
        f"`qflow-gitops baseline {spec.environment}/{spec.name} --reason TEXT`. If it is meant "
        f"again: {release_command(Reason.SAME_REQUEST, spec, context)}, or "
        f"`qflow-gitops rerun {spec.environment}/{spec.name} --reason TEXT`, commit, apply.",
        release=Reason.SAME_REQUEST,
    )


def with_numbers(found: list[Change]) -> list[Change]:
    """Fill in how many are held by each name, which is what `--ack` asks for."""
    counts = Counter((change.environment, change.release) for change in found if change.release)
    return [
        change._replace(
            hint=change.hint.replace(COUNT, str(counts[change.environment, change.release]))
        )
        if change.release
        else change
        for change in found
    ]


def with_rules(
    found: list[Change], specs: SpecSet, context: Context, facts: PolicyContext
) -> list[Change]:
    """Hold what the policy doesn't let through, in each environment for itself."""
    totals = Counter(environment for environment, _ in (*specs.specs, *specs.invalid))
    judged: dict[RunKey, Change] = {}
    for environment in context.environments:
        due = {
            change.key: change
            for change in found
            if change.is_due and change.environment == environment
        }
        runs = [change.spec for change in due.values() if change.spec]
        command = apply_command(environment, context)
        brakes, here = context.brakes, facts._replace(total=totals[environment], command=command)
        found_so = judge(runs, here, brakes.acks, brakes.released, _granted(runs, context))
        judged |= {key: _as_judged(change, found_so, here) for key, change in due.items()}
    return [judged.get(change.key, change) for change in found]


def _granted(runs: Sequence[RunSpec], context: Context) -> dict[str, set[RunKey]]:
    """Name the targets for which a hold is released for the rest of their rollout."""
    found: dict[str, set[RunKey]] = {}
    groups = {spec.group for spec in runs if spec.target}
    known = {group: granted(context.lockfile, group) for group in groups}
    for spec in runs:
        for name in known[spec.group].holds(spec.digest) if spec.target else ():
            found.setdefault(name, set()).add(spec.key)
    return found


def _as_judged(change: Change, verdict: PolicyVerdict, facts: PolicyContext) -> Change:
    assert change.spec is not None  # noqa: S101  every change that runs has its spec
    change = change._replace(
        approvals=needed_approvals(facts.policies, change.spec),
        signed=any(each.signed_commits for each in facts.policies),
        released=tuple(dict.fromkeys((*change.released, *verdict.released.get(change.key, ())))),
    )
    hold = verdict.held.get(change.key)
    return change if hold is None else as_held(change, hold)


def at_its_commit(found: list[Change], context: Context) -> list[Change]:
    """Hold what is due at a commit that no branch has, unless a person released that one commit."""
    hold = context.brakes.unmerged
    if hold is None:
        return found
    released = context.brakes.acks.get(hold.release) == 1
    return [
        change
        if not change.is_due
        else change._replace(released=(*change.released, hold.release))
        if released
        else as_held(change, hold)
        for change in found
    ]


def with_freezes(change: Change, freezes: tuple[Freeze, ...]) -> Change:
    """Hold what would run as long as anything is frozen."""
    if not freezes or not change.is_due:
        return change
    return change._replace(
        action=Action.HOLD,
        reason=Reason.FROZEN,
        detail=describe(freezes),
        hint=way_on(freezes),
        due=change.due or change.reason,
        turn=change.reason if change.action is Action.WAIT else None,
    )
