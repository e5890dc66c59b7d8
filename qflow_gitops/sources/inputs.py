"""What a command reads once, before it decides anything."""

from typing import NamedTuple

from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import Snapshot
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import folders, lostsettings
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.loader import DIRECT, Loader
from qflow_gitops.sources.previous import settled
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


def kept_lockfile(git: Repository, commit: str, settings: Settings, recorded: Snapshot) -> Lockfile:
    """Return the lockfile that was read, if these settings are the ones that it knows.

    Raises QflowError where a project's settings were lost since it was written.
    """
    lockfile = lockfile_of(recorded, settings.project)
    lostsettings.check_kept(git, settings, lockfile, commit)
    return lockfile


def read_inputs(
    git: Repository, commit: str, settings: Settings, recorded: Snapshot, loader: Loader = DIRECT
) -> Inputs:
    """Read all specs of a commit ("" for the work tree). Raises as `kept_lockfile` does."""
    project, lockfile = settings.project, kept_lockfile(git, commit, settings, recorded)
    if commit:
        specs = loader.specs(git, commit, settings, "", settled(lockfile, project))
    else:
        specs = all_specs(git, "", project)
    specs = folders.checked(specs, git, commit, project, lockfile)
    return Inputs(commit, settings, recorded, specs)
