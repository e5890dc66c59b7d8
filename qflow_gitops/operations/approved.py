"""What was approved is what runs: each due run against the pull request that brought it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from qflow_gitops.errors import QflowError, UsageProblem
from qflow_gitops.inheritance import Key
from qflow_gitops.interfaces import GitTree, PullRequest, PullRequests, Reviewed
from qflow_gitops.lockfile import Lockfile
from qflow_gitops.operations import projectfile, reading
from qflow_gitops.policy import Approval, Policy
from qflow_gitops.project import Project
from qflow_gitops.spec import RunSpec

MOST = 300
"""So many commits of the range that change specs are asked for at GitHub; no older ones."""
_LINE = 100_000  # commits of the range that are looked through here
_NONE = "no merged pull request of the range brings it"


@dataclass
class Approver:
    """Looks approvals up for a commit (`head`), each pull request once.

    `remote` is where the commits come from, `platform` what QFLOW_PLATFORM says.
    """

    git: GitTree
    pulls: PullRequests
    project: Project
    remote: str
    platform: str
    policies: Sequence[Policy]
    head: str
    _reviews: dict[int, Reviewed] = field(default_factory=dict)
    _specs: dict[int, Mapping[Key, tuple[RunSpec, str]] | str] = field(default_factory=dict)
    _later: dict[str, dict[Key, str]] = field(default_factory=dict)

    def approvals(
        self, due: Iterable[RunSpec], lockfile: Lockfile, base: str
    ) -> dict[Key, Approval]:
        """Say for each run who approved it. `base` is "" where nothing was applied before.

        A run is approved if it stands, with this digest, platform and the annotations that the
        policy asks for, among the changes of a merged pull request's newest commit. Raises
        AuthError and UnreachableError.
        """
        due = list(due)
        if not due:
            return {}
        merged = self._merged(base)
        earlier = self._recorded(due, lockfile, {one.number for one in merged})
        return {one.key: self._approval(one, [*merged, *earlier.get(one.key, ())]) for one in due}

    def _merged(self, base: str) -> list[PullRequest]:
        """Give the pull requests that changed specs and were merged since, newest first.

        What a rebase put last, its `merge_commit`, may change nothing there itself.
        """
        line = frozenset(self.git.first_parents(base, self.head, _LINE))
        found: dict[int, PullRequest] = {}
        for commit in self.git.first_parents(base, self.head, MOST, self.project.runs):
            for one in self.pulls.merged_with(commit):
                if one.merge_commit in line and one.base == self._target:
                    found.setdefault(one.number, one)
        return list(found.values())

    def _recorded(
        self, due: Iterable[RunSpec], lockfile: Lockfile, known: set[int]
    ) -> dict[Key, list[PullRequest]]:
        """Give the pull requests that earlier attempts of the same request were approved in."""
        line = frozenset(self.git.first_parents("", self.head, _LINE))
        found: dict[Key, list[PullRequest]] = {}
        for spec in due:
            for attempt in lockfile.attempts(*spec.key):
                number = attempt.evidence.get("pullRequest")
                if attempt.digest != spec.digest or not isinstance(number, int) or number in known:
                    continue
                try:
                    one = self.pulls.pull_request(number)
                except UsageProblem:  # of another repository, from which the record moved here
                    continue
                if one.merge_commit in line and one.base == self._target:
                    found.setdefault(spec.key, []).append(one)
        return found

    def _approval(self, spec: RunSpec, pulls: Sequence[PullRequest]) -> Approval:
        """Give the best of what the pull requests say about a run."""
        refused, found = Approval(why=_NONE), []
        for one in pulls:
            differs = self._difference(spec, one)
            if differs is None:
                continue
            differs = differs or self._changed_since(spec, one)
            if differs:
                refused = refused if refused.pull_request else Approval(one.number, why=differs)
                continue
            review = self._review(one)
            found.append(Approval(one.number, review.approvers, review.why, review.signed))
        return max(found, key=lambda one: len(one.approvers), default=refused)

    @cached_property
    def _target(self) -> str:
        return self.pulls.default_branch()

    def _changed_since(self, spec: RunSpec, one: PullRequest) -> str:
        """Say what changed a run after its pull request: what comes back isn't that one's."""
        commits = self.git.first_parents(one.merge_commit, self.head, MOST + 1, self.project.runs)
        if len(commits) > MOST:
            return f"too much was changed after pull request #{one.number}"
        for commit in commits:
            try:
                there = self._after(commit).get(spec.key)
            except QflowError as problem:
                return f"commit {commit[:10]} after pull request #{one.number}: {problem.message}"
            if there is not None and there != spec.digest:
                return f"commit {commit[:10]} changed it after pull request #{one.number}"
        return ""

    def _after(self, commit: str) -> dict[Key, str]:
        """Give the digests of the specs in the files that a commit changed, "" of a removed one."""
        if commit not in self._later:
            before = self.git.resolve(f"{commit}^1")
            touched = self._touched(before, commit)
            old, new = self._specs_of(before, touched), self._specs_of(commit, touched)
            gone = dict.fromkeys(old, "")
            self._later[commit] = gone | {key: spec.digest for key, (spec, _) in new.items()}
        return self._later[commit]

    def _review(self, one: PullRequest) -> Reviewed:
        if one.number not in self._reviews:
            self._reviews[one.number] = self.pulls.review(one)
        return self._reviews[one.number]

    def _difference(self, spec: RunSpec, one: PullRequest) -> str | None:
        """Say how a run differs from what a pull request holds, "" for not at all.

        None where it isn't among what that changed.
        """
        held = self._changed(one)
        if isinstance(held, str):
            return f"pull request #{one.number}: {held}"
        if spec.key not in held:
            return None
        there, platform = held[spec.key]
        if there.digest != spec.digest:
            return f"pull request #{one.number} holds it with another request"
        if platform != self.project.environments[spec.environment].platform:
            return f"pull request #{one.number} holds it for platform {platform or 'unknown'}"
        for name in sorted({name for each in self.policies for name in each.annotations}):
            if there.annotations.get(name) != spec.annotations.get(name):
                return f"pull request #{one.number} holds it with another annotation `{name}`"
        # What these change is whose record it goes on, and which rules are about it.
        for name, now, then in (
            ("previousName", spec.previous_name, there.previous_name),
            ("labels", spec.labels, there.labels),
        ):
            if now != then:
                return f"pull request #{one.number} holds it with another `{name}`"
        return ""

    def _changed(self, one: PullRequest) -> Mapping[Key, tuple[RunSpec, str]] | str:
        if one.number not in self._specs:
            self._specs[one.number] = self._read(one)
        return self._specs[one.number]

    def _read(self, one: PullRequest) -> Mapping[Key, tuple[RunSpec, str]] | str:
        """Give the specs that a pull request changed, as its newest commit has them.

        Compared with what it was merged into, so that what others merged is not taken for its
        own, nor what stood in one of its files before.
        """
        if not self.git.bring(one.head, self.remote, f"refs/pull/{one.number}/head"):
            return f"its newest commit {one.head[:10]} can't be fetched"
        try:
            base = self.git.merge_base(one.head, self.git.resolve(f"{one.merge_commit}^1"))
            if base is None:
                return "it has no history in common with what it was merged into"
            touched = self._touched(base, one.head)
            before, now = self._specs_of(base, touched), self._specs_of(one.head, touched)
        except QflowError as problem:
            return problem.message
        return {key: each for key, each in now.items() if _is_changed(before.get(key), each)}

    def _touched(self, base: str, head: str) -> frozenset[str]:
        project = self._settings(head)
        return reading.touched_files(self.git, base, head, project)

    def _settings(self, commit: str) -> Project:
        return projectfile.settings_at(self.git, self.project.folder, commit, self.platform)

    def _specs_of(self, commit: str, touched: frozenset[str]) -> dict[Key, tuple[RunSpec, str]]:
        """Give the valid specs of the files named, as a commit has them, with their platforms."""
        project = self._settings(commit)
        specs = reading.commit_specs(self.git, commit, project, touched).specs
        return {
            key: (spec, project.environments[spec.environment].platform)
            for key, spec in specs.items()
            if spec.file in touched
        }


def _is_changed(before: tuple[RunSpec, str] | None, now: tuple[RunSpec, str]) -> bool:
    if before is None:
        return True
    return _shown(*before) != _shown(*now)


def _shown(spec: RunSpec, platform: str) -> tuple[object, ...]:
    """What of a spec a reviewer is asked about."""
    return (spec.digest, spec.previous_name, spec.labels, spec.annotations, platform)
