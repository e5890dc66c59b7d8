"""Builds what the fleet's use cases need, from the command line and the environment."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import cache, partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base.paths import ROOT
from qflow_gitops.cli import lock_places
from qflow_gitops.cli.clock import Stopper, SystemClock
from qflow_gitops.errors import AGAIN, InvalidInput, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.fleet.presence import Presence
    from qflow_gitops.fleet.services import FleetServices, Reach
    from qflow_gitops.lockfile.fleet import FleetRecord
    from qflow_gitops.ports.clock import Clock
    from qflow_gitops.ports.fleet import FleetStore
    from qflow_gitops.results.report import Report
    from qflow_gitops.settings.fleet import Fleet, FleetMember

REMOTE = "origin"
"""The remote whose branch has fleet.lock, and whose default branch has what is applied."""
_STOP_WITHIN, _LAST_MOMENT = 24.0, 25.0
"""Seconds after a signal: members get 10 to end, and what they came to is recorded then."""
_TO_RECORD = 18.0
"""Of these so many aren't for an exchange with a member's remote."""
FETCH = 600.0
"""Seconds that one exchange with a member's remote may take: the first one brings all of it."""
_PATIENCE = 60.0
"""Seconds that it is waited for whoever works on a member's clone."""
_INVENTORY_TIME = 120.0
_INVENTORY_MOST = 16 * 1024 * 1024
_WHY = {
    "late": f"it took longer than {_INVENTORY_TIME:.0f} seconds and was ended",
    "long": f"it printed more than {_INVENTORY_MOST // 2**20} MiB and was ended",
}
_NEEDED = ("PATH", "HOME", "LANG", "TMPDIR", "USER", "LOGNAME", "TZ")
"""What a command that lists members gets of the environment: nothing that lets somebody in."""


def services(
    wiring: Wiring,
    head: str,
    inventory: str = "",
    one_set_of: Sequence[str] = (),
    acks: Mapping[str, int] | None = None,
    *,
    merged: bool = False,
) -> FleetServices:
    """Read the fleet of a commit ("": the work tree's), and build what works on it.

    `one_set_of` are members of which what has no prefix in the environment is the set. With `acks`
    the commit has to be one that may be applied, but for what they let go; for a look it is None.
    `merged`: a branch has to hold it, whoever let it be applied without.
    """
    from qflow_gitops.apply import ancestry
    from qflow_gitops.cli import fleet_before
    from qflow_gitops.fleet.services import FleetServices

    commit = commit_of(wiring, head)
    listed = _listed(wiring, inventory)
    fleet, kept = alone(wiring, commit, listed), store(wiring)
    record, remote = kept.read(), _remote(wiring)
    earlier = fleet_before.earlier(wiring, record, commit, remote, listed)
    if acks is not None:
        fleet_before.check_follows(wiring, record, commit, remote, acks)
        fleet_before.check_waves(earlier, acks)
        _check_merged(wiring, commit, let_go=not merged and _is_let_go(record, commit, acks))
    environ, stopper = _environ(wiring, fleet, one_set_of), _stopper(wiring)
    return FleetServices(
        fleet=fleet,
        before=earlier.fleets,
        commit=commit,
        store=kept,
        reach=reach(wiring, environ, fleet, _fetching(stopper), stopper),
        clock=SystemClock(),
        author=wiring.author(),
        frozen=lambda: frozen(wiring),
        stop=stopper,
        is_dead=presence(wiring).is_dead,
        follows=cache(lambda latest: ancestry.follows(wiring.git, latest, commit, remote)),
        begin=record,
        inventory=_again(inventory),
        beside=partial(_beside, wiring.git.root),
    )


def _beside(root: Path, name: str) -> str:
    """Name a folder beside the fleet's clone that isn't there yet, as it is typed at hand."""
    numbered = (f"{name}-{number}" for number in count(2))
    folder = next(one for one in chain([name], numbered) if not (root.parent / one).exists())
    return f"../{folder}" if Path.cwd() == root else str(root.parent / folder)


