"""What is held, for each reason."""

from collections.abc import Callable, Mapping

from tests.helpers.carried import Person
from tests.helpers.github_api import REPOSITORY, TOKEN
from tests.helpers.scenarios.base import APPLY, TWO, WHY, applied, change, scenario
from tests.helpers.specs import OWN_WORKFLOW, WORKFLOW, spec
from tests.helpers.terminal import Terminal

LOST = ("accept-then-drop", "list-lag=3600")
"""Executed, but the answer is lost and the list doesn't show it yet."""


def _first_execution(at: Terminal) -> str:
    return str(at.sandbox.executions()[0]["id"])


FOUND: Mapping[str, str | Callable[[Terminal], str]] = {**WHY, "EXECUTION": _first_execution}
AGAIN = {
    "set another `rerun:` in one of them": lambda at: at.edit(
        "runs/b.yaml", "spec:\n", "spec:\n  rerun: 1\n"
    )
}


@scenario("worktree", "branch")
def in_doubt(at: Terminal) -> tuple[str, Person]:
    """An answer was lost, and Qualys doesn't list the execution yet."""
    at.specs(a=spec("a"))
    at.faults(*LOST)
    applied(at, 9)
    return APPLY, Person(FOUND)


@scenario("worktree")
def in_doubt_and_then_listed(at: Terminal) -> tuple[str, Person]:
    """An answer was lost; a later look finds the execution."""
    at.specs(a=spec("a"))
    at.faults(*LOST)
    applied(at, 9)
    at.faults()
    return "qflow-gitops plan", Person(FOUND)


@scenario("worktree")
def expired(at: Terminal) -> tuple[str, Person]:
    """A doubt, of a request that didn't run, is older than what Qualys shows."""
    at.specs(a=spec("a"))
    at.faults("drop")
    applied(at, 9)
    at.faults()
    at.later(days=31)
    at("reconcile")
    return APPLY, Person({**WHY, "EXECUTION": "7f1308be-7d50-4791-acae-53a95d2aef5b"})


@scenario("worktree")
def failed(at: Terminal) -> tuple[str, Person]:
    """A run failed."""
    at.settings(more="  statuses: {Failed: failed}\n")
    at.specs(a=spec("a"))
    at.faults("outcome=Failed")
    applied(at, 1)
    at.faults()
    return APPLY, Person(WHY, {"change the spec": change("a")})


@scenario("worktree")
def refused(at: Terminal) -> tuple[str, Person]:
    """Qualys refused a request; there are two environments."""
    at.settings(TWO, default="prod")
    at.specs(a=spec("a", metadata="  environment: dev\n"))
    at.faults("400")
    done = at("apply", "-e", "dev")
    assert done.code == 1, done
    at.faults()
    dev = "  environment: dev\n"
    return "qflow-gitops plan", Person(
        WHY,
        {"change the spec": lambda at: at.clone.write("runs/a.yaml", spec("a", 2, metadata=dev))},
        applies=("qflow-gitops apply -e dev --yes",),
    )


@scenario("branch")
def renamed(at: Terminal) -> tuple[str, Person]:
    """A run has another name; nobody said that it is the same."""
    at.specs(old=spec("old", 1))
    applied(at)
    at.specs(new=spec("new", 1))
    previous = "add `previousName: old` under `metadata` in runs/new.yaml"
    return APPLY, Person(
        WHY,
        {
            previous: lambda at: at.edit(
                "runs/new.yaml", "name: new\n", "name: new\n  previousName: old\n"
            )
        },
    )


@scenario("worktree")
def renamed_twice(at: Terminal) -> tuple[str, Person]:
    """A run has its third name, and says its first one."""
    said = "  previousName: one\n"
    for name, value, more in (("one", 1, ""), ("two", 1, said), ("two", 2, said)):
        at.specs(**{name: spec(name, value, metadata=more)})
        applied(at)
    at.specs(three=spec("three", 2, metadata=said))
    return APPLY, Person(
        WHY,
        {
            "make it `previousName: two` under `metadata` in runs/three.yaml": lambda at: at.edit(
                "runs/three.yaml", "previousName: one", "previousName: two"
            )
        },
    )


@scenario("worktree")
def renamed_from_one_in_doubt(at: Terminal) -> tuple[str, Person]:
    """A run whose answer was lost has another name; nobody said that it is the same."""
    at.specs(old=spec("old", 1))
    at.faults(*LOST)
    applied(at, 9)
    at.faults()
    at.specs(new=spec("new", 1))
    previous = "If it is the same run: add `previousName: old` under `metadata` in runs/new.yaml"
    return "qflow-gitops plan", Person(
        FOUND,
        {
            previous: lambda at: at.edit(
                "runs/new.yaml", "name: new\n", "name: new\n  previousName: old\n"
            )
        },
    )


