"""Which time-stamp server counts: the one of the commit that was applied last.

What a change may do isn't for that change to say: a pull request that names another server, or
another certificate, changes neither where something is sent nor what is believed.
"""

from typing import NamedTuple

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.errors import InvalidInput, QflowError, UsageProblem
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.places import folder_of
from qflow_gitops.ports.git import Repository
from qflow_gitops.settings.anchoring import AnchorSettings
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import settings

_NOTHING = "No anchor was written."
_WITHOUT = "without a server: `qflow-gitops lock anchor --to FILE`"


class Authority(NamedTuple):
    """A server's address, the content of the file with its certificates, and where that lies."""

    url: str
    certificates: bytes
    where: str


def authority(git: Repository, project: Project, lockfile: Lockfile, head: str) -> Authority:
    """Return what the settings of the commit applied last say; of `head` where none was.

    Raises UsageProblem where they name none, InvalidInput where that can't be read.
    """
    base, folder = _base(git, lockfile)
    if base:
        git.unshallow(project.lock.remote)
    commit = base or head
    named = _named(git, project, commit, folder)
    if named is None:
        raise _unset(project, base)
    at = f"{named.certificate} at commit {commit[:10]}" if commit else named.certificate
    parent, _, _ = named.certificate.rpartition("/")
    entry = git.listing(commit, parent).get(named.certificate.encode())
    if entry is None or entry.mode not in ("100644", "100755"):
        raise InvalidInput(
            "The certificate that the settings name isn't there, or is no plain file.",
            where=at,
            not_done=_NOTHING,
            hint=f"Commit it with the settings, and apply that commit. Until then, {_WITHOUT}",
            reason="anchor_certificate",
        )
    return Authority(named.url, git.contents([entry])[entry.blob], at)


def _base(git: Repository, lockfile: Lockfile) -> tuple[str, ProjectFolder | None]:
    """Return the newest commit that was applied, and where the settings lay then; "" for none."""
    newest: tuple[str, ProjectFolder | None] = ("", None)
    for _, record in sorted(lockfile.environments.items()):
        commit = record.applied_through or record.latest
        if commit and (not newest[0] or git.is_ancestor(newest[0], commit)):
            newest = commit, folder_of(record) if record.applied_through else None
    return newest


def _named(
    git: Repository, project: Project, commit: str, folder: ProjectFolder | None
) -> AnchorSettings | None:
    if not commit:
        return project.anchor
    if not git.has_commit(commit):
        raise InvalidInput(
            f"Commit {commit[:10]}, which was applied last, isn't in this clone, and its settings "
            "say which time-stamp server counts.",
            where=project.folder.settings,
            not_done=_NOTHING,
            hint=f"Fetch it: `git fetch --all` (in a CI: fetch-depth: 0). Or {_WITHOUT}",
            reason="anchor_base",
        )
    try:
        found = settings.earlier(git, project, commit, folder)
    except QflowError as problem:
        problem.not_done = _NOTHING
        raise
    return next((each.anchor for each in found if each.anchor), None)


def _unset(project: Project, base: str) -> UsageProblem:
    file = project.folder.settings
    if project.anchor is not None:
        return UsageProblem(
            f"{file} names a time-stamp server, but not in the commit that was applied last "
            f"({base[:10]}), and only that counts.",
            where=file,
            not_done=_NOTHING,
            hint=f"Merge it, and apply it: `qflow-gitops apply`. Until then, {_WITHOUT}",
            reason="anchor_unapplied",
        )
    return UsageProblem(
        f"{file} names no time-stamp server.",
        where=file,
        not_done=_NOTHING,
        hint="Name one under spec: `anchor: {url: https://tsa.example.com/tsr, certificate: "
        f"tsa.pem}}`. Or {_WITHOUT}",
        reason="anchor_unset",
    )
