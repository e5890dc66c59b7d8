"""What must hold before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from qflow_gitops.diagnostics import Diagnostic, has_errors
from qflow_gitops.errors import AGAIN, InvalidInput, StaleError, UsageProblem
from qflow_gitops.interfaces import GitTree
from qflow_gitops.loader import SpecSet
from qflow_gitops.lockfile import Lockfile
from qflow_gitops.operations.policies import NEW_RECORD
from qflow_gitops.operations.reasons import refuse_secret
from qflow_gitops.operations.runs import run_key
from qflow_gitops.plan import RETRY, Action, Reason
from qflow_gitops.policy import Facts
from qflow_gitops.project import Project
from qflow_gitops.report import InvalidFiles
from qflow_gitops.report.plans import Planned


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """What to apply. None or "" stand for "as the settings say" or "not asked for".

    `reason` is why holds are released or runs retried, for the record. `retry_failed`: all that
    failed, was cancelled or refused. `approved`: only what a merged and approved pull request
    holds.
    """

    platform: str
    head: str = "HEAD"
    environment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    retries: tuple[str, ...] = ()
    retry_failed: bool = False
    acks: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    approved: bool = False
    keep_going: bool = False
    concurrency: int | None = None
    wait: bool | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Everything read for one plan. `facts` is what the policy is held against."""

    planned: Planned
    lockfile: Lockfile
    project: Project
    environment: str
    found: tuple[Diagnostic, ...]
    specs: SpecSet
    facts: Facts


def check(request: ApplyRequest, git: GitTree, view: View) -> None:
    """Refuse what may not be applied; raises QflowError."""
    if has_errors(view.found) and not request.keep_going:
        raise InvalidFiles(
            view.found,
            not_done="Nothing was sent. --keep-going runs the valid specs all the same.",
        )
    check_descent(git, view)
    _check_releases(request, view)
    _check_keys(view)
    shown = view.planned.plan
    made = shown.thawed  # a freeze puts off what was approved, it makes no other plan
    if request.digest and request.digest not in (shown.digest, made.digest):
        due = ", ".join(f"{one.environment}/{one.name}" for one in made.of(Action.RUN)) or "nothing"
        raise StaleError(
            f"The plan is not the approved one: its digest is {made.digest}, and it would run "
            f"{due}.",
            not_done="Nothing was sent.",
            hint="Look at it again, and have it approved: `qflow-gitops plan`",
            reason="digest_differs",
        )


def check_descent(git: GitTree, view: View) -> None:
    """Refuse a commit that doesn't descend from the one applied last; raises StaleError."""
    head = view.planned.commit
    latest = view.lockfile.environment(view.environment).latest
    if not latest or latest == head:
        return
    if not git.has_commit(latest) or not git.is_ancestor(latest, head):
        git.unshallow(view.project.lock.remote)
    if git.has_commit(latest) and git.is_ancestor(latest, head):
        return
    hint = f"Apply a newer commit. If history was rewritten on purpose: git merge -s ours {latest}"
    if not git.has_commit(latest):
        hint = "Fetch the commit first (git fetch --unshallow, if this clone is shallow). " + hint
    raise StaleError(
        f"The commit {head[:10]} doesn't descend from {latest[:10]}, which was applied last.",
        where=view.environment,
        not_done="Nothing was sent: an old commit could bring old requests back.",
        hint=hint,
        reason="superseded",
    )


def _check_keys(view: View) -> None:
    """Refuse a request that has a value where its correlation key would go."""
    key = view.project.apply.correlation_key
    for one in view.planned.plan.of(Action.RUN):
        if key and one.spec and key in one.spec.input:
            raise InvalidInput(
                f"{one.environment}/{one.name} has a value of its own under /input/{key}, the name "
                "of the correlation key.",
                where=one.spec.file,
                not_done="Nothing was sent.",
                hint="Choose another name under apply.correlationKey in "
                f"{view.project.folder.settings}.",
                reason="correlation_key",
            )


def _check_releases(request: ApplyRequest, view: View) -> None:
    refuse_secret(request.reason, "Nothing was sent.")
    made, environment = view.planned.plan, view.environment
    by_key = {one.key: one for one in made.changes}
    for run in request.retries:
        key = run_key(run, view.project)
        change = by_key.get(key)
        if change is None or change.reason not in (Reason.RETRY, Reason.FROZEN):
            stands = change.detail if change else f"{environment} holds no such run to retry"
            raise UsageProblem(
                f"--retry {run}: only a run that failed or was refused can be retried ({stands}).",
                not_done="Nothing was sent.",
                hint="`qflow-gitops status` shows how each run stands.",
                reason="retry_not_held",
            )
    _check_retry_failed(request, view)
    if request.acks and not request.reason.strip():
        raise UsageProblem(
            "`--ack` requires `--reason`.",
            not_done="Nothing was sent.",
            hint=f"Say why, the lockfile keeps it: `{AGAIN} --reason TEXT`",
            reason="reason_missing",
        )
    for name, count in request.acks.items():
        if name == NEW_RECORD:
            continue  # it was looked at before there was a plan
        held = [one for one in made.changes if one.release == name]
        if held or not any(name in one.released for one in made.changes):
            raise UsageProblem(
                f"--ack {name}={count} releases nothing: "
                + (f"{len(held)} are held." if held else "there is no such hold."),
                not_done="Nothing was sent.",
                hint="`qflow-gitops plan` shows what is held, and its number.",
                reason="ack_differs",
            )


def _check_retry_failed(request: ApplyRequest, view: View) -> None:
    """Refuse to send all that failed again before somebody has said how many that are."""
    counted = request.acks.get(RETRY)
    if counted is not None and not request.retry_failed:
        raise UsageProblem(
            f"--ack {RETRY}={counted} belongs to --retry-failed, which wasn't asked for.",
            not_done="Nothing was sent.",
            hint=f"`{AGAIN} --retry-failed`",
            reason="ack_differs",
        )
    held = [one for one in view.planned.plan.changes if one.release == RETRY]
    if not held:
        return
    names = ", ".join(f"{one.environment}/{one.name}" for one in held[:10])
    more = f" and {len(held) - 10} more" if len(held) > 10 else ""
    many = f"{len(held)} runs" if len(held) > 1 else "1 run"
    why = "" if request.reason.strip() else " --reason TEXT"
    raise UsageProblem(
        f"--retry-failed would send {many} again ({names}{more})"
        + (f", not {counted}." if counted is not None else "; say how many."),
        where=view.environment,
        not_done="Nothing was sent.",
        hint=f"`{AGAIN} --ack {RETRY}={len(held)}{why}`",
        reason="retry_count",
    )


def uncommitted(git: GitTree, project: Project, head: str) -> tuple[str, ...]:
    """Say which changes of the work tree are not in the commit that is applied."""
    dirty = git.uncommitted([*project.runs, project.folder.settings])
    if not dirty:
        return ()
    shown = ", ".join(dirty[:10]) + (f" and {len(dirty) - 10} more" if len(dirty) > 10 else "")
    return (
        f"Only commits count: what isn't committed is ignored ({shown}); applying {head[:10]}.",
    )
