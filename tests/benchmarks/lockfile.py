"""What recorded runs cost: `python -m tests.benchmarks lockfile [--against TREE] [--only PART,…]`.

TREE is a checkout of another version of the program, whose lockfile may have another form; both
are measured in turn, in one run. `--small` shows that it works, `--sizes 1000` measures with 1,000
recorded runs, and with 5,000 where it says 50,000 else. The whole of it takes an hour; a part,
for example `--only wave`, a minute or more.

Each command is a process of its own in a fresh clone, its remote a bare repository on the same
disk (TMPDIR says which), packed as a host packs it, with a branch of nine commits. Ten runs are
changed; a label selects them, so that the same command sends the same on an empty lockfile.

What a process takes at most is its own memory, and in brackets that of one that it started,
where that takes more. On a busy machine the ratio of processor time is the one to read.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks import store
from tests.benchmarks.bench import Bench, Row, say
from tests.benchmarks.processes import Used
from tests.benchmarks.recorded import DUE, Origin
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.benchmarks.trees import Desk, Tree, desk
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.storm import at_once, sandbox_process

LIMIT = 1800.0  # seconds that a storm may take
ALONE = ("--single-branch", "--branch=main")
"""A clone as a CI makes it: it has to fetch the lockfile."""


def _applies(bench: Bench, *, wait: bool) -> list[Row]:
    options = ("apply", "--yes", *DUE) if wait else ("apply", "--yes", "--no-wait", *DUE)
    name = "apply" if wait else "apply --no-wait"
    rows = []
    for count, adds, whole in (
        (bench.long, "≤ 0.20", "≤ 0.60"),
        (bench.longest, "≤ 0.15", "peak ≤ 0.45"),
    ):
        origin = bench.origin(count)

        def measure(one: Tree, origin: Origin = origin) -> dict[str, Used]:
            with desk(one, origin.recorded(one.form)) as at:
                used = at.sent(*options, count=10)
            with desk(one, origin.empty(one.form)) as at:
                return {"recorded": used, "empty": at.sent(*options, count=10)}

        used = bench.in_turn(measure)
        rows += [
            bench.added(f"{name}, what they add", count, used["recorded"], used["empty"], adds),
            bench.timed(f"{name}, the whole process", count, used["recorded"], whole),
            bench.timed(f"{name}, the same specs, empty lockfile", 0, used["empty"]),
        ]
    return rows


def _looking(bench: Bench) -> list[Row]:
    """Apply with nothing due, and status."""
    origin = bench.origin(bench.long)

    def measure(one: Tree) -> dict[str, Used]:
        with desk(one, origin.settled(one.form)) as at:
            nothing = at.sent("apply", "--yes", count=0)
        with desk(one, origin.recorded(one.form)) as at:
            return {"nothing": nothing, "status": at.run("status"), "again": at.run("status")}

    used = bench.in_turn(measure)
    return [
        bench.timed("apply, nothing due", bench.long, used["nothing"], "≤ 0.60"),
        bench.timed("status, fresh clone", bench.long, used["status"], "≤ 0.60"),
        bench.timed("status, again", bench.long, used["again"]),
    ]


def _report(bench: Bench) -> list[Row]:
    """Tell an auditor of all attempts, each as it was sent; programs of them get a long text."""
    origin = bench.origin(bench.long)

    def measure(one: Tree) -> dict[str, Used]:
        if not one.has("report", "--live"):
            return {}
        with desk(one, origin.settled(one.form)) as at:
            return {name: at.run("report", "--format", name) for name in _REPORTS}

    used = bench.in_turn(measure)
    return [
        bench.timed(f"report --format {name}", bench.long, used[name], target)
        for name, target in _REPORTS.items()
        if name in used
    ]


_REPORTS = {
    "text": "≤ 5", "html": "≤ 5, peak ≤ 150 MiB", "json": "peak ≤ 150 MiB",
    "ocsf": "peak ≤ 150 MiB",
}  # fmt: skip
"""Formats of the report, each with its target; `text` is the first in a fresh clone."""


def _verify(bench: Bench) -> list[Row]:
    origin = bench.origin(bench.longest)
    quick = {one.name: one.has("lock", "verify", "--quick") for one in bench.trees}

    def measure(one: Tree) -> dict[str, Used]:
        with desk(one, origin.recorded(one.form)) as at:
            found = {"whole": at.run("lock", "verify")}
        if quick[one.name]:
            with desk(one, origin.recorded(one.form)) as at:
                found["quick"] = at.run("lock", "verify", "--quick")
        return found

    used = bench.in_turn(measure)
    rows = [bench.timed("lock verify", bench.longest, used["whole"])]
    if quick[bench.mine.name]:
        both = {**used["whole"], **used["quick"]}
        what = "lock verify --quick, beside the other's lock verify"
        rows.insert(0, bench.timed(what, bench.longest, both, "≤ 0.10"))
    return rows


def _plans(bench: Bench) -> list[Row]:
    origin = bench.origin(bench.long)

    def measure(one: Tree) -> dict[str, Used]:
        with desk(one, origin.recorded(one.form)) as at:
            found = {"fresh": at.run("plan"), "again": at.run("plan")}
        with desk(one, origin.recorded(one.form), ALONE) as at:
            return {**found, "fetched": at.run("plan")}

    used = bench.in_turn(measure)
    return [
        bench.timed("plan, fresh clone", bench.long, used["fresh"], "≤ 1.1"),
        bench.timed("plan, again", bench.long, used["again"], "≤ 0.7"),
        bench.timed("plan, clone of one branch: fetches the other", bench.long, used["fetched"]),
    ]


def _wave(bench: Bench) -> list[Row]:
    few, many = max(100, bench.long // 10), bench.longest
    mine = bench.mine
    took: dict[int, list[float]] = {few: [], many: []}
    for _ in range(bench.rounds):
        for count, times in took.items():
            times.append(store.wave_seconds(mine, bench.origin(count)) * 1e3)
            say(f"{mine.name}: a wave on {count} {times[-1]:.0f} ms")
    least, most = (sorted(some)[len(some) // 2] for some in took.values())
    name = "one wave's commit and push"
    beside = f"{most / least:.2f} x that on {few:,}"
    return [
        bench.row(name, few, {mine.name: least}, "ms"),
        bench.row(name, many, {mine.name: most}, "ms", "grows ≤ 1.3 x", beside=beside),
    ]


def _storm(bench: Bench) -> list[Row]:
    processes, runs = (4, 12) if bench.long < 1000 else (16, 50)
    origin = bench.origin(bench.long, runs)
    found: dict[str, dict[str, float]] = {"recorded": {}, "empty": {}}
    for one in bench.trees:
        for case, template in (
            ("empty", origin.empty(one.form)),
            ("recorded", origin.recorded(one.form)),
        ):
            with desk(one, template) as at:
                found[case][one.name] = _stormed(at, processes, runs)
            say(f"{one.name}: storm, {case} {found[case][one.name]:.1f} s")
    beside = "; ".join(
        f"{one.name}: {found['recorded'][one.name] / found['empty'][one.name]:.2f} x empty"
        for one in bench.trees
    )
    name, target = f"storm, {processes} processes, {runs} runs", "≤ 1.5 x empty"
    return [
        bench.row(name, bench.long, found["recorded"], "s", target, beside=beside),
        bench.row(f"{name}, same specs, empty lockfile", 0, found["empty"], "s"),
    ]


def _stormed(at: Desk, processes: int, runs: int) -> float:
    """Let so many clones apply at once; fails where a run is sent twice or not at all."""
    remote = Remote(at.folder / "remote.git")
    clones = [remote.clone(f"clone-{number}") for number in range(processes)]
    with sandbox_process(at.folder, "--fault", "latency=0.05") as sandbox:
        environ = at.tree.environ(at.folder, sandbox.url)
        ended, seconds = at_once(clones, environ, *DUE, limit=LIMIT)
        executed = Counter(one["body"]["input"]["bucket"] for one in sandbox.executions())
    assert sorted(executed.values()) == [1] * runs, executed
    assert {one.code for one in ended} <= {0, 6}, [(one.code, one.err) for one in ended]
    return seconds


def _baseline(bench: Bench) -> list[Row]:
    template = bench.origin(bench.long).remote.path

    def measure(one: Tree) -> dict[str, Used]:
        with desk(one, template) as at:
            return {"baseline": at.run("baseline", "--reason", "done by hand", "--yes")}

    used = bench.in_turn(measure)["baseline"]
    return [bench.timed(f"baseline of {bench.long:,} specs", 0, used, "≤ 0.2")]


def _growth(bench: Bench) -> list[Row]:
    """What applies of one run each leave in the repository; form 1 is given fewer of them."""
    kib, rows = {}, []
    applies = {1: max(5, bench.long // 500), 2: bench.long // 2}
    origin = bench.origin(bench.long)
    for one in bench.trees:
        count = applies[one.form]
        runs = origin.runs[:: max(1, len(origin.runs) // count)][:count]
        with desk(one, origin.recorded(one.form)) as at:
            remote = Remote(at.folder / "remote.git")
            before = store.packed(remote, at.folder)
            if one is bench.mine:
                store.applied(at, runs)
            else:
                remote = Remote(origin.grown(one.form, store.applied_without(runs)))
            grew = store.packed(remote, at.folder) - before
            kib[one.name] = grew / (count * store.STEPS) / 1024
            say(f"{one.name}: {kib[one.name]:.2f} KiB a commit")
            if one is bench.mine:
                rows = _on_a_long_branch(bench, remote, count)
    told = ", ".join(f"{one.name}: {applies[one.form]:,}" for one in bench.trees)
    name = f"a commit of applies of one run each ({told} of them), packed"
    return [bench.row(name, bench.long, kib, "KiB", "≤ 1.5 KiB"), *rows]


def _on_a_long_branch(bench: Bench, remote: Remote, applies: int) -> list[Row]:
    """Time what has to look at every commit, or at the last one, in a clone without it."""
    remote.git("gc", "--quiet")
    commits = int(remote.git("rev-list", "--count", BRANCH))
    quick = ["--quick"] if bench.mine.has("lock", "verify", "--quick") else []
    with desk(bench.mine, remote.path, ALONE) as at:
        took = {
            "plan, has to fetch them": at.run("plan"),
            "plan, again": at.run("plan"),
            " ".join(["lock verify", *quick]): at.run("lock", "verify", *quick),
        }
    return [
        bench.timed(f"{commits:,} commits: {what}", bench.long, {bench.mine.name: used})
        for what, used in took.items()
    ]


PARTS: dict[str, Callable[[Bench], Sequence[Row]]] = {
    "apply": lambda bench: _applies(bench, wait=True),
    "no-wait": lambda bench: _applies(bench, wait=False),
    "looking": _looking,
    "report": _report,
    "verify": _verify,
    "plan": _plans,
    "wave": _wave,
    "storm": _storm,
    "baseline": _baseline,
    "growth": _growth,
}
"""Name -> what makes its rows."""


def measure(scale: Scale) -> Table:
    """Measure the parts that are wanted, of one tree or of two."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), scale)
        rows: list[Row] = []
        for part in scale.only or PARTS:
            say(f"-- {part}")
            rows += PARTS[part](bench)
    forms = ", ".join(f"{one.name}: {one.form}" for one in bench.trees)
    return Table(
        f"Medians (rounds: {bench.rounds}; storm and growth: 1), whole processes in fresh clones. "
        f"Form of the lockfile: {forms}. Ratios: to {bench.trees[0].name}.",
        rows,
    )
