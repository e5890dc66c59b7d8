"""Specs that stood in commits which an apply worked on, and of which nothing was ever sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qflow_gitops.audit.files import At, Files
from qflow_gitops.audit.projects import Projects
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.paths import TreeFile
from qflow_gitops.lockfile.inheritance import recorded_origins
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.git import Repository
from qflow_gitops.results.evidence import DifferenceTold, Kind
from qflow_gitops.sources.specs import is_of_catalog, is_within
from qflow_gitops.specs import filenames

_AT_ONCE = 500


@dataclass(frozen=True)
class Standing:
    """Goes along commits, and compares what they ask for with the lockfile."""

    git: Repository
    files: Files
    projects: Projects
    lockfile: Lockfile

    def never_sent(self, environment: str, commits: Sequence[str]) -> Iterator[DifferenceTold]:
        """Find each request of an environment that these commits asked for and no attempt has.

        All of them are in this clone.
        """
        told: set[tuple[RunKey, str]] = set()
        group: list[At] = []
        last: dict[str, str] = {}
        for at in (*self._places(commits, last), None):
            if at is not None:
                group.append(at)
            if group and (at is None or len(group) >= _AT_ONCE):
                for place, asked in zip(group, self.files.asked(group), strict=True):
                    for key, digest in asked or ():
                        new = key[0] == environment and (key, digest) not in told
                        if new and digest not in self._sent(key):
                            told.add((key, digest))
                            yield _told(key, place, stands=last.get(place.file) == place.blob)
                group = []

    def _places(self, commits: Sequence[str], last: dict[str, str]) -> Iterator[At]:
        """Give each version of each file; `last` has what stands in the end."""
        now = self.projects.now
        folders = (*now.runs, now.folder.connectors)
        self.projects.bring(commits)
        for commit, changed in self.git.succession(commits, folders):
            project = self.projects.at(commit) or now
            names = dict(self._names(changed))
            for name, blob in names.items():
                if blob:
                    last[name] = blob
                else:
                    last.pop(name, None)
            other_catalogs = any(is_of_catalog(path, now.folder) for path in changed)
            for name in last if other_catalogs else names:
                if name in last:
                    yield At(name, last[name], commit, project.default_environment)

    def _names(self, changed: Mapping[bytes, TreeFile | None]) -> Iterator[tuple[str, str]]:
        """Return the files of specs among paths, and their blobs, "" of those that are gone."""
        now = self.projects.now
        for path, entry in changed.items():
            if not is_within(path, now) or path == now.folder.settings.encode():
                continue
            name, _ = filenames.spec_name(path, entry.mode if entry else "100644")
            if name:
                yield name, entry.blob if entry else ""

    def _sent(self, key: RunKey) -> frozenset[str]:
        """Return the digests that a run has spent, by any name that it had."""
        keys = (key, *(origin.key for origin in recorded_origins(self.lockfile, key)))
        found = (self.lockfile.overview(name).glance(run) for name, run in keys)
        return frozenset(digest for each in found if each for digest in each.sent)


def _told(key: RunKey, at: At, *, stands: bool) -> DifferenceTold:
    name = "/".join(key)
    goes_on = ", and still stands there" if stands else ""
    return DifferenceTold(
        Kind.NEVER_SENT,
        f"{name}: what {at.file} asked for at commit {at.commit[:10]} was never sent{goes_on}.",
        *key,
        commit=at.commit,
    )
