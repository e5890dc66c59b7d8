"""What of a repository Qualys is asked about: workflows, connectors, what was sent."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import EXECUTED, State
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.catalogs import Workflow
from qflow_gitops.specs.load import SpecSet
from qflow_gitops.specs.spec import LEGACY_VARIABLES, RunSpec

_RUNS = 1_000  # of a lockfile that are looked through


class UsedWorkflow(NamedTuple):
    """A workflow of specs: its id, a file that names it, which variables they set.

    `known` is what the catalog says of it, None where it isn't in there; `missing`: though there
    is a catalog.
    """

    id: str
    file: str
    variables: tuple[str, ...]
    known: Workflow | None = None
    missing: bool = False


class UsedConnector(NamedTuple):
    """A connector: its id, its cloud ("" where nothing tells), and its name in the catalog.

    `file` is a spec that names it, "" where only the catalog does.
    """

    id: str
    cloud: str
    name: str = ""
    file: str = ""


class Sent(NamedTuple):
    """An attempt that reached this platform: run, execution ("" for none) and when it began."""

    run: str
    execution: str
    at: str


class Subject(NamedTuple):
    """What is asked about. `shown` are executions, the newest first.

    `accepted` and `refused` are the last runs that Qualys took, and didn't permit (403). `files`
    has a spec's file for `connectorId`, `legacy` and `variables`, where one has such.
    """

    environment: str
    platform: str
    workflows: tuple[UsedWorkflow, ...] = ()
    connectors: tuple[UsedConnector, ...] = ()
    executions: tuple[Sent, ...] = ()
    accepted: Sent | None = None
    refused: Sent | None = None
    files: Mapping[str, str] = {}
    concurrency: int = 4


def subject_of(
    project: Project, environment: str, found: SpecSet, lockfile: Lockfile | None, gateway: str
) -> Subject:
    """Take from specs, catalogs and lockfile what is about an environment's platform."""
    platform = project.environments[environment].platform
    specs = [spec for spec in found.specs.values() if spec.environment == environment]
    sent = [*_sent(lockfile, environment, platform, gateway)] if lockfile else []
    taken = [_of(run, each) for run, each in sent if each.execution_id]
    refused = [_of(run, each) for run, each in sent if _is_forbidden(each)]
    ordered = sorted(taken, key=lambda each: each.at, reverse=True)
    return Subject(
        environment,
        platform,
        tuple(_workflows(specs, found)),
        tuple(_connectors(specs, found, environment)),
        tuple(ordered),
        next(iter(ordered), None),
        max(refused, key=lambda each: each.at, default=None),
        _files(specs),
        project.apply.concurrency,
    )


def _workflows(specs: Iterable[RunSpec], found: SpecSet) -> Iterator[UsedWorkflow]:
    """Return each workflow, those that most specs name first."""
    files: dict[str, str] = {}
    names: dict[str, dict[str, None]] = {}
    counts: dict[str, int] = {}
    for spec in specs:
        known = spec.workflow_id.lower()
        files.setdefault(known, spec.file)
        names.setdefault(known, {}).update(dict.fromkeys(spec.variables))
        counts[known] = counts.get(known, 0) + 1
    for known in sorted(files, key=lambda each: (-counts[each], each)):
        told = found.catalog.get(known)
        missing = bool(found.catalog) and told is None
        yield UsedWorkflow(known, files[known], tuple(names[known]), told, missing)


def _connectors(
    specs: Iterable[RunSpec], found: SpecSet, environment: str
) -> Iterator[UsedConnector]:
    """Return each connector of specs, then those that only the catalog has."""
    seen: set[str] = set()
    for spec in specs:
        legacy = [cloud for name, cloud in LEGACY_VARIABLES.items() if name in spec.variables]
        clouds = spec.connector_types or tuple(legacy)
        for named in spec.connectors:
            one = named.lower()
            known = found.connectors.by_id(environment, one)
            if one not in seen:
                seen.add(one)
                cloud = known.cloud if known else clouds[0] if len(clouds) == 1 else ""
                yield UsedConnector(one, cloud, known.name if known else "", spec.file)
    for each in found.connectors.of(environment):
        if each.id not in seen and not each.gone:
            seen.add(each.id)
            yield UsedConnector(each.id, each.cloud, each.name)


def _files(specs: Iterable[RunSpec]) -> dict[str, str]:
    files: dict[str, str] = {}
    for spec in specs:
        if spec.variables:
            files.setdefault("variables", spec.file)
        if "connectorId" in spec.variables:
            files.setdefault("connectorId", spec.file)
        elif LEGACY_VARIABLES.keys() & spec.variables.keys():
            files.setdefault("legacy", spec.file)
    return files


def _sent(
    lockfile: Lockfile, environment: str, platform: str, gateway: str
) -> Iterator[tuple[str, Attempt]]:
    states = EXECUTED | {State.REFUSED}
    names = lockfile.overview(environment).in_states(states)[:_RUNS]
    lockfile.bring((environment, name) for name in names)
    for name in names:
        for attempt in lockfile.attempts(environment, name):
            here = attempt.fact("platform") == platform
            if here and (platform != "private" or attempt.fact("gateway") == gateway):
                yield name, attempt


def _of(run: str, attempt: Attempt) -> Sent:
    return Sent(run, attempt.execution_id, attempt.opened_at)


def _is_forbidden(attempt: Attempt) -> bool:
    last = attempt.events[-1]
    return last.to is State.REFUSED and last.extra.get("httpStatus") == 403
