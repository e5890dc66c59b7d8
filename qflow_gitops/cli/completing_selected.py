"""The targets that specs select from the catalogs of connectors, by their names for a shell."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from qflow_gitops.base.names import RunKey
from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.git.process import literal_paths
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.settings.project import Project

_WORD = "connectors:"


def selected(
    git: GitRepo, folder: ProjectFolder, runs: Sequence[str]
) -> Mapping[RunKey, Sequence[RunKey]]:
    """Return the targets of each spec that selects them, in files that git knows, by its run.

    Nothing is loaded where no file does; what is wrong with one isn't said.
    """
    options = [
        "--no-color",
        "--no-recurse-submodules",
        "--full-name",
        "-I",
        "-l",
        "-z",
        "-F",
        "-e",
        _WORD,
    ]
    _, out, _ = git.run(["grep", *options, "--", *literal_paths(runs)])
    files = [os.fsdecode(path) for path in out.split(b"\0") if path]
    return dict(_read(git, folder, files)) if files else {}


def _read(
    git: GitRepo, folder: ProjectFolder, files: Sequence[str]
) -> Iterator[tuple[RunKey, Sequence[RunKey]]]:
    from qflow_gitops.specs import connector_catalogs
    from qflow_gitops.specs.seeming import seeming
    from qflow_gitops.yaml.parse import parse

    project = _project(git, folder)
    known, _ = connector_catalogs.load(_catalogs(git, folder), project)
    for file in files:
        with suppress(OSError):
            for document in parse((git.root / file).read_bytes(), file).documents:
                spec = document.data.get("spec")
                names = seeming([document], project, known)
                if names and isinstance(spec, dict) and isinstance(spec.get("targets"), dict):
                    yield names[0], names[1:]


def _project(git: GitRepo, folder: ProjectFolder) -> Project:
    from qflow_gitops.settings.project import without_file
    from qflow_gitops.specs.project_file import load_project

    project = None
    with suppress(OSError, IndexError, KeyError, TypeError, ValueError, AttributeError):
        content = (git.root / folder.settings).read_bytes()
        project, _ = load_project(content, "", folder, known=True)
    return project or without_file("", folder)


def _catalogs(git: GitRepo, folder: ProjectFolder) -> dict[str, bytes]:
    found = {}
    for path in (git.root / folder.connectors).glob("*/*.yaml"):
        with suppress(OSError):
            found[path.relative_to(git.root).as_posix()] = path.read_bytes()
    return found
