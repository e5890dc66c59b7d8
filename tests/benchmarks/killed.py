"""What a worker of a fleet costs that is killed amid a member's apply: until that member is done.

    python -m tests.benchmarks killed [--small]

Another worker goes on with it. It may do so once the claim in fleet.lock is over: the member's time
limit and a minute after it began. And a request whose answer nobody got is left alone until its
intent's lease is over, 6 minutes. `--small` has shorter ones.
"""

import tempfile
import time
from pathlib import Path

from qflow_gitops.sandbox.server import SandboxServer
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers.fleets import FleetOnDisk
from tests.helpers.redis import Redis
from tests.helpers.sandboxes import served
from tests.helpers.workers import Fleet, Hurry

SHORT = Hurry(margin=2.0, lease=15.0)
TIME, ANSWER = 20.0, 10.0
"""Seconds that a member may take, and that the server takes to answer its request."""
LONGEST = 600.0
"""Seconds after which something is wrong."""


def measure(scale: Scale) -> Table:
    """Kill a worker alone, and one with all that it started, as when its machine goes."""
    hurry = SHORT if scale.largest <= 100 else Hurry()
    bound = TIME + hurry.margin + hurry.lease
    rows = []
    for what, whole in (("a worker", False), ("a worker and all that it started", True)):
        with tempfile.TemporaryDirectory() as folder, served(duration=0.05) as sandbox:
            took = until_done(Path(folder), sandbox, hurry, whole=whole)
        rows.append(
            {"what is killed": what, "done after": f"{took:.0f} s", "at most": f"{bound:.0f} s"}
        )
    return Table(
        f"A member's time limit is {TIME:.0f} s, its claim lasts {hurry.margin:.0f} s longer, the "
        f"lease of an intent {hurry.lease:.0f} s. The server executes, and takes {ANSWER:.0f} s to "
        "say so: then it is killed.",
        rows,
    )


def until_done(folder: Path, sandbox: SandboxServer, hurry: Hurry, *, whole: bool) -> float:
    """Kill a worker once its member's request is under way; seconds until the fleet is done."""
    disk = FleetOnDisk(folder, ("c1",), more=f"  limits: {{time: {TIME:.0f}s}}\n")
    with Redis(folder) as broker:
        fleet = Fleet(disk, broker, sandbox, hurry)
        try:
            sandbox.set_faults(f"drip={ANSWER:.0f}")
            fleet.work()
            driver = fleet.apply()
            fleet.wait(lambda: bool(sandbox.requests("POST", "/run")))
            fleet.work()
            sandbox.set_faults()
            fleet.lose_one(whole=whole)
            begun = time.monotonic()
            while driver.wait(LONGEST):  # what is still left alone, the next one goes on with
                assert time.monotonic() < begun + LONGEST, fleet.said("")
                driver = fleet.apply()
            assert fleet.sent == ["c1-0"], fleet.said("")
            return time.monotonic() - begun
        finally:
            fleet.close()
