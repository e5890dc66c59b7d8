"""In what a fleet's file lets members go further than the one before it, for those who review it.

Pure. It changes nothing for the change itself, which both hold until all waves are over.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from qflow_gitops.base.addresses import same_form
from qflow_gitops.policy.waves import Counting, Outcomes, Wave, waves_of
from qflow_gitops.settings.fleet import Fleet, FleetMember, Subscription

_NAMED = 3


def loosened(old: Fleet, new: Fleet) -> list[str]:
    """Name each rule of `old` that holds members less by `new`, or may; [] where none does.

    Whom waves take is compared by whom they take now. What one member's process may take
    (`limits`) lets nobody go further.
    """
    return [
        *_rules(old.waves, new.waves),
        *_earlier(old, new),
        *_outcomes(old.outcomes, new.outcomes),
        *_subscriptions(old, new),
        *([f"apply.atOnce: {old.at_once} → {new.at_once}"] if new.at_once > old.at_once else []),
    ]


def _rules(old: Sequence[Wave], new: Sequence[Wave]) -> Iterator[str]:
    """Compare failures and soaks wave by wave; behind the last one comes all that is left."""
    for number, (was, now) in enumerate(zip_longest(old, new, fillvalue=Wave()), 1):
        before, after = was.max_failures, now.max_failures
        is_less = before.percent == after.percent and after < before
        if before != after and after.number and not is_less:
            yield f"wave {number}: maxFailures {before} → {after}"
        if now.soak < was.soak:
            yield f"wave {number}: soak {was.soak:g} s → {now.soak:g} s"


def _earlier(old: Fleet, new: Fleet) -> Iterator[str]:
    """Compare whose turn comes when, also of members that have another name now.

    Who left is waited for by nobody any more, if anybody is left who comes later.
    """
    was, now = _numbers(old), _numbers(new)
    renamed = {_what(member): member.name for member in new.members}
    names = {
        member.name: member.name if member.name in now else renamed.get(_what(member), "")
        for member in old.members
    }
    found = [
        f"{names[each]} (wave {number} → {now[names[each]]})"
        for each, number in was.items()
        if names[each] and now[names[each]] < number
    ]
    last = max((number for each, number in was.items() if names[each]), default=0)
    gone = [
        f"{each} (wave {number})"
        for each, number in was.items()
        if not names[each] and number < last
    ]
    if found:
        yield f"in an earlier wave: {_some(found)}"
    if gone:
        yield f"not waited for any more: {_some(gone)}"


def _some(found: Sequence[str]) -> str:
    more = f", and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}"


def _what(member: FleetMember) -> tuple[str, ...]:
    return (same_form(member.repository, "/"), member.project, member.environment)


def _numbers(fleet: Fleet) -> dict[str, int]:
    groups = waves_of(fleet.waves, fleet.members)
    return {name: number for number, names in enumerate(groups, 1) for name in names}


def _outcomes(old: Outcomes, new: Outcomes) -> Iterator[str]:
    """Name any other meaning: which of `count` and `wait` holds more depends on the wave."""
    for name, was, now in zip(Outcomes._fields, old, new, strict=True):
        if was is not now and was is not Counting.PASS:
            yield f"outcomes.{name}: {was} → {now}"


def _subscriptions(old: Fleet, new: Fleet) -> Iterator[str]:
    there = {each.name: each for each in new.subscriptions}
    names = {member.name for member in new.members}
    for was in old.subscriptions:
        now = there.get(was.name, Subscription(was.name, (), was.at_once))
        if now.at_once > was.at_once:
            yield f"subscriptions.{was.name}.atOnce: {was.at_once} → {now.at_once}"
        if lost := [name for name in was.members if name in names and name not in now.members]:
            yield f"subscriptions.{was.name}: no more of {_some(lost)}"
