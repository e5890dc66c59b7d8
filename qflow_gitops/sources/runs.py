"""A RUN of the command line: which runs it names, and whose attempts count for them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from qflow_gitops.base.names import ANY, RunKey, means
from qflow_gitops.errors import UsageProblem
from qflow_gitops.findings import suggest
from qflow_gitops.lockfile.inheritance import Inheritance, Placed, recorded_attempts
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.git import GitTree
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import specs as reading
from qflow_gitops.sources.settings import chosen
from qflow_gitops.specs.load import SpecSet


def run_key(
    run: str, project: Project, environment: str = "", recorded: Collection[str] = ()
) -> RunKey:
    """Read a RUN: `name` in the environment asked for, else the default; `a/b`; `a/b/c`.

    `a/b` is run b of the environment a if there is one of that name (or a is `*`), if only a
    `recorded` one, else target b of run a.
    """
    first, slash, rest = run.partition("/")
    default = environment or project.default_environment
    if slash and ("/" in rest or first in (ANY, *project.environments, *recorded) or not default):
        return (first, rest)
    return (default, run)


def environments_of(runs: Iterable[str], project: Project, environment: str) -> tuple[str, ...]:
    """Return the environments that RUNs are in, or the one asked for, or all.

    Raises UsageProblem for one that doesn't exist.
    """
    named = {run_key(run, project, environment)[0] for run in runs} if not environment else set()
    if not named or ANY in named:
        return chosen(project, environment)
    return tuple(sorted(each for name in named for each in chosen(project, name)))


def known_runs(
    specs: SpecSet, lockfile: Lockfile, environments: Collection[str]
) -> frozenset[RunKey]:
    """Return the runs that a RUN can name: those of specs, valid or not, and recorded ones."""
    recorded = {(name, run) for name in environments for run in lockfile.environment(name).runs}
    present = {key for key in (*specs.specs, *specs.invalid) if key[0] in environments}
    return frozenset(recorded | present)


def run_keys(
    runs: Iterable[str],
    project: Project,
    environment: str,
    known: Collection[RunKey],
    not_done: str,
    recorded: Collection[str] = (),
) -> frozenset[RunKey]:
    """Return the known runs that RUNs name, in which `*` stands for any environment or name.

    `recorded` are environments that only the lockfile has, for who only looks.

    Raises UsageProblem for one that names none, with what may be meant.
    """
    found: set[RunKey] = set()
    for run in runs:
        wanted = run_key(run, project, environment, recorded)
        some = {key for key in known if means(wanted, key)}
        if not some:
            raise _unknown(run, wanted, known, not_done)
        found |= some
    return frozenset(found)


def _unknown(run: str, wanted: RunKey, known: Collection[RunKey], not_done: str) -> UsageProblem:
    names = {"/".join(key) for key in known}
    elsewhere = sorted(name for name in names if name.endswith(f"/{wanted[1]}"))
    close = elsewhere or [name for name in [suggest.near("/".join(wanted), names)] if name]
    meant = (
        f"Did you mean {' or '.join(suggest.listed([name]) for name in close)}?" if close else ""
    )
    return UsageProblem(
        f"{suggest.quoted(run)} names no run that this could be about.",
        not_done=not_done,
        hint=meant or "`qflow-gitops status` lists the runs.",
        reason="run_unknown",
    )


def attempts_for(
    key: RunKey, git: GitTree, commit: str, project: Project, lockfile: Lockfile
) -> tuple[Placed, ...]:
    """Return the attempts that count for a run, also by what a spec's `previousName` says.

    Specs are only read where the lockfile doesn't tell: of a commit, of the work tree where it is
    "".
    """
    if key[0] not in project.environments:
        return recorded_attempts(lockfile, key)
    specs = reading.all_specs(git, commit, project)
    return Inheritance(lockfile, project, specs.specs, specs.invalid).attempts(key)


def attempts_by_run(
    wanted: RunKey, git: GitTree, commit: str, project: Project, lockfile: Lockfile
) -> Mapping[RunKey, tuple[Placed, ...]]:
    """Return the attempts that count for each run that is meant, of those that have some."""
    known = {(name, run) for name, each in lockfile.environments.items() for run in each.runs}
    attempts: Callable[[RunKey], tuple[Placed, ...]] = partial(recorded_attempts, lockfile)
    if wanted[0] in (ANY, *project.environments):
        specs = reading.all_specs(git, commit, project)
        known |= specs.specs.keys()
        attempts = Inheritance(lockfile, project, specs.specs, specs.invalid).attempts
    found = {key: attempts(key) for key in sorted({wanted, *known}) if means(wanted, key)}
    return {key: some for key, some in found.items() if some}
