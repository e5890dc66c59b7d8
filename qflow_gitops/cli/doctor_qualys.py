"""What `doctor` says of Qualys: one environment's platform, with the credentials at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.doctor_ground import Ground, found_or_problem
from qflow_gitops.errors import QflowError
from qflow_gitops.results.checks import failed, left_out, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.doctor.qualys.subject import Subject
    from qflow_gitops.doctor.qualys.visit import Visit
    from qflow_gitops.ports.tenant import Tenant
    from qflow_gitops.results.checks import Check
    from qflow_gitops.results.report import Report
    from qflow_gitops.settings.project import Project


def look(ground: Ground) -> Iterator[Check]:
    """Look at the platform of one environment."""
    from qflow_gitops.doctor.qualys import part
    from qflow_gitops.doctor.qualys.visit import small

    if ground.asked.offline:
        yield from left_out(
            (("gateway", "platform, credentials, role, workflows"),), "--offline was given"
        )
        return
    project = _project(ground)
    name = _environment(ground, project)
    if isinstance(name, QflowError):
        yield unknown("environment", "environment", small(name.message), name.hint)
        return
    yield from _others(project, name)
    visit = begin(ground, project, name)
    if isinstance(visit, QflowError):
        if not project.environments[name].platform and ground.asks("repository"):
            yield unknown("gateway", f"gateway of {name}", "no platform is named")  # told there
        else:
            yield failed("gateway", f"gateway of {name}", small(visit.message), visit.hint)
        return
    yield from part.checks(visit, subject(ground, project, name, visit.tenant), SystemClock().now())


def facts(ground: Ground) -> Report:
    """Look at what facts are told of; raises QflowError where nothing can be looked at."""
    from qflow_gitops.commands.doctor import observed
    from qflow_gitops.doctor.facts import looks, table
    from qflow_gitops.doctor.qualys import part

    project, now = _project(ground), SystemClock().now()
    name = _environment(ground, project)
    if isinstance(name, QflowError):
        raise name
    visit = begin(ground, project, name)
    if isinstance(visit, QflowError):
        raise visit
    made_up: set[str] = set()
    asked = subject(ground, project, name, visit.tenant)
    checks = list(
        part.checks(visit, asked, now, lambda role: made_up.update(looks.ask(visit, role)))
    )
    told = table.facts(visit, frozenset(made_up), part.server_time(visit, now))
    return observed(checks, told, asked.platform, visit.tenant.made)


def begin(ground: Ground, project: Project, name: str) -> Visit | QflowError:
    """Connect to an environment's platform; nothing is sent yet."""
    from qflow_gitops.doctor.qualys.visit import AGAIN, MOST, SECONDS, Visit

    platform, everything = project.environments[name].platform, ground.asked.everything
    limits = (None, None) if everything else (MOST, SECONDS)
    tenant = found_or_problem(lambda: ground.wiring.connections.tenant(platform, *limits))
    chosen = f" -e {name}" if ground.asked.environment else ""
    return tenant if isinstance(tenant, QflowError) else Visit(tenant, f"{AGAIN}{chosen}")


def _project(ground: Ground) -> Project:
    """Return the settings; without usable ones QFLOW_PLATFORM still names a platform."""
    from qflow_gitops.settings.project import without_file

    settings = ground.settings
    if isinstance(settings, QflowError):
        return without_file(ground.wiring.platform)
    return settings.project


def _environment(ground: Ground, project: Project) -> str | QflowError:
    from qflow_gitops.sources.settings import one_environment

    return found_or_problem(lambda: one_environment(project, ground.asked.environment))


def _others(project: Project, name: str) -> Iterator[Check]:
    """One set of credentials never meets another platform's gateway."""
    others = [other for other in project.environments if other != name]
    if others:
        about = f"environment{'s' if len(others) > 1 else ''} {', '.join(others)}"
        why = f"these credentials are taken for those of {name}"
        way = f"With the others': `qflow-gitops doctor qualys -e {others[0]}`"
        yield from left_out((("environment", about),), why, way)


def subject(ground: Ground, project: Project, name: str, tenant: Tenant) -> Subject:
    """Take from the work tree and the lockfile at hand what is asked about.

    What can't be read is for another part to say.
    """
    from qflow_gitops.doctor.qualys.subject import Subject, subject_of
    from qflow_gitops.sources.specs import all_specs

    git, wiring = ground.git, ground.wiring
    if isinstance(git, QflowError) or isinstance(ground.settings, QflowError):
        return Subject(name, project.environments[name].platform)
    specs = found_or_problem(lambda: all_specs(git, "", project))
    if isinstance(specs, QflowError):
        return Subject(name, project.environments[name].platform)
    lockfile = found_or_problem(lambda: wiring.at_hand(project))
    known = None if isinstance(lockfile, QflowError) else lockfile
    found = found_or_problem(lambda: subject_of(project, name, specs, known, tenant.host))
    if isinstance(found, QflowError):
        return subject_of(project, name, specs, None, tenant.host)
    return found
