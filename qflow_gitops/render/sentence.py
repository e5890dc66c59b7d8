"""What a plan in Markdown begins with: how many runs start, where, and what stays held and why."""

from collections import Counter
from collections.abc import Iterator, Sequence

from qflow_gitops.plan.change import EVERY, Action, Change, Plan
from qflow_gitops.render.escape import count
from qflow_gitops.render.markdown_blocks import code

MERGE, APPLY = "Merging", "The next apply"
"""What starts runs."""


def place(environment: str, platform: str) -> str:
    """Name an environment with its platform."""
    return f"{code(environment)} on {code(platform)}" if platform else code(environment)


def starts(subject: str, number: int, later: int, where: str) -> str:
    """Say how many runs something starts, and how many of them when their turn comes."""
    at = f" in {where}" if where else ""
    if not number:
        return f"Nothing starts{at}"
    said = f"{subject} {count(number, 'run')}{at}"
    if not later:
        return said
    return f"{said}, {'later' if later == number else f'{later:,} of them later'}"


def stay_held(held: Sequence[Change], how: str = "") -> Iterator[str]:
    """Say how many runs stay held, and for which reasons."""
    if not held:
        yield "nothing is held"
        return
    if any(change.name == EVERY for change in held):
        number, how = "all", how or "stays held"
    else:
        number, how = f"{len(held):,}", how or ("stays held" if len(held) == 1 else "stay held")
    reasons = Counter(change.reason for change in held)
    shown = ", ".join(f"{number:,} {code(reason)}" for reason, number in reasons.most_common())
    yield f"{number} {how}: {shown if len(reasons) > 1 else code(held[0].reason)}"


def of_plan(plan: Plan, environment: str, *, merging: bool) -> str:
    """Say in a sentence what comes of a plan in one environment."""
    mine = [change for change in plan.changes if change.environment == environment]
    due = [change for change in mine if change.is_due]
    later = sum(change.action is Action.WAIT for change in due)
    where = place(environment, plan.platforms.get(environment, ""))
    held = [change for change in mine if change.action is Action.HOLD]
    return "; ".join(
        [starts(f"{MERGE if merging else APPLY} starts", len(due), later, where), *stay_held(held)]
    )
