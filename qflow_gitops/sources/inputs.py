"""What a command reads once, before it decides anything."""

from collections.abc import Callable
from typing import NamedTuple

from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import Snapshot
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import folders, lostsettings
from qflow_gitops.sources.place import Settings
from qflow_gitops.sources.specs import all_specs
from qflow_gitops.specs.load import SpecSet


class Inputs(NamedTuple):
    """A commit ("" for the work tree) with its settings and specs, and the lockfile as it was read.

    A commit's can't change any more: only the lockfile is ever read again.
    """

    commit: str
    settings: Settings
    recorded: Snapshot
    specs: SpecSet

    @property
    def project(self) -> Project:
        """What the settings say."""
        return self.settings.project

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile, an empty one where there is none yet."""
        return lockfile_of(self.recorded, self.project)


def lockfile_of(recorded: Snapshot, project: Project) -> Lockfile:
    """Return the lockfile that was read, an empty one of the project's where there is none yet."""
    return recorded.lockfile or Lockfile(project.lock.lineage)


def read_inputs(
    git: Repository,
    commit: str,
    settings: Settings,
    recorded: Snapshot,
    read: Callable[[Lockfile], SpecSet] | None = None,
) -> Inputs:
    """Read the specs of a commit ("" for the work tree): all, or what `read` gives.

    Raises QflowError where settings or folders were lost since the lockfile was written.
    """
    project, lockfile = settings.project, lockfile_of(recorded, settings.project)
    lostsettings.check_kept(git, settings, lockfile, commit)
    specs = read(lockfile) if read else all_specs(git, commit, project)
    specs = folders.checked(specs, git, commit, project, lockfile)
    return Inputs(commit, settings, recorded, specs)
