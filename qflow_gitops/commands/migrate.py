"""Rewrite legacy variables to `connectorId`, touching nothing but their own characters."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qflow_gitops.commands import edit_files
from qflow_gitops.errors import ExitCode
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.ports.git import GitTree, Repository
from qflow_gitops.results.files import FileChange, Files
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import settings, specs
from qflow_gitops.sources.folders import by_project
from qflow_gitops.sources.loader import covers
from qflow_gitops.specs.spec import LEGACY_VARIABLES, in_todays_words
from qflow_gitops.specs.targets import overlaid, own_parts
from qflow_gitops.yaml import layout
from qflow_gitops.yaml.document import Document, Path
from qflow_gitops.yaml.layout import Edit, Source
from qflow_gitops.yaml.parse import parse

_PATH: Path = ("spec", "variables")


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a file becomes: `content` is None where nothing changes; `left` says what stays."""

    content: bytes | None = None
    changed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def rewrite(content: bytes, file: str) -> Rewrite:
    """Rewrite one file. Pure, and running it on its own result changes nothing."""
    source = layout.source(content)
    if source is None or not any(name in source.text for name in LEGACY_VARIABLES):
        return Rewrite()
    parsed = parse(content, file)
    if has_errors(parsed.diagnostics):
        return Rewrite(left=("it has YAML errors; qflow-gitops validate shows them",))
    wanted: list[Edit] = []
    changed: list[str] = []
    left: list[str] = []
    for document in parsed.documents:
        _look_at(document, source, wanted, changed, left)
    if not wanted:
        return Rewrite(left=tuple(left))
    new = source.edited(wanted)
    if not _means_the_same(parsed.documents, new, file):
        return Rewrite(left=("rewriting it would change more than the legacy variables",))
    return Rewrite(new, tuple(changed), tuple(left))


def _look_at(
    document: Document, source: Source, wanted: list[Edit], changed: list[str], left: list[str]
) -> None:
    """Decide about one document; explains what it leaves alone."""
    shared = next((own for path, own in _said(document) if path == _PATH), {})
    for path, own in _said(document):
        legacy = [name for name in LEGACY_VARIABLES if name in own]
        if not legacy:
            continue
        line = document.keys[(*path, legacy[0])].start.line
        variables = overlaid(shared, own)
        if document.data.get("kind") != "WorkflowRun":
            left.append(f"line {line}: not a run spec (kind: WorkflowRun)")
        elif "connectorId" in variables:
            left.append(f"line {line}: {_beside(variables, legacy)}")
        elif _has_name(document, path):
            names = " and ".join(legacy)
            left.append(
                f"line {line}: `connector` names the account, and Qualys ignores {names}: remove "
                "it by hand, if it is the right one"
            )
        elif len(legacy) > 1:
            left.append(
                f"line {line}: {' and '.join(legacy)} name two connectors, for which `connectorId` "
                "has no equivalent"
            )
        else:
            _rename(document, source, (*path, legacy[0]), wanted, changed, left)


def _said(document: Document) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Return where variables are given: the spec's own first, then those of its targets."""
    spec = document.data.get("spec")
    if not isinstance(spec, dict):
        return
    if isinstance(spec.get("variables"), dict):
        yield _PATH, spec["variables"]
    for at, target in own_parts(spec):
        if isinstance(target, dict) and isinstance(target.get("variables"), dict):
            yield (*at, "variables"), target["variables"]


def _has_name(document: Document, path: Path) -> bool:
    """Whether a connector is named for these variables, in their target or in the spec."""
    spec = document.data["spec"]
    owners = [spec, *(own for at, own in own_parts(spec) if (*at, "variables") == path)]
    return any("connector" in owner for owner in owners)


def _beside(variables: Mapping[str, Any], legacy: list[str]) -> str:
    own = str(variables["connectorId"]).removeprefix("@").lower()
    same = all(str(variables.get(name)).removeprefix("@").lower() == own for name in legacy)
    names = " and ".join(legacy)
    if same:
        return f"`connectorId` says the same already, and Qualys ignores {names}: remove it by hand"
    return f"`connectorId` names ANOTHER connector than {names}: decide which account is meant"


