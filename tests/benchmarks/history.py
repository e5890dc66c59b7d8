"""What a long record costs: as many commits on its branch as runs in it, one run a commit."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.notes import Checkpoint
from qflow_gitops.lockfile.states import State
from qflow_gitops.sources import settings
from qflow_gitops.sources import specs as reading
from qflow_gitops.stores.branch import BranchStore
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.storm import PROGRAM, Storm, environment


class _Unpushed(GitBranch):
    """Makes the commits and leaves the push to one at the end: the history is the same."""

    def push(self, commit: str, parent: str) -> bool:
        del parent
        self.remember(commit)
        return True


def measure(scale: Scale) -> Table:
    """Time commands on a long record, in a clone that has to fetch it and in one that has it."""
    count = min(scale.largest, 1000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        storm = Storm(folder, clones=2, runs=count)
        _fill(storm)
        storm.remote.git("gc", "--quiet")
        known = environment(folder)
        fresh = storm.clones[0]
        row = {"commits": storm.remote.git("rev-list", "--count", BRANCH), "runs": f"{count}"}
        row["qflow.lock MiB"] = f"{_size(storm.remote) / 2**20:.2f}"
        row["fetched pack MiB"] = f"{_pack(storm.remote, folder) / 2**20:.2f}"
        row["plan, fresh clone s"] = _seconds(fresh, known, "plan")
        row["plan, warm clone s"] = _seconds(fresh, known, "plan")
        row["lock verify s"] = _seconds(fresh, known, "lock", "verify")
    return Table(
        "A process each; the fresh clone's `plan` fetches the lockfile's whole history.", [row]
    )


def _fill(storm: Storm) -> None:
    """Write the lockfile as an apply of one run at a time would."""
    clone = storm.clones[1]
    repo = GitRepo.open(clone.path, environment(storm.folder))
    branch = _Unpushed(repo, "origin", BRANCH, lambda: 60.0)
    head = repo.resolve("HEAD")
    store = BranchStore(branch, lineage="", author={"actor": "bench@example.com"})
    with store.session() as session:
        for number, wave in enumerate(_waves(repo, head)):
            session.record(wave, None if number else Checkpoint("prod", head))
    tip, _ = branch.known()
    clone.git("push", "--quiet", "origin", f"{tip}:refs/heads/{BRANCH}")


def _waves(repo: GitRepo, head: str) -> Iterator[list[Transition]]:
    """Each commit opens one run and records the answer of the one before."""
    at, by = "2026-01-01T00:00:00Z", {"actor": "bench@example.com", "tool": "0.1.0"}
    blobs = {one.path.decode(): one.blob for one in repo.files(head, ["runs"]).values()}
    specs = reading.commit_specs(repo, head, settings.settings(repo, head, "").project).specs
    before: list[Transition] = []
    for number, (key, one) in enumerate(sorted(specs.items())):
        facts = {
            "workflowId": one.workflow_id, "revision": "1", "platform": "sandbox",
            "gateway": "127.0.0.1", "file": one.file, "commit": head, "blob": blobs[one.file],
            "bodySha256": one.body_sha256, "nonce": f"{number:032x}",
            "evidence": {"planDigest": one.digest},
        }  # fmt: skip
        intent = Event(at, State.INTENT, {"by": by, "leaseUntil": at, "executionsBefore": []})
        opens = Attempt(1, State.INTENT, one.digest, (intent,), facts=facts)
        yield [*before, Transition(*key, 1, intent, opens=opens)]
        execution = f"{number:08x}-0000-4000-8000-000000000000"
        accepted = Event(at, State.ACCEPTED, {"httpStatus": 200})
        before = [Transition(*key, 1, accepted, execution_id=execution)]


def _size(remote: Remote) -> int:
    return int(remote.git("cat-file", "-s", f"{BRANCH}:qflow.lock"))


def _pack(remote: Remote, folder: Path) -> int:
    """Give the bytes of a pack with the lockfile's whole history, as a fetch gets it."""
    other = folder / "pack.git"
    fetch = ["git", "clone", "--quiet", "--bare", "--single-branch", f"--branch={BRANCH}"]
    subprocess.run([*fetch, remote.path.as_uri(), str(other)], check=True)
    return sum(file.stat().st_size for file in other.glob("objects/pack/*.pack"))


def _seconds(clone: Workspace, known: dict[str, str], *command: str) -> str:
    begun = time.perf_counter()
    subprocess.run(
        [*PROGRAM, "-q", *command], cwd=clone.path, env=known, check=True, capture_output=True
    )
    return f"{time.perf_counter() - begun:.2f}"
