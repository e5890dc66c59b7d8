"""What a fleet costs beside its members alone: plan, apply, and the memory of the driver.

    python -m tests.benchmarks fleet [--small | --sizes N --rounds N]

An apply, here and by Celery's workers, stands beside the same ones by a bare pool of processes, a
plan beside the plans of its members one after another. Each member has a remote of its own; the
server takes 50 ms to answer.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from qflow_gitops.base.times import stamp
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.lockfile.fleet import Seen
from qflow_gitops.lockfile.fleet_codec import from_bytes, to_bytes
from qflow_gitops.policy.waves import MemberStanding
from tests.benchmarks.processes import PROGRAM, Used, measured, medians
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers.clones import Remote
from tests.helpers.fleets import FleetOnDisk
from tests.helpers.redis import PROGRAM as REDIS
from tests.helpers.redis import Redis
from tests.helpers.storm import RunningSandbox, sandbox_process

AT_ONCE, LATENCY, WORKERS = 16, "latency=0.05", 4
BROKER = "QFLOW_FLEET_BROKER"
Way = Callable[[FleetOnDisk, Mapping[str, str]], Used]
_WAVE = "[{}]"
_MORE = f"  apply: {{atOnce: {AT_ONCE}}}\n"


def measure(scale: Scale) -> Table:
    """Time applies, plans and memory of a fleet of 300 members, or so many as `--sizes` says.

    That of `--small` has 4.
    """
    small = scale.largest <= 100
    members, many = (4, 8) if small else (min(scale.largest, 300), 1000)
    rounds = min(scale.rounds, 3)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with sandbox_process(folder, "--fault", LATENCY) as sandbox:
            rows = [
                *_applies(folder / "apply", sandbox, members, rounds, 1 if small else WORKERS),
                _plans(folder / "plan", sandbox, max(4, members // 10), rounds),
                _memory(folder / "memory", sandbox, many),
            ]
    return Table(
        f"{AT_ONCE} members at a time, the server answers after 50 ms. Medians of {rounds}, in "
        "turn, on remotes of their own; what is done first is not counted.",
        rows,
    )


def _names(count: int) -> list[str]:
    return [f"m{number:04}" for number in range(count)]


def _applies(
    folder: Path, sandbox: RunningSandbox, members: int, rounds: int, workers: int
) -> list[dict[str, str]]:
    """Apply all members, two runs each: by the fleet, by workers, and by nothing but processes."""
    folder.mkdir()
    fleet = FleetOnDisk(folder, _names(members), waves=_WAVE, more=_MORE, runs=2)
    environ = fleet.environ(sandbox.url)
    ways: dict[str, Way] = {"fleet": _by_the_fleet, "pool": _by_a_pool}
    with ExitStack() as running:
        if shutil.which(REDIS):
            told = running.enter_context(_workers(fleet, environ, workers))
            ways["celery"] = partial(_by_workers, broker=told)
        used: dict[str, list[Used]] = {how: [] for how in ways}
        for number in range(rounds):
            for how, run in ways.items():
                for name in fleet.names:
                    _change(fleet, name, f"{how}-{number}")
                used[how].append(run(fleet, environ))
    bare = medians(used["pool"])
    rows = [
        _row(f"fleet apply, {members} members with 2 runs", medians(used["fleet"]), bare, "1.25")
    ]
    if "celery" in used:
        what = f"the same by {workers} of Celery's workers, {AT_ONCE // workers} at once each"
        rows.append(_row(what, medians(used["celery"]), bare, "1.5") | {"CPU": ""})
    return rows


@contextmanager
def _workers(fleet: FleetOnDisk, environ: Mapping[str, str], count: int) -> Iterator[str]:
    """Start workers, each in a clone of its own, and give the broker's address."""
    with Redis(fleet.folder) as broker, ExitStack() as running:
        for number in range(count):
            clone = fleet.remote.clone(f"worker-{number}").path
            words = [PROGRAM, "-q", "fleet", "worker", "--concurrency", str(AT_ONCE // count)]
            own = {**environ, BROKER: broker.url}
            process = subprocess.Popen(words, cwd=clone, env=own)
            running.callback(process.wait)
            running.callback(process.terminate)
        yield broker.url


def _by_workers(fleet: FleetOnDisk, environ: Mapping[str, str], broker: str) -> Used:
    words = [PROGRAM, "-q", "fleet", "apply", "--engine", "celery"]
    return measured(words, fleet.clone.path, {**environ, BROKER: broker})


def _change(fleet: FleetOnDisk, name: str, value: str) -> None:
    for number in range(2):
        fleet.change(name, f"{value}-{number}", number)


def _by_the_fleet(fleet: FleetOnDisk, environ: Mapping[str, str]) -> Used:
    return measured([PROGRAM, "-q", "fleet", "apply"], fleet.clone.path, environ)


def _by_a_pool(fleet: FleetOnDisk, environ: Mapping[str, str]) -> Used:
    own = {**environ, "QFLOW_CLIENT_ID": "sandbox", "QFLOW_CLIENT_SECRET": "sandbox"}

    def one(name: str) -> Used:
        clone = fleet.folder / name
        return measured([PROGRAM, "-q", "apply", "--yes"], clone, own)

    return _together(lambda pool: list(pool.map(one, fleet.names)))


def _together(work: Callable[[ThreadPoolExecutor], list[Used]]) -> Used:
    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        each = work(pool)
    wall = (time.perf_counter() - begun) * 1e3
    return Used(wall, sum(one.cpu for one in each), max(one.memory for one in each))


def _plans(folder: Path, sandbox: RunningSandbox, members: int, rounds: int) -> dict[str, str]:
    """Plan members with 30 specs each of which nothing changed, their clones there."""
    folder.mkdir()
    fleet = FleetOnDisk(folder, _names(members), waves=_WAVE, more=_MORE, runs=30)
    environ = fleet.environ(sandbox.url)
    _by_the_fleet(fleet, environ)
    ours, alone = [], []
    for _ in range(rounds):
        ours.append(measured([PROGRAM, "-q", "fleet", "plan"], fleet.clone.path, environ))
        each = [
            measured([PROGRAM, "-q", "plan"], fleet.folder / name, environ) for name in fleet.names
        ]
        alone.append(
            Used(sum(one.wall for one in each), sum(one.cpu for one in each), each[0].memory)
        )
    return _row(
        f"fleet plan, {members} members with 30 specs", medians(ours), medians(alone), "0.35"
    )


def _memory(folder: Path, sandbox: RunningSandbox, members: int) -> dict[str, str]:
    """Plan many members that are done, by what fleet.lock says: what the driver itself takes."""
    folder.mkdir()
    fleet = FleetOnDisk(folder, _names(1), waves=_WAVE, more=_MORE)
    _by_the_fleet(fleet, fleet.environ(sandbox.url))
    fleet.names = tuple(_names(members))
    for name in fleet.names[1:]:
        shutil.copytree(folder / f"{fleet.names[0]}.git", folder / f"{name}.git")
    commit = fleet.write()
    first = Remote(folder / f"{fleet.names[0]}.git")
    heads = [first.git("rev-parse", branch) for branch in ("main", "qflow-lock")]
    before = from_bytes(fleet.remote.git("show", "qflow-fleet:fleet.lock").encode(), "")
    record = replace(before, serial=before.serial + 1, commit=commit)
    seen = Seen(MemberStanding.DONE, 0, "ok", digest="v1:sha256:" + "0" * 64, commit=heads[0],
                lock_commit=heads[1])  # fmt: skip
    at = stamp(SystemClock().now())
    for name in fleet.names:
        record = record.worked(name, seen, at)
    _publish(fleet, to_bytes(record))
    used = measured([PROGRAM, "-q", "fleet", "plan"], fleet.clone.path, fleet.environ(sandbox.url))
    return {
        "what": f"fleet plan, {members:,} members, nothing changed",
        "takes": f"{used.wall / 1e3:.1f} s",
        "beside": "",
        "ratio": "",
        "CPU": f"{used.cpu / 1e3:.1f} s",
        "driver's MiB": f"{used.own:.0f}",
        "target": "80 MiB",
    }


def _publish(fleet: FleetOnDisk, content: bytes) -> None:
    git = fleet.clone.git
    git("fetch", "--quiet", "origin", "qflow-fleet")
    file = fleet.clone.path / "fleet.lock"
    file.write_bytes(content)
    blob = git("hash-object", "-w", "fleet.lock")
    file.unlink()
    tree = subprocess.run(
        ["git", "mktree"], input=f"100644 blob {blob}\tfleet.lock\n", cwd=fleet.clone.path,
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    commit = git("commit-tree", "-p", "FETCH_HEAD", "-m", "many", tree)
    git("push", "--quiet", "origin", f"{commit}:refs/heads/qflow-fleet")


def _row(what: str, ours: Used, beside: Used, target: str) -> dict[str, str]:
    return {
        "what": what,
        "takes": f"{ours.wall / 1e3:.1f} s",
        "beside": f"{beside.wall / 1e3:.1f} s",
        "ratio": f"{ours.wall / beside.wall:.2f}",
        "CPU": f"{ours.cpu / beside.cpu:.2f}",
        "driver's MiB": f"{ours.own:.0f}" if ours.own else "",
        "target": target,
    }
