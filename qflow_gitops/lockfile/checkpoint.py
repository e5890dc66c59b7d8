"""What one write to the lockfile says beside attempts. Pure."""

from typing import Any, NamedTuple

from qflow_gitops.lockfile import outbox
from qflow_gitops.lockfile.notes import Note, note_from_json, note_to_json
from qflow_gitops.lockfile.outbox import OutboxChange


class Checkpoint(NamedTuple):
    """What one write says beside attempts.

    How far an environment was worked on (`latest` "" and `applied_through` None leave it as
    it is; `environment` "" names none), in which `folder` the project lay then ("." for the
    root; it goes with `applied_through`), and events. `last_apply` is when an apply of the
    environment got through (RFC 3339, "" leaves it as it is), `held` which holds of it were told
    last (None likewise), `missed` the apply after which it was told that none came, `outbox` what
    becomes of notices.
    """

    environment: str = ""
    latest: str = ""
    applied_through: str | None = None
    notes: tuple[Note, ...] = ()
    folder: str = ""
    last_apply: str = ""
    held: str | None = None
    missed: str = ""
    outbox: OutboxChange = OutboxChange()

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object, for a journal."""
        return {
            "mark": self.environment,
            "latest": self.latest,
            "appliedThrough": self.applied_through,
            "folder": self.folder,
            "notes": [*map(note_to_json, self.notes)],
            "lastApply": self.last_apply,
            "held": self.held,
            "missed": self.missed,
            "outbox": outbox.change_to_json(self.outbox),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Checkpoint":
        """Read what `to_json` wrote; ValueError, KeyError or TypeError where it isn't that.

        What an earlier version of the program left out is as it is by itself.
        """
        change = data.get("outbox")
        return cls(
            environment=data["mark"],
            latest=data["latest"],
            applied_through=data["appliedThrough"],
            notes=tuple(map(note_from_json, data["notes"])),
            folder=data.get("folder", ""),
            last_apply=data.get("lastApply", ""),
            held=data.get("held"),
            missed=data.get("missed", ""),
            outbox=OutboxChange() if change is None else outbox.change_from_json(change),
        )
