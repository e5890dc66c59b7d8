"""What a CI system tells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Described:
    """Who and where, each "" where it isn't told.

    `run` is the address of the CI's run, `target` the branch that a pull request goes to,
    `pull_request` its number, 0 outside one.
    """

    actor: str = ""
    run: str = ""
    target: str = ""
    pull_request: int = 0
