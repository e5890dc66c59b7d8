"""Raise a spec's `rerun` in the work tree, with the reason beside it; a person commits it."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.base.printable import is_hidden
from qflow_gitops.commands import edit_files
from qflow_gitops.errors import InvalidInput, LockError, UsageProblem
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan import same_request
from qflow_gitops.ports.git import GitTree
from qflow_gitops.ports.lockfile import LockStore, Snapshot
from qflow_gitops.results.files import FileChange, Files
from qflow_gitops.results.report import InvalidFiles, Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import specs as reading
from qflow_gitops.sources.lostsettings import rooted
from qflow_gitops.sources.reasons import refuse_secret
from qflow_gitops.sources.runs import run_key
from qflow_gitops.specs import load, schemas
from qflow_gitops.specs.load import SpecSet
from qflow_gitops.specs.spec import RunSpec
from qflow_gitops.yaml import edit, parse
from qflow_gitops.yaml.edit import Refused

ANNOTATION = "rerunReason"
MAX_REASON = 500
_UNCHANGED = "No file was changed."


def rerun(git: GitTree, store: LockStore, project: Project, run: str, reason: str) -> Report:
    """Raise `spec.rerun` of a RUN and put the reason into its annotations.

    The new number is above all that the platform has spent for this request, under whatever
    name, and none that another spec of the work tree asks for. Raises UsageProblem for a
    RUN that isn't there or a reason that can't be kept, InvalidFiles for a spec with
    errors, InvalidInput for a file that can't be edited or written, LockError where the
    lockfile can't be read.
    """
    reason = _checked_reason(reason)
    tree = reading.worktree(git, project)
    catalogs = reading.worktree_connectors(tree, project.folder)
    specs = reading.worktree_specs(tree, project, catalogs)
    spec = _found(specs, run_key(run, project), run)
    recorded = _read(store)
    numbers = _numbers(spec, specs, recorded.lockfile or Lockfile(""), project)
    now = _next(spec, numbers)
    before = git.worktree([spec.file]).read(spec.file.encode()) or b""
    after = _edited(spec, before, now, reason)
    _check(after, spec, project, now, catalogs)
    edit_files.replace(git.root / spec.file, after, not_done="It stays as it was.")
    was = spec.rerun or "absent"
    changes = (
        FileChange(spec.file, "changed", f"rerun of {'/'.join(spec.key)}: {was} → {now}"),
        FileChange(spec.file, "diff", diff=edit_files.difference(spec.file, before, after)),
    )
    notes = (*_why(spec, numbers), *_how_old(recorded))
    return Report("rerun", notes=notes, body=Files(changes, _next_commands(git, spec)))


def _next_commands(git: GitTree, spec: RunSpec) -> tuple[str, ...]:
    call, file = rooted(git), shlex.quote(spec.file)
    message = shlex.quote(f"Rerun {'/'.join(spec.key)}")
    return (
        f"{call} diff -- {file}",
        f"{call} add -- {file} && {call} commit -m {message} -- {file}",
        "qflow-gitops plan",
    )


# --- the reason ----------------------------------------------------------------------


def _checked_reason(text: str) -> str:
    """Return the reason without spaces around it; UsageProblem where it can't be kept."""
    reason = text.strip(" \t\r\n")
    if not reason:
        raise _bad_reason("is empty", "reason_empty")
    if len(reason.splitlines()) > 1:
        raise _bad_reason("has several lines", "reason_lines")
    if is_hidden(reason):
        raise _bad_reason("holds characters that aren't seen, or isn't UTF-8", "reason_control")
    if len(reason) > MAX_REASON:
        raise _bad_reason(f"has {len(reason)} characters", "reason_long")
    refuse_secret(reason, _UNCHANGED)
    return reason


def _bad_reason(what: str, word: str) -> UsageProblem:
    return UsageProblem(
        f"The reason {what}.",
        where="--reason",
        not_done=_UNCHANGED,
        hint=f"Say why in one line of at most {MAX_REASON} characters; the file keeps it as it is.",
        reason=word,
    )


# --- the spec ------------------------------------------------------------------------


def _found(specs: SpecSet, key: RunKey, run: str) -> RunSpec:
    """Return the spec of a run that may be edited."""
    if key in specs.specs:
        return specs.specs[key]
    if key in specs.invalid:
        file = specs.invalid[key].file
        found = tuple(finding for finding in specs.diagnostics if finding.file == file)
        raise InvalidFiles(found, not_done=_UNCHANGED)
    known = {f"{environment}/{name}" for environment, name in (*specs.specs, *specs.invalid)}
    unread = "; files with errors may hold it" if has_errors(specs.diagnostics) else ""
    if not key[0]:
        message = f"The run {suggest.quoted(run)} names no environment, and there is no default one"
    else:
        message = f"There is no run {suggest.quoted('/'.join(key))} in the work tree"
    raise UsageProblem(
        f"{message}{unread}.",
        not_done=_UNCHANGED,
        hint=_for_all_targets(key, specs)
        or _meant(key, known)
        or "`qflow-gitops status` lists the runs.",
        reason="run_unknown",
    )


def _for_all_targets(key: RunKey, specs: SpecSet) -> str:
    """Say what to do where a spec is meant that has targets; "" for another name."""
    named = "/".join(key)
    targets = {"/".join(other): spec for other, spec in specs.specs.items()}
    found = [name for name in sorted(targets) if name.startswith(f"{named}/")]
    if not found:
        return ""
    return (
        f"It has targets: name one of them, as `qflow-gitops rerun {found[0]} --reason TEXT`; for "
        f"all of them set `rerun:` under `spec` in {targets[found[0]].file}."
    )


