"""Over generated histories: planning from the diff equals planning with `--full`."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from qflow_gitops.apply.planned import ApplySource, PlannedApply
from qflow_gitops.apply.progress import advance
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.commands.plan import make_plan
from qflow_gitops.commands.plan_request import PlanRequest
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action
from qflow_gitops.plan.context import Context
from qflow_gitops.plan.decide import compute
from qflow_gitops.policy.rules import PolicyContext
from qflow_gitops.ports.notices import NOBODY
from qflow_gitops.results.plans import LockSeen, Planned
from qflow_gitops.sources import settings as projectfile
from qflow_gitops.sources.specs import all_specs
from qflow_gitops.stores.worktree import WorktreeStore
from tests.helpers.git import Workspace
from tests.helpers.partners import NIGHTLY
from tests.helpers.specs import SANDBOX_PROJECT, spec

NAMES = ("a", "b", "c", "d")
FILES = ("runs/one.yaml", "runs/two.yaml", "runs/deep/three.yml")
ENDS = (State.SUCCEEDED, State.FAILED, State.REFUSED, State.UNSENT, State.IN_DOUBT, State.ABSENT)

names, files, values = st.sampled_from(NAMES), st.sampled_from(FILES), st.integers(0, 2)
edits = st.one_of(
    st.tuples(st.just("edit"), names, values),
    st.tuples(st.just("move"), names, files),
    st.tuples(st.just("remove"), names, st.none()),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("carry"), names, names),  # a rename that says `previousName`
    st.tuples(st.just("break"), names, st.none()),
    st.tuples(st.just("comment"), names, values),
)
ends = st.sampled_from((State.SUCCEEDED,) * 6 + ENDS)
steps = st.lists(
    st.tuples(st.lists(edits, min_size=1, max_size=2), st.sampled_from((True, True, False)), ends),
    min_size=3,
    max_size=7,
)
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # a failing history is short enough
BEGIN = {"a": (FILES[0], 0, ""), "b": (FILES[0], 1, ""), "c": (FILES[1], 2, "")}


def edited(chosen: dict[str, tuple[str, int, str]], edit: Any) -> dict[str, tuple[str, int, str]]:
    """Give the specs after an edit; one of a run that isn't there adds it."""
    kind, name, what = edit
    chosen = dict(chosen)
    file, value, _ = chosen.get(name, (FILES[2], 0, ""))
    if kind in ("edit", "comment"):
        chosen[name] = (file, what if kind == "edit" else value, "")
    elif kind == "move":
        chosen[name] = (what, value, "")
    elif kind == "remove":
        chosen.pop(name, None)
    elif kind in ("rename", "carry") and name in chosen and what not in chosen:
        del chosen[name]
        chosen[what] = (file, value, name if kind == "carry" else "")
    return chosen


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
    project = projectfile.settings(git, head, "").project
    with store.session() as session:
        specs = all_specs(git, head, project)
        context = Context(project, session.lockfile, ("prod",))
        plan = compute(specs, context)
        for change in plan.of(Action.RUN):
            session.record(list(attempt_of(change, session.lockfile, head, git, end)))
        lock = LockSeen("qflow.lock", exists=True)
        planned = Planned(plan, head, "", full=True, lock=lock)
        source = ApplySource(project, "prod", head, specs, PolicyContext(()))
        given = {
            "git": git, "clock": SystemClock(), "author": {}, "store": store, "courier": NOBODY,
            "begun": 0.0,
        }  # fmt: skip
        services: Any = type("ApplyServices", (), given)
        advance(session, services, PlannedApply(source, session.lockfile, planned, context))


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
    environment, name = change.key
    yield Transition(environment, name, number, intent, opens=opened)
    path = {
        State.SUCCEEDED: (State.ACCEPTED, State.SUCCEEDED),
        State.FAILED: (State.ACCEPTED, State.FAILED),
        State.ABSENT: (State.IN_DOUBT, State.ABSENT),
    }.get(end, (end,))
    for state in path:
        execution = f"{change.name}-{number}" if state is State.ACCEPTED else ""
        yield Transition(environment, name, number, Event(at, state), execution_id=execution)


def essence(workspace: Workspace, store: WorktreeStore, *, full: bool) -> Any:
    """What a plan decides: what runs and what is held, and why."""
    git = GitRepo.open(workspace.path, {"PATH": "/usr/bin:/bin"})
    request = PlanRequest(platform="", full=full)
    read = projectfile.settings(git, git.resolve("HEAD"), "")
    report = make_plan(request, git, read, store, "2026-01-01T00:00:00Z")
    body = report.body
    assert isinstance(body, Planned)
    decided = [
        (one.action, one.reason, one.key, one.detail, one.since)
        for one in body.plan.changes
        if one.action is not Action.SKIP
    ]
    return decided, body.plan.digest, report.exit_code


@settings(
    max_examples=40 if NIGHTLY else 3,
    phases=QUICK,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps)
def test_planning_from_the_diff_equals_planning_everything(template: Path, history: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        workspace = Workspace(Path(folder))
        workspace.write("qflow.yaml", SANDBOX_PROJECT)
        store = WorktreeStore(
            workspace.path / "qflow.lock", workspace.path / ".git/qflow-gitops", lineage=""
        )
        chosen = BEGIN
        write(workspace, chosen, broken=False)
        workspace.commit("begin")
        apply(workspace, store, State.SUCCEEDED)
        for edits_, applied, end in history:
            for edit in edits_:
                chosen = edited(chosen, edit)
            write(workspace, chosen, broken=any(edit[0] == "break" for edit in edits_))
            workspace.commit(json.dumps(edits_))
            assert essence(workspace, store, full=False) == essence(workspace, store, full=True)
            if applied:
                apply(workspace, store, end)
                assert essence(workspace, store, full=False) == essence(workspace, store, full=True)
