"""What the lockfile says that a person has to see to: freezes, doubts, what no apply did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from qflow_gitops.apply.doubt import SHOWN_FOR, Doubt, doubts_in
from qflow_gitops.apply.overdue import last_done
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import is_leased
from qflow_gitops.lockfile.inheritance import names_of
from qflow_gitops.lockfile.outbox import TICKET
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.checks import Check, failed, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qflow_gitops.apply.overdue import Overdue
    from qflow_gitops.lockfile.freezes import Freeze
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.settings.project import Project

FROZEN = ("frozen", "freezes")
INTENTS = ("intents", "applies that were cut off")
DOUBTS = ("doubts", "runs in doubt")
EXPIRED = ("expired", "doubts that are too old")
LAST = ("last-apply", "last apply")
SCHEDULE = ("schedule", "schedule")
TOLD = ("notify", "who is told")
NAMES = (FROZEN, INTENTS, DOUBTS, EXPIRED, LAST, SCHEDULE, TOLD)
_URGENT = timedelta(days=5)


def frozen(holding: Sequence[Freeze]) -> Check:
    """Say what holds everything."""
    for freeze in holding:
        more = f" (and {len(holding) - 1} more)" if len(holding) > 1 else ""
        return warning(*FROZEN, f"{freeze.detail}{more}", freeze.hint)
    return ok(*FROZEN, "none: what is due is sent")


def intents(doubts: Iterable[Doubt], now: datetime) -> Check:
    """Say which applies ended without a word, and nobody took over."""
    left = [
        each
        for each in doubts
        if each.attempt.state is State.INTENT and not is_leased(each.attempt, stamp(now))
    ]
    if not left:
        return ok(*INTENTS, "none")
    first = left[0]
    said = f"{_named(left)}: recorded to be sent at {first.attempt.opened_at}, then nothing more"
    return failed(*INTENTS, said, next_steps.look_up(first.environment))


def doubts(found: Iterable[Doubt], now: datetime) -> Check:
    """Say which runs are in doubt, for how long, and for how long they can be looked up."""
    left = sorted(
        (each for each in found if each.attempt.state is State.IN_DOUBT),
        key=lambda each: each.attempt.opened_at,
    )
    if not left:
        return ok(*DOUBTS, "none")
    oldest = left[0]
    age = now - oldest.opened_at
    rest = SHOWN_FOR - age
    until = f"Qualys shows it for {days(rest)} more" if rest > timedelta() else "too old to show"
    said = f"{_named(left)}: for {days(age)}, and {until}"
    urgent = failed if rest < _URGENT else warning
    return urgent(*DOUBTS, said, next_steps.look_up(oldest.environment))


def expired(lockfile: Lockfile, environments: Iterable[str]) -> Check:
    """Say which doubts nobody can look up any more."""
    runs = [
        f"{name}/{run}"
        for name in environments
        for run, attempts in lockfile.runs_in_states(name, {State.EXPIRED})
        if any(attempt.state is State.EXPIRED for attempt in attempts)
    ]
    if not runs:
        return ok(*EXPIRED, "none")
    more = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
    said = f"{runs[0]}{more}: only a person can say whether they ran"
    return failed(*EXPIRED, said, next_steps.settle_doubt(runs[0]))


def last_apply(lockfile: Lockfile, project: Project, environments: Sequence[str]) -> Check:
    """Say when an apply recorded something last, in each environment."""
    times = {name: last_done(lockfile, names_of(lockfile, project, name)) for name in environments}
    said = [f"{name} at {at}" if at else f"{name} never" for name, at in times.items()]
    more = f" and {len(said) - 3} more" if len(said) > 3 else ""
    return ok(*LAST, f"{', '.join(said[:3])}{more}")


def schedule(late: Sequence[Overdue], *, is_shared: bool) -> Check:
    """Say what no apply did, though one would have."""
    for each in late:
        return warning(*SCHEDULE, each.message.removesuffix("."), each.hint)
    if not is_shared:
        return ok(*SCHEDULE, "none applies here: the lockfile is a file of one machine")
    return ok(*SCHEDULE, "nothing is left that an apply would have done")


def open_ones(lockfile: Lockfile, project: Project, environments: Iterable[str]) -> list[Doubt]:
    """Return what may have run, of all these environments, each once."""
    found = {
        (*doubt.key, doubt.attempt.number): doubt
        for name in environments
        for doubt in doubts_in(lockfile, project, name)
    }
    return list(found.values())


def _named(some: Sequence[Doubt]) -> str:
    more = f" and {len(some) - 1} more" if len(some) > 1 else ""
    return f"{'/'.join(some[0].key)}{more}"


def days(span: timedelta) -> str:
    """Say how long a time is, in hours where it is short."""
    if span < timedelta(days=2):
        return f"{max(0, round(span.total_seconds() / 3600))} hours"
    return f"{span.days} days"


def told(receivers: Sequence[str] | QflowError, lockfile: Lockfile, *, asked: bool) -> Check:
    """Say which receivers are set up here, and how many notices wait for them.

    `asked` is whether the settings tell others anything. Where receivers are set up is a matter of
    where one applies: that there are none here is in order.
    """
    if isinstance(receivers, QflowError):
        return failed(*TOLD, receivers.message, receivers.hint)
    waiting = sum(each.kind != TICKET for each in lockfile.outbox.notices)
    if not (receivers or waiting):
        return ok(*TOLD, "nobody is set up here" if asked else "nobody, by the settings")
    lost = lockfile.outbox.given_up
    said = ", ".join(receivers) or "nobody is set up here"
    said += f"; {waiting:,} {'notice waits' if waiting == 1 else 'notices wait'}" if waiting else ""
    said += f"; {lost:,} older ones were given up, since too many waited" if lost else ""
    if waiting and receivers:
        return warning(*TOLD, said, "Tell them: `qflow-gitops notify`")
    if receivers and not asked:
        said += ", but no `notify` is in the settings, so nothing is told"
        return warning(*TOLD, said, "Under `spec` of qflow.yaml, say `notify: {}`, and commit it.")
    return ok(*TOLD, said)
