"""Specs with targets: each is a run of its own, and what is said of one is about it alone."""

from tests.helpers.carried import Person
from tests.helpers.scenarios.base import APPLY, WHY, applied, scenario
from tests.helpers.specs import spec
from tests.helpers.terminal import Terminal


def _spec(*targets: str, name: str = "all") -> str:
    lines = "".join(f"    - {{name: {each}, input: {{value: {each}}}}}\n" for each in targets)
    return spec(name, extra=f"  targets:\n{lines}")


@scenario("worktree")
def runs_gathered_into_one_spec(at: Terminal) -> tuple[str, Person]:
    """What was a spec each is a target each now, and nobody said so."""
    at.specs(us=spec("us"))
    applied(at)
    at.specs(all=_spec("us"))
    previous = "add `previousName: us` in its target in runs/all.yaml"
    return APPLY, Person(
        WHY,
        {
            previous: lambda at: at.edit(
                "runs/all.yaml", "{name: us, ", "{name: us, previousName: us, "
            )
        },
    )


@scenario("worktree")
def a_rerun_of_all_targets(at: Terminal) -> tuple[str, Person]:
    """A rerun of a spec that has targets."""
    at.specs(all=_spec("us", "eu"))
    return "qflow-gitops rerun all --reason again", Person(
        WHY,
        {
            "for all of them set `rerun:` under `spec` in runs/all.yaml": lambda at: at.edit(
                "runs/all.yaml", "  targets:", "  rerun: 1\n  targets:"
            )
        },
    )


def _changing() -> Person:
    """Change what all targets ask for, where that is a way on."""
    return Person(
        WHY,
        {
            "or change the spec": lambda at: at.edit(
                "runs/all.yaml", "  targets:", "  variables: {size: 2}\n  targets:"
            )
        },
    )


_ON = "  apply: {onFailure: continue}\n"


def _three(at: Terminal, statuses: str = "  statuses: {Failed: failed}\n") -> None:
    """Let all targets of a spec fail, in a way that the settings explain or not."""
    at.settings(more=statuses + _ON)
    at.specs(all=_spec("us", "eu", "ap"))
    at.faults("outcome=Failed")
    applied(at, 1)
    at.faults()


@scenario("worktree")
def targets_that_failed(at: Terminal) -> tuple[str, Person]:
    """All targets of a spec failed."""
    _three(at)
    return "qflow-gitops plan", _changing()


@scenario("worktree")
def targets_that_ended(at: Terminal) -> tuple[str, Person]:
    """All targets of a spec ended with a word that nobody explained."""
    _three(at, "")
    return "qflow-gitops plan", Person(
        WHY,
        {
            "say so under `spec` in qflow.yaml": lambda at: at.settings(
                more="  statuses: {Failed: failed}\n" + _ON
            )
        },
    )


@scenario("worktree")
def targets_that_were_specs(at: Terminal) -> tuple[str, Person]:
    """What was two specs, gathered under another name."""
    at.specs(us=spec("us"), eu=spec("eu"))
    applied(at)
    at.clone.remove("runs/us.yaml")
    at.clone.remove("runs/eu.yaml")
    at.specs(all=_spec("us", "eu"))
    previous = "add `previousName: eu` in its target in runs/all.yaml"
    return "qflow-gitops plan", Person(
        WHY,
        {
            previous: lambda at: at.edit(
                "runs/all.yaml", "{name: eu, ", "{name: eu, previousName: eu, "
            )
        },
    )


@scenario("worktree")
def all_that_failed_by_any_name(at: Terminal) -> tuple[str, Person]:
    """Whatever failed is to be sent again, and nobody named it."""
    _three(at)
    return f"{APPLY} --retry '*'", Person(WHY)


@scenario("worktree")
def a_history_of_targets(at: Terminal) -> tuple[str, Person]:
    """What became of all targets of a spec."""
    at.specs(all=_spec("us", "eu"))
    applied(at)
    return "qflow-gitops history all", Person()


def _batches(at: Terminal, *, rest: str = "") -> None:
    """Let the canary of three targets fail."""
    at.settings(more="  statuses: {Failed: failed}\n")
    at.specs(all=_spec("us", "eu", "ap") + "  rollout: {batches: [1]}\n" + rest)
    at.faults("outcome=Failed")
    applied(at, 1)
    at.faults()


@scenario("worktree")
def a_rollout_that_stopped(at: Terminal) -> tuple[str, Person]:
    """The first batch failed, so the rest is held."""
    _batches(at)
    return "qflow-gitops plan", _changing()


@scenario("worktree")
def what_comes_after_a_failure(at: Terminal) -> tuple[str, Person]:
    """A spec waits for another one, which failed."""
    at.settings(more="  statuses: {Failed: failed}\n")
    at.specs(first=spec("first"), second=spec("second", extra="  after: [first]\n"))
    at.faults("outcome=Failed")
    applied(at, 1)
    at.faults()
    return "qflow-gitops plan", Person(
        WHY,
        {"or change the spec": lambda at: at.edit("runs/first.yaml", '"first"', '"other"')},
    )
