"""What a CI system tells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Described:
    """Who and where, each "" where it isn't told.

    `run` is the address of the CI's run, `target` the branch that a pull request goes to.
    """

    actor: str = ""
    run: str = ""
    target: str = ""
