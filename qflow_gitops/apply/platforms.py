"""From an attempt to the Qualys that it went to, and to no other.

One set of credentials belongs to one platform: what was recorded on another one is neither
asked for there (the credentials would meet a foreign gateway) nor here (it isn't known here).
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from qflow_gitops.errors import AGAIN, QflowError, UsageProblem
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.settings import chosen


@dataclass(frozen=True, slots=True)
class Gateways:
    """Connects to an environment's platform. `connect` gives the client and its gateway's name."""

    connect: Callable[[str], tuple[Qualys, str]]
    project: Project

    def of(self, environment: str) -> tuple[Qualys, str]:
        """Return the client of an environment's platform, and its gateway's name."""
        return self.connect(self.project.environments[environment].platform)

    def start_connecting(self, environment: str) -> None:
        """Begin to get a token for an environment, while there is something else to do.

        What is wrong with it is said where it is needed.
        """
        with contextlib.suppress(QflowError):
            self.of(environment)[0].start_connecting()

    def is_here(self, environment: str, attempt: Attempt) -> bool:
        """Whether an attempt went to the platform, and gateway, that its environment has now.

        An environment that is gone without a word may be any of those that there are.
        """
        platform = attempt.fact("platform")
        if platform not in self._platforms(environment):
            return False
        return platform != "private" or attempt.fact("gateway") == self.connect(platform)[1]

    def _platforms(self, environment: str) -> frozenset[str]:
        environments = self.project.environments
        here = environments.get(environment)
        some = [here] if here else environments.values()
        return frozenset(environment.platform for environment in some)

    def asked(self, environment: str, attempt: Attempt, by: str = "") -> Qualys:
        """Return the client that knows an attempt; UsageProblem where it went elsewhere.

        `by` is the environment whose credentials are at hand, "" for any.
        """
        here = environment if environment in self.project.environments else by
        if not self.is_here(here, attempt):
            raise self._elsewhere(environment, attempt)
        return self.connect(attempt.fact("platform"))[0]

    def _elsewhere(self, environment: str, attempt: Attempt) -> UsageProblem:
        platform, gateway = attempt.fact("platform"), attempt.fact("gateway")
        way = f"Set `platform:` of {environment} in qflow.yaml back to {platform}, in a commit"
        if environment not in self.project.environments:
            way = (
                f"Put {environment} back under `environments:` of qflow.yaml, with `platform: "
                f"{platform}`, in a commit"
            )
        elif platform in self._platforms(environment):
            way = f"Set QFLOW_GATEWAY back to {gateway}, with its credentials"
        return UsageProblem(
            f"It was sent to platform {platform}, gateway {gateway}, which isn't where "
            f"{environment} is now.",
            where=environment,
            not_done="Nobody was asked, and the lockfile is as it was.",
            hint=f"{way}, and look again; when it is settled, that can be changed once more.",
            reason="target",
        )


def several_platforms(environment: str) -> UsageProblem:
    """Say that somebody has to name whose credentials are at hand; this environment's, say."""
    return UsageProblem(
        "The project's environments are on several platforms, each with its own credentials.",
        not_done="Qualys was not asked.",
        hint=f"Name the one that yours belong to: `{AGAIN} -e {environment}`",
        reason="environment_needed",
    )


def one_environment(project: Project, asked: str) -> str:
    """Return the one environment to work on; UsageProblem where one has to be named."""
    environments = chosen(project, asked)
    if len(environments) > 1:
        raise UsageProblem(
            f"The project has several environments: {', '.join(environments)}.",
            not_done="Nothing was sent.",
            hint=f"Name one, each may be another subscription with its own credentials: "
            f"`{AGAIN} -e {environments[0]}`",
            reason="environment_needed",
        )
    return environments[0]