@scenario("worktree")
def renamed_environment(at: Terminal) -> tuple[str, Person]:
    """An environment has another name; nobody said that it is the same."""
    at.settings("    dev: {platform: sandbox}\n")
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    at.settings("    stage: {platform: sandbox}\n")
    at.merge()
    previous = "add `previousNames: [dev]` to stage in qflow.yaml"
    return APPLY, Person(
        WHY,
        {previous: lambda at: at.edit("qflow.yaml", "stage: {", "stage: {previousNames: [dev], ")},
    )


@scenario("worktree")
def renamed_from_one_that_goes_on(at: Terminal) -> tuple[str, Person]:
    """A spec says that it was called as another one is."""
    at.specs(a=spec("a", 1))
    applied(at)
    at.specs(a=spec("a", 1), b=spec("b", 2, metadata="  previousName: a\n"))
    return APPLY, Person(
        WHY,
        {
            "give `previousName` another run's name or none in runs/b.yaml": lambda at: at.edit(
                "runs/b.yaml", "  previousName: a\n", ""
            ),
            "remove the other spec": lambda at: at.clone.remove("runs/a.yaml"),
        },
    )


@scenario("branch")
def same_request(at: Terminal) -> tuple[str, Person]:
    """A spec was copied, and only its name changed."""
    at.specs(a=spec("a", 1))
    applied(at)
    at.specs(a=spec("a", 1), b=spec("b", 1))
    return APPLY, Person(WHY, AGAIN)


@scenario("worktree")
def same_request_in_one_plan(at: Terminal) -> tuple[str, Person]:
    """Two new specs ask for the same."""
    at.specs(a=spec("a", 1), b=spec("b", 1))
    return "qflow-gitops plan", Person(
        WHY, {**AGAIN, "remove one of them": lambda at: at.clone.remove("runs/b.yaml")}
    )


@scenario("worktree")
def same_request_of_one_in_doubt(at: Terminal) -> tuple[str, Person]:
    """A copy of a run whose answer was lost."""
    at.specs(a=spec("a", 1))
    at.faults(*LOST)
    applied(at, 9)
    at.specs(a=spec("a", 1), b=spec("b", 1))
    at.faults()
    return "qflow-gitops plan", Person(FOUND, AGAIN)


@scenario("worktree")
def platform(at: Terminal) -> tuple[str, Person]:
    """The environment is on another platform than its runs were recorded on."""
    at.specs(**{name: spec(name).replace(WORKFLOW, OWN_WORKFLOW) for name in "ab"})
    applied(at)
    at.edit("qflow.yaml", "platform: sandbox", "platform: private")
    at.merge()
    return APPLY, Person(
        WHY,
        {
            "Set `platform:` of prod in qflow.yaml back to sandbox": lambda at: at.edit(
                "qflow.yaml", "platform: private", "platform: sandbox"
            )
        },
    )


@scenario("worktree")
def limit(at: Terminal) -> tuple[str, Person]:
    """More runs are due than one apply may start; with labels, in one of two environments."""
    at.settings(TWO, more="  policy: {limits: {runs: 1}}\n")
    dev = "  environment: dev\n  labels: {team: x}\n"
    at.specs(a=spec("a", metadata=dev), b=spec("b", metadata=dev))
    return f"{APPLY} -e dev -l team=x", Person(
        WHY,
        {"Apply fewer at a time (-l LABEL=VALUE)": _labelled},
        applies=("qflow-gitops apply -e dev --yes",),
    )


def _labelled(at: Terminal) -> None:
    at.edit("runs/a.yaml", "{team: x}", "{team: y}")
    at.merge()
    assert at.typed(f"{APPLY} -e dev -l team=y").code == 0


@scenario("worktree")
def window(at: Terminal) -> tuple[str, Person]:
    """No window is open."""
    at.settings(more='  policy: {windows: [{deny: "* * * * *", duration: 1h, timezone: UTC}]}\n')
    at.specs(a=spec("a"), b=spec("b"))
    return APPLY, Person(WHY)


@scenario("worktree")
def workflow_denied(at: Terminal) -> tuple[str, Person]:
    """The policy denies a workflow."""
    at.settings(more=f"  policy: {{workflows: {{deny: [{WORKFLOW}]}}}}\n")
    at.specs(a=spec("a"))
    other = "7cad21c8-4405-4517-beb9-7372feafb5b4"
    return APPLY, Person(
        WHY,
        {"Take another workflow": lambda at: at.edit("runs/a.yaml", WORKFLOW, other)},
        {"have `policy.workflows` in qflow.yaml changed": "the policy's owners decide"},
    )


@scenario("worktree")
def workflow_unknown_to_qualys(at: Terminal) -> tuple[str, Person]:
    """Qualys knows no such workflow."""
    at.specs(a=spec("a"))
    at.faults(f"unknown-workflow={WORKFLOW}")
    other = "7cad21c8-4405-4517-beb9-7372feafb5b4"
    return APPLY, Person(
        WHY, {"Correct `workflowId`": lambda at: at.edit("runs/a.yaml", WORKFLOW, other)}
    )


