"""What others take for the same: validators on the same files and schema, octodns for a plan."""

import platform
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import install, repository
from tests.benchmarks.processes import COMPILED, PROGRAM, Case, Used, in_turn
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table

SCHEMA = str(Path(__file__).parents[2] / "schemas/workflow-run.schema.json")
"""As it is published; it stands alone, and every validator takes it unchanged."""
VALIDATE, PLAN, PLAN_COLD = "validate, cold", "plan", "plan, cold"
TARGETS_AT = 10_000
WRONG = {
    "a spec without a workflow": (2, "  workflowId: 006cad21-c844-4545-9700-000000000002\n", ""),
    "one of aws with azure's place": (0, "    region: eu-central-1\n", "    resourceGroup: rg-0\n"),
}
"""What is wrong -> the spec that it is wrong in, the line at fault, and what is there instead."""

_OCTODNS = """\
providers:
  wanted: {class: octodns.provider.yaml.YamlProvider, directory: FOLDER/wanted}
  there: {class: octodns.provider.yaml.YamlProvider, directory: FOLDER/there}
zones:
  example.com.: {sources: [wanted], targets: [there]}
"""
_RECORD = """\
run-{number:05}:
  ttl: 300
  type: A
  value: 10.{edited}.{high}.{low}
"""


class Peer(NamedTuple):
    """Another's program: with what of ours it is compared, and what ours may take of its time."""

    name: str
    command: Sequence[str]
    target: str = ""
    ours: Sequence[str] = (VALIDATE,)


class Installed(NamedTuple):
    """Where the others' programs are; None: nowhere."""

    python: Path | None
    node: Path | None


def _installed(get: Callable[[], Path], missing: list[str]) -> Path | None:
    try:
        return get()
    except install.NotInstalled as why:
        missing.append(f"{why} What comes with it is left out.")
        return None


def _validators(installed: Installed, files: Sequence[str]) -> list[Peer]:
    version, found = install.versions(), []
    if home := installed.python:
        # It looks into no folder; 10,000 names are 0.4 of the 2 MB (macOS: 1) of arguments.
        check = [str(home / "bin/check-jsonschema"), "--schemafile", SCHEMA, *files]
        found.append(Peer(f"check-jsonschema {version['check-jsonschema']}", check, "1/25"))
        name = f"sourcemeta-jsonschema {version['sourcemeta-jsonschema']}"
        for one in home.glob(f"lib/*/site-packages/sourcemeta_jsonschema/{_binary()}"):
            found.append(Peer(name, [str(one), "validate", SCHEMA, "runs"], "1.5"))
            fast = [str(one), "validate", "--fast", SCHEMA, "runs"]
            found.append(Peer(f"{name} --fast", fast))
    if home := installed.node:
        newer = ["node", str(home / "@jirutka/ajv-cli/lib/main.js"), "validate", "-s", SCHEMA]
        name = f"@jirutka/ajv-cli {version['@jirutka/ajv-cli']}"
        found.append(Peer(name, [*newer, "runs/**/*.yaml"], "1/3"))
        # It has to be told the draft, and in strict mode takes no keywords for editors.
        older = ["node", str(home / "ajv-cli/dist/index.js"), "validate", "-s", SCHEMA]
        older += ["--spec=draft2020", "--strict=false", "-d", "runs/**/*.yaml"]
        found.append(Peer(f"ajv-cli {version['ajv-cli']}", older))
    return found


