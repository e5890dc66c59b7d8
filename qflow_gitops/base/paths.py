"""The files of a project that the program itself names, and where they lie in a repository."""

from typing import NamedTuple

PROJECT_FILE = "qflow.yaml"
FLEET_FILE = "fleet.yaml"
LOCK_FILE = "qflow.lock"
RESCUE_FILE = f"{LOCK_FILE}.rescue"
CATALOG_FOLDER = "workflows"
CONNECTORS_FOLDER = "connectors"


def folder_form(name: str) -> str:
    """Return the one form of a folder: `./a//b/` and `a/b` are one, `.` is all there is."""
    return "/".join(part for part in name.split("/") if part not in ("", ".")) or "."


class TreeFile(NamedTuple):
    """One entry of a commit: raw path bytes, octal mode (`100644`), blob id.

    Of the work tree the same, with "" for the id.
    """

    path: bytes
    mode: str
    blob: str


class ProjectFolder(NamedTuple):
    """Where a project lies: its folder from the repository's root, with `/`; "" for the root.

    The one place that knows how a path of a project becomes one of its repository. Paths are
    shown, recorded and compared from the root, wherever a project lies.
    """

    name: str = ""

    def path(self, inside: str) -> str:
        """Return a path of the project (`.` for all of it) as one of the repository."""
        if inside == ".":
            return self.name or "."
        return f"{self.name}/{inside}" if self.name else inside

    @property
    def settings(self) -> str:
        """The project's settings."""
        return self.path(PROJECT_FILE)

    @property
    def catalog(self) -> str:
        """The folder of what is known of workflows."""
        return self.path(CATALOG_FOLDER)

    @property
    def connectors(self) -> str:
        """The folder of what is known of connectors."""
        return self.path(CONNECTORS_FOLDER)

    @property
    def lockfile(self) -> str:
        """The lockfile, where it is a file of the work tree."""
        return self.path(LOCK_FILE)

    @property
    def rescue(self) -> str:
        """What an apply saves where its lockfile can't be written."""
        return self.path(RESCUE_FILE)


ROOT = ProjectFolder()
