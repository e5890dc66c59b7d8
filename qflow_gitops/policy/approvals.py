"""Who approved a run, and how that is told. Pure."""

from typing import NamedTuple


class Given(NamedTuple):
    """One approval: on which commit, by which review (its id at the host, 0 where not told)."""

    by: str
    commit: str = ""
    review: int = 0


class Approval(NamedTuple):
    """Who approved a run, and in which pull request; `why` says why nobody did, "" otherwise.

    `signed` says whether every commit of that pull request has a verified signature, `uncounted`
    of each other review why it is no approval. `given` are the approvals that count, one by one;
    `merged_by` is "" where the host doesn't tell. Where it couldn't be asked, `way_on` says what to
    do; "" otherwise.
    """

    pull_request: int = 0
    approvers: tuple[str, ...] = ()
    why: str = ""
    signed: bool = False
    uncounted: tuple[str, ...] = ()
    given: tuple[Given, ...] = ()
    merged_by: str = ""
    way_on: str = ""


_TOLD = 5  # people whose reviews are told of


def told(needed: int, found: Approval) -> str:
    """Say how many approvals a run needs and has, whose they are, and why others don't count."""
    where = f" in pull request #{found.pull_request}" if found.pull_request else ""
    text = f"it needs {needed} approval{'s' if needed > 1 else ''}, and has "
    by = sorted(set(found.approvers))
    text += f"{len(by)}{where}" + (f" ({', '.join(by[:_TOLD])})" if by else "")
    why = found.why or "; ".join(found.uncounted[:_TOLD])
    return f"{text}: {why}" if why else text
