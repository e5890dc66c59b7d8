"""Workflows, and what GitHub Actions lets them do.

docs.github.com, "REST API endpoints for workflows" and "… for workflow runs" (Actions: read),
"… for GitHub Actions permissions" (Administration: read), "… for repository contents" (Contents:
read). What is allowed besides what patterns say: docs, "Managing GitHub Actions settings for a
repository".
"""

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from urllib.parse import quote

from qflow_gitops.http.asking import Asking
from qflow_gitops.http.fields import Fields
from qflow_gitops.ports.governance import JobRights, Schedule, ScheduledRun

_ACTIONS, _ADMINISTRATION, _CONTENTS = "Actions", "Administration", "Contents"
_STATES = {
    "active": "",
    "disabled_inactivity": "GitHub switched it off, as nothing was committed for 60 days",
    "disabled_manually": "somebody switched it off",
    "disabled_fork": "it is switched off, as this is a fork",
    "deleted": "it isn't on the default branch any more",
}
"""Why a workflow doesn't run (docs, "Disabling and enabling a workflow")."""
_OF_GITHUB = ("actions", "github")
_VERSION = re.compile(r'^__version__ = "([0-9A-Za-z.+-]{1,40})"$', re.MULTILINE)


def schedules(asking: Asking, repository: str, files: Mapping[str, bool]) -> list[Schedule]:
    """Say how workflow files stand, and of those with a schedule how their last run ended."""
    return [_schedule(asking, repository, file, timed=timed) for file, timed in files.items()]


def _schedule(asking: Asking, repository: str, file: str, *, timed: bool) -> Schedule:
    name = file.rpartition("/")[2]
    path = f"actions/workflows/{quote(name, safe='')}"
    found = asking.fields(path, _ACTIONS)
    if found is None:
        return Schedule(file, "GitHub doesn't know it: it isn't on the default branch yet")
    state = found.text("state")
    stopped = _STATES.get(state, f"its state is {state or 'not told'}")
    if stopped:
        enable = f"gh workflow enable {name} --repo {repository}"
        return Schedule(file, stopped, enable if state.startswith("disabled") else "")
    return Schedule(file, last=_last_run(asking, path) if timed else None)


def _last_run(asking: Asking, path: str) -> ScheduledRun | None:
    listed = asking.fields(f"{path}/runs", _ACTIONS, {"event": "schedule", "per_page": 1})
    runs = listed.items("workflow_runs") if listed else []
    if not runs:
        return None
    last = runs[0]
    return ScheduledRun(last.text("created_at"), last.text("conclusion"), last.text("html_url"))


def jobs(asking: Asking, repository: str, actions: Collection[str]) -> JobRights:
    """Say whether jobs run, and which of their actions may not be used."""
    found = asking.certain("actions/permissions", _ADMINISTRATION)
    if not found.flag("enabled"):
        return JobRights("GitHub Actions is switched off")
    pinned = found.flag("sha_pinning_required") if found.has("sha_pinning_required") else None
    allowed = found.text("allowed_actions")
    owner = repository.partition("/")[0].lower()
    others = [each for each in actions if each.partition("/")[0].lower() != owner]
    if allowed == "all" or not others:
        return JobRights(pinned=pinned)
    if allowed == "local_only":
        return JobRights(refused=tuple(others), pinned=pinned)
    if allowed != "selected":
        return JobRights(unsure=tuple(others), pinned=pinned)
    chosen = asking.certain("actions/permissions/selected-actions", _ADMINISTRATION)
    left = tuple(each for each in others if not _is_allowed(each, chosen))
    if chosen.flag("verified_allowed"):  # whose creator is verified isn't told
        return JobRights(unsure=left, pinned=pinned)
    return JobRights(refused=left, pinned=pinned)


def _is_allowed(action: str, chosen: Fields) -> bool:
    patterns = [each.lower() for each in chosen.texts("patterns_allowed")]
    lower = action.lower()
    if any(fnmatchcase(lower, each[1:].strip()) for each in patterns if each.startswith("!")):
        return False
    if chosen.flag("github_owned_allowed") and lower.partition("/")[0] in _OF_GITHUB:
        return True
    return any(fnmatchcase(lower, each) for each in patterns)


def token(asking: Asking) -> JobRights:
    """Say whether a job's token may write by default."""
    found = asking.certain("actions/permissions/workflow", _ADMINISTRATION)
    return JobRights(writes=found.text("default_workflow_permissions") != "read")


def retention(asking: Asking) -> int:
    """Return the days that logs and artifacts are kept."""
    return asking.certain("actions/permissions/artifact-and-log-retention", _ADMINISTRATION).count(
        "days"
    )


def tool_version(asking: Asking, action: str, commit: str) -> str:
    """Return which version of this program an action's commit holds, "" for not told."""
    owner, _, name = action.partition("/")
    path = (
        f"/repos/{quote(owner)}/{quote(name.partition('/')[0])}/contents/qflow_gitops/__init__.py"
    )
    found = asking.fields(path, _CONTENTS, {"ref": commit})
    if found is None or found.text("encoding") != "base64":
        return ""
    try:
        text = base64.b64decode(found.text("content")).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
    version = _VERSION.search(text)
    return version[1] if version else ""
