"""What is recorded: the last attempt of every run, or all attempts."""

from qflow_gitops.errors import UsageProblem
from qflow_gitops.interfaces import GitTree, LockStore
from qflow_gitops.lockfile import Lockfile
from qflow_gitops.operations import reading
from qflow_gitops.operations.checks import run_key
from qflow_gitops.operations.plan import chosen, seen
from qflow_gitops.project import Project
from qflow_gitops.report import History, Report, Status, StatusRow, standing


def status(
    git: GitTree,
    store: LockStore,
    project: Project,
    where: str,
    environment: str,
    *,
    exit_code: bool,
) -> Report:
    """Show every run of the record and of the work tree. Raises QflowError."""
    recorded = store.read()
    lockfile = recorded or Lockfile("")
    specs = reading.worktree_specs(git, project).specs
    rows = []
    for name in chosen(project, environment):
        runs = lockfile.environment(name).runs
        for run in sorted({*runs, *(key[1] for key in specs if key[0] == name)}):
            last = runs[run][-1] if run in runs else None
            rows.append(StatusRow(name, run, last, specs.get((name, run))))
    return standing(Status(tuple(rows), seen(recorded, where)), exit_code=exit_code)


def history(store: LockStore, project: Project, where: str, run: str, environment: str) -> Report:
    """Show all attempts of a run, or of all runs. Raises QflowError."""
    recorded = store.read()
    lockfile = recorded or Lockfile("")
    wanted = run_key(run, project) if run else None
    found = tuple(
        (name, each, attempt)
        for name, record in sorted(lockfile.environments.items())
        for each, attempts in sorted(record.runs.items())
        for attempt in attempts
        if (wanted is None or (name, each) == wanted) and environment in ("", name)
    )
    if wanted and not found:
        raise UsageProblem(
            f"Nothing is recorded of a run `{'/'.join(wanted)}`.",
            hint="qflow-gitops status names the runs.",
            reason="run_unknown",
        )
    return Report("history", body=History(found, seen(recorded, where)))
