"""What `doctor` says of the repository: the clone, the project in it, and its lockfile."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qflow_gitops.cli import doctor_anchors
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.doctor_ground import found_or_problem
from qflow_gitops.errors import QflowError
from qflow_gitops.results.checks import all_unknown, failed, left_out, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.cli.doctor_ground import Ground
    from qflow_gitops.git.lock_branch import GitBranch
    from qflow_gitops.git.repository import GitRepo
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.lockfile import LockStore, Snapshot
    from qflow_gitops.results.checks import Check
    from qflow_gitops.sources.found import Settings
    from qflow_gitops.specs.load import SpecSet

PATIENCE = 20.0
"""Seconds that the lockfile's remote has for all that is asked of it."""


def look(ground: Ground) -> Iterator[Check]:
    """Look at the repository, as far as there is one."""
    from qflow_gitops.doctor import clone, lock, project, record

    of_settings = [*clone.NAMES, *project.NAMES, project.SCHEMAS, lock.STORE]
    of_settings += [lock.RESCUE, *lock.OF_RECORD, *record.NAMES]
    git, settings = ground.git, ground.settings
    if isinstance(git, QflowError):
        if git.reason == "git_unusable" and ground.asks("machine"):
            yield unknown("repository", "repository", "there is no git to look with")
        else:
            yield clone.found(git)
        names = (clone.COMMIT, project.SETTINGS, *of_settings)
        yield from all_unknown(names, "there is no repository to look at")
        return
    yield clone.found(git)
    yield from _checked_out(ground, git)
    if not isinstance(settings, QflowError) and _is_no_project(ground, git, settings):
        yield project.none()
        yield from all_unknown(of_settings, "there is no project here")
        return
    yield project.settings(settings)
    if isinstance(settings, QflowError):
        yield from all_unknown(of_settings, "the settings can't be read")
        return
    yield from _Look(ground, git, settings).checks()


def _checked_out(ground: Ground, git: GitRepo) -> Iterator[Check]:
    from qflow_gitops.doctor import clone
    from qflow_gitops.git.remotes import GitRemotes

    commit = ground.commit
    if isinstance(commit, QflowError):
        yield failed(*clone.COMMIT, commit.message, commit.hint)
    else:
        yield clone.commit(clone.Head(commit, GitRemotes(git).current()))


def _is_no_project(ground: Ground, git: GitRepo, settings: Settings) -> bool:
    """Whether there are neither settings nor the folder of specs that is meant without any."""
    from qflow_gitops.sources.folders import is_there

    commit = ground.commit
    if settings.content is not None or isinstance(commit, QflowError):
        return False
    return not any(is_there(git, commit, folder) for folder in settings.project.runs)


