"""The report for an audit: what ran, what allowed it, and what is missing. Looks only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import qflow_gitops
from qflow_gitops.audit.content import Gatherer, Span, events_of
from qflow_gitops.audit.masking import Masking
from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.commands.show_found import Finder, OneRun, SeveralRuns
from qflow_gitops.errors import QflowError, UsageProblem
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockStore, Snapshot
from qflow_gitops.results.evidence import Evidence
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.loader import Loader
from qflow_gitops.sources.lockseen import out_of_use, seen
from qflow_gitops.sources.settings import chosen
from qflow_gitops.sources.specs import all_specs


class Asked(NamedTuple):
    """What is asked for: RUNs or EXECUTIONs (() for all), an environment ("": any), a span."""

    runs: tuple[str, ...] = ()
    environment: str = ""
    span: Span = Span()


@dataclass(frozen=True, slots=True)
class ReportServices:
    """What `report` needs from outside.

    `commit` is "" for the work tree. `pages` is what the addresses of the code host's pages begin
    with, "" for no links.
    """

    git: Repository
    commit: str
    store: LockStore
    settings: Settings
    loader: Loader
    clock: Clock
    platform: str = ""
    pages: str = ""

    @property
    def project(self) -> Project:
        """What the settings say."""
        return self.settings.project


def report(asked: Asked, services: ReportServices, recorded: Snapshot | None = None) -> Report:
    """Gather the evidence. Raises QflowError where the lockfile can't be read, or a RUN is none.

    `recorded` is the lockfile where it was read already.
    """
    recorded = recorded or services.store.read()
    lockfile = recorded.lockfile or Lockfile("")
    if asked.environment not in lockfile.environments:
        chosen(services.project, asked.environment)
    masking = Masking()
    gatherer = Gatherer(services.git, services.project, lockfile, asked.span, masking)
    runs = gatherer.runs(wanted(asked, services, lockfile))
    evidence = _evidence(asked, services, recorded)._replace(
        events=events_of(lockfile, asked.span, (asked.environment,) if asked.environment else ()),
    )
    body = masking.told(evidence)._replace(runs=masking.each(runs))
    return Report("report", notes=out_of_use(recorded), body=body)


def _evidence(asked: Asked, services: ReportServices, recorded: Snapshot) -> Evidence:
    lockfile = recorded.lockfile or Lockfile("")
    return Evidence(
        lock=seen(recorded),
        runs=(),
        made_at=stamp(services.clock.now()),
        tool=qflow_gitops.__version__,
        since=asked.span.since,
        until=asked.span.until,
        environments=(asked.environment,) if asked.environment else (),
        project=services.project.folder.name,
        repository=_repository(services.store),
        pages=services.pages,
        lineage=lockfile.lineage,
        serial=lockfile.serial,
    )


def _repository(store: LockStore) -> str:
    try:
        return without_secrets(store.address)
    except QflowError:
        return ""


def wanted(asked: Asked, services: ReportServices, lockfile: Lockfile) -> Callable[[RunKey], bool]:
    """Say which runs are meant: those named, with those whose attempts count for them."""
    if not asked.runs:
        return lambda key: asked.environment in ("", key[0])
    specs = all_specs(services.git, services.commit, services.project)
    finder = Finder(services.project, lockfile, specs, asked.environment)
    keys: set[RunKey] = set()
    for run in asked.runs:
        found = finder.find(run)
        if isinstance(found, OneRun):
            keys |= {found.key, *(placed.key for placed in found.attempts)}
        elif isinstance(found, SeveralRuns):
            for key in found.keys:
                keys |= {key, *(origin.key for origin in finder.inheritance.origins(key))}
        else:
            raise UsageProblem(
                f"The lockfile doesn't have execution {found.execution_id}.",
                not_done="Nothing is shown.",
                hint=f"`qflow-gitops show {found.execution_id}` shows what Qualys says of it.",
                reason="execution_unknown",
            )
    return keys.__contains__
