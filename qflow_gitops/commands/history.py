"""All attempts: of a run, or of all runs; or the newest of them."""

from collections.abc import Sequence

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import UsageProblem
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.git import GitTree
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.results.failing import known
from qflow_gitops.results.records import RunHistory
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import Culprit
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.lockseen import out_of_use, seen
from qflow_gitops.sources.runs import attempts_by_run, run_key
from qflow_gitops.sources.settings import chosen


def history(
    git: GitTree,
    commit: str,
    store: LockStore,
    project: Project,
    run: str,
    environment: str,
    *,
    since: str = "",
    limit: int = 0,
) -> Report:
    """Show all attempts of a run, carried over ones too, or of all runs. Raises QflowError.

    What isn't recorded yet of names that were carried over, the specs of a commit say. Of several
    targets of a spec each attempt is told in brief. `since` leaves out those to which nothing
    happened since then (RFC 3339, UTC), a `limit` all but so many of the newest.
    """
    recorded = store.read()
    lockfile = recorded.lockfile or Lockfile("")
    if environment not in lockfile.environments:
        chosen(project, environment)  # says which there are
    keys: Sequence[RunKey] = ()
    if run:
        wanted = run_key(run, project, environment, lockfile.environments)
        by_run = attempts_by_run(wanted, git, commit, project, lockfile)
        keys = [key for key in by_run if environment in ("", key[0])]
        if not keys:
            raise _nothing(wanted, environment)
        found = [placed for key in keys for placed in by_run[key]]
    else:
        found = _all_of(lockfile, environment)
    shown, left = _newest(found, since, limit)
    hints: tuple[str, ...] = ()
    if len(keys) > 1:
        hints = (f"Of one with all its events: {next_steps.history('/'.join(max(keys)))}",)
    body = RunHistory(
        tuple((*placed.key, placed.attempt) for placed in shown),
        seen(recorded),
        hints,
        brief=len(keys) > 1,
        left=left,
        failed_at=_failed(shown, lockfile),
    )
    return Report("history", notes=out_of_use(recorded), body=body)


def _failed(shown: Sequence[Placed], lockfile: Lockfile) -> dict[str, Culprit]:
    """Say of executions by which steps they failed, as far as it is recorded."""
    found = ((each.attempt.execution_id, known(lockfile, each.attempt)) for each in shown)
    return {execution: step for execution, step in found if step}


def _nothing(wanted: RunKey, environment: str) -> UsageProblem:
    where = f" in {environment}" if environment not in ("", wanted[0]) else ""
    return UsageProblem(
        f"Nothing is recorded of a run `{'/'.join(wanted)}`{where}.",
        hint="`qflow-gitops status` lists the runs.",
        reason="run_unknown",
    )


def _all_of(lockfile: Lockfile, environment: str) -> list[Placed]:
    return [
        Placed(name, run, attempt)
        for name, record in sorted(lockfile.environments.items())
        if environment in ("", name)
        for run, attempts in sorted(record.runs.items())
        for attempt in attempts
    ]


def _newest(found: Sequence[Placed], since: str, limit: int) -> tuple[Sequence[Placed], int]:
    """Keep the newest attempts, in their order; say how many aren't kept."""
    kept = [each for each in found if each.attempt.changed_at >= since]
    if limit:
        by_age = sorted(range(len(kept)), key=lambda place: kept[place].attempt.opened_at)
        kept = [kept[place] for place in sorted(by_age[-limit:])]
    return kept, len(found) - len(kept)
