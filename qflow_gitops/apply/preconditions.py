"""What must hold before anything is sent."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.base.names import ANY, means
from qflow_gitops.errors import AGAIN, InvalidInput, StaleError, UsageProblem
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.plan.change import Change, Reason
from qflow_gitops.plan.context import RETRY, UNATTENDED
from qflow_gitops.plan.rest import is_the_rest
from qflow_gitops.ports.git import GitTree
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.policies import NEW_RECORD
from qflow_gitops.sources.reasons import refuse_secret
from qflow_gitops.sources.runs import run_key

REWRITTEN = "rewritten"
"""The name by which `--ack NAME=1` lets go of the commit that was applied last."""
PLACE = "place"
"""The name by which `--ack NAME=1` makes a place known to the lockfile."""
OF_THE_COMMIT = (Reason.UNMERGED, Reason.EMPTY)
"""Holds that are about a commit as a whole, so that there is one of each."""


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """What to apply. None or "" stand for "as the settings say" or "not asked for".

    `runs` are the RUNs to apply, as typed, none for all. `reason` is why holds are released or
    runs retried, for the lockfile. `retry_failed`: all that failed, was cancelled or refused.
    `approved`: only what a merged and approved pull request holds. `unattended`: nobody watches, so
    the same, unless the policy says that another system sees to approvals; what can't be asked
    holds runs. `to` is the revision as it was typed, for the commands that messages give.
    """

    platform: str
    head: str = "HEAD"
    to: str = ""
    environment: str = ""
    runs: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    retries: tuple[str, ...] = ()
    retry_failed: bool = False
    acks: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    approved: bool = False
    unattended: bool = False
    keep_going: bool = False
    concurrency: int | None = None
    wait: bool | None = None
    timeout: float | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """What a message that names the same apply has to say, apart from environment and labels.

        Releases, retries and approvals are for the plan to say.
        """
        to = [f"--to {shlex.quote(self.to)}"] if self.to else []
        flags = {"--keep-going": self.keep_going, UNATTENDED: self.unattended}
        chosen = [flag for flag, is_chosen in flags.items() if is_chosen]
        return (*map(shlex.quote, self.runs), *to, *chosen)


def check_reason(request: ApplyRequest) -> None:
    """Refuse a release without a reason; raises UsageProblem."""
    if request.acks and not request.reason.strip():
        raise UsageProblem(
            "`--ack` requires `--reason`.",
            not_done="Nothing was sent.",
            hint=f"Say why, the lockfile keeps it: `{AGAIN} --reason TEXT`",
            reason="reason_missing",
        )


def check(request: ApplyRequest, planned: PlannedApply) -> None:
    """Refuse what may not be applied; raises QflowError."""
    if has_errors(planned.source.specs.diagnostics) and not request.keep_going:
        raise InvalidFiles(
            planned.source.specs.diagnostics,
            not_done="Nothing was sent. --keep-going runs the valid specs all the same.",
        )
    _check_releases(request, planned)
    _check_keys(planned)
    shown = planned.plan
    made = shown.thawed  # a freeze puts off what was approved, it makes no other plan
    waits = any(
        change.reason is Reason.UNMERGED for change in shown.changes
    )  # sends nothing as it is
    specs, lockfile = planned.source.specs.specs.values(), planned.lockfile
    same = request.digest in ("", shown.digest, made.digest) or is_the_rest(
        made, request.digest, planned.source.environment, specs, lockfile
    )
    if not same and not waits:
        due = ", ".join(f"{change.environment}/{change.name}" for change in made.due) or "nothing"
        raise StaleError(
            f"The plan is not the approved one: its digest is {made.digest}, and it would run "
            f"{due}.",
            not_done="Nothing was sent.",
            hint="Look at it again, and have it approved: `qflow-gitops plan`",
            reason="digest_differs",
        )


def _check_keys(planned: PlannedApply) -> None:
    """Refuse a request that has a value where its correlation key would go."""
    key = planned.source.project.apply.correlation_key
    for change in planned.plan.due:
        if key and change.spec and key in change.spec.input:
            raise InvalidInput(
                f"{change.environment}/{change.name} has a value of its own under "
                f"/input/{key}, the name "
                "of the correlation key.",
                where=change.spec.file,
                not_done="Nothing was sent.",
                hint="Choose another name under apply.correlationKey in "
                f"{planned.source.project.folder.settings}.",
                reason="correlation_key",
            )


def _check_releases(request: ApplyRequest, planned: PlannedApply) -> None:
    refuse_secret(request.reason, "Nothing was sent.")
    made, environment = planned.plan, planned.source.environment
    for run in request.retries:
        wanted = run_key(run, planned.source.project, environment)
        some = [change for change in made.changes if means(wanted, change.key)]
        if wanted[1].partition("/")[0] == ANY:
            raise UsageProblem(
                f"--retry {run}: what is to be sent again has to be named.",
                not_done="Nothing was sent.",
                hint="For all that failed, was cancelled or refused: "
                f"`qflow-gitops apply -e {environment} --retry-failed`",
                reason="retry_not_held",
            )
        if not any({Reason.RETRY, Reason.FROZEN} & {each.reason, each.due} for each in some):
            raise UsageProblem(
                f"--retry {run}: only a run that failed or was refused can be retried "
                f"({_stands(some, environment)}).",
                not_done="Nothing was sent.",
                hint="`qflow-gitops status` shows how each run stands.",
                reason="retry_not_held",
            )
    _check_retry_failed(request, planned)
    for name, count in request.acks.items():
        if name in (NEW_RECORD, REWRITTEN, PLACE):
            continue  # it was looked at before there was a plan
        held = [change for change in made.changes if change.release == name]
        if held or not any(name in change.released for change in made.changes):
            said = "there is no such hold."
            if held:
                said = "1 is held." if len(held) == 1 else f"{len(held):,} are held."
            if held and name in OF_THE_COMMIT:
                said = "it is about one commit."
            raise UsageProblem(
                f"--ack {name}={count} releases nothing: {said}",
                not_done="Nothing was sent.",
                hint=held[0].hint
                if held
                else "`qflow-gitops plan` shows what is held, and its number.",
                reason="ack_differs",
            )


def _stands(some: Sequence[Change], environment: str) -> str:
    """Say how runs stand of which none can be retried."""
    if len(some) > 1:
        return f"none of these {len(some):,} did"
    return some[0].detail if some else f"{environment} holds no such run to retry"


def _check_retry_failed(request: ApplyRequest, planned: PlannedApply) -> None:
    """Refuse to send all that failed again before somebody has said how many that are."""
    counted = request.acks.get(RETRY)
    if counted is not None and not request.retry_failed:
        raise UsageProblem(
            f"--ack {RETRY}={counted} belongs to --retry-failed, which wasn't asked for.",
            not_done="Nothing was sent.",
            hint=f"`{AGAIN} --retry-failed`",
            reason="ack_differs",
        )
    held = [change for change in planned.plan.changes if change.release == RETRY]
    if not held:
        return
    names = ", ".join(f"{change.environment}/{change.name}" for change in held[:10])
    more = f" and {len(held) - 10} more" if len(held) > 10 else ""
    many = f"{len(held)} runs" if len(held) > 1 else "1 run"
    why = "" if request.reason.strip() else " --reason TEXT"
    raise UsageProblem(
        f"--retry-failed would send {many} again ({names}{more})"
        + (f", not {counted}." if counted is not None else "; say how many."),
        where=planned.source.environment,
        not_done="Nothing was sent.",
        hint=f"`{AGAIN} --ack {RETRY}={len(held)}{why}`",
        reason="retry_count",
    )


def uncommitted(git: GitTree, project: Project, head: str) -> tuple[str, ...]:
    """Say which changes of the work tree are not in the commit that is applied."""
    parts = (*project.runs, project.folder.settings, project.folder.connectors)
    dirty = git.uncommitted(parts)
    if not dirty:
        return ()
    shown = ", ".join(dirty[:10]) + (f" and {len(dirty) - 10} more" if len(dirty) > 10 else "")
    return (
        f"Only commits count: what isn't committed is ignored ({shown}); applying {head[:10]}.",
    )
