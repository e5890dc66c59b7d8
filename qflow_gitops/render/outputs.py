"""A result as a few `name=value` lines, as GITHUB_OUTPUT takes them.

Every value is on one line and of a closed form (a number, a word, a digest), so that nothing
that comes from a file can end it and begin another, nor is it near what a job's outputs may take
(1 MB: docs.github.com, "Passing information between jobs"). The names have hyphens, as outputs of
actions have; a dotenv report of GitLab's takes letters, digits and underscores only
(docs.gitlab.com, "Pass dotenv variables to specific jobs"): it is a plain artifact there.
"""

from qflow_gitops.plan.change import Action, Plan
from qflow_gitops.render.matrix import matrices
from qflow_gitops.results.applies import Applied
from qflow_gitops.results.fleets import FleetTold
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report


def render(report: Report) -> str:
    """Return the exit code and its reason; of a plan or an apply also counts and plan digest.

    `run` counts the runs that a plan would start, of an apply those that it started or waited for.
    Of a fleet `members` counts those whose turn it is, and `matrices` has a job for each.
    `goes-on` says whether all that is due is the rest of a plan that was begun before.
    """
    values = {"exit-code": str(int(report.exit_code)), "reason": report.reason}
    match report.body:
        case Planned() as body:
            values |= _counts(body.plan, len(body.plan.of(Action.RUN)))
            values["goes-on"] = str(body.goes_on).lower()
        case Applied() as body:
            held = len(body.planned.plan.of(Action.HOLD)) + len(body.not_started)
            values |= _counts(body.planned.plan, len(body.outcomes))
            values |= {"waiting": str(len(body.waiting)), "held": str(held)}
        case FleetTold() as body:
            values |= {"members": str(len(body.jobs)), "matrices": matrices(body.jobs)}
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _counts(plan: Plan, run: int) -> dict[str, str]:
    return {
        "run": str(run),
        "waiting": str(len(plan.of(Action.WAIT))),
        "held": str(len(plan.of(Action.HOLD))),
        "skipped": str(len(plan.of(Action.SKIP)) + plan.unchanged),
        "plan-digest": plan.digest,
    }
