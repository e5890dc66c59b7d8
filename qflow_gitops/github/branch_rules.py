"""What keeps a branch: rulesets, and the older branch protection, whichever is stricter.

docs.github.com, "REST API endpoints for rules": GET rules/branches/{branch} (Metadata: read) gives
the active rules of rulesets at any level, also of a branch that isn't there yet; GET rulesets/{id}
has `current_user_can_bypass`. "REST API endpoints for protected branches": GET
branches/{branch}/protection takes Administration: read; `protected` of GET branches/{branch}
(Contents: read) tells whether there is any. "REST API endpoints for repositories": GET
codeowners/errors (Contents: read).
"""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from qflow_gitops.errors import AuthError
from qflow_gitops.http.asking import Asking
from qflow_gitops.http.fields import Fields
from qflow_gitops.ports.governance import BranchRules

_BLOCKS = {
    "pull_request": "a pull request is required",
    "update": "updates are restricted",
    "creation": "creations are restricted",
    "required_status_checks": "checks are required",
    "required_signatures": "signed commits are required",
    "required_deployments": "deployments are required",
    "merge_queue": "a merge queue is required",
    "workflows": "workflows are required",
}
"""Types of rules that keep a push away (docs, "Available rules for rulesets")."""
_MAY_BYPASS = ("always", "exempt")
_METADATA, _CONTENTS, _ADMINISTRATION = "Metadata", "Contents", "Administration"


_LATER = "GitHub shows branch protection of the older kind only of a branch that is there"


def rules(asking: Asking, branch: str, *, pushed: bool) -> BranchRules:
    """Say what keeps a branch; where it is to be pushed to also who is let through."""
    name = quote(branch, safe="")
    found = asking.items(f"rules/branches/{name}", _METADATA)
    there = asking.fields(f"branches/{name}", _CONTENTS)
    blocking = [
        rule for rule in found if rule.text("type") in _blocking(is_there=there is not None)
    ]
    new = _of_rulesets(found)._replace(
        blocks=tuple(dict.fromkeys(_BLOCKS[rule.text("type")] for rule in blocking)),
        bypassed=pushed and bool(blocking) and _bypassed(asking, blocking),
    )
    if there is None:
        return new._replace(hidden=_LATER)
    if not there.flag("protected"):
        return new
    try:
        old = asking.fields(f"branches/{name}/protection", _ADMINISTRATION)
    except AuthError as problem:
        return new._replace(hidden=f"{problem.message} {problem.hint}")
    return new if old is None else _stricter(new, _of_protection(old))


def owner_errors(asking: Asking) -> list[str]:
    """Say what GitHub finds wrong in CODEOWNERS; nothing where there is no such file."""
    found = asking.fields("codeowners/errors", _CONTENTS)
    errors = found.items("errors") if found else []
    return [f"line {each.count('line')}, {each.text('kind')}" for each in errors]


def _blocking(*, is_there: bool) -> frozenset[str]:
    return frozenset(_BLOCKS) - ({"creation"} if is_there else set())


def _bypassed(asking: Asking, blocking: Iterable[Fields]) -> bool:
    """Whether each ruleset that keeps pushes away lets this token's user through."""
    ids = dict.fromkeys(rule.count("ruleset_id") for rule in blocking)
    found = (asking.fields(f"rulesets/{number}", _METADATA) for number in ids)
    return all(each and each.text("current_user_can_bypass") in _MAY_BYPASS for each in found)


def _of_rulesets(found: Sequence[Fields]) -> BranchRules:
    by_type: dict[str, list[Fields]] = {}
    for rule in found:
        by_type.setdefault(rule.text("type"), []).append(rule.under("parameters"))
    reviews = by_type.get("pull_request", [])
    return BranchRules(
        reviewed=bool(reviews),
        approvals=max(
            (each.count("required_approving_review_count") for each in reviews), default=0
        ),
        owners=any(each.flag("require_code_owner_review") for each in reviews),
        fresh=any(
            each.flag("dismiss_stale_reviews_on_push") or each.flag("require_last_push_approval")
            for each in reviews
        ),
        checks=frozenset(
            check.text("context")
            for rule in by_type.get("required_status_checks", ())
            for check in rule.items("required_status_checks")
        ),
        forced="non_fast_forward" not in by_type,
        deleted="deletion" not in by_type,
    )


def _of_protection(old: Fields) -> BranchRules:
    reviews, checks = (
        old.under("required_pull_request_reviews"),
        old.under("required_status_checks"),
    )
    names = [*checks.texts("contexts"), *(each.text("context") for each in checks.items("checks"))]
    blocks = {
        "a pull request is required": old.has("required_pull_request_reviews"),
        "checks are required": bool(names),
        "who may push is restricted": old.has("restrictions"),
        "it is locked": old.under("lock_branch").flag("enabled"),
        "signed commits are required": old.under("required_signatures").flag("enabled"),
    }
    return BranchRules(
        reviewed=old.has("required_pull_request_reviews"),
        approvals=reviews.count("required_approving_review_count"),
        owners=reviews.flag("require_code_owner_reviews"),
        fresh=reviews.flag("dismiss_stale_reviews") or reviews.flag("require_last_push_approval"),
        checks=frozenset(names),
        forced=old.under("allow_force_pushes").flag("enabled"),
        deleted=old.under("allow_deletions").flag("enabled"),
        blocks=tuple(word for word, holds in blocks.items() if holds),
    )


def _stricter(one: BranchRules, other: BranchRules) -> BranchRules:
    """Return what both ask for: each counts."""
    return BranchRules(
        reviewed=one.reviewed or other.reviewed,
        approvals=max(one.approvals or 0, other.approvals or 0),
        owners=one.owners or other.owners,
        fresh=one.fresh or other.fresh,
        checks=one.checks | other.checks,
        forced=one.forced and other.forced,
        deleted=one.deleted and other.deleted,
        blocks=tuple(dict.fromkeys((*one.blocks, *other.blocks))),
        bypassed=one.bypassed and not other.blocks,
    )
