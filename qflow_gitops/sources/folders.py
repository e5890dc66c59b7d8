"""Green means looked at: folders of specs that aren't there, paths that are no spec."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import PROJECT_FILE, ROOT
from qflow_gitops.findings.finding import START_OF_FILE, Diagnostic, error, in_order, warning
from qflow_gitops.sources import lostsettings, place
from qflow_gitops.sources.loader import covers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.git import GitTree, Repository
    from qflow_gitops.settings.project import Project
    from qflow_gitops.specs.load import SpecSet


def checked(
    specs: SpecSet, git: Repository, commit: str, project: Project, lockfile: Lockfile
) -> SpecSet:
    """Add what is to be said of folders that aren't there ("" for the commit: the work tree)."""
    found = missing(git, commit, project, lambda: lockfile)
    return specs._replace(diagnostics=in_order([*specs.diagnostics, *found])) if found else specs


def missing(
    git: Repository, commit: str, project: Project, recorded: Callable[[], Lockfile | None]
) -> list[Diagnostic]:
    """Find the folders of `runs:` that aren't there.

    An error where a run was sent from there, and where no folder is there at all. `recorded`
    gives the lockfile, if it comes to that.
    """
    gone = [folder_name for folder_name in project.runs if not is_there(git, commit, folder_name)]
    if not gone:
        return []
    nothing = len(gone) == len(project.runs)
    lockfile = None if nothing else recorded()
    return [
        _about(git, commit, folder_name, project, lockfile, nothing=nothing) for folder_name in gone
    ]


def is_there(git: GitTree, commit: str, folder: str) -> bool:
    """Whether a folder is there, or something of that name which is no plain file."""
    above, _, _ = folder.rpartition("/")
    entry = git.listing(commit, above).get(folder.encode())
    return folder == "." or (entry is not None and not entry.mode.startswith("100"))


def _about(
    git: Repository,
    commit: str,
    folder: str,
    project: Project,
    lockfile: Lockfile | None,
    *,
    nothing: bool,
) -> Diagnostic:
    settings = project.folder.settings
    place = project.places.get(folder, START_OF_FILE)
    sent = lockfile is not None and any(_sent_from(folder, lockfile))
    if not (nothing or sent):
        hint = f"Name the right one under `runs:` in {settings}, or take it out there."
        return warning("runs-unused", f"There is no folder `{folder}`.", settings, place, hint)
    what = ", from which runs were sent" if sent else ""
    others = "nor any other that is named" if len(project.runs) > 1 else "and no other is named"
    what += f", {others}: nothing was looked at" if nothing else ""
    return error(
        "runs-missing",
        f"There is no folder `{folder}`{what}.",
        settings,
        place,
        _way_on(git, commit, folder, settings),
    )


def _way_on(git: Repository, commit: str, folder: str, settings: str) -> str:
    back = lostsettings.put_back(git, commit, folder)
    file = shlex.quote(f"{folder}/README.md")
    keep = f"mkdir -p {shlex.quote(folder)} && touch {file}"
    if commit:
        keep += f" && git add {file} && git commit -m 'Keep the folder' {file}"
    if git.prefix:
        keep = f"cd {shlex.quote(str(git.root))} && {keep}"
    if back:
        return (
            f"Put it back: `{back}`. If its specs are meant to be gone, take it out under `runs:` "
            f"in {settings}, or keep the folder: `{keep}`"
        )
    if elsewhere := lostsettings.elsewhere(git, commit):
        return f"Projects of this repository lie elsewhere: {elsewhere}"
    return (
        f"Name the right one under `runs:` in {settings}, or begin it: `{keep}`. "
        "`qflow-gitops init` begins a project."
    )


def _sent_from(folder: str, lockfile: Lockfile) -> Iterator[bool]:
    for environment in lockfile.environments:
        for summary in lockfile.overview(environment).summaries.values():
            yield covers((folder,), summary.file)


# --- paths of the command line -------------------------------------------------------


def overlooked(
    git: GitTree, project: Project, paths: Iterable[str], is_looked_at: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Find the paths of the work tree that were to be looked at, and hold nothing to look at."""
    folder = project.folder
    for path in paths:
        if covers((path,), folder.settings) or is_catalog(path, folder) or is_looked_at(path):
            continue
        message, hint = _why(git, project, path)
        yield error("path-no-spec", message, path, hint=hint)


def is_catalog(path: str, folder: ProjectFolder) -> bool:
    """Whether a path is a catalog, a file of one or an environment's folder in it."""
    if path.startswith(folder.connectors + "/"):
        ending = path[path.rfind("/") :].rpartition(".")
        return not ending[1] or ending[2].lower() in ("yaml", "yml")
    return path in (folder.catalog, folder.connectors) or (
        path.startswith(folder.catalog + "/") and path.endswith(".json")
    )


def _why(git: GitTree, project: Project, path: str) -> tuple[str, str]:
    folder, other = project.folder, place.nearest(git, path)
    if path == folder.lockfile:
        return "This is the lockfile, not a spec.", "`qflow-gitops lock verify` checks it."
    if other is not None and other != folder:
        inside = "." if path == other.name else path.removeprefix(f"{other.name}/")
        command = f"qflow-gitops -C {lostsettings.typed(git, other.name)} validate"
        return (
            f"This belongs to the project in `{other.name or '.'}`.",
            f"`{command} {shlex.quote(inside)}`",
        )
    if is_there(git, "", path):
        return "No spec of this project is in there.", "`qflow-gitops validate` checks all of it."
    if not any(covers((folder,), path) for folder in project.runs):
        named = ", ".join(project.runs)
        return (
            f"This is no spec of this project: specs lie in {named}.",
            f"Put it there, or name its folder under `runs:` in {folder.settings}.",
        )
    if not path.lower().endswith((".yaml", ".yml")):
        return "Specs are .yaml and .yml files: this one isn't read.", "Leave it out."
    return (
        "git ignores this file, so no commit holds it.",
        f"`git check-ignore -v {lostsettings.typed(git, path)}` says why.",
    )


# --- whose a path is -----------------------------------------------------------------


def by_project(git: Repository, paths: Iterable[str]) -> dict[str, list[str]]:
    """Sort paths of the work tree by the folder of the project that each is part of.

    What is in none is left out. Raises InvalidInput where the settings of some are gone.
    """
    paths = tuple(paths)
    moved = any(path.rpartition("/")[2] == PROJECT_FILE for path in paths)
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        folder = _project_of(git, path, moved=moved)
        if folder is not None:
            found.setdefault(folder, []).append(path)
    return found


def _project_of(git: Repository, path: str, *, moved: bool) -> str | None:
    """Return the folder of the project that a path is part of, None where it is of none.

    `moved`: settings that the work tree lost in one folder may be those that another one got.
    """
    above = path.rpartition("/")[0]
    folder = place.nearest(git, path)
    if folder is not None:
        return folder.name
    if place.is_called_alike(path):
        return above
    if not moved:
        lostsettings.check_not_lost(git, place.folders_above(above))
    is_ours = covers((ROOT.path("runs"),), path) or is_catalog(path, ROOT)
    return ROOT.name if is_ours else None
