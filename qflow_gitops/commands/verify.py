"""Check the lockfile without trusting it: form, ledger, history, digests, signatures."""

import gc
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from qflow_gitops.commands.verify_anchors import NO_ANCHORS, AnchorsGiven, held_anchors
from qflow_gitops.errors import LockError, UsageProblem
from qflow_gitops.lockfile import audit
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.git import GitTree
from qflow_gitops.ports.lockfile import Kept, LockStore, Snapshot, Version
from qflow_gitops.results.records import Verified, verified
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.catalogs import Earlier
from qflow_gitops.sources.lockseen import out_of_use
from qflow_gitops.specs.spec import RunSpec


@dataclass(slots=True)
class _Audit:
    """What was looked at so far, and what is wrong."""

    versions: int = 0
    attempts: int = 0
    digests: int = 0
    unseen: int = 0
    signed: int = 0
    problems: list[str] = field(default_factory=list)


def verify(
    git: GitTree,
    store: LockStore,
    project: Project,
    signers: str,
    *,
    quick: bool,
    anchors: AnchorsGiven = NO_ANCHORS,
) -> Report:
    """Check every version of the lockfile that there is. Writes nothing.

    `signers` is git's allowed-signers file, "" to leave signatures alone; a `quick` check reads no
    specs again. `anchors` are held against the history beside those on the branch. Raises LockError
    where there is nothing to check, UsageProblem where the store has no signatures or anchors.
    """
    done = _Audit()
    kept = store.kept()
    with _all_kept():
        _check_versions(done, kept, store, signers)
        newest = kept.lockfile()
        if newest is not None:
            _check_newest(done, newest)
    if newest is not None and not quick:
        _check_requests(done, git, project, newest)
    held = held_anchors(store, newest, anchors)
    done.problems += held.problems
    body = Verified(
        where=store.where,
        versions=done.versions,
        attempts=done.attempts,
        digests=None if quick else done.digests,
        unseen=None if quick else done.unseen,
        signed=done.signed if signers else None,
        problems=tuple(done.problems),
        anchors=held.anchors,
        certificates=held.certificates,
        serial=newest.serial if newest else None,
    )
    moved = out_of_use(Snapshot(newest, store.where))
    return replace(verified(body), notes=(*kept.notes, *held.notes, *moved))


@contextmanager
def _all_kept() -> Iterator[None]:
    """Look for no garbage: all that is read here stays, and none of it refers to itself.

    Of 50,000 runs a tenth of the time would go into looking through them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _check_versions(done: _Audit, kept: Kept, store: LockStore, signers: str) -> None:
    """Go through all versions, oldest first."""
    for version in kept.versions:
        done.versions += 1
        done.problems += [f"{version.name[:10]}: {problem}" for problem in version.problems]
        if signers:
            done.problems += _signature(done, store, version, signers)
    done.problems += _against_memory(store, gone=not done.versions)
    if not done.versions:
        raise LockError(
            "There is no lockfile yet.",
            where=store.where,
            not_done="Nothing was checked.",
            hint="The first apply makes it.",
            reason="lock_missing",
        )


def _check_newest(done: _Audit, newest: Lockfile) -> None:
    runs = (record.runs for record in newest.environments.values())
    done.attempts = sum(len(attempts) for some in runs for attempts in some.values())
    done.problems += audit.check_values(newest)


_REMEMBERED = frozenset({"lock_rewritten", "lock_shrunk", "lock_missing", "lock_older"})


def _against_memory(store: LockStore, *, gone: bool) -> Iterator[str]:
    """Say what this clone knows better: a record that was there before, and isn't any more.

    Raises LockError for that where there is nothing else to check (`gone`).
    """
    try:
        store.check_memory()
    except LockError as problem:
        if problem.reason in _REMEMBERED:
            if gone:
                raise
            yield f"{problem.message} {problem.hint}".strip()


def _signature(done: _Audit, store: LockStore, version: Version, signers: str) -> Iterator[str]:
    if store.signer(version.name, signers):
        done.signed += 1
    else:
        yield f"{version.name[:10]}: no signature of an allowed signer"


def _check_requests(done: _Audit, git: GitTree, project: Project, lockfile: Lockfile) -> None:
    """Take each digest again of the file that its attempt names, where this clone has it."""
    attempts = [
        (environment, f"{environment}/{run} #{attempt.number}", attempt)
        for environment, record in lockfile.environments.items()
        for run, all_of_it in record.runs.items()
        for attempt in all_of_it
    ]
    blobs = git.blobs_at_hand({attempt.fact("blob") for _, _, attempt in attempts})
    earlier = Earlier(git, project)
    for environment, name, attempt in attempts:
        content = blobs.get(attempt.fact("blob"))
        if content is None or earlier.is_lost(attempt, content):
            done.unseen += 1
        elif _is_in(attempt, earlier.specs(attempt, environment, content)):
            done.digests += 1
        else:
            done.problems.append(
                f"{name}: its file, {attempt.fact('file')} as it was, holds no such request"
            )


def _is_in(attempt: Attempt, specs: Iterable[RunSpec]) -> bool:
    body, keyed = attempt.fact("bodySha256"), attempt.fact("correlationKey")
    return any(
        spec.digest == attempt.digest and (keyed or body in ("", spec.body_sha256))
        for spec in specs
    )


# --- a record that could not be stored -----------------------------------------------


def read_rescued(content: str, where: str) -> list[Mapping[str, Any]]:
    """Read the lines of a rescue file; raises UsageProblem for what isn't one."""
    try:
        # A CI's log puts a time before each line.
        lines = [line[max(0, line.find("{")) :] for line in content.splitlines() if line.strip()]
        entries = [json.loads(line) for line in lines]
        known = entries and all(
            entry["rescueVersion"] == 1 and entry["transition"] for entry in entries
        )
        problem = "" if known else "it is empty, or of another version"
    except (ValueError, KeyError, TypeError, RecursionError) as found:
        problem = str(found)
    if problem:
        raise UsageProblem(
            f"This isn't what a stopped apply saved: {problem}.",
            where=where,
            not_done="The lockfile is as it was.",
            hint="It has one JSON object a line, each with a `transition`; take it from the file "
            "qflow.lock.rescue, or from the log of the apply.",
            reason="rescue_form",
        )
    return entries
