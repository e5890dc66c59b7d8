"""What the files of a repository count on, for its host to be held against."""

from typing import NamedTuple


class Pipeline(NamedTuple):
    """What a CI's files of one project say; each is empty where they don't.

    `gates` are the environments of jobs in which a person lets runs through, `applies` those of the
    jobs that send. `check` is the job that rules are to require, `crons` are its schedules (UTC),
    `started_by` the branches whose pushes start it. `actions` are those used (OWNER/NAME@REF),
    `tool` is the one of them that is this program. `secrets` are the names that jobs are given,
    `triggers` the events that start it. `place` is the repository that it is for, "" where it
    doesn't say. `seconds` is how long a job that sends may take, None where the host says it.
    """

    files: tuple[str, ...] = ()
    scheduled: str = ""
    gates: tuple[str, ...] = ()
    applies: tuple[str, ...] = ()
    check: str = ""
    crons: tuple[str, ...] = ()
    started_by: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    place: str = ""
    seconds: float | None = None

    @property
    def environments(self) -> tuple[str, ...]:
        """All environments, each once."""
        return tuple(dict.fromkeys((*self.gates, *self.applies)))


class Written(NamedTuple):
    """One file of the CI: as it is at the commit (None: not there), as this version writes it.

    `unset` is whether what a person was to replace in it still stands there, `missing` names the
    jobs that it hasn't got.
    """

    path: str
    found: bytes | None
    wanted: str
    unset: bool = False
    missing: tuple[str, ...] = ()


class Owners(NamedTuple):
    """The file that names code owners ("" for none), and what of the project none of them owns."""

    file: str
    unowned: tuple[str, ...]


class Expected(NamedTuple):
    """What to hold a host against.

    `lock` is the lockfile's branch, "" where it lives in the work tree. `timeout` is how long an
    apply waits, in seconds. `renew` is the command that writes the CI's files anew, "" for none;
    `version` is that of this program. `owners` is None where a host has no such file.
    `unread` says why the pipeline isn't known, "" where it is.
    """

    pipeline: Pipeline
    files: tuple[Written, ...] = ()
    lock: str = ""
    timeout: float = 0.0
    renew: str = ""
    version: str = ""
    owners: Owners | None = None
    unread: str = ""
