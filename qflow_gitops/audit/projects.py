"""The settings as many commits had them: each version of their file is read once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from qflow_gitops.errors import QflowError
from qflow_gitops.ports.git import Repository
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.found import Found
from qflow_gitops.sources.loader import Loader


@dataclass(frozen=True)
class Projects:
    """Gives a project's settings at a commit; they are where they are now, or nobody knows."""

    git: Repository
    now: Project
    loader: Loader
    _blobs: dict[str, str] = field(default_factory=dict)
    _read: dict[str, Project | None] = field(default_factory=dict)

    def bring(self, commits: Iterable[str]) -> None:
        """Look up what some commits have, in one go."""
        new = [commit for commit in dict.fromkeys(commits) if commit and commit not in self._blobs]
        path = self.now.folder.settings
        found = self.git.blobs_of((commit, path) for commit in new)
        self._blobs.update({commit: found.get((commit, path), "") for commit in new})

    def at(self, commit: str) -> Project | None:
        """Return the settings at a commit that was brought, None where that isn't known."""
        blob = self._blobs.get(commit, "")
        if blob and blob not in self._read:
            self._read[blob] = self._made(blob)
        return self._read.get(blob)

    def _made(self, blob: str) -> Project | None:
        content = self.git.blobs_at_hand([blob]).get(blob)
        if content is None:
            return None
        try:
            return self.loader.settings(Found(self.now.folder, content), "").project
        except QflowError:
            return None  # what has errors applied nothing
