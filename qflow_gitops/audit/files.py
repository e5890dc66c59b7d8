"""What files of specs asked for, as commits had them: each version of a file is read once."""

from collections.abc import Iterator, Sequence
from sys import intern
from typing import NamedTuple

from qflow_gitops.audit.masking import Masking
from qflow_gitops.base.names import RunKey
from qflow_gitops.ports.git import Repository
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.catalogs import Earlier
from qflow_gitops.specs.spec import RunSpec


class At(NamedTuple):
    """A version of a file, and the commit whose catalogs and default environment count."""

    file: str
    blob: str
    commit: str
    environment: str


Asked = tuple[RunKey, str]
"""A run and the digest of what is asked for."""


class Files:
    """Reads specs; `masking` learns from each."""

    def __init__(self, git: Repository, project: Project, masking: Masking) -> None:
        """Take where the files are, and whose they are."""
        self._git, self._masking = git, masking
        self._earlier = Earlier(git, project)
        self._asked: dict[At, tuple[Asked, ...] | None] = {}

    def specs(self, places: Sequence[At]) -> list[tuple[RunSpec, ...] | None]:
        """Read the specs of some files; None where one, or its catalog, isn't in this clone."""
        return [found for _, found in self._read(places)]

    def asked(self, places: Sequence[At]) -> list[tuple[Asked, ...] | None]:
        """Say what some files ask for; likewise."""
        new = [each for each in places if self._known(each) is None]
        for _ in self._read(new):
            pass
        return [self._asked.get(self._known(each) or each) for each in places]

    def _known(self, at: At) -> At | None:
        """Return by which place it is known what a file asks for, None for by none."""
        return next((each for each in (_anywhere(at), at) if each in self._asked), None)

    def _read(self, places: Sequence[At]) -> Iterator[tuple[At, tuple[RunSpec, ...] | None]]:
        contents = self._git.blobs_at_hand({each.blob for each in places})
        read: dict[At, tuple[RunSpec, ...] | None] = {}
        for at in places:
            content = contents.get(at.blob)
            free = content is not None and not self._earlier.may_use_catalogs(content)
            place = _anywhere(at) if free else at
            if place not in read:
                found = (
                    None
                    if content is None
                    else self._earlier.read(at.file, at.commit, at.environment, content)
                )
                read[place] = found
                self._masking.learn(found or ())
                self._asked[place] = (
                    None
                    if found is None
                    else tuple((spec.key, intern(spec.digest)) for spec in found)
                )
            yield at, read[place]


def _anywhere(at: At) -> At:
    """Return the place of a file that asks for the same at every commit."""
    return at._replace(commit="")
