"""What a shell completes of a fleet: its members, and what a person can release."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from qflow_gitops.base.paths import FLEET_FILE, ProjectFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.git.repository import GitRepo

_RELEASES = ("credentials=", "moved=1", "rewritten=1", "unmerged=1")


def members(git: GitRepo) -> list[str]:
    """Name the members of the nearest fleet.yaml of the work tree; what is wrong isn't said."""
    return [*_names(_spec(git))]


def releases(git: GitRepo) -> list[str]:
    """Name what `--ack` takes; how many credentials are held, `fleet plan` tells."""
    waves = _spec(git).get("waves", ())
    count = len(waves) if isinstance(waves, list) else 0
    return [*(f"wave={number}" for number in range(1, count + 1)), *_RELEASES]


def _names(spec: dict[str, Any]) -> Iterator[str]:
    listed = spec.get("members")
    for one in listed if isinstance(listed, list) else ():
        name = one.get("name") if isinstance(one, dict) else None
        if isinstance(name, str):
            yield name


def _spec(git: GitRepo) -> dict[str, Any]:
    from qflow_gitops.yaml.parse import parse

    parts = git.prefix.split("/") if git.prefix else []
    for count in range(len(parts), -1, -1):
        file = ProjectFolder("/".join(parts[:count])).path(FLEET_FILE)
        with suppress(OSError):
            documents = parse((git.root / file).read_bytes(), file).documents
            spec = documents[0].data.get("spec") if documents else None
            return spec if isinstance(spec, dict) else {}
    return {}
