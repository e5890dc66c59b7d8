"""Builds what the fleet's use cases need, from the command line and the environment."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import ROOT
from qflow_gitops.cli import lock_places
from qflow_gitops.cli.clock import GIT_TIMEOUT, Stopper, SystemClock
from qflow_gitops.errors import AGAIN, InvalidInput, StaleError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.fleet.presence import Presence
    from qflow_gitops.fleet.services import FleetServices, Reach
    from qflow_gitops.ports.fleet import FleetStore
    from qflow_gitops.results.report import Report
    from qflow_gitops.settings.fleet import Fleet, FleetMember

REMOTE = "origin"
"""The remote whose branch has fleet.lock, and whose default branch has what is applied."""
_LAST_MOMENT = 25.0
"""Seconds after a signal: members get 10 to end, and what they came to is recorded then."""
FETCH = 600.0
"""Seconds that one exchange with a member's remote may take: the first one brings all of it."""
_PATIENCE = 60.0
"""Seconds that it is waited for whoever works on a member's clone."""
_INVENTORY_TIME = 120.0
_INVENTORY_MOST = 16 * 1024 * 1024
_NEEDED = ("PATH", "HOME", "LANG", "TMPDIR", "USER", "LOGNAME", "TZ")
"""What a command that lists members gets of the environment: nothing that lets somebody in."""


def services(
    wiring: Wiring, head: str, inventory: str = "", one_set_of: Sequence[str] = ()
) -> FleetServices:
    """Read the fleet of a commit ("": the work tree's), and build what works on it.

    `one_set_of` are members of which what has no prefix in the environment is the set.
    """
    from qflow_gitops.fleet.services import FleetServices
    from qflow_gitops.sources.fleets import fleet_at

    commit = wiring.git.resolve(head) if head else ""
    fleet = fleet_at(wiring.git, commit, _listed(wiring, inventory) if inventory else ())
    kept = store(wiring)
    stopper = Stopper(_LAST_MOMENT)
    wiring.time_left = stopper.time_left
    return FleetServices(
        fleet=fleet,
        base=_base(wiring, kept, commit),
        commit=commit,
        store=kept,
        reach=reach(
            wiring,
            _environ(wiring, fleet, one_set_of),
            fleet,
            lambda: min(FETCH, stopper.left()),
            stopper,
        ),
        clock=SystemClock(),
        author=wiring.author(),
        frozen=lambda: frozen(wiring),
        stop=stopper,
        is_dead=presence(wiring).is_dead,
    )


def interrupted(services: FleetServices, report: Report) -> Report:
    """Return the report of a command that somebody may have asked to end: 130 or 143 then."""
    stop = services.stop
    if isinstance(stop, Stopper) and stop():
        return replace(report, exit_code=stop.exit_code, reason="interrupted")
    return report


def presence(wiring: Wiring) -> Presence:
    """Which processes of this clone work on its fleet."""
    from qflow_gitops.fleet.clones import FOLDER
    from qflow_gitops.fleet.presence import Presence

    return Presence(wiring.git.common_dir / FOLDER / "processes")


def check_commit(wiring: Wiring, services: FleetServices, acks: Mapping[str, int]) -> None:
    """Refuse to apply a commit that is older than the newest one, or that no branch has yet.

    Raises StaleError, UsageProblem.
    """
    from qflow_gitops.sources.branches import BranchRule, unmerged

    latest = services.store.read().commit
    if latest and not wiring.git.has_commit(latest):
        raise StaleError(
            f"This clone doesn't have commit {latest[:10]}, which the fleet was applied at last.",
            where=services.store.where,
            not_done="No member was worked on.",
            hint=f"`git fetch {REMOTE}`, go to its newest commit, and run it again: `{AGAIN}`",
            reason="superseded",
        )
    if latest and not wiring.git.is_ancestor(latest, services.commit):
        raise StaleError(
            f"Commit {services.commit[:10]} doesn't come after {latest[:10]}, which was applied "
            "last.",
            where=services.store.where,
            not_done="No member was worked on.",
            hint=f"Apply the newest commit: `git pull {REMOTE}`, then `{AGAIN}`",
            reason="superseded",
        )
    rule = BranchRule(_remote(wiring), ())
    found = unmerged(wiring.branches, [rule], services.commit, ask=True)
    if found and acks.get("unmerged") != 1:
        raise UsageProblem(
            f"{found.describe(services.commit)}.",
            not_done="No member was worked on.",
            hint=f"Have it merged first. Or apply it as it is: `{AGAIN} --ack unmerged=1 --reason "
            "TEXT`",
            reason="unmerged",
        )


def frozen(wiring: Wiring) -> str:
    """Say what the environment holds everything by, "" for nothing."""
    return "; ".join(each.detail for each in wiring.freezes())


def store(wiring: Wiring) -> FleetStore:
    """Build what keeps fleet.lock."""
    from qflow_gitops.stores.registry import build_fleet

    return build_fleet(_remote(wiring), lock_places.of(wiring, wiring.git, ROOT))


def _remote(wiring: Wiring) -> str:
    return REMOTE if REMOTE in wiring.git.remotes() else ""


def _base(wiring: Wiring, kept: FleetStore, commit: str) -> Fleet | None:
    """Read the fleet as it was applied before; None where nothing was, or all is over since."""
    record = kept.read()
    return before(wiring, record.base if record.commit == commit else record.commit)


def before(wiring: Wiring, commit: str) -> Fleet | None:
    """Read the fleet of an earlier commit; None where there is none that can be compared."""
    from qflow_gitops.sources.fleets import fleet_at

    if not commit or not wiring.git.has_commit(commit):
        return None
    try:
        return fleet_at(wiring.git, commit)
    except InvalidInput:  # it was elsewhere then
        return None


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
    from qflow_gitops.fleet.reach import ProcessReach
    from qflow_gitops.fleet.work import Limits
    from qflow_gitops.git.remotes import GitRemotes

    author = wiring.author()

    return ProcessReach(
        Clones(wiring.git.common_dir / FOLDER, time_left, lambda: _PATIENCE),
        environ,
        Facts(
            str(wiring.directory.absolute()),
            author.get("actor", ""),
            author.get("run", ""),
            GitRemotes(wiring.git).address(REMOTE).partition("/")[0] if _remote(wiring) else "",
        ),
        Limits(fleet.time, fleet.memory),
        stopping,
    )


def _listed(wiring: Wiring, command: str) -> tuple[FleetMember, ...]:
    """Run the command that lists members, without credentials. Raises UsageProblem."""
    from qflow_gitops.qualys.logins.program import run
    from qflow_gitops.sources.fleets import inventory

    environ = {name: wiring.environ[name] for name in _NEEDED if name in wiring.environ}
    try:
        ended = run(
            shlex.split(command), environ, _INVENTORY_TIME, lambda: GIT_TIMEOUT, _INVENTORY_MOST
        )
    except (OSError, ValueError) as problem:
        raise _no_list(command, str(problem)) from None
    if ended.status or ended.why:
        said = ended.err.decode(errors="replace").strip()[-300:]
        raise _no_list(command, said or f"it ended with {ended.status}")
    return inventory(ended.out, command)


def _no_list(command: str, why: str) -> UsageProblem:
    return UsageProblem(
        f"The inventory's command doesn't work: {why}.",
        where=command,
        not_done="No member was looked at.",
        hint="It has to print a JSON list of members, and gets no credentials.",
        reason="fleet_inventory",
    )
