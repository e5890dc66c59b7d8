"""Rewrite legacy variables to `connectorId`, touching nothing but their own characters."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qflow_gitops import excerpts, files, loader
from qflow_gitops.diagnostics import Position, Range, has_errors
from qflow_gitops.document import Document, decode, parse
from qflow_gitops.errors import ExitCode, InvalidInput
from qflow_gitops.interfaces import GitTree
from qflow_gitops.operations import reading
from qflow_gitops.project import PROJECT_FILE, Project
from qflow_gitops.report import FileChange, Files, Report
from qflow_gitops.spec import LEGACY_VARIABLES, normalised

_PATH = ("spec", "variables")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class _Edit:
    """Characters of a text to replace."""

    where: Range
    text: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a file becomes: `content` is None where nothing changes; `left` says what stays."""

    content: bytes | None = None
    changed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def rewrite(content: bytes, file: str) -> Rewrite:
    """Rewrite one file. Pure, and running it on its own result changes nothing."""
    text, _ = decode(content, file)
    if text is None or not any(name in text for name in LEGACY_VARIABLES):
        return Rewrite()
    parsed = parse(content, file)
    if has_errors(parsed.diagnostics):
        return Rewrite(left=("it has YAML errors; qflow-gitops validate shows them",))
    edits: list[_Edit] = []
    changed: list[str] = []
    left: list[str] = []
    for document in parsed.documents:
        _look_at(document, text, edits, changed, left)
    if not edits:
        return Rewrite(left=tuple(left))
    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
    new = mark + _edited(text, edits).encode()
    if not _means_the_same(parsed.documents, new, file):
        return Rewrite(left=("rewriting it would change more than the legacy variables",))
    return Rewrite(new, tuple(changed), tuple(left))


def _look_at(
    document: Document, text: str, edits: list[_Edit], changed: list[str], left: list[str]
) -> None:
    """Decide about one document; explains what it leaves alone."""
    spec = document.data.get("spec")
    variables = spec.get("variables") if isinstance(spec, dict) else None
    if not isinstance(variables, dict):
        return
    legacy = [name for name in LEGACY_VARIABLES if name in variables]
    if not legacy:
        return
    line = document.keys[(*_PATH, legacy[0])].start.line
    if document.data.get("kind") != "WorkflowRun":
        left.append(f"line {line}: not a run spec (kind: WorkflowRun)")
    elif "connectorId" in variables:
        left.append(f"line {line}: {_beside(variables, legacy)}")
    elif len(legacy) > 1:
        left.append(
            f"line {line}: {' and '.join(legacy)} name two connectors, for which `connectorId` "
            "has no equivalent"
        )
    else:
        _rename(document, text, legacy[0], edits, changed, left)


def _beside(variables: Mapping[str, Any], legacy: list[str]) -> str:
    own = str(variables["connectorId"]).removeprefix("@").lower()
    same = all(str(variables[name]).removeprefix("@").lower() == own for name in legacy)
    names = " and ".join(legacy)
    if same:
        return f"`connectorId` says the same already, and Qualys ignores {names}: remove it by hand"
    return f"`connectorId` names ANOTHER connector than {names}: decide which account is meant"


def _rename(
    document: Document,
    text: str,
    name: str,
    edits: list[_Edit],
    changed: list[str],
    left: list[str],
) -> None:
    key, value = document.keys[(*_PATH, name)], document.values[(*_PATH, name)]
    if not isinstance(document.data["spec"]["variables"][name], str):
        left.append(f"line {key.start.line}: {name} isn't a single connector id")
        return
    written = _slice(text, key)
    if written.strip("'\"") != name:
        left.append(f"line {key.start.line}: the key is written in an unusual way")
        return
    edits.append(_Edit(key, written.replace(name, "connectorId")))
    old = _slice(text, value)
    if old.strip("'\"").startswith("@"):
        edits.append(_Edit(value, old.replace("@", "", 1)))
    changed.append(f"line {key.start.line}: {name} → connectorId")


def _offset(starts: list[int], at: Position) -> int:
    return starts[at.line - 1] + at.column - 1


def _line_starts(text: str) -> list[int]:
    """Where each line begins, counted as the YAML reader counts lines."""
    return [0, *(match.end() for match in _LINE_BREAK.finditer(text))]


def _slice(text: str, where: Range) -> str:
    starts = _line_starts(text)
    return text[_offset(starts, where.start) : _offset(starts, where.end)]


def _edited(text: str, edits: list[_Edit]) -> str:
    starts = _line_starts(text)
    for edit in sorted(edits, key=lambda one: one.where.start, reverse=True):
        begin, end = _offset(starts, edit.where.start), _offset(starts, edit.where.end)
        text = text[:begin] + edit.text + text[end:]
    return text


def _means_the_same(before: Iterable[Document], content: bytes, file: str) -> bool:
    """Whether the new text holds the old data, with today's variables in place of the legacy."""
    after = parse(content, file).documents
    return [_meaning(one) for one in before] == [_meaning(one) for one in after]


def _meaning(document: Document) -> dict[str, Any]:
    data = dict(document.data)
    spec = data.get("spec")
    if isinstance(spec, dict) and isinstance(spec.get("variables"), dict):
        data["spec"] = {**spec, "variables": normalised(spec["variables"])}
    return data


# --- over a repository ---------------------------------------------------------------


def migrate(
    git: GitTree, project: Project, only: tuple[str, ...], *, check: bool, diff: bool
) -> Report:
    """Rewrite the work tree's specs; with `check` or `diff` only say what would change.

    Exit 10 with `check` if something would change. Raises InvalidInput for a file that
    can't be written.
    """
    changes: list[FileChange] = []
    pending = False
    for path, content in sorted(git.worktree_files(project.runs).items()):
        name, _ = loader.spec_name(path)
        if name is None or name == PROJECT_FILE or not reading.covers(only, name):
            continue
        result = rewrite(content, name)
        if result.content is not None:
            pending = True
            if diff:
                changes.append(FileChange(name, "diff", diff=_diff(name, content, result.content)))
            elif not check:
                _write(git.root / name, result.content)
            if not diff:
                what = "pending" if check else "changed"
                changes += [FileChange(name, what, one) for one in result.changed]
        changes += [FileChange(name, "left", one) for one in result.left]
    nothing = () if changes else ("There is nothing to rewrite.",)
    then = ("qflow-gitops plan --worktree",) if pending and not check and not diff else ()
    body = Files(tuple(changes), then)
    if check and pending:
        return Report("migrate", ExitCode.PENDING, "pending", body=body)
    return Report("migrate", notes=nothing, body=body)


def _diff(name: str, old: bytes, new: bytes) -> str:
    """Give the difference to read; not a patch, as what is sensitive in it is masked."""
    before, after = (excerpts.readable(one, name) for one in (old, new))
    return "\n".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm=""))


def _write(path: Path, content: bytes) -> None:
    try:
        files.replace(path, content, mode=os.lstat(path).st_mode & 0o777)
    except OSError as problem:
        raise InvalidInput(
            f"The file can't be written: {problem.strerror}.",
            where=str(path),
            not_done="It stays as it was; files before it are rewritten.",
            reason="file_unwritable",
        ) from None
