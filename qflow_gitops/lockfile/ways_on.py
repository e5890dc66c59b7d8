"""What a person types about a run as it stands, where a person has to do something."""

from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Attempt, is_leased, lease_end
from qflow_gitops.lockfile.states import RETRIABLE, State


def way_on(run: str, attempt: Attempt, now: str, *, wanted: bool) -> str:
    """Say in a sentence what a person does next about an attempt, "" for nothing.

    `run` is `<environment>/<name>`, `now` RFC 3339 in UTC. `wanted`: a spec asks for the very
    request that the attempt sent; what failed and isn't asked for any more is nobody's work.
    """
    match attempt.state:
        case State.INTENT if is_leased(attempt, now):
            return until(run, attempt, now)
        case State.INTENT | State.IN_DOUBT:
            return f"{next_steps.look_up(_environment(run))} looks it up"
        case State.EXPIRED:
            return f"Say what you know: {next_steps.settle_doubt(run)}"
        case State.ENDED if wanted:
            return next_steps.settle_end(run)
        case state if state in RETRIABLE and wanted:
            return f"To send it again: {next_steps.retry(run)}"
    return ""


def until(run: str, attempt: Attempt, now: str) -> str:
    """Say until when to wait for an apply that may still be sending a run."""
    end = lease_end(attempt, now)
    apply = f"`qflow-gitops apply -e {_environment(run)}`"
    return f"An apply may be sending it until {end}; after that, {apply} looks what became of it"


def _environment(run: str) -> str:
    return run.partition("/")[0]
