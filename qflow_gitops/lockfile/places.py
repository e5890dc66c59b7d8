"""Where a lockfile belongs: the addresses that it is known at, and its moves.

Events of the head, under `places`; like all others they only grow:

==========  ===============================================================================
event       what it says
==========  ===============================================================================
`known`     `address` is one of its places (hashed); an apply anywhere else is refused
`pending`   all of `from` was copied to here, as it was at its `serial`; nothing else is
            written here until it is open
`opened`    the place that the copy came from is closed: this is the lockfile now
`movedTo`   the lockfile is at `to` now; nothing is written here any more
==========  ===============================================================================

The last three of one move have its `nonce`.
"""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import KNOWN, MOVED, OPENED, PENDING, LedgerEvent

_MOVES = frozenset({PENDING, OPENED, MOVED})
NOTHING_DONE = "Nothing was sent and nothing was written."
NO_REMOTE = "no remote"
"""The place of a clone that has none, once a lockfile is known somewhere."""
_NO_ONE_REMOTE = (
    "in a clone without a remote, nor with several of which none is called as qflow.yaml says "
    "(`lock: {remote: NAME}`; `origin` if it doesn't)"
)


class Site(NamedTuple):
    """One place where a lockfile lives, as the head names it.

    `branch` and `remote` are "" for a file of the work tree, `folder` is "" for a branch, else
    the project's, "." for the root. `address` is that of the branch's remote, hashed.
    """

    store: str
    branch: str = ""
    remote: str = ""
    folder: str = ""
    address: str = ""

    def is_same(self, other: "Site | None") -> bool:
        """Whether it is the same place, whatever a clone calls the remote."""
        return other is not None and self._replace(remote="") == other._replace(remote="")

    def __str__(self) -> str:
        """Name it for people, as messages name a store."""
        if self.store == "branch":
            return f"branch {self.branch} of {self.remote}"
        return "qflow.lock" if self.folder in ("", ".") else f"{self.folder}/qflow.lock"

    @property
    def options(self) -> str:
        """What `lock move` is told to go there."""
        if self.store != "branch":
            return "--to worktree"
        branch, remote = shlex.quote(self.branch), shlex.quote(self.remote)
        return f"--to branch --branch {branch} --remote {remote}"

    def to_json(self) -> dict[str, str]:
        """Return it as it stands in an event."""
        return {key: value for key, value in self._asdict().items() if value}


def site_of(data: object) -> Site | None:
    """Read a place from an event, None where it doesn't say one."""
    if not isinstance(data, Mapping):
        return None
    given = {key: data.get(key, "") for key in Site._fields}
    if not all(isinstance(value, str) for value in given.values()):
        return None
    site = Site(**given)
    whole = site.store == "worktree" or (site.store == "branch" and site.branch and site.remote)
    return site if whole else None


def merged(ours: Sequence[LedgerEvent], theirs: Sequence[LedgerEvent]) -> tuple[LedgerEvent, ...]:
    """Return the events of one place with those of another that it lacks behind them."""
    return (*ours, *(event for event in theirs if event not in ours))


def hashed(lineage: str, address: str) -> str:
    """Return how the head names an address (`base.addresses.same_form`): who reads it, knows it.

    An address can tell what isn't for everybody who reads a lockfile. With the lineage, so that
    two lockfiles of one repository don't tell that.
    """
    text = f"{lineage}\n{address or NO_REMOTE}"
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()}"


def is_known(lockfile: Lockfile, address: str) -> bool:
    """Whether a lockfile belongs to an address; one that names none yet belongs anywhere."""
    known = [event.text("address") for event in lockfile.places if event.event == KNOWN]
    return not known or hashed(lockfile.lineage, address) in known


def names_any(lockfile: Lockfile) -> bool:
    """Whether a lockfile says where it belongs."""
    return any(event.event == KNOWN for event in lockfile.places)


def unknown_at(address: str) -> str:
    """Say that a lockfile doesn't belong to an address, without a full stop."""
    where = f"at {without_secrets(address)}" if address else _NO_ONE_REMOTE
    return f"This lockfile isn't known {where}"


def known_at(
    lineage: str, address: str, at: str, by: Mapping[str, str], reason: str = ""
) -> LedgerEvent:
    """Return the event that makes an address known. `at` is RFC 3339, `by` who says it."""
    more = {"reason": reason} if reason else {}
    return LedgerEvent(at, KNOWN, {"address": hashed(lineage, address), **more, "by": dict(by)})


def folder_of(record: EnvironmentRecord) -> ProjectFolder | None:
    """Return where the project lay when an environment was applied; None where nothing says it."""
    if not record.folder:
        return None
    return ProjectFolder("" if record.folder == "." else record.folder)


def last_move(events: Sequence[LedgerEvent]) -> LedgerEvent | None:
    """Return the last event of a move, None where the lockfile was never moved.

    One that isn't known here counts: whoever wrote it may have closed the place.
    """
    return next((event for event in reversed(events) if event.event != KNOWN), None)


def is_open(lockfile: Lockfile) -> bool:
    """Whether anything may be recorded in it."""
    last = last_move(lockfile.places)
    return last is None or last.event == OPENED


def was_moved_here(lockfile: Lockfile) -> bool:
    """Whether it came here by a move, so that it is no new one."""
    return any(event.event == OPENED for event in lockfile.places)


def check_open(lockfile: Lockfile, where: str, not_done: str = NOTHING_DONE) -> None:
    """Refuse to write where the lockfile is no longer, or not yet. Raises LockError."""
    if problem := closed(lockfile, where):
        problem.not_done = not_done
        raise problem


def closed(lockfile: Lockfile, where: str) -> LockError | None:
    """Say why nothing may be written to a lockfile, None where it is open."""
    last = last_move(lockfile.places)
    if last is None or last.event == OPENED:
        return None
    if last.event not in _MOVES:
        return LockError(
            f"The lockfile says `{last.event}` of this place, which this version doesn't know.",
            where=where,
            not_done=NOTHING_DONE,
            hint="Use the newer qflow-gitops that wrote it.",
            reason="lock_newer",
        )
    by = f" by {who}" if (who := _actor(last)) else ""
    if last.event == PENDING:
        source, target = (site_of(last.extra.get(key)) for key in ("from", "to"))
        return LockError(
            f"The lockfile is being moved here{f' from {source}' if source else ''}, since "
            f"{last.at}{by}, and that isn't finished.",
            where=where,
            not_done=NOTHING_DONE,
            hint="Finish it, where it was begun: "
            f"`qflow-gitops lock move {target.options if target else '--to branch'}`",
            reason="lock_pending",
        )
    target = site_of(last.extra.get("to"))
    return LockError(
        f"The lockfile was moved from here to {target or 'another place'}, at {last.at}{by}.",
        where=where,
        not_done=NOTHING_DONE,
        hint="Take the settings that name it: `git pull`. Where they were never committed: "
        f"`qflow-gitops lock move {target.options if target else '--to branch'}` writes them, and "
        "says what to commit.",
        reason="lock_closed",
    )


def _actor(event: LedgerEvent) -> str:
    by: Any = event.extra.get("by")
    return str(by.get("actor", "")) if isinstance(by, Mapping) else ""
