"""`qflow-gitops apply`.

What it works with is loaded when it is called: neither help nor the press of a key waits for it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import lock_files, options
from qflow_gitops.cli.clock import Stopper, SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.errors import AGAIN, QflowError, UsageProblem

if TYPE_CHECKING:
    from qflow_gitops.apply.preconditions import ApplyRequest
    from qflow_gitops.apply.services import ApplyServices
    from qflow_gitops.ci.context import CIContext
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.notices import Courier
    from qflow_gitops.results.plans import Planned
    from qflow_gitops.results.report import Report
    from qflow_gitops.settings.project import Project


@click.command("apply")
@options.runs
@options.revision("--to", "head", default="HEAD", text="The commit.")
@options.environment
@options.labels
@click.option("--yes", is_flag=True, help="Don't ask; needed where there is no terminal.")
@click.option(
    "--approved",
    is_flag=True,
    help="Send only what an approved, merged pull request holds (GitHub).",
)
@click.option(
    "--unattended",
    is_flag=True,
    help="Where nobody watches: --yes and --approved, unless the settings say otherwise.",
)
@click.option(
    "--digest", default="", metavar="D", help="Send only exactly this plan, or the rest of it."
)
@click.option(
    "--retry",
    "retries",
    multiple=True,
    metavar="RUN",
    shell_complete=options.completed("runs"),
    help="Send a failed run again, of a spec's targets those that failed; repeatable.",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Send all that failed, was cancelled or refused again; needs --ack retry=COUNT.",
)
@options.acks
@click.option("--reason", default="", metavar="TEXT", help="Why; goes into the lockfile.")
@click.option("--keep-going", is_flag=True, help="Run the valid specs although others are invalid.")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), help="How many runs may be under way at once."
)
@click.option("--wait/--no-wait", default=None, help="Wait for the executions to end, or don't.")
@click.option(
    "--timeout",
    callback=options.seconds,
    metavar="DURATION",
    help="End waiting after 90s, 30m, 1h30m.",
)
@options.output("text", "json", "markdown")
@click.pass_obj
def command(
    wiring: Wiring,
    runs: tuple[str, ...],
    head: str,
    environment: str,
    labels: dict[str, str],
    yes: bool,
    approved: bool,
    unattended: bool,
    digest: str,
    retries: tuple[str, ...],
    retry_failed: bool,
    acks: dict[str, int],
    reason: str,
    keep_going: bool,
    concurrency: int | None,
    wait: bool | None,
    timeout: float | None,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Run what is due in one environment, at most once, and record it; of RUNs only what they name.

    What is due, and why, is what `plan` shows. Credentials come from QFLOW_CLIENT_ID and
    QFLOW_CLIENT_SECRET, or QFLOW_USERNAME and QFLOW_PASSWORD, or QFLOW_TOKEN; or from the file of
    QFLOW_TOKEN_FILE, the program of QFLOW_CREDENTIAL_COMMAND, or a CI's ID token by QFLOW_LOGIN and
    QFLOW_LOGIN_AUDIENCE.
    QFLOW_PROXY names a proxy, QFLOW_CA_FILE certificates to trust besides the usual ones.
    """
    from qflow_gitops.apply.preconditions import ApplyRequest

    request = ApplyRequest(
        platform=wiring.platform, head=head, to="" if head == "HEAD" else head,
        environment=environment, runs=runs, labels=labels,
        approved=approved, unattended=unattended, digest=digest,
        retries=retries, retry_failed=retry_failed,
        acks=acks, reason=reason, keep_going=keep_going,
        concurrency=concurrency, wait=wait, timeout=timeout,
    )  # fmt: skip
    yes = yes or unattended
    return run(wiring, "apply", lambda: _apply(wiring, request, yes=yes), format_name, copies)


