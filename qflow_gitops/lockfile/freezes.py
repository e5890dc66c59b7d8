"""What holds everything, in words: a freeze of the lockfile, of a variable, of a file.

Pure: who asks where a freeze may come from is the business of the edges.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.specs import secrets

LOCKFILE, VARIABLE, FILE = "lockfile", "QFLOW_FREEZE", "QFLOW_FREEZE_FILE"
UNFREEZE = "qflow-gitops unfreeze --reason TEXT"
UNFREEZE_FLEET = "qflow-gitops fleet unfreeze --reason TEXT"

_LONGEST = 200  # characters of a reason that a line shows


class Freeze(NamedTuple):
    """One freeze that holds: `detail` says which, why, by whom and since when; `hint` the way on.

    `source` is one of the three above. `at` is RFC 3339; `reason`, `at` and `by` are "" where
    they aren't known.
    """

    source: str
    detail: str
    hint: str
    reason: str = ""
    at: str = ""
    by: str = ""


def recorded(events: Iterable[LedgerEvent], unfreeze: str = UNFREEZE) -> tuple[Freeze, ...]:
    """Return the freezes of the lockfile's head (`Lockfile.freezes`), or of fleet.lock.

    `unfreeze` is the command that lifts them.
    """
    return tuple(_recorded(event, unfreeze) for event in events)


def _recorded(event: LedgerEvent, unfreeze: str) -> Freeze:
    by = event.extra.get("by")
    who = str(by.get("actor", "")) if isinstance(by, Mapping) else ""
    reason = _line(event.text("reason"))
    text = f"{who or 'somebody'} froze everything at {event.at}{_because(reason)}"
    return Freeze(LOCKFILE, text, f"When it is over: `{unfreeze}`", reason, event.at, who)


def by_variable(text: str) -> tuple[Freeze, ...]:
    """Return the freeze of QFLOW_FREEZE, whose text is the reason; none for an empty one."""
    reason = _line(text)
    hint = f"When it is over: `unset {VARIABLE}` (in CI: remove the repository variable)"
    return (Freeze(VARIABLE, f"{VARIABLE} is set: {reason}", hint, reason),) if reason else ()


def by_file(path: str, content: str) -> Freeze:
    """Return the freeze of a file that is there: its first line with a word on it is the reason."""
    reason = next((_line(line) for line in content.splitlines() if line.strip()), "")
    text = f"the file {path} ({FILE}) is there{_because(reason)}"
    return Freeze(FILE, text, f"When it is over, remove the file: `rm {_quoted(path)}`", reason)


def by_unreadable_file(path: str, why: str) -> Freeze:
    """Return the freeze of a file that can't be read, and so may be one."""
    text = f"{FILE} names {path}, which can't be read ({why}); that counts as a freeze"
    hint = f"Let {path} be a file that can be read or no file at all, or `unset {FILE}`"
    return Freeze(FILE, text, hint)


def by_doubt(why: str, hint: str) -> Freeze:
    """Return the freeze of a lockfile of which it can't be told whether it is frozen."""
    return Freeze(LOCKFILE, f"whether the lockfile is frozen can't be told: {why}", hint)


def describe(freezes: Sequence[Freeze]) -> str:
    """Say all that holds."""
    return "; and ".join(freeze.detail for freeze in freezes)


def way_on(freezes: Sequence[Freeze]) -> str:
    """Say what lifts all that holds."""
    return "; ".join(dict.fromkeys(freeze.hint for freeze in freezes))


def _because(reason: str) -> str:
    return f": {reason}" if reason else ", and gives no reason"


def _line(text: str) -> str:
    """Return a reason in one line; a variable or a file may hold a secret by mistake."""
    words = str(secrets.masked(" ".join(text.split())))
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _quoted(path: str) -> str:
    return shlex.quote(path if not path.startswith("-") else f"./{path}")
