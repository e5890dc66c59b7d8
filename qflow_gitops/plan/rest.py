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
    they were sent. What would be due but for a hold may be a part of it as well. `specs` are all of
    the commit.
    """
    here = [spec for spec in specs if spec.environment == environment]
    lockfile.bring(spec.key for spec in here)
    sent = [
        spec
        for spec in here
        if any(
            each.digest == spec.digest and each.evidence.get("planDigest") == digest
            for each in lockfile.attempts(*spec.key)
        )
    ]
    there = [each for each in made.changes if each.spec and each.environment == environment]
    for left in (
        [each.spec for each in there if each.spec and each.is_due],
        [each.spec for each in there if each.spec and (each.is_due or each.due)],
    ):
        keys = {spec.key for spec in left}
        more = [spec for spec in sent if spec.key not in keys]
        if more and digest_of_runs(made.platforms, (*left, *more)) == digest:
            return True
    return False


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
    """Return the digests of the plans by which other targets of what is due were sent.

    As long as they have sent nothing else since: a spec that was changed back is another decision.
    """
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
        for attempts in [lockfile.attempts(*spec.key)]
        for attempt in attempts
        if attempt.digest == attempts[-1].digest == spec.digest
    )
    return iter(dict.fromkeys(each for each in found if isinstance(each, str)))
