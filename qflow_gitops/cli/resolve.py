"""`qflow-gitops resolve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import options
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.context import Wiring, run
from qflow_gitops.lockfile.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qflow_gitops.base.names import RunKey
    from qflow_gitops.commands.resolve import Decision
    from qflow_gitops.lockfile.inheritance import Placed
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.results.report import Report


@click.command("resolve")
@click.argument("name", metavar="RUN", shell_complete=options.completed("runs"))
@click.option(
    "--adopt",
    metavar="EXECUTION",
    default="",
    help="It ran: this is its execution, by its whole id.",
)
@click.option("--absent", is_flag=True, help="It did not run: it is due again.")
@click.option("--assume-ran", is_flag=True, help="It ran, without an execution to show.")
@click.option("--succeeded", is_flag=True, help="Its execution ended unexplained: it succeeded.")
@click.option("--failed", is_flag=True, help="The same: it failed.")
@click.option("--reopen", is_flag=True, help="An earlier decision was wrong: put it back.")
@click.option(
    "--although-different",
    is_flag=True,
    help="With --adopt: it is this run's, whatever Qualys shows of it.",
)
@click.option(
    "--not",
    "others",
    multiple=True,
    metavar="EXECUTION",
    help="With --absent: this execution looks like it, but isn't; repeatable.",
)
@click.option(
    "--attempt",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    default=None,
    help="The attempt that is meant, where a run has several.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why; goes into the lockfile.")
@options.output("text", "json")
@click.pass_obj
def command(
    wiring: Wiring,
    name: str,
    adopt: str,
    absent: bool,
    assume_ran: bool,
    succeeded: bool,
    failed: bool,
    reopen: bool,
    although_different: bool,
    others: tuple[str, ...],
    attempt: int | None,
    reason: str,
    format_name: str,
    copies: options.Copies,
) -> int:
    """Settle a RUN in doubt by your decision, or put such a decision back.

    Sends nothing. An execution is adopted only if Qualys shows that it was started with what the
    run sent; differences are shown. With --absent, for which the list of executions is looked
    at, the next apply sends the run: be sure that it did not run. --succeeded and --failed are
    for a run that ended unexplained: with a word that the settings don't explain, or whose
    execution Qualys no longer shows.
    """
    to = _chosen(
        {
            State.ADOPTED: bool(adopt),
            State.ABSENT: absent,
            State.ASSUMED: assume_ran,
            State.SUCCEEDED: succeeded,
            State.FAILED: failed,
            State.IN_DOUBT: reopen,
        }
    )
    _check_belongs("--not", bool(others), "--absent", absent)
    _check_belongs("--although-different", although_different, "--adopt", bool(adopt))

    def work() -> Report:
        from qflow_gitops.commands.resolve import Decision

        decision = Decision(name, to, reason, adopt, although_different, others, attempt or 0)
        return _decided(wiring, decision)

    return run(wiring, "resolve", work, format_name, copies)


def _chosen(states: Mapping[State, bool]) -> State:
    """Return the state that an option asks for; there has to be exactly one."""
    chosen = [state for state, is_asked in states.items() if is_asked]
    if len(chosen) != 1:
        raise click.UsageError(
            "Say one of --adopt EXECUTION, --absent, --assume-ran, --succeeded, --failed and "
            "--reopen."
        )
    return chosen[0]


def _check_belongs(option: str, is_given: bool, other: str, is_other_given: bool) -> None:
    if is_given and not is_other_given:
        raise click.UsageError(f"{option} belongs to {other}.")


def _decided(wiring: Wiring, decision: Decision) -> Report:
    from qflow_gitops.commands.decided import decide
    from qflow_gitops.commands.resolve import resolve
    from qflow_gitops.sources.runs import attempts_for

    commit = wiring.newest()
    project = wiring.project(commit)
    store, author = wiring.store(project), wiring.author()

    def attempts(key: RunKey, lockfile: Lockfile) -> Sequence[Placed]:
        return attempts_for(key, wiring.git, commit, project, lockfile)

    if decision.to in (State.ADOPTED, State.ABSENT, State.ASSUMED):
        reconciler = wiring.reconciler(project)
        return resolve(decision, project, store, reconciler, author, attempts)
    return decide(decision, project, store, SystemClock(), author, attempts)
