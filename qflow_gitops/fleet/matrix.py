"""Whose turn it is now, for the jobs of a CI: each works on one member (`fleet.working`)."""

from collections.abc import Generator
from dataclasses import replace

from qflow_gitops.apply import events
from qflow_gitops.fleet.applying import Asked, as_overtaken, code_of, release
from qflow_gitops.fleet.looking import look, look_on
from qflow_gitops.fleet.planning import looked_at
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.fleet.telling import told
from qflow_gitops.fleet.worker import Worker
from qflow_gitops.results.report import Report

_LASTS = 86_400.0
"""Seconds that a wave is open to jobs: nobody stays to prolong it, and jobs may have to wait for a
runner, or for somebody who approves their environment."""


def matrix(
    services: FleetServices, asked: Asked, wave: int = 0, *, retry: bool = True
) -> Generator[events.Event, None, Report]:
    """Look at every member, open the wave whose turn it is, and tell who is of it.

    Only those of one wave with `wave`; without `retry` what failed stays so until it moves. What
    was seen goes into fleet.lock: a job knows no more. Raises UsageProblem for a release of what
    isn't held, and LockError.
    """
    services = replace(services, by="matrix")
    turns = yield from looked_at(services, look if retry else look_on)
    before = turns.record
    release(services, turns, asked)
    worker = Worker(services, turns)
    names = set(worker.publish(before, _LASTS))
    body = told(services, turns)
    jobs = (one for one in body.members if one.name in names and wave in (0, one.wave))
    body = body._replace(jobs=tuple(jobs))
    return as_overtaken(services, worker, Report("fleet matrix", *code_of(body, {}), body=body))
