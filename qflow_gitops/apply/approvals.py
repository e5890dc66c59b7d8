"""What was approved is what runs: each due run against the pull request that brought it.

Who counts as an approver stands in `github.approvers`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from qflow_gitops.apply.proposed import Proposed, Specs
from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import QflowError, UsageProblem
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.policy.approvals import Approval
from qflow_gitops.policy.rules import Policy, annotations_in
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.pull_requests import PullRequest, PullRequests
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.spec import RunSpec

MOST = 300
"""So many commits of the range that change specs are asked for at GitHub; no older ones."""
_LINE = 100_000  # commits of the range that are looked through here
_NONE = "no merged pull request of the range brings it"


def unread(
    due: Iterable[RunSpec], problem: QflowError, settings: str, environment: str
) -> dict[RunKey, Approval]:
    """Say of runs that nobody could be asked who approved them, and what is done about that.

    A person applies once more than the policy up to then asks for: it counts at both ends.
    """
    way_on = (
        f"{problem.hint.rstrip('.')}. Or, where another system sees to approvals, set "
        f"`apply: {{approvals: elsewhere}}` in {settings}, and apply that once by hand: "
        f"`qflow-gitops apply -e {environment}`"
    )
    why = f"nobody could be asked who approved it: {problem.message.rstrip('.')}"
    return {spec.key: Approval(why=why, way_on=way_on) for spec in due}


@dataclass
class Approver:
    """Looks approvals up for a commit (`head`), each pull request once.

    `remote` is where the commits come from, `platform` what QFLOW_PLATFORM says.
    """

    git: Repository
    pulls: PullRequests
    project: Project
    remote: str
    platform: str
    policies: Sequence[Policy]
    head: str
    _specs: dict[int, Specs | str] = field(default_factory=dict)
    _onto: dict[int, str] = field(default_factory=dict)  # what each was merged into
    _later: dict[str, dict[RunKey, str]] = field(default_factory=dict)

    def approvals(
        self, due: Iterable[RunSpec], lockfile: Lockfile, base: str
    ) -> dict[RunKey, Approval]:
        """Say for each run who approved it. `base` is "" where nothing was applied before.

        A run is approved if it stands, with this digest, platform and the annotations that the
        policy asks for, among the changes of a merged pull request's newest commit. Raises
        AuthError and UnreachableError.
        """
        due = list(due)
        if not due:
            return {}
        merged = self._merged(base)
        earlier = self._recorded(due, lockfile, {request.number for request in merged})
        return {
            spec.key: self._approval(spec, [*merged, *earlier.get(spec.key, ())]) for spec in due
        }

    def _merged(self, base: str) -> list[PullRequest]:
        """Return the pull requests that changed specs and were merged since, newest first.

        What a rebase put last, its `merge_commit`, may change nothing there itself.
        """
        line = frozenset(self.git.first_parents(base, self.head, _LINE))
        found: dict[int, PullRequest] = {}
        for commit in self.git.first_parents(base, self.head, MOST, self._folders):
            for request in self.pulls.merged_with(commit):
                if request.merge_commit in line and request.base == self._target:
                    found.setdefault(request.number, request)
        return list(found.values())

    def _recorded(
        self, due: Iterable[RunSpec], lockfile: Lockfile, known: set[int]
    ) -> dict[RunKey, list[PullRequest]]:
        """Return the pull requests that earlier attempts of the same request were approved in."""
        line = frozenset(self.git.first_parents("", self.head, _LINE))
        found: dict[RunKey, list[PullRequest]] = {}
        for spec in due:
            for attempt in lockfile.attempts(*spec.key):
                number = attempt.evidence.get("pullRequest")
                if attempt.digest != spec.digest or not isinstance(number, int) or number in known:
                    continue
                try:
                    request = self.pulls.pull_request(number)
                except UsageProblem:  # of another repository, from which the lockfile moved here
                    continue
                if request.merge_commit in line and request.base == self._target:
                    found.setdefault(spec.key, []).append(request)
        return found

    def _approval(self, spec: RunSpec, pulls: Sequence[PullRequest]) -> Approval:
        """Return the best of what the pull requests say about a run."""
        refused, found = Approval(why=_NONE), []
        for request in pulls:
            differs = self._difference(spec, request)
            if differs is None:
                continue
            differs = differs or self._changed_since(spec, request)
            if differs:
                refused = refused if refused.pull_request else Approval(request.number, why=differs)
                continue
            found.append(self._proposed.approval(spec, request, self._onto[request.number]))
        return max(found, key=lambda approval: len(approval.approvers), default=refused)

    @cached_property
    def _proposed(self) -> Proposed:
        return Proposed(self.git, self.pulls, self.project.folder, self.platform)

    @property
    def _folders(self) -> tuple[str, ...]:
        """Where what a run asks for stands."""
        return (*self.project.runs, self.project.folder.connectors)

    @cached_property
    def _target(self) -> str:
        return self.pulls.default_branch()

    def _changed_since(self, spec: RunSpec, request: PullRequest) -> str:
        """Say what changed a run after its pull request: what comes back isn't that one's."""
        commits = self.git.first_parents(request.merge_commit, self.head, MOST + 1, self._folders)
        if len(commits) > MOST:
            return f"too much was changed after pull request #{request.number}"
        for commit in commits:
            try:
                there = self._after(commit).get(spec.key)
            except QflowError as problem:
                return (
                    f"commit {commit[:10]} after pull request #{request.number}: {problem.message}"
                )
            if there is not None and there != spec.digest:
                return f"commit {commit[:10]} changed it after pull request #{request.number}"
        return ""

    def _after(self, commit: str) -> dict[RunKey, str]:
        """Return the digests of the specs in files that a commit changed, "" of a removed one."""
        if commit not in self._later:
            before = self.git.resolve(f"{commit}^1")
            touched = self._proposed.touched(before, commit)
            old = self._proposed.specs_of(before, touched)
            new = self._proposed.specs_of(commit, touched)
            gone = dict.fromkeys(old, "")
            self._later[commit] = gone | {key: spec.digest for key, (spec, _) in new.items()}
        return self._later[commit]

    def _difference(self, spec: RunSpec, request: PullRequest) -> str | None:
        """Say how a run differs from what a pull request holds, "" for not at all.

        None where it isn't among what that changed.
        """
        held = self._changed(request)
        if isinstance(held, str):
            return f"pull request #{request.number}: {held}"
        if spec.key not in held:
            return None
        there, platform = held[spec.key]
        if there.digest != spec.digest:
            return f"pull request #{request.number} holds it with another request"
        if platform != self.project.environments[spec.environment].platform:
            return f"pull request #{request.number} holds it for platform {platform or 'unknown'}"
        for name in sorted(annotations_in(self.policies)):
            if there.annotations.get(name) != spec.annotations.get(name):
                return f"pull request #{request.number} holds it with another annotation `{name}`"
        # What these change is whose record it goes on, which rules are about it, and its turn.
        for name, now, then in (
            ("previousName", spec.previous_name, there.previous_name),
            ("labels", spec.labels, there.labels),
            ("rollout", spec.rollout, there.rollout),
            ("after", spec.after, there.after),
        ):
            if now != then:
                return f"pull request #{request.number} holds it with another `{name}`"
        return ""

    def _changed(self, request: PullRequest) -> Specs | str:
        """Return the specs that a pull request changed, as its newest commit has them."""
        if request.number not in self._specs:
            self._specs[request.number] = self._read(request)
        return self._specs[request.number]

    def _read(self, request: PullRequest) -> Specs | str:
        if not self.git.ensure_commit(
            request.head, self.remote, f"refs/pull/{request.number}/head"
        ):
            return f"its newest commit {request.head[:10]} can't be fetched"
        try:
            self._onto[request.number] = self.git.resolve(f"{request.merge_commit}^1")
        except QflowError as problem:
            return problem.message
        return self._proposed.changed(request.head, self._onto[request.number])
