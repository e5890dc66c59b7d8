"""What keeps a branch, and what a merge request needs.

docs.gitlab.com, "Protected branches API" (where several rules match a branch, the most permissive
counts: "Protected branches"), "Projects API" (`only_allow_merge_if_pipeline_succeeds`), "Merge
request approvals API" (Premium): approval rules, and `reset_approvals_on_push`.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from qflow_gitops.errors import QflowError
from qflow_gitops.http.asking import Asking
from qflow_gitops.http.fields import Fields
from qflow_gitops.ports.governance import EVERY, BranchRules

MAINTAINER, PREMIUM = "a Maintainer", "a Maintainer, on GitLab Premium,"
_NOBODY = 0  # access level (docs, "Protected branches API", "Valid access levels")
_UNTOLD = "approvals aren't told (they take GitLab Premium)"


def rules(asking: Asking, project: Fields, branch: str, *, pushed: bool) -> BranchRules:
    """Say what keeps a branch."""
    listed = asking.items("protected_branches", MAINTAINER, certain=True)
    matching = [each for each in listed if fnmatchcase(branch, each.text("name"))]
    if not matching:
        return BranchRules()
    levels = [level for each in matching for level in each.items("push_access_levels")]
    pushers = list(dict.fromkeys(_who(level) for level in levels if _may(level)))
    found = BranchRules(
        reviewed=True,
        forced=any(each.flag("allow_force_push") for each in matching),
        deleted=False,
        pushers=", ".join(pushers),
        blocks=() if pushers else ("nobody may push to it",),
    )
    return found if pushed else _with_approvals(asking, project, found, branch, matching)


def _may(level: Fields) -> bool:
    named = any(level.has(who) for who in ("user_id", "group_id", "deploy_key_id"))
    return named or level.count("access_level") > _NOBODY


def _who(level: Fields) -> str:
    return level.text("access_level_description") or "some"


def _with_approvals(
    asking: Asking, project: Fields, found: BranchRules, branch: str, matching: Sequence[Fields]
) -> BranchRules:
    piped = project.flag("only_allow_merge_if_pipeline_succeeds")
    found = found._replace(checks=frozenset({EVERY} if piped else ()))
    try:
        listed = asking.items("approval_rules", PREMIUM, certain=True)
        settings = asking.certain("approvals", PREMIUM)
    except QflowError:
        return found._replace(approvals=None, owners=None, fresh=None, untold=_UNTOLD)
    needed = [rule.count("approvals_required") for rule in listed if _is_about(rule, branch)]
    return found._replace(
        approvals=max(needed, default=0),
        owners=any(each.flag("code_owner_approval_required") for each in matching),
        fresh=settings.flag("reset_approvals_on_push"),
    )


def _is_about(rule: Fields, branch: str) -> bool:
    """Whether an approval rule counts for a branch: for all, or one that is named."""
    names = [each.text("name") for each in rule.items("protected_branches")]
    return not names or any(fnmatchcase(branch, name) for name in names)
