"""What was applied before a commit of the fleet: may it follow, and whose waves hold as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.errors import AGAIN, InvalidInput, StaleError, Unreadable, UsageProblem
from qflow_gitops.settings.project import LockSettings, Project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.lockfile.fleet import FleetRecord
    from qflow_gitops.settings.fleet import Fleet, FleetMember

_NOTHING = "No member was worked on."


class Earlier(NamedTuple):
    """The fleets whose waves hold beside those at hand, oldest first, and what can't be read."""

    fleets: tuple[Fleet, ...] = ()
    lost: tuple[str, ...] = ()


def earlier(
    wiring: Wiring,
    record: FleetRecord,
    commit: str,
    remote: str,
    inventory: Sequence[FleetMember] = (),
) -> Earlier:
    """Read the fleet as it was applied before, where not all is over since."""
    commits = dict.fromkeys(one for one in (record.base, record.commit) if one not in ("", commit))
    fleets, lost = [], []
    for one in commits:
        found = at(wiring, one, remote, inventory)
        fleets += [found] if found else []
        lost += [] if found else [one]
    return Earlier(tuple(fleets), tuple(lost))


def at(
    wiring: Wiring, commit: str, remote: str, inventory: Sequence[FleetMember] = ()
) -> Fleet | None:
    """Read a fleet with the members that were listed then, as far as anybody knows; None if not.

    Raises Unreadable where this clone lacks the file, as one with a filter does.
    """
    from qflow_gitops.sources.fleets import fleet_at

    if commit and not wiring.git.has_commit(commit):
        wiring.git.unshallow(remote)
    if not commit or not wiring.git.has_commit(commit):
        return None
    for members in dict.fromkeys((tuple(one.name for one in inventory), ())):
        listed = [one for one in inventory if one.name in members]
        try:
            return fleet_at(wiring.git, commit, listed)
        except InvalidInput as problem:
            if isinstance(problem, Unreadable) and not problem.mode:
                raise
    return None


def check_follows(
    wiring: Wiring, record: FleetRecord, commit: str, remote: str, acks: Mapping[str, int]
) -> None:
    """Refuse a commit that is older than the newest one, or beside it.

    Raises StaleError, UsageProblem where the waves of the one before can't be read any more.
    """
    from qflow_gitops.apply import ancestry
    from qflow_gitops.stores.branch_fleet import BRANCH

    lock = LockSettings(store="branch", remote=remote, branch=BRANCH)
    step = ancestry.look(
        wiring.git,
        wiring.branches,
        Project((), "", {}, lock=lock),
        "fleet.lock",
        record.commit,
        commit,
    )
    if step.standing is ancestry.Relation.FOLLOWS:
        if "rewritten" in acks:
            raise _of_nothing("rewritten", f"{commit[:10]} follows what was applied last")
        return
    if step.standing is ancestry.Relation.REWRITTEN and acks.get("rewritten") == 1:
        return
    problem: StaleError = ancestry.refused(step)
    problem.not_done = _NOTHING
    if step.standing is ancestry.Relation.OLDER:
        newest = f"git pull {remote}" if remote else f"git merge {step.latest}"
        problem.hint = f"Apply the newest commit: `{newest}`, then `{AGAIN}`"
    elif step.standing is ancestry.Relation.ASIDE:
        problem.hint += f" Have that merged, then: `{AGAIN}`"
    raise problem


def _of_nothing(name: str, why: str) -> UsageProblem:
    """Say that a release lets go of nothing: it would take the waves of the commit before away."""
    return UsageProblem(
        f"--ack {name} releases nothing: {why}.",
        not_done=_NOTHING,
        hint="Leave it out.",
        reason="ack_differs",
    )


def check_waves(before: Earlier, acks: Mapping[str, int]) -> None:
    """Refuse to go on where the waves of the commit before can't be read. Raises UsageProblem."""
    if "moved" in acks and not before.lost:
        raise _of_nothing("moved", "fleet.yaml can be read as it was applied last")
    # Where history was rewritten on purpose, it is let go with that.
    if before.lost and not {"moved", "rewritten"} & {name for name, n in acks.items() if n == 1}:
        raise UsageProblem(
            f"Commit {before.lost[0][:10]}, which the fleet was applied at, has no fleet.yaml "
            "that can be read from this folder: whether its waves are over can't be told.",
            where="fleet.yaml",
            not_done=_NOTHING,
            hint="If the file was moved on purpose, let the waves of this one hold alone: "
            f"`{AGAIN} --ack moved=1 --reason TEXT`",
            reason="fleet_moved",
        )
