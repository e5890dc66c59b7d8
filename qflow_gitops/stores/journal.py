"""What a session of the work tree's store has recorded so far: lines on top of a lockfile.

The first line says on top of which: `{"sha256": …, "lineage": …}`, the digest of the lockfile's
bytes ("" where there was none). Each other line is a transition or a mark.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qflow_gitops.base import atomic
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.attempt_json import transition_from_json, transition_to_json
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.stores.checks import NOTHING_DONE


def lines_of(transitions: Sequence[Transition], mark: Checkpoint | None) -> list[bytes]:
    """Write what one call records as lines."""
    lines = [transition_to_json(transition) for transition in transitions]
    if mark is not None:
        lines.append(mark.to_json())
    return [json.dumps(line, ensure_ascii=False).encode() for line in lines]


def read(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a journal, none where there is no file. Raises LockError."""
    try:
        return [json.loads(line) for line in atomic.read_lines(path)]
    except (ValueError, OSError) as problem:
        raise _bad(path, problem) from None


def replayed(base: Lockfile, lines: Sequence[dict[str, Any]], path: Path) -> Lockfile:
    """Return the lockfile with the lines after the first on top. Raises LockError."""
    try:
        for line in lines[1:]:
            if "mark" in line:
                base = base.marked(Checkpoint.from_json(line))
            else:
                base = base.recorded([transition_from_json(line)])
    except (KeyError, TypeError, ValueError) as problem:
        raise _bad(path, problem) from None
    return base


def _bad(path: Path, problem: Exception) -> LockError:
    return LockError(
        f"The journal of an interrupted apply can't be read: {problem}.",
        where=str(path),
        not_done=NOTHING_DONE,
        hint="Keep the file and report it: it holds the lockfile of what was sent.",
        reason="lock_journal",
    )
