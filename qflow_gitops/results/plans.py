"""A plan, and what it was made from."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.errors import ExitCode
from qflow_gitops.findings.finding import Diagnostic, has_errors
from qflow_gitops.results.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qflow_gitops.base.names import RunKey
    from qflow_gitops.lockfile.freezes import Freeze
    from qflow_gitops.plan.change import Plan
    from qflow_gitops.specs.catalogs import Catalog
    from qflow_gitops.specs.connector_catalogs import Names


class LockSeen(NamedTuple):
    """Which state of the lockfile a command saw; `exists` is False before the first apply.

    `copied_at` is RFC 3339 where it was only a copy from earlier. `commit` is the branch's that has
    it, "" for a file.
    """

    where: str
    exists: bool
    lineage: str = ""
    serial: int = 0
    copied_at: str = ""
    commit: str = ""


class Unsettled(NamedTuple):
    """How many attempts of an environment are under way, and how many may have run."""

    under_way: int = 0
    in_doubt: int = 0


class Beforehand(NamedTuple):
    """A sentence that comes before a plan, and the way on, "" for none."""

    message: str
    hint: str = ""


class Planned(NamedTuple):
    """A plan and what it was made from.

    `commit` is "" for the work tree, `base` the commit of comparison ("" without one),
    `full` whether every spec was looked at. `names` gives connectors their names,
    `catalog` workflows theirs. `freezes` are all that hold, whether or not anything is due.
    `first` comes before everything else: what an apply would refuse, or ask, and where the
    policy at hand holds less than the one up to now. `project` is its folder, "" for the root.
    `goes_on`: all that is due is the rest of a plan that was begun before.
    `merging`: only what a pull request changes is meant. `pages` is what the addresses of the code
    host's pages begin with (`results.pages`), "" for no links.
    `unsettled` is of each environment, whether or not a decision is about it.
    `asks`: an apply that nobody watches looks up who approved what is due.
    `targets` says how many each spec that was read has, {} where only some runs were asked for.
    """

    plan: Plan
    commit: str
    base: str
    full: bool
    lock: LockSeen
    names: Names = MappingProxyType({})
    catalog: Catalog = MappingProxyType({})
    freezes: tuple[Freeze, ...] = ()
    first: tuple[Beforehand, ...] = ()
    project: str = ""
    goes_on: bool = False
    targets: Mapping[RunKey, int] = MappingProxyType({})
    merging: bool = False
    pages: str = ""
    unsettled: Mapping[str, Unsettled] = MappingProxyType({})
    asks: bool = False

    def workflow_name(self, workflow_id: str) -> str:
        """The name that the catalog gives a workflow, "" without one."""
        known = self.catalog.get(workflow_id.lower())
        return known.name if known else ""


def planned(
    body: Planned, found: tuple[Diagnostic, ...], notes: tuple[str, ...], *, exit_code: bool
) -> Report:
    """Report a plan: 3 for invalid specs, 10 for pending runs where the code is asked for."""
    if has_errors(found):
        return Report("plan", ExitCode.INVALID, "invalid", found, notes, body)
    if exit_code and body.plan.due:
        return Report("plan", ExitCode.PENDING, "pending", found, notes, body)
    return Report("plan", ExitCode.OK, "ok", found, notes, body)
