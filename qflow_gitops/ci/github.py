"""GitHub Actions (docs.github.com, "Variables reference")."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from qflow_gitops.ci.described import Described


def describe(environ: Mapping[str, str]) -> Described | None:
    """Say what GitHub's variables tell; None elsewhere."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return None
    parts = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY")]
    run = environ.get("GITHUB_RUN_ID", "")
    address = f"{parts[0]}/{parts[1]}/actions/runs/{run}" if all((*parts, run)) else ""
    target = environ.get("GITHUB_BASE_REF", "")
    return Described(environ.get("GITHUB_ACTOR", ""), address, target, _pull_request(environ))


def _pull_request(environ: Mapping[str, str]) -> int:
    """Find the number in the ref of a pull request's event, else in the event itself."""
    found = re.fullmatch(
        r"refs/pull/([1-9][0-9]{0,15})/(?:merge|head)", environ.get("GITHUB_REF", "")
    )
    if found:
        return int(found[1])
    try:
        event = json.loads(Path(environ.get("GITHUB_EVENT_PATH", "")).read_bytes())
        number = event["pull_request"]["number"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0
    return number if isinstance(number, int) and not isinstance(number, bool) else 0