def commit_of(wiring: Wiring, revision: str) -> str:
    """Return the commit that the fleet is read from, "" for the work tree; see `sources.fleets`."""
    from qflow_gitops.sources import fleets

    return fleets.commit_of(wiring.git, revision)


def alone(wiring: Wiring, commit: str, inventory: Sequence[FleetMember] = ()) -> Fleet:
    """Read the fleet of a commit, "" for the work tree. Raises InvalidInput for one of several."""
    from qflow_gitops.sources import fleets

    found = fleets.find_fleet(wiring.git, commit, inventory)
    fleets.check_alone(wiring.git, commit, found.file)
    return found.fleet


def _stopper(wiring: Wiring) -> Stopper:
    """Return what says whether somebody asked to stop; git's patience ends with it."""
    stopper = Stopper(_STOP_WITHIN, _LAST_MOMENT)
    wiring.time_left = stopper.time_left
    return stopper


def _fetching(stopper: Stopper) -> Callable[[], float]:
    """Return how long an exchange with a member's remote may take; not all of the last."""
    return lambda: min(FETCH, max(0.0, stopper.left() - _TO_RECORD))


def interrupted(services: FleetServices, report: Report) -> Report:
    """Return the report of a command that somebody may have asked to end: 130 or 143 then."""
    stop = services.stop
    if isinstance(stop, Stopper) and stop():
        return replace(report, exit_code=stop.exit_code, reason="interrupted")
    return report


def told_beside(wiring: Wiring, report: Report, format_name: str) -> Report:
    """Say on stderr why it is nobody's turn, or what is held, where stdout has jobs alone."""
    from qflow_gitops.results.fleets import FleetTold

    is_all = isinstance(report.body, FleetTold) and report.body.jobs and not report.exit_code
    if format_name in ("matrix", "gitlab") and not is_all and not wiring.console.quiet:
        wiring.console.preview(report)
    return report


def presence(wiring: Wiring) -> Presence:
    """Which processes of this clone work on its fleet."""
    from qflow_gitops.fleet.clones import FOLDER
    from qflow_gitops.fleet.presence import Presence

    return Presence(wiring.git.common_dir / FOLDER / "processes")


def _is_let_go(record: FleetRecord, commit: str, acks: Mapping[str, int]) -> bool:
    """Whether a commit may be applied that no branch has: by a person, now or before.

    Where a wave is open at it, that was looked at already.
    """
    known = commit == record.unmerged or record.is_open(commit, SystemClock().now())
    return known or acks.get("unmerged") == 1


def _check_merged(wiring: Wiring, commit: str, *, let_go: bool) -> None:
    """Refuse to apply a commit that no branch has yet, unless it is let go. Raises UsageProblem."""
    from qflow_gitops.sources.branches import BranchRule, unmerged

    if let_go:
        return
    found = unmerged(wiring.branches, [BranchRule(_remote(wiring), ())], commit, ask=True)
    if found:
        raise UsageProblem(
            f"{found.describe(commit)}.",
            not_done="No member was worked on.",
            hint=f"Have it merged first. Or apply it as it is: `{AGAIN} --ack unmerged=1 --reason "
            "TEXT`",
            reason="unmerged",
        )


def frozen(wiring: Wiring) -> str:
    """Say what the environment holds everything by, "" for nothing."""
    return "; ".join(each.detail for each in wiring.freezes())


class Brakes(NamedTuple):
    """What a freeze needs: no fleet.yaml, which may be broken just then."""

    store: FleetStore
    clock: Clock
    author: Mapping[str, str]


def brakes(wiring: Wiring) -> Brakes:
    """Build what freezes a fleet, or lifts that."""
    stopper = Stopper()
    wiring.time_left = stopper.time_left
    return Brakes(store(wiring), SystemClock(), wiring.author())


def store(wiring: Wiring) -> FleetStore:
    """Build what keeps fleet.lock."""
    from qflow_gitops.stores.registry import build_fleet

    return build_fleet(_remote(wiring), lock_places.of(wiring, wiring.git, ROOT))


