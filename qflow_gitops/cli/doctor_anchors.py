"""What `doctor` says of anchors, where the settings name a time-stamp server. It asks none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.doctor_ground import found_or_problem
from qflow_gitops.errors import QflowError
from qflow_gitops.results.checks import Check, Verdict, all_unknown, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.doctor.anchors import Certificates
    from qflow_gitops.git.repository import GitRepo
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.lockfile import LockStore
    from qflow_gitops.settings.project import Project


def look(git: GitRepo, project: Project, store: LockStore, head: str) -> Iterator[Check]:
    """Look at what a time stamp takes, and at the newest one that this clone has seen."""
    from qflow_gitops.audit import time_stamps
    from qflow_gitops.commands.anchor import anchors_of
    from qflow_gitops.doctor import anchors
    from qflow_gitops.lockfile.ledger import Lockfile as Empty

    if project.anchor is None:
        return
    there = found_or_problem(lambda: anchors_of(store))
    if isinstance(there, QflowError):
        yield anchors.nowhere(there)
        return
    yield anchors.readable(None if time_stamps.is_installed() else time_stamps.needs_attest())
    read = found_or_problem(lambda: (store.at_hand() or Empty(""), there.at_hand()))
    if isinstance(read, QflowError):
        yield from all_unknown((anchors.CERTIFICATE, anchors.NEWEST), "the lockfile can't be read")
        return
    lockfile, kept = read
    now, found = SystemClock().now(), _certificates(git, project, lockfile, head)
    told = found if isinstance(found, Check) else anchors.certificate(found, now)
    yield told
    possible = told is not found and told.verdict is not Verdict.FAILED
    yield anchors.newest(kept, lockfile, now, possible=possible)


def _certificates(
    git: GitRepo, project: Project, lockfile: Lockfile, head: str
) -> Certificates | Check:
    """Read those that count, or say why that can't be."""
    from qflow_gitops.audit import time_stamps
    from qflow_gitops.doctor import anchors
    from qflow_gitops.sources.anchoring import authority

    if git.is_shallow():
        why = "the commit applied last says which one counts, and the history is cut off"
        return unknown(*anchors.CERTIFICATE, why)
    found = found_or_problem(lambda: authority(git, project, lockfile, head))
    if isinstance(found, QflowError):
        return anchors.not_given(found)
    if not time_stamps.is_installed():
        why = f"{found.where}: rfc3161-client isn't installed, which brings what reads it"
        return unknown(*anchors.CERTIFICATE, why)
    read = found_or_problem(lambda: time_stamps.certificates_in(found.certificates, found.where))
    if isinstance(read, QflowError):
        return anchors.not_given(read)
    return anchors.Certificates(found.where, time_stamps.validity(read))
