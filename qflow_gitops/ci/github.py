"""GitHub Actions (docs.github.com, "Variables reference", "Webhook events and payloads")."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qflow_gitops.ci.context import CIContext, commit_id, number
from qflow_gitops.results.pages import pages_of

_LARGEST = 32 * 1024 * 1024
"""Bytes of an event that are read; GitHub caps what it sends at 25 MB."""
_PULL = re.compile(r"refs/pull/(\d{1,18})/(?:merge|head)")


def describe(environ: Mapping[str, str]) -> CIContext | None:
    """Say what GitHub's variables and the file of the event tell; None elsewhere."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return None
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    pull = _under(event, "pull_request")
    ref = _PULL.fullmatch(environ.get("GITHUB_REF", ""))
    return CIContext(
        actor=environ.get("GITHUB_ACTOR", ""),
        run=_address(environ),
        target=environ.get("GITHUB_BASE_REF", "") or _queue_target(event),
        system="github",
        pull_request=number(pull.get("number")) or (number(ref[1]) if ref else ""),
        commit=_commit(environ, event),
        appended=_files(environ),
        stays=environ.get("RUNNER_ENVIRONMENT") == "self-hosted",
        pages=pages_of(environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")),
        workflow=environ.get("GITHUB_WORKFLOW_REF", ""),
        workflow_commit=commit_id(environ.get("GITHUB_WORKFLOW_SHA")),
    )


def _address(environ: Mapping[str, str]) -> str:
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environ.get(name, "") for name in names)
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""


def _files(environ: Mapping[str, str]) -> tuple[str, ...]:
    names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
    return tuple(environ[name] for name in names if environ.get(name))


def _commit(environ: Mapping[str, str], event: Mapping[str, Any]) -> str:
    """On a pull request GITHUB_SHA is a merge that GitHub made: its head is in the event."""
    if "pull_request" in event:
        return commit_id(_under(_under(event, "pull_request"), "head").get("sha"))
    if environ.get("GITHUB_REF", "").startswith("refs/pull/"):
        return ""
    return commit_id(environ.get("GITHUB_SHA"))


def _queue_target(event: Mapping[str, Any]) -> str:
    """The branch that a merge queue goes to; GITHUB_BASE_REF is only set for pull requests."""
    ref = _under(event, "merge_group").get("base_ref")
    return ref.removeprefix("refs/heads/") if isinstance(ref, str) else ""


def _under(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _event(path: str) -> Mapping[str, Any]:
    """Read what started the workflow; nothing where it can't be read."""
    try:
        with Path(path).open("rb") as file:
            data = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
