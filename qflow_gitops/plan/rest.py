"""Whether what is due is the rest of a plan that was begun before: its runs say so."""

from collections.abc import Iterable, Iterator

from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan.change import Plan, digest_of_runs
from qflow_gitops.specs.spec import RunSpec


def is_the_rest(
    made: Plan, digest: str, environment: str, specs: Iterable[RunSpec], lockfile: Lockfile
) -> bool:
    """Whether a plan is what is left of the one with this digest, of which a part was sent.

    A job that is started again, or goes on later, after some of its runs: they say by which plan
    they were sent. `specs` are all of the commit.
    """
    due = [each.spec for each in made.due if each.spec and each.environment == environment]
    keys = {spec.key for spec in due}
    here = [spec for spec in specs if spec.environment == environment and spec.key not in keys]
    lockfile.bring(spec.key for spec in here)
    sent = [
        spec
        for spec in here
        if any(
            each.digest == spec.digest and each.evidence.get("planDigest") == digest
            for each in lockfile.attempts(*spec.key)
        )
    ]
    return bool(sent) and digest_of_runs(made.platforms, (*due, *sent)) == digest


def goes_on(made: Plan, specs: Iterable[RunSpec], lockfile: Lockfile) -> bool:
    """Whether all that is due is the rest of plans, one for each environment, that were begun.

    Whoever let such a plan through has let through what is left of it.
    """
    specs = list(specs)
    environments = {change.environment for change in made.due}
    return bool(environments) and all(
        any(
            is_the_rest(made, digest, environment, specs, lockfile)
            for digest in _begun(made, environment, specs, lockfile)
        )
        for environment in environments
    )


def _begun(
    made: Plan, environment: str, specs: Iterable[RunSpec], lockfile: Lockfile
) -> Iterator[str]:
    """Return the digests of the plans by which other targets of what is due were sent."""
    groups = {
        change.spec.group
        for change in made.due
        if change.spec and change.environment == environment
    }
    members = [spec for spec in specs if spec.group in groups and spec.target]
    lockfile.bring(spec.key for spec in members)
    found = (
        attempt.evidence.get("planDigest")
        for spec in members
        for attempt in lockfile.attempts(*spec.key)
        if attempt.digest == spec.digest
    )
    return iter(dict.fromkeys(each for each in found if isinstance(each, str)))
