"""The one value that every output renders, and what decides the exit code.

What a command has to tell is one of the bodies: a file for each kind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from qflow_gitops.errors import ExitCode, InvalidInput, QflowError
from qflow_gitops.findings.finding import Diagnostic, has_errors

if TYPE_CHECKING:
    from qflow_gitops.results.applies import Applied
    from qflow_gitops.results.checks import Examination
    from qflow_gitops.results.evidence import Evidence
    from qflow_gitops.results.files import Draft, Files, Known
    from qflow_gitops.results.fleets import FleetReported, FleetTold
    from qflow_gitops.results.notices import Delivered
    from qflow_gitops.results.plans import Planned
    from qflow_gitops.results.records import (
        Anchored,
        Resolved,
        RunHistory,
        Standstill,
        Status,
        Verified,
    )
    from qflow_gitops.results.reviews import Comments
    from qflow_gitops.results.sandbox import Executed
    from qflow_gitops.results.stories import Story

Body: TypeAlias = (
    "Validated | Planned | Applied | Status | RunHistory | Resolved | Standstill | Verified | "
    "Story | Files | Known | Draft | Comments | Examination | Executed | "
    "Evidence | Anchored | FleetTold | FleetReported | Delivered"
)


class InvalidFiles(InvalidInput):
    """Files of the repository have errors; `diagnostics` says which."""

    def __init__(
        self,
        diagnostics: tuple[Diagnostic, ...],
        *,
        not_done: str = "",
        look: str = "qflow-gitops validate",
    ) -> None:
        """Take the findings; there has to be an error among them. `look` shows them again."""
        super().__init__(
            "The repository's files have errors.",
            not_done=not_done,
            hint=f"Fix them, and look again: `{look}`",
        )
        self.diagnostics = diagnostics


class Validated(NamedTuple):
    """What `validate` looked at; `project` is its folder, "" for the root and for several.

    `members` are those of a fleet, None where there is none.
    """

    files: int
    runs: int
    project: str = ""
    members: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a command.

    `reason` is a stable word for the exit code, `notes` are sentences that a person should
    see beside the result, `already_told` whether that was shown while it was made.
    """

    command: str
    exit_code: ExitCode = ExitCode.OK
    reason: str = "ok"
    diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    body: Body | None = None
    error: QflowError | None = None
    already_told: bool = False


def failed(command: str, problem: QflowError) -> Report:
    """Report a command that stopped."""
    found = problem.diagnostics if isinstance(problem, InvalidFiles) else ()
    return Report(command, problem.exit_code, problem.reason, found, error=problem)


def still_running(report: Report) -> Report:
    """Return a report whose watch ended before what it watched: 8."""
    return replace(report, exit_code=ExitCode.STILL_RUNNING, reason="still_running")


def validated(body: Validated, found: tuple[Diagnostic, ...], *, strict: bool = False) -> Report:
    """Report on specs: 3 if there is an error among the findings, or anything if `strict`."""
    if has_errors(found):
        return Report("validate", ExitCode.INVALID, "invalid", found, body=body)
    if strict and found:
        return Report("validate", ExitCode.INVALID, "warnings", found, body=body)
    return Report("validate", diagnostics=found, body=body)