def _remote(wiring: Wiring) -> str:
    """Return the remote that holds fleet.lock; "" for none. Raises InvalidInput for several."""
    names = wiring.git.remotes()
    if REMOTE in names or not names:
        return REMOTE if names else ""
    if len(names) > 1:
        raise InvalidInput(
            f"None of the remotes is called {REMOTE}: {', '.join(sorted(names))}.",
            where="fleet.lock",
            not_done="No member was looked at.",
            hint=f"Which one holds fleet.lock? `git remote rename {min(names)} {REMOTE}`, or "
            "another of them.",
            reason="fleet_remote",
        )
    return names[0]


def _environ(wiring: Wiring, fleet: Fleet, one_set_of: Sequence[str]) -> Mapping[str, str]:
    """Return what sets of credentials are taken from. Raises UsageProblem for more than one."""
    from qflow_gitops.fleet.environ import for_a_set

    names = {one.credentials for one in fleet.members if one.name in one_set_of}
    if len(names) > 1:
        raise UsageProblem(
            "These members have several sets of credentials.",
            where=", ".join(sorted(names)),
            not_done="No member was worked on.",
            hint="Name those of one set only, or leave out --one-set.",
            reason="one_set",
        )
    return for_a_set("".join(names), wiring.environ)


def reach(
    wiring: Wiring,
    environ: Mapping[str, str],
    fleet: Fleet,
    time_left: Callable[[], float],
    stopping: Callable[[], bool],
) -> Reach:
    """Build what reaches the members of a fleet, with credentials of this environment."""
    from qflow_gitops.fleet.clones import FOLDER, Clones
    from qflow_gitops.fleet.environ import Facts
    from qflow_gitops.fleet.limited import without_core
    from qflow_gitops.fleet.reach import ProcessReach
    from qflow_gitops.fleet.work import Limits
    from qflow_gitops.git.remotes import GitRemotes

    author, home = wiring.author(), GitRemotes(wiring.git).url(REMOTE)
    without_core()
    return ProcessReach(
        Clones(wiring.git.common_dir / FOLDER, time_left, lambda: _PATIENCE),
        environ,
        Facts(
            str(wiring.directory.absolute()), author.get("actor", ""), author.get("run", ""), home
        ),
        Limits(fleet.time, fleet.memory),
        stopping,
    )


def _listed(wiring: Wiring, command: str) -> tuple[FleetMember, ...]:
    """Run the command that lists members, without credentials; "" lists none.

    Raises UsageProblem.
    """
    from qflow_gitops.base import program
    from qflow_gitops.sources.fleets import inventory
    from qflow_gitops.specs.complaints import complaint

    if not command:
        return ()
    environ = {name: wiring.environ[name] for name in _NEEDED if name in wiring.environ}
    try:
        words = shlex.split(command)
        ended = program.run(
            words, environ, _INVENTORY_TIME, lambda: _INVENTORY_TIME, _INVENTORY_MOST
        )
    except (OSError, ValueError) as problem:
        raise _no_list(command, str(problem)) from None
    if ended.status or ended.why:
        why = _WHY.get(ended.why, f"it ended with {ended.status}")
        said = complaint(ended)[-300:]
        raise _no_list(command, f"{why}, and said: {said}" if said else why)
    return inventory(ended.out, command)


def _again(command: str) -> str:
    """Return the option that names an inventory as it is typed again; what it is, if secret."""
    from qflow_gitops.base.printable import is_hidden
    from qflow_gitops.specs.complaints import without_secrets

    if not command:
        return ""
    is_told = without_secrets(command) == command and "`" not in command and not is_hidden(command)
    return f"--inventory {shlex.quote(command) if is_told else 'COMMAND'}"


def _no_list(command: str, why: str) -> UsageProblem:
    from qflow_gitops.specs.complaints import without_secrets

    return UsageProblem(
        f"The inventory's command doesn't work: {why.rstrip('.')}.",
        where=without_secrets(command),
        not_done="No member was looked at.",
        hint="It has to print a JSON list of members, and gets no credentials.",
        reason="fleet_inventory",
    )
