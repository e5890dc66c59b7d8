"""What the parts of a doctor's look stand on, each found once for all of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from qflow_gitops.errors import QflowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.git.repository import GitRepo
    from qflow_gitops.settings.project import Environment
    from qflow_gitops.sources.found import Settings

T = TypeVar("T")


class Asked(NamedTuple):
    """What to look at: an environment ("" for all), which parts, and whether by a network.

    `everything`: with as many calls to Qualys as it takes.
    """

    environment: str = ""
    parts: tuple[str, ...] = ()
    offline: bool = False
    everything: bool = False


class Ground:
    """A repository and its settings, or what there was in the way: a part says so and goes on."""

    def __init__(self, wiring: Wiring, asked: Asked) -> None:
        """Take what builds the edges, and what to look at."""
        self.wiring = wiring
        self.asked = asked

    def asks(self, part: str) -> bool:
        """Whether a part is looked at, by its word."""
        return part in self.asked.parts

    @cached_property
    def git(self) -> GitRepo | QflowError:
        """The repository."""
        return found_or_problem(lambda: self.wiring.git)

    @cached_property
    def commit(self) -> str | QflowError:
        """The commit that is checked out; "" where there is none yet, and the work tree counts."""
        return found_or_problem(self.wiring.newest)

    @cached_property
    def settings(self) -> Settings | QflowError:
        """The settings of that commit."""
        commit = self.commit
        if isinstance(commit, QflowError):
            return commit
        return found_or_problem(lambda: self.wiring.settings(commit))

    @cached_property
    def environments(self) -> tuple[Environment, ...] | QflowError:
        """The environments that are looked at; at least one."""
        settings = self.settings
        if isinstance(settings, QflowError):
            return settings

        def chosen() -> tuple[Environment, ...]:
            from qflow_gitops.sources.settings import chosen as names

            project = settings.project
            return tuple(project.environments[each] for each in names(project, environment))

        environment = self.asked.environment
        return found_or_problem(chosen)

    def check_environment(self) -> None:
        """Raise UsageProblem where an environment was asked for that there isn't."""
        found = self.environments
        if isinstance(found, QflowError) and found.reason == "environment_unknown":
            raise found


def found_or_problem(look: Callable[[], T]) -> T | QflowError:
    """Return what a look gives, or the problem that stopped it."""
    try:
        return look()
    except QflowError as problem:
        return problem
