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
