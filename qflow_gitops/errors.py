"""The exit codes, and the one kind of exception that means "stop and tell the person"."""

from collections.abc import Iterable
from copy import copy
from enum import IntEnum


class ExitCode(IntEnum):
    """What a process of the tool answers with; stable, and documented."""

    OK = 0
    RUN_FAILED = 1
    USAGE = 2
    INVALID = 3
    AUTH = 4
    HELD = 5
    BUSY = 6
    STALE = 7
    STILL_RUNNING = 8
    IN_DOUBT = 9
    PENDING = 10
    LOCK = 11
    UNREACHABLE = 12
    BUG = 70
    SIGINT = 130
    SIGTERM = 143


# Where several apply at once, the first of these is the answer.
PRECEDENCE = (
    ExitCode.SIGINT,
    ExitCode.SIGTERM,
    ExitCode.BUG,
    ExitCode.LOCK,
    ExitCode.IN_DOUBT,
    ExitCode.RUN_FAILED,
    ExitCode.STILL_RUNNING,
    ExitCode.STALE,
    ExitCode.UNREACHABLE,
    ExitCode.BUSY,
    ExitCode.HELD,
    ExitCode.AUTH,
    ExitCode.INVALID,
    ExitCode.PENDING,
    ExitCode.USAGE,
    ExitCode.OK,
)


def worst(codes: "list[ExitCode]") -> ExitCode:
    """The code that wins where several apply; OK for none."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.OK)


NOTHING_MORE = "Nothing more is sent; what was sent before is in the lockfile, or saved for it."
"""What is not done where the lockfile can't be read or written, perhaps amid an apply."""


AGAIN = "<the command as it was typed>"
"""Stands in a hint for that command, so that it may say what to add; the CLI fills it in."""


class QflowError(Exception):
    """Something a person has to know about; never a bug, so never a traceback.

    `message` says what happened, `where` names the file, variable or URL concerned,
    `not_done` says what was therefore not done, `hint` is what to type or change next.
    `reason` is a stable word for machines. `also` are others that came up beside it.
    """

    exit_code = ExitCode.BUG
    reason = "bug"
    also: "tuple[QflowError, ...]" = ()

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        where: str = "",
        not_done: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self.not_done = not_done
        if reason:
            self.reason = reason


def _of_all(same: "dict[str, QflowError]") -> QflowError:
    """Return one problem of several places; theirs stay as they are."""
    first = next(iter(same.values()))
    if len(same) == 1:
        return first
    told = copy(first)
    others = f", and {len(same) - _NAMED:,} more" if len(same) > _NAMED else ""
    told.where = ", ".join(sorted(same)[:_NAMED]) + others
    return told


_NAMED = 3
"""So many places of one problem are named."""


def together(problems: Iterable[QflowError], code: ExitCode) -> QflowError | None:
    """Return what is told of several problems, each once; None where there are none.

    The one with the exit code that wins is told first, the others with it: a reason that isn't
    told is one that nobody can do anything about. What happened in several places is told of all.
    """
    alike: dict[tuple[str, str, str], dict[str, QflowError]] = {}
    for error in problems:
        same = alike.setdefault((error.message, error.not_done, error.hint), {})
        same.setdefault(error.where, error)
    found = [_of_all(same) for same in alike.values()]
    if not found:
        return None
    first = next((error for error in found if error.exit_code is code), found[0])
    first.also = tuple(error for error in found if error is not first)
    return first


class UsageProblem(QflowError):
    """The command line or the environment's variables contradict themselves."""

    exit_code = ExitCode.USAGE
    reason = "usage"


class InvalidInput(QflowError):
    """Specs, settings or the repository are not what they have to be."""

    exit_code = ExitCode.INVALID
    reason = "invalid"


class Unreadable(InvalidInput):
    """Something is there and can't be read, which is never the same as absent.

    `mode` is what is there where it is no plain file that may be read: a git mode (`120000`,
    `160000`, `040000`, …) or `unreadable`; "" where git can't give an object.
    """

    reason = "unreadable"

    def __init__(
        self, message: str, *, hint: str = "", where: str = "", not_done: str = "", mode: str = ""
    ) -> None:
        super().__init__(message, hint=hint, where=where, not_done=not_done)
        self.mode = mode


class AuthError(QflowError):
    """Qualys refused the credentials or the permission, or there are none."""

    exit_code = ExitCode.AUTH
    reason = "auth"


class BusyError(QflowError):
    """Another apply has the lock."""

    exit_code = ExitCode.BUSY
    reason = "busy"


class StaleError(QflowError):
    """What is asked for is superseded, or isn't what was approved."""

    exit_code = ExitCode.STALE
    reason = "stale"


class LockError(QflowError):
    """The lockfile or its store can't be read, trusted or written."""

    exit_code = ExitCode.LOCK
    reason = "lock"


class UnreachableError(QflowError):
    """Qualys could not be reached; it is proven that nothing was executed."""

    exit_code = ExitCode.UNREACHABLE
    reason = "unreachable"
