"""What makes a lockfile another one, as its values or commits of its branch say it."""

from qflow_gitops.lockfile import audit
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.pieces import Piece, Place, files_of
from qflow_gitops.lockfile.walk import GONE, PLAIN, Changed, Walk


def differs(old: Lockfile, new: Lockfile) -> tuple[str, ...]:
    """In what a lockfile isn't another one and more; also values that no file can hold."""
    found = list(audit.grown_head(old, new))
    for name, record in old.environments.items():
        for run in sorted({*record.runs, *record.events}):
            here, there = (
                Piece(each.attempts(name, run), each.events(name, run)) for each in (old, new)
            )
            if name in new.environments:
                found += audit.grown_piece(Place(name, run), here, there)
    return tuple(found)


def grown(old: Lockfile, new: Lockfile) -> tuple[str, ...]:
    """What is wrong with a commit that makes one lockfile the other."""
    before, after = files_of(old), files_of(new)
    return tuple(
        Walk().step(
            Changed(path, PLAIN if path in after else GONE, before.get(path), after.get(path))
            for path in sorted({*before, *after})
            if before.get(path) != after.get(path)
        )
    )
