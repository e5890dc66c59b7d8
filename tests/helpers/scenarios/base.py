"""The list of scenarios, and what several of them need."""

from collections.abc import Callable

from tests.helpers.carried import Person
from tests.helpers.specs import spec
from tests.helpers.terminal import Terminal

Scenario = Callable[[Terminal], tuple[str, Person]]
SCENARIOS: dict[str, tuple[str, Scenario]] = {}
"""Name -> the lock store, and the function: it gives the last command, and what a person does."""
APPLY = "qflow-gitops apply"
WHY = {"TEXT": "'it is known'"}
TWO = "    dev: {platform: sandbox}\n    prod: {platform: sandbox}\n"


def scenario(*stores: str) -> Callable[[Scenario], Scenario]:
    """Let a function be a scenario, in these stores."""

    def known(one: Scenario) -> Scenario:
        for store in stores:
            name = one.__name__.replace("_", "-")
            SCENARIOS[f"{name}-{store}" if len(stores) > 1 else name] = (store, one)
        return one

    return known


def applied(at: Terminal, code: int = 0) -> None:
    done = at(*APPLY.split()[1:])
    assert done.code == code, done


def change(name: str, value: str = "changed") -> Callable[[Terminal], object]:
    """Change what a spec of this name asks for."""
    return lambda at: at.clone.write(f"runs/{name}.yaml", spec(name, value))
