"""The environments of jobs that let runs through and send them, their secrets, and freezes."""

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase

from qflow_gitops.doctor.ci.seen import Seen
from qflow_gitops.errors import QflowError
from qflow_gitops.ports.governance import HostedEnvironment
from qflow_gitops.results.checks import Check, failed, ok, unknown, warning

FREEZE = "QFLOW_FREEZE"


def gates(seen: Seen) -> Iterator[Check]:
    """Say who has to let runs through."""
    pipeline = seen.expected.pipeline
    if pipeline.applies and not pipeline.gates:
        why = "no job before apply names an environment, or none that can be told"
        hint = "Put a job with an environment of its own before apply, as in the shipped files."
        yield unknown("gate", "environment of a gate", why, hint)
    yield from _each(seen, "gate", seen.expected.pipeline.gates, _gate)


def applies(seen: Seen) -> Iterator[Check]:
    """Say from which branches the environments are used that hold the secrets."""
    yield from _each(seen, "environment", seen.expected.pipeline.applies, _branches)


_Judge = Callable[[Seen, str, str, HostedEnvironment | None], Check]


def _each(seen: Seen, check: str, names: Iterable[str], judge: _Judge) -> Iterator[Check]:
    for name in names:
        about = f"environment {name}"
        try:
            found = seen.host.environment(name)
        except QflowError as problem:
            yield unknown(check, about, problem.message, problem.hint)
        else:
            yield judge(seen, name, about, found)


def _gate(seen: Seen, name: str, about: str, found: HostedEnvironment | None) -> Check:
    page = seen.host.pages.environments
    hint = f"{page}: give {name} required reviewers, without self-review."
    if found is None or not found.approvals:
        missing = "it has no reviewers" if found else "it isn't there"
        opens = (found or HostedEnvironment()).opens
        return warning("gate", about, f"{missing}, so the gate opens {opens}", hint)
    if found.by_oneself:
        return warning("gate", about, "who started a run may let it through", hint)
    of = f"{found.approvals:,} of {found.reviewers:,} reviewers"
    own = "whether who started it may isn't told"
    return ok("gate", about, f"{of}, {own if found.by_oneself is None else 'not who started it'}")


def _branches(seen: Seen, name: str, about: str, found: HostedEnvironment | None) -> Check:
    branch = seen.repository.default_branch
    hint = f"{seen.host.pages.environments}: let {name} be used from {branch} alone."
    if found is None:
        return failed("environment", about, "it isn't there, so no secret is in it", hint)
    if found.kept:
        return ok("environment", about, found.kept)
    if found.branches is None:
        why = "a job of any branch may use it, and its secrets"
        return failed("environment", about, why, hint)
    if not any(fnmatchcase(branch, pattern) for pattern in found.branches):
        why = f"no job of {branch} may use it, so nothing is applied"
        return failed("environment", about, why, hint)
    others = [pattern for pattern in found.branches if pattern != branch]
    if others:
        named = ", ".join(others[:5]) + (f" and {len(others) - 5:,} more" if others[5:] else "")
        return warning("environment", about, f"used from {named} as well", hint)
    return ok("environment", about, f"used from {branch} alone")


def secrets(seen: Seen) -> Iterator[Check]:
    """Say whether what apply is given is there, and nowhere else."""
    needed = seen.expected.pipeline.secrets
    for name in seen.expected.pipeline.applies if needed else ():
        about, pages = f"secrets of {name}", seen.host.pages
        try:
            found = seen.host.secrets(name)
        except QflowError as problem:
            yield unknown("secrets", about, problem.message, problem.hint)
            continue
        shared = [each for each in needed if each in found.shared]
        missing = [each for each in needed if each not in found.own | found.shared]
        loose = [f"{each} isn't {what}" for each, what in found.unguarded if each in needed]
        if missing and seen.host.elsewhere:
            why = f"{', '.join(missing)} isn't set here; {seen.host.elsewhere}"
            yield unknown("secrets", about, why, f"{pages.environments}: see that it is.")
        elif missing:
            why = f"{', '.join(missing)} isn't set"
            yield failed("secrets", about, why, f"{pages.environments}: set it in {name}.")
        elif shared:
            why = f"a job of any branch gets {', '.join(shared)}"
            hint = f"{pages.environments}: set it in {name}, and nowhere else."
            yield failed("secrets", about, why, hint)
        elif loose:
            yield failed("secrets", about, ", ".join(loose), f"{pages.variables}: change that.")
        else:
            yield ok("secrets", about, f"{', '.join(needed)}, only there")


def freezes(seen: Seen) -> Iterator[Check]:
    """Say whether a variable holds everything, and why."""
    about = f"variable {FREEZE}"
    found = seen.host.variables(FREEZE, seen.expected.pipeline.environments)
    held = [each for each in found if each.value.strip()]
    for each in held:
        why = f"{each.where} has it, so everything is held: {each.value.strip()}"
        hint = f"Once that is over, remove it: {seen.host.pages.variables}"
        yield warning("freeze", about, why, hint)
    if not held:
        also = f"; {seen.host.elsewhere}" if seen.host.elsewhere else ""
        yield ok("freeze", about, f"not set{also}")
