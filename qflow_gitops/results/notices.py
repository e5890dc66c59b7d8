"""What was told to others, and what they are still to be told."""

from collections.abc import Mapping
from typing import NamedTuple

from qflow_gitops.errors import ExitCode, UnreachableError
from qflow_gitops.results.report import Report


class Delivered(NamedTuple):
    """Which receivers there are, how many notices all of them got by now, and what is left.

    `troubles` says why receivers didn't take what was sent last, by their names. `given_up` were
    never told: too many waited. `noted` runs were noted on their tickets, `unnoted` says which
    aren't, "" for none. `is_test`: only a test notice was sent, which nothing is left of.
    """

    receivers: tuple[str, ...]
    told: int
    left: int = 0
    troubles: Mapping[str, str] = {}
    given_up: int = 0
    noted: int = 0
    unnoted: str = ""
    is_test: bool = False


def delivered(body: Delivered) -> Report:
    """Report a delivery: 12 where something is left."""
    if not (body.left or body.troubles or body.unnoted):
        return Report("notify", body=body)
    if not (body.left or body.troubles):
        error = UnreachableError(
            f"{body.unnoted}.",
            not_done="What is left stays in the lockfile.",
            hint="See to what the system of tickets says, then: `qflow-gitops notify`",
            reason="notices_left",
        )
        return Report("notify", ExitCode.UNREACHABLE, error.reason, body=body, error=error)
    what = "1 notice is" if body.left == 1 else f"{body.left:,} notices are"
    error = UnreachableError(
        f"{what} still to be told.",
        where=", ".join(body.troubles) or ", ".join(body.receivers),
        not_done="What is left stays in the lockfile.",
        hint="See to what receivers say, then tell it again: `qflow-gitops notify`",
        reason="notices_left",
    )
    return Report("notify", ExitCode.UNREACHABLE, error.reason, body=body, error=error)


def tested(body: Delivered) -> Report:
    """Report a test: 12 where a receiver didn't take it."""
    if not body.troubles:
        return Report("notify", body=body)
    error = UnreachableError(
        "Not every receiver took the test notice.",
        where=", ".join(body.troubles),
        not_done="Nothing was recorded.",
        hint="See to what they say, then try again: `qflow-gitops notify --test`",
        reason="notices_left",
    )
    return Report("notify", ExitCode.UNREACHABLE, error.reason, body=body, error=error)