def _rename(
    document: Document,
    source: Source,
    path: Path,
    wanted: list[Edit],
    changed: list[str],
    left: list[str],
) -> None:
    key, value, name = document.keys[path], document.values[path], str(path[-1])
    given = next(own[name] for above, own in _said(document) if above == path[:-1])
    takes_away = given is None and path[:-1] != _PATH
    if not (isinstance(given, str) or takes_away):
        left.append(f"line {key.start.line}: {name} isn't a single connector id")
        return
    written = source.slice(key)
    if written.strip("'\"") != name:
        left.append(f"line {key.start.line}: the key is written in an unusual way")
        return
    wanted.append(source.edit(key, written.replace(name, "connectorId")))
    old = source.slice(value)
    if old.strip("'\"").startswith("@"):
        wanted.append(source.edit(value, old.replace("@", "", 1)))
    changed.append(f"line {key.start.line}: {name} → connectorId")


def _means_the_same(before: Iterable[Document], content: bytes, file: str) -> bool:
    """Whether the new text holds the old data, with today's variables in place of the legacy."""
    after = parse(content, file).documents
    return [_meaning(document) for document in before] == [_meaning(document) for document in after]


def _meaning(document: Document) -> dict[str, Any]:
    """Return the data with the variables in today's words: the shared ones, and each target's."""
    data = copy.deepcopy(document.data)
    given = dict(_said(document))
    shared = given.get(_PATH, {})
    for path, own in given.items():
        at: Any = data
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = in_todays_words(own if path == _PATH else overlaid(shared, own))
    return data


# --- over a repository ---------------------------------------------------------------


def migrate(
    git: Repository, platform: str, only: tuple[str, ...], *, check: bool, diff: bool
) -> Report:
    """Rewrite the work tree's specs; with `check` or `diff` only say what would change.

    With `only` those at these paths, each in its own project. Exit 10 with `check` if something
    would change. Raises InvalidInput for a file that can't be written.
    """
    changes: list[FileChange] = []
    pending = False
    for folder in by_project(git, only) if only else (git.prefix,):
        at = git.at(folder)
        project = settings.settings(at, "", platform).project
        made, changed = _migrated(at, project, only, check=check, diff=diff)
        changes += made
        pending = pending or changed
    nothing = () if changes else ("There is nothing to rewrite.",)
    then = ("qflow-gitops plan --worktree",) if pending and not check and not diff else ()
    body = Files(tuple(changes), then)
    if check and pending:
        return Report("migrate", ExitCode.PENDING, "pending", body=body)
    return Report("migrate", notes=nothing, body=body)


def _migrated(
    git: GitTree, project: Project, only: tuple[str, ...], *, check: bool, diff: bool
) -> tuple[list[FileChange], bool]:
    """Rewrite a project's specs; give what became of them, and whether anything is to change."""
    changes: list[FileChange] = []
    pending = False
    tree = specs.worktree(git, project)
    paths, odd = specs.spec_paths(tree, project)
    unreadable = (
        finding
        for finding in odd
        if finding.rule == "file-unreadable" and covers(only, finding.file)
    )
    changes += [FileChange(finding.file, "left", finding.message) for finding in unreadable]
    for name in sorted(paths):
        content = tree.read(paths[name]) if covers(only, name) else None
        if content is None:
            continue
        result = rewrite(content, name)
        if result.content is not None:
            pending = True
            if diff:
                changes.append(
                    FileChange(
                        name, "diff", diff=edit_files.difference(name, content, result.content)
                    )
                )
            elif not check:
                edit_files.replace(
                    git.root / name,
                    result.content,
                    not_done="It stays as it was; files before it are rewritten.",
                )
            if not diff:
                what = "pending" if check else "changed"
                changes += [FileChange(name, what, what_changed) for what_changed in result.changed]
        changes += [FileChange(name, "left", what_is_left) for what_is_left in result.left]
    return changes, pending
