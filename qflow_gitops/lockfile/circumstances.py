"""What is known of a whole apply: which CI file, which program, which clock.

It stands once, in the intent of the first attempt that the apply opened (`apply`); the intents of
the others name that one (`applyOf`). So an attempt has what it says for good, wherever the lockfile
lives and is moved to, and the head doesn't grow by it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from qflow_gitops.lockfile.attempt import Attempt, AttemptKey
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.runs import bring
from qflow_gitops.lockfile.transitions import name_of

APPLY, OF = "apply", "applyOf"
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_NAME = re.compile(r"([^/ ]+)/([^ ]+) #([1-9][0-9]{0,8})")


def for_intent(told: Mapping[str, Any], first: AttemptKey | None) -> dict[str, Any]:
    """Return what an intent says of its apply; `first` is the apply's first, None for itself."""
    if not told:
        return {}
    return {OF: name_of(first)} if first else {APPLY: dict(told)}


def circumstances(lockfile: Lockfile, attempt: Attempt) -> Mapping[str, Any]:
    """Return what is recorded of the apply that opened an attempt; {} where nothing is."""
    extra = attempt.events[0].extra
    told = extra.get(APPLY)
    if told is None and OF in extra:
        first = _attempt(lockfile, extra[OF])
        told = first.events[0].extra.get(APPLY) if first else None
    return told if isinstance(told, Mapping) else _NOTHING


def bring_circumstances(lockfile: Lockfile, attempts: Iterable[Attempt]) -> None:
    """Read what attempts name for their applies in one go, for `circumstances` to find it."""
    named: dict[str, set[str]] = {}
    for attempt in attempts:
        if found := _named(attempt.events[0].extra.get(OF)):
            named.setdefault(found[1], set()).add(found[2])
    for environment, runs in named.items():
        bring(lockfile.environment(environment).runs, runs)


def unfounded(lockfile: Lockfile) -> Iterator[str]:
    """Find attempts that name one which says nothing of their apply, or isn't there."""
    for environment, record in lockfile.environments.items():
        for run, attempts in record.runs.items():
            for attempt in attempts:
                if OF in attempt.events[0].extra and not circumstances(lockfile, attempt):
                    where = name_of((environment, run, attempt.number))
                    named = str(attempt.events[0].extra[OF])[:200]
                    yield f"The attempt {where} names {named!r} for its apply, which says nothing."


def _attempt(lockfile: Lockfile, name: object) -> Attempt | None:
    found = _named(name)
    if found is None:
        return None
    attempts, number = lockfile.attempts(found[1], found[2]), int(found[3])
    return attempts[number - 1] if number <= len(attempts) else None


def _named(name: object) -> re.Match[str] | None:
    return _NAME.fullmatch(name) if isinstance(name, str) else None
