"""Builds what a watch needs, from the command line and the environment."""

from __future__ import annotations

import os
import select
import signal
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from qflow_gitops.base.times import spelled
from qflow_gitops.cli.clock import Stopper
from qflow_gitops.errors import QflowError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Self

    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.git.following import Following
    from qflow_gitops.ports.rounds import Rounds
    from qflow_gitops.watch.health import Health
    from qflow_gitops.watch.processes import Said
    from qflow_gitops.watch.serving import Answer

LAST_MOMENT = 15.0
"""Seconds after a signal: a round ends by itself within seven, and is ended after ten."""
_FETCH = 300.0
"""Seconds that one exchange with the remote may take: the first one may bring much."""

_LACKS = "they need prometheus-client, which isn't installed: `pip install prometheus-client`"


class Waiter(Stopper):
    """Implements `ports.rounds.Patience`: a signal ends a wait at once."""

    def __init__(self) -> None:
        """Begin to listen."""
        self._wakes, told = os.pipe()
        for end in (self._wakes, told):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        super().__init__(LAST_MOMENT)

    def __enter__(self) -> Self:
        """Give it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the signals' bell."""
        os.close(signal.set_wakeup_fd(-1))
        os.close(self._wakes)

    def wait(self, seconds: float) -> None:
        """Wait so long, or until somebody asks to stop."""
        if self():
            return
        wakes = select.poll()
        wakes.register(self._wakes, select.POLLIN)
        wakes.poll(seconds * 1000)


def rounds(wiring: Wiring, environment: str, branch: str, every: float, stop: Stopper) -> Rounds:
    """Build what does a round. Raises QflowError where the folder is no clone with a remote."""
    from qflow_gitops.apply.platforms import one_environment
    from qflow_gitops.fleet.environ import from_anywhere
    from qflow_gitops.git.following import Following, folder_beside, is_bare
    from qflow_gitops.git.remotes import GitRemotes
    from qflow_gitops.git.repository import GitRepo
    from qflow_gitops.sources import settings
    from qflow_gitops.watch.processes import ProcessRounds, Said

    folder = wiring.directory.absolute()
    environ = {**wiring.environ, **from_anywhere(wiring.environ, str(folder))}
    if is_bare(folder, wiring.environ):
        folder = folder_beside(folder, wiring.environ)
        wiring.directory = folder
    repo = wiring.git
    remotes = GitRemotes(repo)

    def follow(preferred: str) -> Following:
        name = remotes.remote(preferred or "origin")
        if not name:
            raise UsageProblem(
                "This clone has no remote to fetch from, or several and none is `origin`.",
                where=str(repo.root),
                not_done="Nothing was fetched, and nothing was sent.",
                hint="`git remote add origin ADDRESS`",
                reason="watch_remote",
            )
        return Following(repo, name, lambda: 0.0 if stop() else _FETCH)

    def read(commit: str) -> Said:
        # Anew: a repository remembers what it was asked, which grows with each commit.
        project = settings.settings(
            GitRepo.open(folder, wiring.environ), commit, wiring.platform, fetch=True
        ).project
        name = one_environment(project, environment)
        own = project.environments[name].branches
        return Said(name, project.lock.store, project.lock.remote, own, project.apply.timeout)

    follow("")
    return ProcessRounds(folder, environ, follow, read, stop, branch, every)


@contextmanager
def showing(
    file: Path | None, listen: str, every: float, say: Callable[[str], None]
) -> Iterator[Callable[[Health], QflowError | None]]:
    """Give what shows how a watch stands: in a file, at an address, or nowhere.

    Raises UsageProblem for an address that can't be listened at.
    """
    from qflow_gitops.watch import health, serving

    with ExitStack() as open_:
        shown = None
        if listen:
            shown = open_.enter_context(serving.listening(listen, _metrics(every, say)))
            say(f"How it stands: {shown.address}/healthz, {shown.address}/metrics")

        def publish(stands: Health) -> QflowError | None:
            if shown:
                shown.health = stands
            said = health.written(file, stands) if file else ""
            return _unwritten(file, said) if said else None

        yield publish


def _metrics(every: float, say: Callable[[str], None]) -> Callable[[Health | None], Answer]:
    """Return what makes the metrics; where nothing can, it says so to whoever asks."""
    try:
        from qflow_gitops.watch.metrics import Metrics
    except ImportError:
        say(f"Without metrics: {_LACKS}")
        from qflow_gitops.watch.serving import unmeasured

        return lambda _: unmeasured(_LACKS)
    return Metrics(every)


def _unwritten(file: object, said: str) -> QflowError:
    return UsageProblem(
        f"How the watch stands can't be written: {said}.",
        where=str(file),
        not_done="Its rounds go on; whoever reads this file sees an old one.",
        hint="Make room, or fix the folder's rights.",
        reason="watch_health",
    )


def begins(every: float, rounds: int) -> str:
    """Say what begins, and when it ends."""
    if rounds:
        return (
            f"Applying {rounds:,} times, every {spelled(every)}."
            if rounds > 1
            else "Applying once."
        )
    return f"Applying every {spelled(every)}, until SIGTERM."
