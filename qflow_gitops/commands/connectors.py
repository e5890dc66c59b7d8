"""Bring the catalogs of connectors up to date with what Qualys says."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from qflow_gitops.base import atomic
from qflow_gitops.commands.connectors_listed import Sources
from qflow_gitops.commands.connectors_listed import listed as asked_for
from qflow_gitops.commands.connectors_merged import Change, Taken, merged
from qflow_gitops.errors import InvalidInput
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.ports.git import GitTree
from qflow_gitops.ports.qualys import ConnectorListing
from qflow_gitops.results.files import FileChange, listed
from qflow_gitops.results.report import InvalidFiles, Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.lostsettings import rooted
from qflow_gitops.sources.settings import one_environment
from qflow_gitops.specs import connector_catalogs, schemas
from qflow_gitops.specs.connector_catalogs import KEY, path_of
from qflow_gitops.specs.connectors.registry import CONNECTORS
from qflow_gitops.yaml.edit import Refused
from qflow_gitops.yaml.messages import MAX_BYTES
from qflow_gitops.yaml.parse import parse
from qflow_gitops.yaml.update import lines, update

_HEAD = """\
# What Qualys knows of the connectors of `{environment}`, written by `qflow-gitops connectors pull`.
# Names and labels are yours: a pull never changes them.
apiVersion: {version}
kind: ConnectorCatalog
"""
_NOT_DONE = "Nothing was written."


def pull(git: GitTree, project: Project, sources: Sources, environment: str, today: str) -> Report:
    """Write what Qualys says of an environment's connectors, all of it or nothing.

    `today` is a day in UTC. Raises QflowError for what stops it.
    """
    name = one_environment(project, environment)
    before = _read(git, project, name)
    found = asked_for(sources, project.environments[name].platform, name)
    catalogs = list(_catalogs(project, name, before, found.listings, today))
    for catalog in catalogs:
        _write(git.root, catalog)
    changes = [change for catalog in catalogs for change in catalog.changes()]
    call, folder = rooted(git), shlex.quote(project.folder.connectors)
    return listed(tuple(changes), f"{call} add {folder} && {call} commit", found.notes)


# --- what is there -------------------------------------------------------------------


def _read(git: GitTree, project: Project, environment: str) -> dict[str, bytes]:
    """Read the environment's catalogs by cloud, from the disk, also what git ignores.

    Raises InvalidInput, for what a sparse checkout left out as well: it isn't absent.
    """
    _ = git.worktree([project.folder.connectors]).listed
    paths = {cloud: path_of(environment, cloud, project.folder) for cloud in CONNECTORS}
    before: dict[str, bytes] = {}
    for cloud, path in paths.items():
        _check_plain(git.root, path)
        try:
            before[cloud] = (git.root / path).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as problem:
            raise _trouble(path, f"The file can't be read: {problem.strerror}.") from None
    files = {paths[cloud]: content for cloud, content in before.items()}
    _, found = connector_catalogs.load(files, project)
    if has_errors(found):
        raise InvalidFiles(tuple(found), not_done=_NOT_DONE)
    return before


def _check_plain(root: Path, path: str) -> None:
    """Refuse a link on the way: what is written would land elsewhere."""
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        part = "/".join(parts[:count])
        if (root / part).is_symlink():
            raise _trouble(part, "This is a symbolic link: a catalog would be written elsewhere.")


def _trouble(where: str, message: str) -> InvalidInput:
    return InvalidInput(
        message,
        where=where,
        not_done=_NOT_DONE,
        hint="Put the folder or file itself here, with the right to read it.",
        reason="file_unreadable",
    )


# --- what it becomes -----------------------------------------------------------------


class _Catalog(NamedTuple):
    """One cloud's catalog: `content` is None where it isn't to be written."""

    path: str
    what: str
    detail: str
    content: bytes | None = None
    entries: tuple[Change, ...] = ()

    def changes(self) -> list[FileChange]:
        own = FileChange(self.path, self.what, self.detail)
        return [own, *(FileChange(self.path, each.what, each.detail) for each in self.entries)]


def _catalogs(
    project: Project,
    environment: str,
    before: Mapping[str, bytes],
    listings: Mapping[str, ConnectorListing | None],
    today: str,
) -> list[_Catalog]:
    paths = {cloud: path_of(environment, cloud, project.folder) for cloud in CONNECTORS}
    known = {cloud: _entries(before.get(cloud, b""), paths[cloud]) for cloud in CONNECTORS}
    given = project.connector_names([environment])
    made = []
    for cloud, listing in listings.items():
        if listing is None:
            made.append(_Catalog(paths[cloud], "unknown", "Qualys has no list of this cloud"))
            continue
        others = {other: entries for other, entries in known.items() if other != cloud}
        taken = Taken(
            frozenset(name for entries in others.values() for name in entries),
            {
                entry["id"].lower(): paths[other]
                for other, entries in others.items()
                for entry in entries.values()
            },
            given,
        )
        day = "" if listing.without else today  # what seems to be gone may be one of those
        entries, changes = merged(cloud, known[cloud], listing.connectors, taken, day)
        known[cloud] = entries
        changes += [Change("left", f"{title or 'one'}: no id") for title in listing.without]
        made.append(_made(environment, paths[cloud], before.get(cloud), entries, changes))
    return made


def _entries(content: bytes, path: str) -> dict[str, dict[str, Any]]:
    documents = parse(content, path).documents if content else ()
    return dict(documents[0].data[KEY]) if documents else {}


def _made(
    environment: str,
    path: str,
    before: bytes | None,
    entries: dict[str, dict[str, Any]],
    changes: list[Change],
) -> _Catalog:
    detail = f"{len(entries)} connector{'' if len(entries) == 1 else 's'}"
    if before is None and not entries:
        return _Catalog(path, "none", "Qualys shows no connectors", None, tuple(changes))
    if before is None:
        return _Catalog(path, "written", detail, _first(environment, entries, path), tuple(changes))
    (document,) = parse(before, path).documents
    content = update(before, {**document.data, KEY: entries})
    if isinstance(content, Refused):
        raise InvalidInput(
            f"The file can't be brought up to date: {content.why}.",
            where=path,
            not_done=_NOT_DONE,
            hint="Write it without braces, or move the comment out of them.",
            reason="file_unwritable",
        )
    what = "kept" if content == before else "changed"
    return _Catalog(path, what, detail, _small(content, path), tuple(changes))


def _first(environment: str, entries: Mapping[str, Any], path: str) -> bytes:
    text = _HEAD.format(environment=environment, version=schemas.API_VERSION)
    return _small((text + "".join(f"{line}\n" for line in lines({KEY: entries}))).encode(), path)


def _small(content: bytes, path: str) -> bytes:
    if len(content) <= MAX_BYTES:
        return content
    raise InvalidInput(
        f"The file would have more than {MAX_BYTES // 1024} KiB, and couldn't be read any more.",
        where=path,
        not_done=_NOT_DONE,
        hint="Remove entries that are gone, or shorten labels.",
        reason="file_unwritable",
    )


def _write(root: Path, catalog: _Catalog) -> None:
    if catalog.content is None or catalog.what == "kept":
        return
    path = root / catalog.path
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.replace(path, catalog.content, mode=mode)
    except OSError as problem:
        raise InvalidInput(
            f"The file can't be written: {problem.strerror}.",
            where=catalog.path,
            not_done="What was written before it stays.",
            hint="Make room or fix the folder's rights, then run the command again.",
            reason="file_unwritable",
        ) from None
