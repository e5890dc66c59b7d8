"""What the stable words of results mean, and what to do: reasons of plans, of stops, exit codes.

`qflow-gitops rules WORD` and the documentation read them here; a test finds each word that the
program can say.
"""

from collections.abc import Mapping
from typing import NamedTuple

from qflow_gitops.errors import ExitCode


class Word(NamedTuple):
    """A word that a machine may rely on: what it means, and the way on, each in a sentence."""

    id: str
    meaning: str
    way: str


EXITS: Mapping[ExitCode, Word] = {
    code: Word(str(int(code)), meaning, way)
    for code, meaning, way in (
        (ExitCode.OK, "Done, or there was nothing to do.", "Nothing."),
        (
            ExitCode.RUN_FAILED,
            "A run failed or was refused; of `doctor`, a check failed.",
            "`qflow-gitops status` shows which, and the next command of each.",
        ),
        (
            ExitCode.USAGE,
            "The command line or a variable can't be used as it is.",
            "Correct it as the message says; nothing was sent.",
        ),
        (
            ExitCode.INVALID,
            "Specs or settings are invalid, or can't be read.",
            "`qflow-gitops validate` shows where; fix it and run the command again.",
        ),
        (
            ExitCode.AUTH,
            "Credentials are missing, were refused, or lack a right.",
            "`qflow-gitops doctor qualys` tells which; set or correct them.",
        ),
        (
            ExitCode.HELD,
            "Everything that is due is held: a person has to decide.",
            "`qflow-gitops plan` says for each run why, and what releases it.",
        ),
        (
            ExitCode.BUSY,
            "Another apply did or does the work, and something is left undone.",
            "Run the command again when that one has ended.",
        ),
        (
            ExitCode.STALE,
            "The plan is superseded, or isn't the one that was approved.",
            "Look at it again with `qflow-gitops plan`, and have that one approved.",
        ),
        (
            ExitCode.STILL_RUNNING,
            "Executions were still running when the wait ended.",
            "The next apply goes on waiting; `qflow-gitops status --refresh` looks once.",
        ),
        (
            ExitCode.IN_DOUBT,
            "A run may have started: no answer says whether.",
            "`qflow-gitops reconcile` looks it up; it is never sent again by itself.",
        ),
        (
            ExitCode.PENDING,
            "Something differs (`plan --exit-code`, `report --exit-code`, `migrate --check`).",
            "Apply or write changes, if they are meant; look at each difference.",
        ),
        (
            ExitCode.LOCK,
            "The lockfile can't be read, trusted or written, or isn't known at this place.",
            "Do what the message says; `qflow-gitops lock verify` says which version is at fault.",
        ),
        (
            ExitCode.UNREACHABLE,
            "Qualys or GitHub could not be reached; it is proven that nothing was executed.",
            "Run the command again; `qflow-gitops doctor` says what is in the way.",
        ),
        (
            ExitCode.BUG,
            "A bug of qflow-gitops.",
            "Report it as the message says; what was sent before is in the lockfile.",
        ),
        (
            ExitCode.SIGINT,
            "It was interrupted (Ctrl-C).",
            "Run it again: it goes on from what the lockfile holds.",
        ),
        (
            ExitCode.SIGTERM,
            "It was asked to end (SIGTERM), as a CI does with a job that is cancelled.",
            "Run it again: it goes on from what the lockfile holds.",
        ),
    )
}
"""Every exit code, with the number as its word."""
