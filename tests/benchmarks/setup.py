"""What a job's set-up takes, cold: what the action and GitLab's jobs do, beside pip's way in turn.

Both ways begin with empty caches and fetch from what pip is set to on this machine.
"""

import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.processes import COMPILED, Case, Used, in_turn
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers.git import Workspace
from tests.helpers.gitlab import SHIPPED
from tests.helpers.runner import ROOT, parsed, workflow

PIP = """\
python3 -I -m venv "$INSTALLED"
pip=("$INSTALLED/bin/python" -I -m pip --quiet --disable-pip-version-check install --no-deps)
"${pip[@]}" --require-hashes --only-binary :all: \
  --requirement "$TREE/.github/requirements.txt" --requirement "$TREE/.github/build.txt"
"${pip[@]}" --no-index --no-build-isolation "$TREE"
"""
"""pip's way, as the action did it once: an environment with a pip, pinned wheels, a wheel built."""
CLONED = """\
git clone --quiet --no-checkout -- "$QFLOW_GITOPS_REPOSITORY" "$TREE"
git -C "$TREE" checkout --quiet --detach "$QFLOW_GITOPS_COMMIT"
"""
VALIDATED = '"$INSTALLED/bin/qflow-gitops" -C "$TREE/examples" validate >/dev/null\n'
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


def install_step() -> str:
    """Give the script of the action that installs."""
    steps = workflow("action.yml")["runs"]["steps"]
    (script,) = [one["run"] for one in steps if one.get("name") == "Install qflow-gitops"]
    return str(script)


def before_script() -> str:
    """Give what GitLab's jobs do first."""
    lines = parsed(SHIPPED.read_text("utf-8"), SHIPPED.name)["default"]["before_script"]
    return "\n".join(map(str, lines)) + "\n"


class Machine:
    """A runner's: its folder, which each case finds empty, and its environment."""

    def __init__(self, folder: Path) -> None:
        """Name the places; nothing is made yet."""
        self.folder = folder
        python = Path(sys.executable).resolve().parent  # not an environment's, as on a runner
        self.environ = {
            **COMPILED,
            "PATH": f"{python}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "XDG_CACHE_HOME": str(folder / "home/.cache"),
            "TMPDIR": str(folder / "temp"),
            "RUNNER_TEMP": str(folder / "temp"),
            "GITHUB_ACTION_PATH": str(ROOT),
            "INSTALLED": str(folder / "temp/qflow-gitops"),
            "QFLOW_GITOPS_REPOSITORY": ROOT.as_uri(),
            "QFLOW_GITOPS_COMMIT": Workspace(ROOT).git("rev-parse", "HEAD"),
        }
        for name in ("PYTHONPATH", "PIP_CACHE_DIR", "UV_CACHE_DIR"):
            self.environ.pop(name, None)

    def emptied(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("home", "temp"):
            (self.folder / name).mkdir(parents=True)

    def case(self, name: str, script: str, tree: str) -> Case:
        words = ["env", *(f"{key}={value}" for key, value in self.environ.items()), *BASH]
        script = f"TREE={tree}\n{script}"
        return Case(name, [*words, script], before=self.emptied)


def measure(scale: Scale) -> Table:
    """Time the set-up of a job, alone and with a first command, in both ways."""
    rounds = min(scale.rounds, 5)
    action, tree, clone = install_step(), shlex.quote(str(ROOT)), '"$RUNNER_TEMP/source"'
    # GitLab's lines name their own folders.
    gitlab = before_script() + 'INSTALLED=$(dirname "$(command -v qflow-gitops)")/..\n'
    ways = {
        "action": (PIP, action, tree),
        "action, two steps": (PIP * 2, action * 2, tree),
        "action, then `validate`": (PIP + VALIDATED, action + VALIDATED, tree),
        "GitLab's before_script": (CLONED + PIP, gitlab, clone),
    }
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder) / "machine")
        cases = [
            machine.case(f"{what}: {way}", script, where)
            for what, (theirs, ours, where) in ways.items()
            for way, script in (("pip", theirs), ("ours", ours))
        ]
        found = in_turn(cases, Path(folder), rounds)
    return Table(
        f"Cold: no cache, nothing fetched. Medians of {rounds}, in turn; seconds.",
        [_row(what, found[f"{what}: pip"], found[f"{what}: ours"]) for what in ways],
    )


def _row(what: str, theirs: Used, ours: Used) -> dict[str, str]:
    return {
        "what": what,
        "pip": f"{theirs.wall / 1e3:.2f}",
        "ours": f"{ours.wall / 1e3:.2f}",
        "ratio": f"{ours.wall / theirs.wall:.3f}",
        "target": "" if "validate" in what else "0.2",
        "ratio of CPU": f"{ours.cpu / theirs.cpu:.3f}",
    }