def _meant(key: RunKey, known: Iterable[str]) -> str:
    """Say which run was probably meant: one of that name elsewhere, or of a name like it."""
    elsewhere = sorted(name for name in known if name.endswith(f"/{key[1]}"))
    close = elsewhere or [name for name in [suggest.near("/".join(key), known)] if name]
    return f"Did you mean {' or '.join(suggest.listed([name]) for name in close)}?" if close else ""


def _edited(spec: RunSpec, content: bytes, number: int, reason: str) -> bytes:
    """Return the file's new text; InvalidInput where it can't be changed without side effects."""
    after = edit.put(content, spec.index, spec.path_of("rerun"), number)
    if not isinstance(after, Refused):
        path = (*spec.path_of("annotations"), ANNOTATION)
        after = edit.put(after, spec.index, path, reason)
    if isinstance(after, Refused):
        raise InvalidInput(
            f"The file can't be edited safely: {after.why}.",
            where=_where(spec, content),
            not_done=_UNCHANGED,
            hint=f"Write `rerun: {number}` {spec.place_of('rerun')} by hand.",
            reason="file_uneditable",
        )
    return after


def _where(spec: RunSpec, content: bytes) -> str:
    """Return file and line, without the line where somebody has just broken the file."""
    for document in parse.parse(content, spec.file).documents[spec.index :]:
        return f"{spec.file}:{document.value_range(spec.path_of('name')).start.line}"
    return spec.file


def _check(
    content: bytes, spec: RunSpec, project: Project, number: int, catalogs: Mapping[str, bytes]
) -> None:
    """Make sure that the new text is valid and asks for the same, before it is written."""
    after = load.load({spec.file: content}, project, catalogs)
    if has_errors(after.diagnostics):
        raise InvalidFiles(after.diagnostics, not_done=_UNCHANGED)
    new = after.specs.get(spec.key)
    if new is None or (new.request, new.rerun) != (spec.request, number):
        raise InvalidInput(
            "The file was changed by somebody else at the same time.",
            where=spec.file,
            not_done="It stays as it is.",
            hint="Look at it, and do it again.",
            reason="file_changed",
        )


# --- the number ----------------------------------------------------------------------


def _read(store: LockStore) -> Snapshot:
    """Read the lockfile; what can't be seen isn't guessed."""
    try:
        return store.read()
    except LockError as problem:
        problem.not_done = _UNCHANGED
        raise


class _Numbers(NamedTuple):
    """Which numbers of a request can't be taken any more, and why.

    `spent` is the highest that was used on the platform, with the attempt, None for none;
    `asked` those of other specs of the work tree.
    """

    spent: tuple[int, Placed] | None
    asked: Mapping[int, RunSpec]

    @property
    def highest(self) -> int:
        """The highest that was used, -1 for none; 0 is a request without `rerun`."""
        return self.spent[0] if self.spent else -1


def _numbers(spec: RunSpec, specs: SpecSet, lockfile: Lockfile, project: Project) -> _Numbers:
    return _Numbers(
        same_request.highest_spent(spec, _maximum(), project, lockfile),
        same_request.numbers_asked(spec, specs.specs.values(), project),
    )


def _maximum() -> int:
    rules = schemas.load("workflow-run")["$defs"]["rerun"]
    return int(rules["maximum"])


def _next(spec: RunSpec, numbers: _Numbers) -> int:
    """Return the lowest number that may be taken, if the schema takes it."""
    lowest, maximum = max(spec.rerun, numbers.highest) + 1, _maximum()
    for number in range(lowest, maximum + 1):
        if number not in numbers.asked:
            return number
    why = f"it is {spec.rerun}"
    if numbers.spent and numbers.highest > spec.rerun:
        why = f"{_shown(numbers.spent[1])}, had {numbers.highest}"
    raise InvalidInput(
        f"`rerun` of {'/'.join(spec.key)} can't be raised any more: {why}.",
        where=spec.file,
        not_done=_UNCHANGED,
        hint="Another request counts from the start: change something in its `input`.",
        reason="rerun_maximum",
    )


def _why(spec: RunSpec, numbers: _Numbers) -> Iterator[str]:
    """Say why the number isn't simply the next one."""
    if numbers.spent and numbers.highest > spec.rerun:
        by = numbers.spent[1]
        on = by.attempt.fact("platform")
        where = f" on platform {on}" if on else ""
        yield f"The number {numbers.highest} of the same request is spent{where}: {_shown(by)}."
    taken = range(max(spec.rerun, numbers.highest) + 1, _next(spec, numbers))
    if taken:
        more = f", and {len(taken) - 1} after it by others" if len(taken) > 1 else ""
        who = "/".join(numbers.asked[taken[0]].key)
        yield f"The number {taken[0]} of the same request is asked for by {who}{more}."


def _shown(by: Placed) -> str:
    return f"{'/'.join(by.key)}, attempt {by.attempt.number}"


def _how_old(recorded: Snapshot) -> Iterator[str]:
    if recorded.copied_at:
        yield (
            f"{recorded.where} can't be asked now. Its copy of {recorded.copied_at} was looked at: "
            "if the number was spent since, the plan holds the run."
        )
