"""Decide about one run by what is under way, and under which names it was recorded."""

from collections.abc import Mapping

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.inheritance import Inheritance, Placed, successor
from qflow_gitops.lockfile.states import DOUBTFUL
from qflow_gitops.plan.change import Action, Change, Reason, change_of, named, run_of
from qflow_gitops.plan.context import Context, release_command
from qflow_gitops.plan.spent import describe
from qflow_gitops.specs.spec import RunSpec


def being_sent(spec: RunSpec, intent: Placed) -> Change:
    """Skip a run that another process is sending, as far as its lease says."""
    first = intent.attempt.events[0].extra
    by = first.get("by")
    who = by.get("actor", "") if isinstance(by, Mapping) else ""
    return change_of(
        Action.SKIP,
        Reason.IN_PROGRESS,
        spec,
        f"{named(intent, spec)} is being sent by {who or 'another apply'} since "
        f"{intent.attempt.opened_at}; if that has died, an apply after "
        f"{first.get('leaseUntil', '')} looks what became of it",
        "",
        intent,
    )


def in_doubt(spec: RunSpec, doubt: Placed) -> Change:
    """Hold a run of which nobody knows whether it started."""
    return change_of(
        Action.HOLD,
        Reason.IN_DOUBT,
        spec,
        f"{named(doubt, spec)} may have run: {describe(doubt.attempt)}",
        f"{next_steps.look_up(spec.environment)} looks it up. If that can't tell, look in "
        f"Qualys for an execution of workflow {doubt.attempt.fact('workflowId')} at about "
        f"{doubt.attempt.opened_at}, then say what you found: "
        f"{next_steps.settle_doubt(run_of(spec))}",
        doubt,
    )


def on_platform(spec: RunSpec, record: tuple[Placed, ...], context: Context) -> Change | None:
    """A run recorded on another platform, or a new one where all others are on another."""
    here = context.project.environments[spec.environment].platform
    if record:
        known = frozenset({record[-1].attempt.fact("platform")}) - {""}
    else:
        known = context.lockfile.overview(spec.environment).platforms - {""}
    if not here or not known or here in known:
        return None
    there = ", ".join(sorted(known))
    return change_of(
        Action.HOLD,
        Reason.PLATFORM,
        spec,
        f"recorded on platform {there}, but {spec.environment} is now {here}",
        f"Set `platform:` of {spec.environment} in qflow.yaml back to {there}, or send it "
        f"on {here} "
        f"as well: {release_command(Reason.PLATFORM, spec, context)}",
        record[-1] if record else None,
        release=Reason.PLATFORM,
    )


def two_of_a_name(spec: RunSpec) -> Change:
    """A record can't be carried over from a run that goes on; looked at before anything else.

    What counts for a run already needs no other's record.
    """
    return change_of(
        Action.HOLD,
        Reason.RENAMED,
        spec,
        f"`previousName: {spec.previous_name}` names a run that still has a spec",
        f"If it is another run, give `previousName` another run's name or none in {spec.file}; if "
        f"it is the same one, remove the other spec.",
    )


def asked_before(
    spec: RunSpec, others: tuple[Placed, ...], context: Context, inheritance: Inheritance
) -> Change:
    """Hold a request that other runs have sent; the one that is gone is told first.

    One that was carried over to a run with a spec isn't gone: it goes on under that name.
    """
    gone = [each for each in others if _goes_on_as(each, inheritance) is None]
    other = (gone or others)[0]
    now = other.key if gone else _goes_on_as(other, inheritance) or other.key
    what, who = f"attempt {other.attempt.number} of {'/'.join(other.key)}", "/".join(spec.key)
    asked = f"{what} asked for the same on the same platform: it {describe(other.attempt)}"
    ways = (
        f"`qflow-gitops baseline {who} --reason TEXT` records that and sends nothing. If it is "
        f"meant again: {release_command(Reason.SAME_REQUEST, spec, context)}, or "
        f"`qflow-gitops rerun {who} --reason TEXT`, commit, apply."
    )
    words = _renamed_from(other, spec, inheritance) if gone else ""
    hint = f"If it is the same run: {words}, or {ways}" if words else f"If it is done: {ways}"
    if other.attempt.state in DOUBTFUL:
        same = f"If it is the same run: {words}. " if words else ""
        hint = f"{same}{'If not, settle' if words else 'Settle'} {_settled_first(other, context)}"
    became = "; the spec of that run was removed" if gone else ""
    if now != other.key:
        became = f"; that run is {'/'.join(now)} now"
    return change_of(
        Action.HOLD,
        Reason.RENAMED if words else Reason.SAME_REQUEST,
        spec,
        asked + became,
        hint,
        other,
        release=Reason.SAME_REQUEST,
    )


def _settled_first(other: Placed, context: Context) -> str:
    """Say how to settle another run's doubt; where its environment is gone, nothing looks it up."""
    home = successor(context.lockfile, context.project, other.environment)
    look = f"{next_steps.look_up(home)} looks it up. If that can't tell, " if home else ""
    ways = next_steps.settle_doubt("/".join(other.key))
    return f"that first: {look}look in Qualys and say what you found: {ways}"


def _goes_on_as(other: Placed, inheritance: Inheritance) -> RunKey | None:
    """Name the run with a spec for which an attempt counts: its own, or one that took it over."""
    return next(filter(inheritance.has_spec, (other.key, *inheritance.heirs(other))), None)


def _renamed_from(other: Placed, spec: RunSpec, inheritance: Inheritance) -> str:
    """Say which words carry a run over that has no spec any more; "" where none would.

    By its own name, or by one that it was called since, where that went as well.
    """
    names = (other.key, *inheritance.heirs(other))
    called = next((each for each in names if inheritance.would_count(other, spec.key, each)), None)
    if called is None:
        return ""
    environment, name = called
    if environment != spec.environment:
        return f"add `previousNames: [{environment}]` to {spec.environment} in qflow.yaml"
    there = spec.place_of("previousName")
    if spec.previous_name:
        return f"make it `previousName: {name}` {there} in {spec.file}"
    return f"add `previousName: {name}` {there} in {spec.file}"
