"""Over generated histories: planning from the diff equals planning with `--full`."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qflow_gitops.gitrepo import GitRepo
from qflow_gitops.lockfile import Attempt, Event, State, Transition
from qflow_gitops.lockstores.worktree import WorktreeStore
from qflow_gitops.operations import reading
from qflow_gitops.operations.apply import _advance
from qflow_gitops.operations.checks import View
from qflow_gitops.operations.plan import PlanRequest, all_specs, make_plan
from qflow_gitops.plan import Action, Context, compute
from qflow_gitops.report import LockSeen, Planned
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, spec

NAMES = ("a", "b", "c", "d")
FILES = ("runs/one.yaml", "runs/two.yaml", "runs/deep/three.yml")
ENDS = (State.SUCCEEDED, State.FAILED, State.REFUSED, State.UNSENT, State.IN_DOUBT, State.ABSENT)

runs = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from(FILES), st.integers(0, 2), st.sampled_from(("", *NAMES))),
    max_size=4,
)
steps = st.lists(
    st.tuples(runs, st.booleans(), st.sampled_from(ENDS), st.booleans()), min_size=2, max_size=5
)


def write(workspace: Workspace, chosen: dict[str, tuple[str, int, str]], *, broken: bool) -> None:
    """Make the work tree hold exactly these specs."""
    shutil.rmtree(workspace.path / "runs", ignore_errors=True)
    files: dict[str, list[str]] = {}
    for name, (file, value, previous) in chosen.items():
        line = f"  previousName: {previous}\n" if previous and previous != name else ""
        files.setdefault(file, []).append(spec(name, value, metadata=line))
    for file, documents in files.items():
        workspace.write(file, "---\n".join(documents))
    if broken:
        workspace.write("runs/broken.yaml", "a: [")


def apply(workspace: Workspace, store: WorktreeStore, end: State) -> None:
    """Record what an apply would, each attempt ending as told; sends nothing."""
    git = GitRepo.open(workspace.path, {"PATH": "/usr/bin:/bin"})
    head = git.resolve("HEAD")
    project = reading.settings(git, head, "")
    with store.session() as session:
        specs = all_specs(git, head, project)
        plan = compute(specs, Context(project, session.lockfile, ("prod",)))
        for change in plan.of(Action.RUN):
            session.record(list(attempt_of(change, session.lockfile, head, git, end)))
        lock = LockSeen("qflow.lock", exists=True)
        planned = Planned(plan, head, "", full=True, lock=lock)
        view = View(planned, session.lockfile, project, "prod", specs.diagnostics, specs)
        edges: Any = type("Edges", (), {"git": git})
        _advance(session, edges, view)


def attempt_of(change: Any, lockfile: Any, head: str, git: GitRepo, end: State) -> Any:
    number = len(lockfile.attempts(*change.key)) + 1
    entry = git.files(head, [change.spec.file])[change.spec.file.encode()]
    facts = {
        "workflowId": change.spec.workflow_id,
        "platform": "sandbox",
        "file": change.spec.file,
        "commit": head,
        "blob": entry.blob,
        "bodySha256": change.spec.body_sha256,
    }
    at = f"2026-01-01T00:00:{number:02d}Z"
    intent = Event(at, State.INTENT)
    opened = Attempt(number, State.INTENT, change.spec.digest, (intent,), facts=facts)
    yield Transition(*change.key, number, intent, opens=opened)
    path = {
        State.SUCCEEDED: (State.ACCEPTED, State.SUCCEEDED),
        State.FAILED: (State.ACCEPTED, State.FAILED),
        State.ABSENT: (State.IN_DOUBT, State.ABSENT),
    }.get(end, (end,))
    for state in path:
        yield Transition(*change.key, number, Event(at, state))


def essence(workspace: Workspace, store: WorktreeStore, *, full: bool) -> Any:
    """What a plan decides: what runs and what is held, and why."""
    git = GitRepo.open(workspace.path, {"PATH": "/usr/bin:/bin"})
    report = make_plan(PlanRequest(platform="", full=full), git, store, "qflow.lock")
    body = report.body
    assert isinstance(body, Planned)
    decided = [
        (one.action, one.reason, one.key, one.detail, one.since)
        for one in body.plan.changes
        if one.action is not Action.SKIP
    ]
    return decided, body.plan.digest, report.exit_code


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_planning_from_the_diff_equals_planning_everything(template: Path, history: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        workspace = Workspace(Path(folder))
        workspace.write("qflow.yaml", SANDBOX_PROJECT)
        store = WorktreeStore(
            workspace.path / "qflow.lock", workspace.path / ".git/qflow-gitops", lineage=""
        )
        for chosen, applied, end, broken in history:
            write(workspace, chosen, broken=broken)
            workspace.commit(json.dumps(chosen))
            assert essence(workspace, store, full=False) == essence(workspace, store, full=True)
            if applied:
                apply(workspace, store, end)
                assert essence(workspace, store, full=False) == essence(workspace, store, full=True)
