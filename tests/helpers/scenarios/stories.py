"""What `show` says when it can't show what was asked for."""

from tests.helpers.carried import Person
from tests.helpers.scenarios.base import applied, scenario
from tests.helpers.specs import spec
from tests.helpers.terminal import Terminal

_TARGETS = "  targets: [{name: us, input: {to: us}}, {name: eu, input: {to: eu}}]\n"


@scenario("worktree")
def show_of_nothing(at: Terminal) -> tuple[str, Person]:
    """A story of what is no run, and begins no execution's id."""
    at.specs(a=spec("a"))
    applied(at)
    return "qflow-gitops show nothing-of-this-name", Person()


@scenario("worktree")
def show_on_several_platforms(at: Terminal) -> tuple[str, Person]:
    """Steps, where it isn't said to which of two platforms the credentials belong."""
    at.settings("    dev: {platform: EU2}\n    prod: {platform: sandbox}\n")
    at.specs(a=spec("a", metadata="  environment: prod\n"))
    at("apply", "-e", "prod")
    return "qflow-gitops show '*/a' --steps", Person()


@scenario("worktree")
def watching_several_runs(at: Terminal) -> tuple[str, Person]:
    """A watch of a spec with targets."""
    at.specs(a=spec("a", extra=_TARGETS))
    applied(at)
    return "qflow-gitops show a --watch", Person()