@dataclass
class _Look:
    """A look at a project whose settings could be read."""

    ground: Ground
    git: GitRepo
    settings: Settings

    def checks(self) -> Iterator[Check]:
        """Look at one thing after the other."""
        yield from self._clone()
        yield from self._project()
        yield from self._lock()
        yield from doctor_anchors.look(self.git, self.settings.project, self._store, self.commit)

    @cached_property
    def commit(self) -> str:
        """The commit that is checked out, "" for none yet."""
        commit = self.ground.commit
        return "" if isinstance(commit, QflowError) else commit

    @cached_property
    def specs(self) -> SpecSet:
        """The specs of that commit. Raises QflowError."""
        from qflow_gitops.sources.specs import all_specs

        wiring = self.ground.wiring
        if not self.commit:
            return all_specs(self.git, "", self.settings.project)
        about = (self.git, self.commit, self.settings, wiring.platform)
        return wiring.loader.specs(*about, settled=None)

    # --- clone and project ---------------------------------------------------------------

    def _clone(self) -> Iterator[Check]:
        from qflow_gitops.doctor import clone
        from qflow_gitops.git import program

        version = found_or_problem(lambda: program.version(self.ground.wiring.environ))
        known = None if isinstance(version, QflowError) else version
        yield from clone.shape(self.git, known, self.settings.project)
        yield clone.hooks(self.git)
        specs = found_or_problem(lambda: self.specs)
        paths = [] if isinstance(specs, QflowError) else _some_files(specs)
        yield clone.declared(self.git, self.settings.project, paths)

    def _project(self) -> Iterator[Check]:
        from qflow_gitops.commands.init import SCHEMA_FOLDER
        from qflow_gitops.doctor import project
        from qflow_gitops.qualys.platforms import gateway_for
        from qflow_gitops.sources import folders
        from qflow_gitops.sources.lostsettings import typed
        from qflow_gitops.sources.specs import parts

        found, environments = self.settings.project, self.ground.environments
        if not isinstance(environments, QflowError):
            none = found_or_problem(lambda: gateway_for("", ""))
            assert isinstance(none, QflowError)  # noqa: S101  that is no platform
            yield project.platform(environments, none)
        missing = folders.missing(self.git, self.commit, found, self._at_hand)
        yield project.folders(found.runs, missing)
        specs = found_or_problem(lambda: self.specs)
        if isinstance(specs, QflowError):
            yield failed("specs", "specs", specs.message, specs.hint)
        else:
            changed = len(self.git.uncommitted(parts(found))) if self.commit else 0
            yield project.specs(specs, self.commit, changed)
        folder = found.folder.path(SCHEMA_FOLDER)
        export = f"qflow-gitops schema export --editor {typed(self.git, folder)}"
        yield project.shipped(_copies(self.git, folder), export)

    def _at_hand(self) -> Lockfile | None:
        """The lockfile as this clone has it; what is wrong with it is told elsewhere."""
        with contextlib.suppress(QflowError):
            return self._store.at_hand()
        return None

    # --- the lockfile --------------------------------------------------------------------

    @cached_property
    def _store(self) -> LockStore:
        wiring, end = self.ground.wiring, time.monotonic() + PATIENCE
        wiring.time_left = lambda: max(0.0, end - time.monotonic())
        return wiring.store_to_look_at(self.settings.project)

    def _lock(self) -> Iterator[Check]:
        from qflow_gitops.cli.streams import is_ci
        from qflow_gitops.doctor import lock, record
        from qflow_gitops.stores.worktree import where_it_stays

        project, wiring = self.settings.project, self.ground.wiring
        in_ci = is_ci(wiring.environ)
        way_on = where_it_stays(here=wiring.ci.stays) if in_ci else ""
        yield lock.store(project, in_ci=in_ci, way_on=way_on)
        yield lock.rescue(project.folder.rescue, _lines(self.git, project.folder.rescue))
        if project.lock.store != "branch":
            yield from self._record(found_or_problem(lambda: self._store.read(whole=True)))
            return
        branch = self._branch()
        there = lock.remote(branch, project.lock.remote)
        yield there
        if there.hint:
            yield from all_unknown(lock.OF_BRANCH, "there is no such remote")
            yield from all_unknown((*lock.OF_RECORD, *record.NAMES), "there is no such remote")
            return
        yield from self._on_branch(branch)

    def _branch(self) -> GitBranch:
        from qflow_gitops.git.lock_branch import GitBranch

        lock, wiring = self.settings.project.lock, self.ground.wiring
        _ = self._store  # from here on its time runs
        return GitBranch(self.git, lock.remote, lock.branch, lambda: wiring.time_left())  # noqa: PLW0108

    def _on_branch(self, branch: GitBranch) -> Iterator[Check]:
        from qflow_gitops.doctor import lock

        if self.ground.asked.offline:
            yield from left_out(lock.OF_BRANCH, "it takes a network (--offline)")
            yield from self._record(found_or_problem(self._copy))
            return
        allowed = self.ground.wiring.environ.get("GIT_ALLOW_PROTOCOL")
        address = _address(self.git, branch.remote)
        spoken = lock.protocol(address, allowed, dict(self.git.configured))
        yield spoken
        if spoken.hint:
            yield from all_unknown(lock.OF_BRANCH[1:], "git may not speak to it")
            yield from self._record(found_or_problem(self._copy))
            return
        asked = found_or_problem(branch.fetch)
        reached = lock.branch(asked)
        yield reached
        if reached.hint:
            yield from all_unknown(lock.OF_BRANCH[2:], "the remote can't be reached")
            yield from self._record(found_or_problem(self._copy), reached=False)
            return
        read = found_or_problem(lambda: self._store.read(whole=True))
        yield lock.push(branch, branch.known().checked or self.commit)
        yield lock.protected()
        yield from self._record(read)

    def _copy(self) -> Snapshot:
        """Return the lockfile as this clone has it, as a command does that can't ask."""
        from qflow_gitops.ports.lockfile import Snapshot

        known = self._branch().known()
        return Snapshot(self._store.at_hand(), self._store.where, known.at)

    def _record(self, read: Snapshot | QflowError, *, reached: bool = True) -> Iterator[Check]:
        from qflow_gitops.doctor import lock, record
        from qflow_gitops.lockfile.ledger import Lockfile as Empty

        if isinstance(read, QflowError):
            yield from lock.unknown_of_record(read)
            yield from all_unknown(record.NAMES, "the lockfile can't be read")
            return
        yield lock.lockfile(read)
        yield lock.lineage(read, self.settings.project)
        yield lock.place(self._store, read.lockfile, reached=reached)
        yield from self._told(read.lockfile or Empty(""))

    def _told(self, lockfile: Lockfile) -> Iterator[Check]:
        from qflow_gitops.commands.schedules import late
        from qflow_gitops.doctor import record
        from qflow_gitops.lockfile import freezes

        project, wiring, now = self.settings.project, self.ground.wiring, SystemClock().now()
        environments = self.ground.environments
        names = [] if isinstance(environments, QflowError) else [each.name for each in environments]
        others = wiring.freezes()
        yield record.frozen([*freezes.recorded(lockfile.freezes), *others])
        open_ones = record.open_ones(lockfile, project, names)
        yield record.intents(open_ones, now)
        yield record.doubts(open_ones, now)
        yield record.expired(lockfile, names)
        yield record.last_apply(lockfile, project, names)
        specs = found_or_problem(lambda: self.specs)
        about = (self.git, wiring.branches, project, lockfile, names, now)
        left = late(*about, None if isinstance(specs, QflowError) else specs, others)
        yield record.schedule([*left], is_shared=project.lock.store == "branch")
        receivers = found_or_problem(lambda: wiring.connections.courier().names)
        yield record.told(receivers, lockfile, asked=project.notify is not None)


def _address(git: GitRepo, remote: str) -> str:
    """Return where a remote is pushed to, as git is told."""
    return os.fsdecode(git.run(["remote", "get-url", "--push", "--", remote])[1]).strip("\n")


def _some_files(specs: SpecSet) -> list[str]:
    """Name files of specs that attributes are asked of: all, as git takes many at once."""
    return sorted({spec.file for spec in specs.specs.values()})[:1000]


def _copies(git: GitRepo, folder: str) -> dict[str, str]:
    """Read the schemas that a work tree holds, by name; those that aren't there are left out."""
    from qflow_gitops.specs import schemas

    found = {}
    for name in schemas.SCHEMAS:
        path = git.root / folder / f"{name}.schema.json"
        with contextlib.suppress(OSError):
            found[name] = path.read_text(encoding="utf-8", errors="replace")
    return found


def _lines(git: GitRepo, file: str) -> int | None:
    """Count the answers of a rescue file, None where there is none; 0 where it can't be read."""
    path = git.root / file
    if not path.exists():
        return None
    try:
        return len(path.read_bytes().splitlines())
    except OSError:
        return 0
