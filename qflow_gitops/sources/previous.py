"""What the run of a spec sent before, as far as a plan has to show the difference."""

from collections.abc import Callable, Mapping

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.inheritance import Inheritance, Placed, inherits
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.git import GitTree
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.catalogs import Earlier
from qflow_gitops.specs.spec import RunSpec


def settled(lockfile: Lockfile, project: Project) -> Callable[[RunSpec], bool]:
    """Return what says of a spec that its run is recorded and nothing is left to do about it."""

    def is_settled(spec: RunSpec) -> bool:
        seen = lockfile.overview(spec.environment).glance(spec.name)
        return (
            seen is not None
            and seen.settled
            and spec.digest == seen.sent[-1]
            and spec.file == seen.file
            and not spec.previous_name
            and not inherits(lockfile, project, spec.key)
        )

    return is_settled


def previous_requests(
    git: GitTree, specs: Mapping[RunKey, RunSpec], lockfile: Lockfile, project: Project
) -> dict[RunKey, RunSpec]:
    """Read what each due spec's run sent last, from the blob that its attempt names."""
    is_settled, inheritance = settled(lockfile, project), Inheritance(lockfile, project, specs)
    wanted: dict[RunKey, Placed] = {}
    unsettled = {key: spec for key, spec in specs.items() if not is_settled(spec)}
    inheritance.bring(unsettled)
    for key, spec in unsettled.items():
        attempts = [each for each in inheritance.attempts(key) if each.attempt.counted]
        if attempts and all(each.attempt.digest != spec.digest for each in attempts):
            wanted[key] = attempts[-1]
    blobs = git.blobs_at_hand({last.attempt.fact("blob") for last in wanted.values()})
    previous, earlier = {}, Earlier(git, project)
    for key, last in wanted.items():
        content = blobs.get(last.attempt.fact("blob"), b"")
        for old in earlier.specs(last.attempt, last.environment, content):
            if old.name == last.run and old.digest == last.attempt.digest:
                previous[key] = old
    return previous
