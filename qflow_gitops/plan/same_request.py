"""Who else has sent, or is about to send, the request of a run on the same platform.

A request is spent on a platform, not only under a name: a copied spec, a renamed run or
environment, many specs gathered into one ask for what was done already.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.runs import bring
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.spec import RunSpec


def platforms_of(environment: str, project: Project, lockfile: Lockfile) -> frozenset[str]:
    """Name the platform of an environment; those it is recorded on where it has none now.

    Empty where neither says any: then any platform may be meant.
    """
    here = project.environments[environment].platform
    return frozenset({here} if here else lockfile.overview(environment).platforms) - {""}


def spent_by_others(
    spec: RunSpec, own: Collection[Placed], project: Project, lockfile: Lockfile
) -> tuple[Placed, ...]:
    """Return the counted attempts of other runs that have this spec's request, oldest first.

    On the same platform, whatever the name or environment; where one of both platforms isn't
    known, it may be the same. `own` are the attempts that count for the run itself.
    """
    here = platforms_of(spec.environment, project, lockfile)
    mine = {(*each.key, each.attempt.number) for each in own}
    found = [
        each
        for each in _senders(spec.digest, lockfile)
        if (*each.key, each.attempt.number) not in mine
        and each.key != spec.key
        and _may_be_there(each.attempt, here)
    ]
    return tuple(sorted(found, key=lambda each: each.attempt.opened_at))


def bring_senders(specs: Iterable[RunSpec], lockfile: Lockfile) -> None:
    """Read at once the runs that have sent a request of these specs, where they aren't at hand."""
    digests = {spec.digest for spec in specs}
    for environment, record in lockfile.environments.items():
        overview = lockfile.overview(environment)
        bring(record.runs, [run for digest in digests for run in overview.senders(digest)])


def _senders(digest: str, lockfile: Lockfile) -> Iterator[Placed]:
    for environment, record in lockfile.environments.items():
        for run in lockfile.overview(environment).senders(digest):
            for attempt in record.runs[run]:
                if attempt.counted and attempt.digest == digest:
                    yield Placed(environment, run, attempt)


def _may_be_there(attempt: Attempt, platforms: frozenset[str]) -> bool:
    there = attempt.fact("platform")
    return not there or not platforms or there in platforms


def is_spent_elsewhere(spec: RunSpec, project: Project, lockfile: Lockfile) -> bool:
    """Whether another run has sent a spec's request on its platform."""
    return bool(spent_by_others(spec, (), project, lockfile))


def doubles(
    due: Iterable[RunSpec], project: Project, known: Collection[RunKey] = ()
) -> Mapping[RunKey, RunSpec]:
    """Return the spec, the first by name, that each of the others asks the same as.

    Of several due runs with one request on one platform the first runs. `known` are runs for
    which a person said that the request is meant again.
    """
    first: dict[tuple[str, str], RunSpec] = {}
    found = {}
    for spec in sorted(due, key=lambda each: each.key):
        place = (project.environments[spec.environment].platform, spec.digest)
        other = first.setdefault(place, spec)
        if other is not spec and spec.key not in known:
            found[spec.key] = other
    return found


# --- once more -----------------------------------------------------------------------


def highest_spent(
    spec: RunSpec, maximum: int, project: Project, lockfile: Lockfile
) -> tuple[int, Placed] | None:
    """Return the highest `rerun`, up to `maximum`, under which a request is spent, and by what.

    On the spec's platform, by any run, itself too; 0 stands for none. None where it isn't
    spent. Exact: each number's digest is looked for, which takes some 0.1 s for 100,000.
    """
    here = platforms_of(spec.environment, project, lockfile)
    workflows = ("", spec.workflow_id.lower())  # of another one none of the digests can be
    spent = {
        attempt.digest: Placed(environment, run, attempt)
        for environment, record in lockfile.environments.items()
        for run, attempts in record.runs.items()
        for attempt in attempts
        if attempt.counted
        and _may_be_there(attempt, here)
        and attempt.fact("workflowId").lower() in workflows
    }
    numbers = range(maximum, -1, -1) if spent else ()
    found = zip(numbers, spec.digests(numbers), strict=True)
    return next(((number, spent[digest]) for number, digest in found if digest in spent), None)


def numbers_asked(
    spec: RunSpec, specs: Iterable[RunSpec], project: Project
) -> Mapping[int, RunSpec]:
    """Return each `rerun` under which other specs ask for a spec's request on its platform."""
    here = project.environments[spec.environment].platform
    (plain,) = spec.digests((0,))
    return {
        each.rerun: each
        for each in specs
        if each.key != spec.key
        and (not here or project.environments[each.environment].platform in (here, ""))
        and plain in each.digests((0,))
    }
