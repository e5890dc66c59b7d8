"""What it costs an apply to tell others of it, whatever they answer."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks.bench import say
from tests.benchmarks.processes import measured
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers.git import Workspace
from tests.helpers.gitdaemon import free_port
from tests.helpers.receivers import KEY, Answer, receiving
from tests.helpers.sandboxes import served
from tests.helpers.specs import SANDBOX_PROJECT, spec
from tests.helpers.storm import PROGRAM

ELSEWHERE = {"Location": "http://127.0.0.1:9/elsewhere"}
RECEIVERS = {
    "takes all": Answer(204),
    "slow, 1 s each": Answer(204, after=1.0),
    "answers 500": Answer(500),
    "redirects": Answer(302, headers=ELSEWHERE),
    "answers too late": Answer(204, after=60.0),
    "is down": None,
}
"""What a receiver of events is like, beside one of Slack and one of Teams that are the same."""
MOST = 1.02
"""So many times as long an apply takes at most."""


@contextmanager
def _set_up(answer: Answer | None) -> Iterator[dict[str, str]]:
    """Set up three receivers; give the variables that name them."""
    with ExitStack() as stack:
        names = ("QFLOW_NOTIFY_URL", "QFLOW_NOTIFY_SLACK_URL", "QFLOW_NOTIFY_TEAMS_URL")
        if answer is None:
            urls = [f"http://127.0.0.1:{free_port()}/" for _ in names]
        else:
            urls = [stack.enter_context(receiving(rest=answer)).url for _ in names]
        yield {**dict(zip(names, urls, strict=True)), "QFLOW_NOTIFY_KEY": KEY}


def _timed(runs: int, more: dict[str, str], told: str) -> float:
    """Give the seconds of an apply that sends so many runs, each of which takes three seconds."""
    with tempfile.TemporaryDirectory() as folder, served(duration=3.0) as sandbox:
        workspace = Workspace(Path(folder))
        workspace.git("init", "--quiet")
        workspace.git("config", "user.email", "bench@example.com")
        workspace.git("config", "user.name", "bench")
        limits = f"  policy: {{limits: {{runs: {runs}}}}}\n"
        workspace.write("qflow.yaml", SANDBOX_PROJECT + limits + told)
        for number in range(runs):
            workspace.write(f"runs/{number}.yaml", spec(f"run-{number}", number))
        workspace.commit("runs")
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "QFLOW_GATEWAY": sandbox.url,
            "QFLOW_CLIENT_ID": "sandbox",
            "QFLOW_CLIENT_SECRET": "sandbox",
            **more,
        }
        command = [*PROGRAM, "-q", "apply", "--yes", "--concurrency=8"]
        used = measured(command, Path(folder), environ)
        assert len(sandbox.executions()) == runs
    return used.wall / 1e3


def measure(scale: Scale) -> Table:
    """Time an apply with each kind of receiver and without any, in turn."""
    runs, rounds = min(scale.largest // 4, 40), scale.rounds
    found: dict[str, list[float]] = {}
    for number in range(rounds):
        kinds: list[str] = ["", *RECEIVERS]
        for kind in kinds[:: -1 if number % 2 else 1]:
            with _set_up(RECEIVERS.get(kind)) as variables:
                told = "  notify: {}\n" if kind else ""
                seconds = _timed(runs, variables if kind else {}, told)
            found.setdefault(kind, []).append(seconds)
            say(f"{kind or 'nobody is told'}: {seconds:.2f} s")
    without = median(found.pop(""))
    rows = [
        {
            "each receiver": kind,
            "runs": f"{runs}",
            "apply s": f"{median(some):.2f}",
            "without s": f"{without:.2f}",
            "ratio": f"{median(some) / without:.3f}",
        }
        for kind, some in found.items()
    ]
    return Table(
        "A whole `apply` that tells three receivers each thing that happens, beside one that tells "
        f"nobody; medians of {rounds}.",
        rows,
    )