def _binary() -> str:
    """Name the C++ program itself; what pip puts into `bin` is Python that starts it."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"jsonschema-{platform.system().lower()}-{machine}"


def _planners(installed: Installed, folder: Path, count: int) -> list[Peer]:
    """Let octodns plan ten edits among so many records, from files to files: no network."""
    if not installed.python:
        return []
    for name in ("there", "wanted"):
        (folder / name).mkdir(parents=True)
        records = [
            _RECORD.format(
                number=number,
                edited=int(name == "wanted" and number in repository.changed(10, count)),
                high=number // 250,
                low=number % 250,
            )
            for number in range(count)
        ]
        (folder / name / "example.com.yaml").write_text("---\n" + "".join(records))
    config = folder / "config.yaml"
    config.write_text(_OCTODNS.replace("FOLDER", str(folder)))
    command = [str(installed.python / "bin/octodns-sync"), f"--config-file={config}"]
    name = f"octodns-sync {install.versions()['octodns']}"
    return [Peer(name, command, "1/30", (PLAN, PLAN_COLD))]


def _prove_validators(installed: Installed) -> None:
    """See that each takes good files, and refuses wrong ones by name."""
    with tempfile.TemporaryDirectory() as name:
        workspace = repository.make(Path(name), 4)
        files = [repository.file_of(number) for number in range(4)]
        every = [Peer(VALIDATE, [PROGRAM, "validate"]), *_validators(installed, files)]
        for one in every:
            code, said = _said(one.command, workspace.path)
            assert code == 0, f"{one.name} refuses good files: {said}"
        for wrong, (number, line, instead) in WRONG.items():
            file, good = repository.file_of(number), repository.spec(number)
            assert line in good
            workspace.write(file, good.replace(line, instead))
            for one in every:
                code, said = _said(one.command, workspace.path)
                assert code, f"{one.name} accepts {wrong}"
                assert Path(file).name in said, f"{one.name} refuses {wrong} otherwise: {said}"
            workspace.write(file, good)


def _prove_planners(installed: Installed) -> None:
    """See that both plan exactly the ten edits."""
    with tempfile.TemporaryDirectory() as name:
        workspace = repository.prepared(Path(name) / "ours", 100)
        code, said = _said([PROGRAM, "plan"], workspace.path)
        assert (code, "10 runs to start, 0 held, 90 with" in said) == (0, True), said
        for one in _planners(installed, Path(name) / "dns", 100):
            code, said = _said(one.command, workspace.path)
            counts = "Creates=0, Updates=10, Deletes=0, Existing=100,"
            assert (code, counts in said) == (0, True), said


def _said(command: Sequence[str], folder: Path) -> tuple[int, str]:
    done = subprocess.run(command, cwd=folder, env=COMPILED, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def _measured(installed: Installed, size: int, rounds: int) -> list[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as name:
        workspace = repository.prepared(Path(name) / "ours", size)
        validators = _validators(installed, [repository.file_of(number) for number in range(size)])
        planners = _planners(installed, Path(name) / "dns", size)
        cold = lambda: repository.forget(workspace)  # noqa: E731
        cases = [
            Case(VALIDATE, [PROGRAM, "validate"], before=cold),
            *(Case(one.name, one.command) for one in validators),
            Case(PLAN_COLD, [PROGRAM, "plan"], before=cold),
            Case(PLAN, [PROGRAM, "plan"]),
            *(Case(one.name, one.command) for one in planners),
        ]
        used = in_turn(cases, workspace.path, rounds)
    peers = {one.name: one for one in (*validators, *planners)}
    return [_row(size, one.name, used, peers.get(one.name)) for one in cases]


def _row(size: int, name: str, used: Mapping[str, Used], peer: Peer | None) -> Mapping[str, str]:
    mine = used[name]
    ours = peer.ours if peer else ()
    target = peer.target if peer else "150 MiB" if name == VALIDATE else ""
    return {
        "files": f"{size:,}",
        "what": name,
        "wall ms": f"{mine.wall:,.0f}",
        "ours / it": ", ".join(f"{_part(used[one].wall / mine.wall)} ({one})" for one in ours),
        "target": target if size == TARGETS_AT else "",
        "CPU ms": f"{mine.cpu:,.0f}",
        "peak MiB": f"{mine.memory:.0f}",
    }


def _part(ratio: float) -> str:
    return f"1/{1 / ratio:.1f}" if ratio < 0.5 else f"{ratio:.2f}"


def measure(scale: Scale) -> Table:
    """Time `validate` where nothing is known yet, and `plan`, beside others on the same."""
    missing: list[str] = []
    installed = Installed(
        _installed(install.from_pip, missing), _installed(install.from_npm, missing)
    )
    _prove_validators(installed)
    _prove_planners(installed)
    rows = [
        row for size in scale.sizes for row in _measured(installed, size, scale.rounds_at(size))
    ]
    rounds = " / ".join(f"{scale.rounds_at(size)}" for size in scale.sizes)
    about = (
        f"Whole processes in turn, medians (rounds: {rounds}); cold: nothing is kept yet. The "
        "validators read the same files and the published schema, and each was seen to refuse "
        f"{' and '.join(WRONG)}; octodns plans ten edits of as many records, from files to files. "
        f"Targets are for {TARGETS_AT:,} files; memory is that of the largest process."
    )
    return Table(" ".join([about, *missing]), rows)