def _apply(wiring: Wiring, request: ApplyRequest, *, yes: bool) -> Report:
    from qflow_gitops.commands.apply import apply
    from qflow_gitops.results.report import failed

    request = replace(request, head=wiring.git.resolve(request.head))  # once for all of it
    settings = wiring.settings(request.head, fetch=True)
    project = settings.project
    for note in lock_files.left_to_push(wiring, project):
        wiring.console.say(note)
    stopper = Stopper()
    wiring.time_left = stopper.time_left
    with wiring.console.progress() as progress:
        services = _services(wiring, project, stopper, yes=yes)
        try:
            report: Report = progress.follow(apply(request, services, settings))
        except QflowError as problem:
            if not stopper():
                raise
            report = failed("apply", problem)
    if stopper():
        return replace(report, exit_code=stopper.exit_code, reason="interrupted")
    return report


def _remembered(wiring: Wiring, project: Project) -> Lockfile | None:
    """Return the newest lockfile that this clone wrote as a file, where it's on a branch now."""
    from qflow_gitops.stores.memories import remembered

    if project.lock.store != "branch":
        return None
    return remembered(wiring.git.common_dir / "qflow-gitops", project.folder)


def _services(wiring: Wiring, project: Project, stopper: Stopper, *, yes: bool) -> ApplyServices:
    """Return what an apply needs from outside."""
    from qflow_gitops.apply.services import ApplyServices
    from qflow_gitops.git.history import HistoryRepo

    clock = SystemClock()
    return ApplyServices(
        git=wiring.git,
        history=HistoryRepo.of(wiring.git),
        branches=wiring.branches,
        store=wiring.store(project),
        store_of=lambda lock: wiring.store_of(lock, wiring.git, project.folder),
        qualys=wiring.connections.qualys,
        clock=clock,
        stop=stopper,
        freezes=wiring.freezes,
        confirm=lambda planned: yes or _confirmed(wiring, planned),
        author=wiring.author(),
        evidence=wiring.evidence(),
        circumstances=partial(_circumstances, wiring.ci),
        rescue=partial(lock_files.rescue, wiring, project.folder),
        pulls=wiring.connections.pulls,
        tickets=wiring.connections.tickets,
        ask=wiring.console.ask if wiring.console.interactive and not yes else None,
        loader=wiring.strict_loader,
        remembered=partial(_remembered, wiring, project),
        hurry=stopper.hurry,
        courier=_courier(wiring),
        begun=clock.monotonic(),
    )


def _courier(wiring: Wiring) -> Courier:
    """Return who tells others of it; that nobody can be told is no reason to send nothing."""
    from qflow_gitops.ports.notices import NOBODY

    try:
        return wiring.connections.courier()
    except UsageProblem as problem:
        wiring.console.say(f"{problem.message} Nobody is told of this apply. {problem.hint}")
        return NOBODY


def _circumstances(ci: CIContext) -> dict[str, object]:
    """Say what is known of the CI's file and of this program, as the lockfile does."""
    from qflow_gitops.base.installed import installed

    program = installed()
    told = {
        "workflow": ci.workflow,
        "workflowCommit": ci.workflow_commit,
        "installed": program.digest,
        "editable": program.editable,
    }
    return {name: value for name, value in told.items() if value}


def _confirmed(wiring: Wiring, planned: Planned) -> bool:
    from qflow_gitops.plan.change import Action
    from qflow_gitops.render.escape import clean, count
    from qflow_gitops.results.report import Report

    if not wiring.console.interactive:
        raise UsageProblem(
            "Somebody has to confirm the plan, and there is no terminal to ask at.",
            not_done="Nothing was sent.",
            hint=f"`qflow-gitops plan` shows it. If that is meant: `{AGAIN} --yes`",
            reason="not_confirmed",
        )
    wiring.console.preview(Report("apply", body=planned))
    plan = planned.plan
    where = ", ".join(f"{name} on {platform}" for name, platform in plan.platforms.items())
    own = {"private", "sandbox"} & {*plan.platforms.values()}
    at = f" ({wiring.environ.get('QFLOW_GATEWAY', '')})" if own else ""
    runs = count(len(plan.of(Action.RUN)), "run")
    waiting = len(plan.of(Action.WAIT))
    later = f", and {waiting:,} later" if waiting else ""
    return wiring.console.ask(clean(f"Start {runs} in {where}{at}{later}?"))
