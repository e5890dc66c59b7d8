"""Runs that may go on, or may have run, in environments that the settings have no more.

The plan and the status of what is there would never come upon them; each says so instead.
"""

from collections.abc import Iterator

from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.inheritance import Inheritance, Placed, left_behind
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import DOUBTFUL, UNDER_WAY, State
from qflow_gitops.plan.spent import describe
from qflow_gitops.settings.project import Project

OPEN = DOUBTFUL | {State.EXPIRED} | UNDER_WAY


def left_open(lockfile: Lockfile, project: Project) -> Iterator[Placed]:
    """Return what isn't over there, but for what was carried over to a run that is still there."""
    inheritance = Inheritance(lockfile, project, {})
    for name in left_behind(lockfile, project):
        for run, attempts in lockfile.runs_in_states(name, OPEN):
            for placed in (Placed(name, run, attempt) for attempt in attempts):
                heirs = (key[0] for key in inheritance.heirs(placed))
                if placed.attempt.state in OPEN and not any(
                    e in project.environments for e in heirs
                ):
                    yield placed


def notes(lockfile: Lockfile, project: Project) -> tuple[str, ...]:
    """Say of each what is known, and the way on."""
    return tuple(_note(placed, project) for placed in left_open(lockfile, project))


def _note(placed: Placed, project: Project) -> str:
    who, file = "/".join(placed.key), project.folder.settings
    what = (
        f"{who} #{placed.attempt.number} {describe(placed.attempt)}, and {file} has no "
        f"{placed.environment}"
    )
    back = f"put {placed.environment} back under `environments:`, in a commit"
    if placed.attempt.state in UNDER_WAY:
        return f"{what} any more: nobody looks how it ends. To see it, {back}."
    platform = placed.attempt.fact("platform")
    asking = [name for name, each in project.environments.items() if each.platform == platform]
    look = next_steps.look_up(asking[0]) + " looks it up" if asking else f"To look it up, {back}"
    return (
        f"{what} any more. {look}; or say what you found in Qualys: {next_steps.settle_doubt(who)}"
    )
