"""What pull requests propose, and whose approval of it counts.

An approval is of one commit. It still counts for what comes after it where git proves that this
is nothing but merges of the target branch ("Update branch"), and for those runs that are the same
before and after them: a merge without a conflict can still put two halves of a request together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from qflow_gitops.base.names import RunKey
from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.errors import QflowError
from qflow_gitops.policy.approvals import Approval, Given
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.pull_requests import PullRequest, PullRequests, Reviewed, Update
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import narrowing, settings
from qflow_gitops.sources import specs as reading
from qflow_gitops.sources.loader import covers
from qflow_gitops.specs.spec import RunSpec

MOST_UPDATES = 50
"""So many merges of the target branch after an approval are looked at."""

Specs = Mapping[RunKey, tuple[RunSpec, str]]
"""Valid specs, each with the platform of its environment."""


@dataclass
class Proposed:
    """Reads what pull requests change, and asks once who approved each.

    `folder` is where the project lies, `platform` what QFLOW_PLATFORM says.
    """

    git: Repository
    pulls: PullRequests
    folder: ProjectFolder
    platform: str
    _changed: dict[tuple[str, str], Specs | str] = field(default_factory=dict)
    _reviews: dict[int, Reviewed] = field(default_factory=dict)

    def changed(self, head: str, onto: str) -> Specs | str:
        """Return the specs that a commit changes beside what it goes `onto`, or why nobody knows.

        Compared with their common ancestor, so that what others merged is not taken for its
        own, nor what stood in one of its files before.
        """
        about = (head, onto)
        if about not in self._changed:
            try:
                self._changed[about] = self._read(head, onto)
            except QflowError as problem:
                self._changed[about] = problem.message
        return self._changed[about]

    def approval(self, spec: RunSpec, request: PullRequest, onto: str) -> Approval:
        """Say who approved a run of a pull request, as that one's newest commit has it.

        `onto` is the commit of the target branch that it goes, or went, on top of. Raises
        AuthError and UnreachableError.
        """
        review = self._review(request, onto)
        other = {
            who: f"{who} approved commit {at[:10]}, which holds it with another request"
            for who, at in review.approvers.items()
            if not self._same(spec, at, request, onto)
        }
        counted = tuple(who for who in review.approvers if who not in other)
        why = review.why
        if other and not counted:
            why = next(iter(other.values()))
        given = (Given(who, review.approvers[who], review.reviews.get(who, 0)) for who in counted)
        return Approval(
            request.number, counted, why, review.signed, (*other.values(), *review.uncounted),
            tuple(given), review.merged_by,
        )  # fmt: skip

    def specs_of(self, commit: str, touched: frozenset[str]) -> Specs:
        """Return the valid specs of the files named, as a commit has them.

        A catalog of connectors is part of every spec that has something from it.
        """
        project = self._settings(commit)
        by_catalog = any(covers((project.folder.connectors,), path) for path in touched)
        only = None if by_catalog else touched
        specs = reading.commit_specs(self.git, commit, project, only).specs
        return {
            key: (spec, project.environments[spec.environment].platform)
            for key, spec in specs.items()
            if spec.file in touched or spec.catalog in touched
        }

    def touched(self, base: str, head: str) -> frozenset[str]:
        """Name the files with specs that differ between two commits."""
        return narrowing.touched_files(self.git, base, head, self._settings(head))

    def _settings(self, commit: str) -> Project:
        return settings.settings_at(self.git, self.folder, commit, self.platform)

    def _read(self, head: str, onto: str) -> Specs | str:
        base = self.git.merge_base(head, onto)
        if base is None:
            return "it has no history in common with what it was merged into"
        touched = self.touched(base, head)
        before, now = self.specs_of(base, touched), self.specs_of(head, touched)
        return {key: each for key, each in now.items() if _is_changed(before.get(key), each)}

    def _review(self, request: PullRequest, onto: str) -> Reviewed:
        if request.number not in self._reviews:
            self._reviews[request.number] = self.pulls.review(
                request, self._updates(request.head, onto)
            )
        return self._reviews[request.number]

    def _updates(self, commit: str, onto: str) -> tuple[Update, ...]:
        """Return the merges of the target branch on top of a pull request's own, newest first."""
        found: list[Update] = []
        while len(found) < MOST_UPDATES:
            parents = self.git.clean_merge(commit)
            if parents is None or not self.git.is_ancestor(parents[1], onto):
                break
            found.append(Update(commit, parents[0]))
            commit = parents[0]
        return tuple(found)

    def _same(self, spec: RunSpec, commit: str, request: PullRequest, onto: str) -> bool:
        """Whether a run is at an approved commit what it is at the newest one."""
        if commit == request.head:
            return True
        then, now = self.changed(commit, onto), self.changed(request.head, onto)
        if isinstance(then, str) or isinstance(now, str):
            return False
        return not _is_changed(then.get(spec.key), now.get(spec.key))


def _is_changed(before: tuple[RunSpec, str] | None, now: tuple[RunSpec, str] | None) -> bool:
    if before is None or now is None:
        return True
    return _shown(*before) != _shown(*now)


def _shown(spec: RunSpec, platform: str) -> tuple[object, ...]:
    """What of a spec a reviewer is asked about."""
    return (
        spec.digest, spec.previous_name, spec.labels, spec.annotations, spec.rollout, spec.after,
        platform,
    )  # fmt: skip
