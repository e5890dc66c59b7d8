"""The catalogs of connectors as they were, for what was sent by their names."""

import re
from collections.abc import Mapping

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.ports.git import GitTree
from qflow_gitops.settings.project import Project
from qflow_gitops.specs import connector_catalogs, load
from qflow_gitops.specs.connector_catalogs import Connector, Connectors
from qflow_gitops.specs.spec import RunSpec

_MAY_USE = re.compile(rb"""connectors?["']?[ \t]*:""")


class Earlier:
    """Reads the specs that attempts sent, with the catalogs of their commits, each read once."""

    def __init__(self, git: GitTree, project: Project) -> None:
        """Take where the commits are, and whose folder."""
        self._git, self._project = git, project
        self._read: dict[str, Connectors | None] = {}

    def specs(self, attempt: Attempt, environment: str, content: bytes) -> tuple[RunSpec, ...]:
        """Return the specs of an attempt's file, some of which may be of other runs.

        () where they can't be read any more: compare the digests.
        """
        return self.read(attempt.fact("file"), attempt.fact("commit"), environment, content) or ()

    def read(
        self, file: str, commit: str, environment: str, content: bytes
    ) -> tuple[RunSpec, ...] | None:
        """Return the specs of a file as a commit had it; None where its catalog isn't here."""
        connectors = self._connectors(commit, content)
        if connectors is None:
            return None
        settings = self._project._replace(default_environment=environment)
        return load.unchecked(content, file, settings, connectors)

    def is_lost(self, attempt: Attempt, content: bytes) -> bool:
        """Whether a file may need a catalog that this clone doesn't have."""
        return self._connectors(attempt.fact("commit"), content) is None

    @staticmethod
    def may_use_catalogs(content: bytes) -> bool:
        """Whether what a file asks for may depend on its commit's catalogs."""
        return _MAY_USE.search(content) is not None

    def _connectors(self, commit: str, content: bytes) -> Connectors | None:
        if not self.may_use_catalogs(content):
            return Connectors()
        if commit not in self._read:
            self._read[commit] = _at(self._git, commit, self._project.folder)
        return self._read[commit]


def _at(git: GitTree, commit: str, folder: ProjectFolder) -> Connectors | None:
    try:
        entries = git.files(commit, [folder.connectors]) if commit else None
    except QflowError:
        entries = None
    if entries is None:
        return None
    places = {
        place: (path.decode(), entry.blob)
        for path, entry in entries.items()
        if (place := connector_catalogs.place_of(path.decode(errors="replace"), folder))
    }
    contents = git.blobs_at_hand(blob for _, blob in places.values())
    catalogs: dict[tuple[str, str], Mapping[str, Connector]] = {}
    for place, (file, blob) in places.items():
        if blob not in contents:
            return None
        catalogs[place], _ = connector_catalogs.read(contents[blob], file, place[1])
    return Connectors(catalogs)
