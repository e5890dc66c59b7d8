"""What keeps the branch that changes go to, and that of the lockfile."""

from collections.abc import Iterator

from qflow_gitops.doctor.ci.seen import Seen
from qflow_gitops.ports.governance import EVERY, BranchRules
from qflow_gitops.results.checks import Check, failed, ok, unknown, warning


def target(seen: Seen) -> Iterator[Check]:
    """Hold the branch that pull requests go to against what docs/guides/github.md asks for."""
    name, pipeline = seen.repository.default_branch, seen.expected.pipeline
    about = f"branch {name}"
    rules = seen.host.branch(name)
    found = _gaps(rules, pipeline.check)
    hint = (
        f"{seen.host.pages.branches}: for {name} require a reviewed change with an approval that a "
        f"push takes away, of code owners too, and {pipeline.check or 'the check'}; no force-push."
    )
    if not found:
        untold = f"; {rules.untold}" if rules.untold else ""
        yield ok("target-branch", about, f"only reviewed changes reach it{untold}")
    elif rules.hidden:
        yield unknown("target-branch", about, _as_shown(", ".join(found), rules), hint)
    elif not rules.reviewed or rules.forced:
        yield failed("target-branch", about, ", ".join(found), hint)
    else:
        yield warning("target-branch", about, ", ".join(found), hint)


def _gaps(rules: BranchRules, check: str) -> list[str]:
    if not rules.reviewed:
        return ["whoever may write changes it without a review, and what runs with it"]
    gaps = {
        f"{rules.pushers} push to it without a review": bool(rules.pushers),
        "no approval is needed": rules.approvals == 0,
        "code owners aren't asked": rules.owners is False,
        "an approval stays after a push": bool(rules.approvals) and rules.fresh is False,
        f"the check {check} isn't required": bool(check) and not {check, EVERY} & rules.checks,
        "it may be force-pushed": rules.forced,
        "it may be deleted": rules.deleted,
    }
    return [gap for gap, open_ in gaps.items() if open_]


def trigger(seen: Seen) -> Iterator[Check]:
    """Say whether a merge starts the workflow."""
    name, started_by = seen.repository.default_branch, seen.expected.pipeline.started_by
    about = "what starts an apply"
    if not seen.expected.pipeline.scheduled:
        return
    if not started_by or name in started_by:
        yield ok("trigger", about, f"a push to {name}")
    else:
        yield failed(
            "trigger",
            about,
            f"a push to {', '.join(started_by)}, and the default branch is {name}",
            f"Name {name} under `push:` in {seen.expected.pipeline.scheduled}.",
        )


def lock(seen: Seen) -> Iterator[Check]:
    """Say whether apply may push to the lockfile's branch, and nobody can take from it."""
    name = seen.expected.lock
    if not name:
        return
    about = f"branch {name}"
    rules, page = seen.host.branch(name, pushed=True), seen.host.pages.branches
    if rules.blocks and not rules.bypassed:
        why = f"apply can't push to it: {', '.join(rules.blocks)}"
        yield failed("lock-branch", about, why, f"{page}: take that away for {name}.")
        return
    risks = (("force-pushed", rules.forced), ("deleted", rules.deleted))
    if loose := " and ".join(word for word, may in risks if may):
        why = f"it may be {loose}, and what was sent forgotten with it"
        command = seen.host.guard(name)
        hint = f"`{command}`" if command else f"{page}: forbid it for {name}."
        if rules.hidden:
            yield unknown("lock-branch", about, _as_shown(why, rules), hint)
        else:
            yield failed("lock-branch", about, why, hint)
    elif rules.blocks:
        why = f"only those whom its rules let through push to it ({', '.join(rules.blocks)})"
        hint = f"{page}: see that the token of apply's job is one of them."
        yield warning("lock-branch", about, why, hint)
    else:
        yield ok("lock-branch", about, "no force-push, no deletion, open to apply")


def _as_shown(why: str, rules: BranchRules) -> str:
    return f"{why}, as far as this token is shown it ({rules.hidden})"
