"""Does a round: fetches the branch, and applies its newest commit in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.errors import ExitCode, InvalidInput, QflowError, UsageProblem
from qflow_gitops.fleet.work import Limits, Work, work
from qflow_gitops.ports.rounds import Round
from qflow_gitops.sources.branches import is_named, literal
from qflow_gitops.watch.answers import came_of, notices_left

if TYPE_CHECKING:
    from pathlib import Path

    from qflow_gitops.git.following import Following

LONGEST = 3600.0
"""Seconds that a round's apply may take beside its waiting: for sending, and for slow answers."""
MEMORY = 2 * 2**30
_SHORTEST = 60.0
_TELLING = 60.0
"""Seconds that a round tells others what is left to tell, at most; no longer than the interval."""
_NOTHING = "Nothing was sent."


class Said(NamedTuple):
    """What the settings of a commit say for a watch.

    `branches` are the patterns of those that the environment is applied from, `timeout` the
    seconds that an apply waits.
    """

    environment: str
    store: str
    remote: str
    branches: tuple[str, ...]
    timeout: float


class Tip(NamedTuple):
    """A commit to apply, and what its settings say."""

    commit: str
    said: Said


@dataclass
class ProcessRounds:
    """Implements `ports.rounds.Rounds` in a clone.

    `follow` looks at a remote ("": the usual one), `read` gives what the settings of a commit say.
    `branch` is "" where the settings, or the remote, choose it. `every` are the seconds between
    two rounds: no apply waits longer for executions, so that no round is left out.
    """

    folder: Path
    environ: Mapping[str, str]
    follow: Callable[[str], Following]
    read: Callable[[str], Said]
    stopping: Callable[[], bool]
    branch: str = ""
    every: float = 300.0
    _known: Tip | None = field(default=None, init=False)
    _begun: bool = field(default=False, init=False)

    def work(self) -> Round:
        """Fetch, apply, tell, tidy up; see `ports.rounds.Rounds`."""
        try:
            tip = self._brought()
        except UsageProblem as problem:
            if not self._begun:
                raise
            return _kept_from(problem)
        except QflowError as problem:
            return _kept_from(problem)
        self._begun = True
        waits = min(tip.said.timeout, max(self.every, _SHORTEST))
        words = ["apply", "--unattended", "-e", tip.said.environment, "--to", tip.commit]
        found = self._run([*words, "--timeout", f"{waits:.0f}s"], waits + LONGEST)
        ended = came_of(found, tip.commit)
        if notices_left(found.report) and not self.stopping():
            ended = self._tell(ended)
        if not self.stopping():
            self.follow(tip.said.remote).tidy()
        return ended

    def _tell(self, ended: Round) -> Round:
        """Tell others what is left to tell, the only place where a round does.

        What is left then is told of unless something else is the matter; it changes no exit code.
        """
        seconds = min(_TELLING, self.every)
        words = ["notify", "--to", ended.commit, "--timeout", f"{seconds:.0f}s"]
        told = self._run(words, seconds + _TELLING)
        if not told.exit_code or ended.problem:
            return ended
        return ended._replace(problem=came_of(told, "").problem)

    def _run(self, words: Sequence[str], seconds: float) -> Work:
        limits = Limits(seconds, MEMORY, setting="")
        return work(words, self.folder, self.environ, limits, stopping=self.stopping)

    def _brought(self) -> Tip:
        """Fetch the branch's newest commit, and read its settings if it is another one.

        Raises QflowError; UsageProblem for what isn't watched at all.
        """
        remote = self._known.said.remote if self._known else ""
        following = self.follow(remote)
        tips = following.ask(self.branch)
        first = self.branch or tips.default
        if not first:
            raise UsageProblem(
                f"The remote {following.remote} names no branch of its own as the default one.",
                where=following.remote,
                not_done=_NOTHING,
                hint="Name the one to apply: `qflow-gitops watch --branch NAME`",
                reason="watch_branch",
            )
        found = self._tip(following, first, tips.commits)
        own = self.branch or _branch_of(found.said, tips.default)
        if own != first:
            found = self._tip(following, own, following.ask(own).commits)
        self._known = found
        return found

    def _tip(self, following: Following, branch: str, commits: Mapping[str, str]) -> Tip:
        if branch not in commits:
            raise InvalidInput(
                f"The remote {following.remote} has no branch {branch}.",
                where=following.remote,
                not_done=f"Nothing was fetched. {_NOTHING}",
                hint=f"What it has: `git ls-remote --heads {following.remote}`",
                reason="watch_branch",
            )
        commit = commits[branch]
        following.bring(branch, commit)
        if self._known and self._known.commit == commit:
            return self._known
        return Tip(commit, _watched(self.read(commit)))


def _watched(said: Said) -> Said:
    """Refuse a project that can't be watched. Raises UsageProblem."""
    if said.store != "branch":
        raise UsageProblem(
            "The lockfile of this project is a file in the work tree, and a watch touches none.",
            not_done=_NOTHING,
            hint="Keep it on a branch of the remote: `qflow-gitops lock move --to branch`",
            reason="watch_store",
        )
    return said


def _branch_of(said: Said, default: str) -> str:
    """Choose the branch to apply: the only one that the settings name, else the default one."""
    if not said.branches or is_named(default, said.branches):
        return default
    if len(said.branches) == len(names := literal(said.branches)) == 1:
        return names[0]
    raise UsageProblem(
        f"{said.environment} is applied from several branches: {', '.join(said.branches)}.",
        not_done=_NOTHING,
        hint=f"Name the one to watch: `qflow-gitops watch -e {said.environment} --branch NAME`",
        reason="watch_branch",
    )


def _kept_from(problem: QflowError) -> Round:
    code = ExitCode(problem.exit_code)
    return Round(code, problem.reason, problem)
