"""Repositories in which git can't give what a commit holds."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.helpers.git import Workspace


def loose(workspace: Workspace, name: str) -> Path:
    """The file of an object (`HEAD:qflow.yaml`, say), taken out of its pack if need be."""
    one = workspace.git("rev-parse", name)
    path = workspace.path / ".git/objects" / one[:2] / one[2:]
    if not path.exists():
        packs = list((workspace.path / ".git/objects/pack").glob("*.pack"))
        for pack in packs:
            moved = workspace.path / ".git" / pack.name
            pack.rename(moved)
            for beside in pack.parent.glob(pack.stem + ".*"):
                beside.unlink()
            with moved.open("rb") as given:
                subprocess.run(
                    ["git", "unpack-objects", "-q"], stdin=given, cwd=workspace.path, check=True
                )
    path.chmod(0o644)
    return path


def _missing(path: Path) -> None:
    path.unlink()


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no object\n")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


DAMAGE: dict[str, Callable[[Path], None]] = {
    "missing": _missing,
    "garbage": _garbage,
    "empty": _empty,
    "cut": _cut,
}
"""What may become of a loose object."""


def cut_pack(workspace: Workspace) -> None:
    """Put everything into one pack, and cut that short as a full disk would."""
    workspace.git("repack", "-adq")
    (pack,) = (workspace.path / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    content = pack.read_bytes()
    pack.write_bytes(content[: len(content) // 2])