@scenario("worktree")
def workflow_revision(at: Terminal) -> tuple[str, Person]:
    """The policy asks for the catalog's revision of a workflow, and there is no catalog."""
    at.settings(more="  policy: {require: {workflowRevision: true}}\n")
    at.specs(a=spec("a"))
    return APPLY, Person(WHY)


@scenario("worktree")
def annotation(at: Terminal) -> tuple[str, Person]:
    """The policy asks for an annotation."""
    at.settings(more="  policy: {require: {annotations: {ticket: 'CHG[0-9]{7}'}}}\n")
    at.specs(a=spec("a"))
    ticket = "name: a\n  annotations: {ticket: CHG0012345}\n"
    return APPLY, Person(
        WHY,
        {
            "Add `ticket:` under `metadata.annotations` in runs/a.yaml": lambda at: at.edit(
                "runs/a.yaml", "name: a\n", ticket
            )
        },
    )


@scenario("branch")
def approval(at: Terminal) -> tuple[str, Person]:
    """The policy asks for an approval, and a person applies at a shell."""
    at.settings(more="  policy: {approvals: [{count: 1}], require: {signedCommits: true}}\n")
    at.specs(a=spec("a"))
    at.environ("GITHUB_TOKEN", TOKEN)
    return APPLY, Person(WHY)


@scenario("branch")
def approval_unattended(at: Terminal) -> tuple[str, Person]:
    """A machine that nobody watches can't ask who approved it; another system sees to that."""
    at.specs(a=spec("a"))
    applied(at)
    at.specs(b=spec("b"))
    at.environ("GITHUB_REPOSITORY", REPOSITORY)
    return "qflow-gitops apply --unattended", Person(WHY)


@scenario("worktree")
def frozen(at: Terminal) -> tuple[str, Person]:
    """Everything is frozen."""
    at.specs(a=spec("a"))
    at.environ("QFLOW_FREEZE", "quarter end")
    return APPLY, Person(WHY)


@scenario("worktree")
def stopped(at: Terminal) -> tuple[str, Person]:
    """A run failed, so that those after it weren't started."""
    at.settings(more="  statuses: {Failed: failed}\n  apply: {concurrency: 1}\n")
    at.specs(a=spec("a"), b=spec("b"))
    at.faults("outcome=Failed")
    return APPLY, Person(WHY, {"It is due again at the next apply": lambda at: at.faults()})


@scenario("worktree")
def invalid(at: Terminal) -> tuple[str, Person]:
    """One of two specs is invalid."""
    at.specs(a=spec("a"), b=spec("b") + "  nonsense: 1\n")
    return "qflow-gitops plan", Person(
        WHY,
        {
            "Fix it": lambda at: at.edit("runs/b.yaml", "  nonsense: 1\n", ""),
            "Valid keys: `workflowId`": lambda at: at.edit(
                "runs/b.yaml", "nonsense: 1", "rerun: 1"
            ),
        },
    )


@scenario("worktree")
def reverted(at: Terminal) -> tuple[str, Person]:
    """A spec asks for what it asked for before the last change: nothing to do."""
    at.specs(a=spec("a", 1))
    applied(at)
    at.specs(a=spec("a", 2))
    applied(at)
    at.specs(a=spec("a", 1))
    return "qflow-gitops plan", Person(WHY)


@scenario("worktree")
def ended(at: Terminal) -> tuple[str, Person]:
    """A run ended with a word that nobody explained."""
    at.specs(a=spec("a"))
    at.faults("outcome=Exploded")
    applied(at, 1)
    at.faults()
    return "qflow-gitops plan", Person(
        WHY,
        {
            "say so under `spec` in qflow.yaml": lambda at: at.settings(
                more="  statuses: {Exploded: failed}\n"
            )
        },
    )


@scenario("worktree", "branch")
def frozen_in_the_lockfile(at: Terminal) -> tuple[str, Person]:
    """Somebody froze everything."""
    at.specs(a=spec("a"))
    assert at("freeze", "--reason", "quarter end").code == 0
    return APPLY, Person(WHY)


@scenario("worktree")
def frozen_by_a_file(at: Terminal) -> tuple[str, Person]:
    """A file says that everything is frozen."""
    at.specs(a=spec("a"))
    at.clone.write("../freeze", "quarter end\n")
    at.environ("QFLOW_FREEZE_FILE", str(at.folder / "freeze"))
    return APPLY, Person(WHY)


@scenario("worktree")
def frozen_by_a_folder(at: Terminal) -> tuple[str, Person]:
    """What is to say whether everything is frozen can't be read."""
    at.specs(a=spec("a"))
    (at.folder / "freeze").mkdir()
    at.environ("QFLOW_FREEZE_FILE", str(at.folder / "freeze"))
    readable = "be a file that can be read or no file at all"
    return APPLY, Person(WHY, {readable: lambda at: (at.folder / "freeze").rmdir()})
