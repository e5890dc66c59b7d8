"""The list of what is looked at on a code host; several at once, as each waits for answers."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

from qflow_gitops.doctor.ci import branches, environments, files, jobs, owners, schedule
from qflow_gitops.doctor.ci.expected import Expected
from qflow_gitops.doctor.ci.seen import Seen
from qflow_gitops.errors import QflowError
from qflow_gitops.ports.governance import Governance, HostedRepository
from qflow_gitops.results.checks import Check, Verdict, failed, left_out, ok, unknown, warning

AT_ONCE = 4


class _Look(NamedTuple):
    name: str
    about: str
    look: Callable[[Seen], Iterable[Check]]


LOOKS = (
    _Look("trigger", "what starts an apply", branches.trigger),
    _Look("action", "version that the CI runs", files.tool),
    _Look("target-branch", "branch that changes go to", branches.target),
    _Look("code-owners", "code owners", owners.owners),
    _Look("lock-branch", "branch of the lockfile", branches.lock),
    _Look("gate", "environments that let runs through", environments.gates),
    _Look("environment", "environments that send", environments.applies),
    _Look("secrets", "secrets", environments.secrets),
    _Look("freeze", f"variable {environments.FREEZE}", environments.freezes),
    _Look("schedule", "schedule", schedule.schedules),
    _Look("jobs", "what jobs may use", jobs.jobs),
    _Look("job-token", "token of a job", jobs.token),
    _Look("retention", "logs and artifacts", jobs.retention),
    _Look("execution-protections", "who and what may start workflows", jobs.policies),
)
"""All looks, in the order in which they are shown."""


def checks(host: Governance, expected: Expected, now: datetime) -> Iterator[Check]:
    """Look at a repository on its host; where it can't be seen at all, the rest isn't asked."""
    yield from files.files(expected)
    names = [(look.name, look.about) for look in LOOKS]
    try:
        repository = host.repository()
    except QflowError as problem:
        yield unknown("repository", host.host, problem.message, problem.hint)
        yield from left_out(names, f"{host.host} doesn't show the repository")
        return
    found = _repository(host, repository, expected.pipeline.place)
    yield found
    if found.verdict is not Verdict.OK:
        yield from left_out(names, found.found)
        return
    seen = Seen(host, repository, expected, now)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for some in pool.map(lambda look: _made(look, seen), LOOKS):
            yield from some


def _made(look: _Look, seen: Seen) -> tuple[Check, ...]:
    try:
        return tuple(look.look(seen))
    except QflowError as problem:
        return (unknown(look.name, look.about, problem.message, problem.hint),)


def _repository(host: Governance, repository: HostedRepository, place: str) -> Check:
    about = f"{host.host}: {repository.name}"
    same = place.lower() == repository.name.lower()
    if repository.closed:
        why = f"it is {repository.closed}: no job runs, and nothing can be pushed"
        return failed("repository", about, why, host.pages.repository)
    if repository.fork_of and not same:
        return warning("repository", about, f"a fork of {repository.fork_of} applies nothing")
    if place and not same:
        why = f"its workflows are for {place}, so nothing is applied here"
        return failed("repository", about, why, f"Write {repository.name} in place of {place}.")
    return ok("repository", about, f"open, its default branch is {repository.default_branch}")
