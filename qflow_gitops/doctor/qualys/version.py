"""QFlow's version, and what the specs need of it (docs/api.md 1.0, 5.6)."""

import re
from collections.abc import Iterator, Mapping

from qflow_gitops.doctor.qualys.subject import Subject
from qflow_gitops.doctor.qualys.visit import Visit, said, small
from qflow_gitops.errors import QflowError
from qflow_gitops.results.checks import Check, failed, left_out, ok, unknown, warning

NAME = ("qflow_version", "QFlow's version")
KEY = "QFLOW-VERSION"
_FORM = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?![0-9])[0-9A-Za-z.+-]{0,40}")
_VARIABLES, _CONNECTOR_ID = (1, 18), (1, 19)
_WITHOUT = (
    "QFLOW_API_USERNAME and QFLOW_API_PASSWORD aren't set, which the API server takes to tell it"
)


def checks(visit: Visit, subject: Subject) -> Iterator[Check]:
    """Ask the API server, and hold the version against what the specs use."""
    if not visit.tenant.has_portal:
        yield from left_out([NAME], _WITHOUT)
        return
    try:
        shown = visit.ask("version")
    except QflowError as problem:
        yield failed(*NAME, small(problem.message), hint=problem.hint)
        return
    if shown is None:
        yield from left_out([NAME], visit.over, visit.hint)
    elif shown.status in (401, 403):
        way = "Check QFLOW_API_USERNAME and QFLOW_API_PASSWORD; their user needs API access."
        yield failed(*NAME, f"the API server refused to tell it ({said(shown)})", hint=way)
    elif not shown.is_good:
        yield unknown(*NAME, f"the API server didn't tell it: {said(shown)}")
    else:
        yield _judged(version_in(shown.data), subject)


def version_in(data: object) -> str:
    """Return QFlow's version, "" where an answer tells none that looks like one."""
    found = data.get(KEY) if isinstance(data, Mapping) else None
    return found if isinstance(found, str) and _FORM.fullmatch(found) else ""


def _judged(version: str, subject: Subject) -> Check:
    match = _FORM.fullmatch(version)
    if match is None:
        return unknown(*NAME, "the answer tells none that looks like a version")
    numbers, files = (int(match[1]), int(match[2])), subject.files
    if numbers < _VARIABLES and "variables" in files:
        found = f"{version} takes no variables, and {files['variables']} sets some"
        return failed(*NAME, found, hint="Ask Qualys for a newer one: it would pass over them.")
    if numbers < _CONNECTOR_ID and "connectorId" in files:
        found = f"{version} doesn't know connectorId, which {files['connectorId']} sets"
        return failed(*NAME, found, hint="Ask Qualys for 1.19, or use `credentials` until then.")
    if numbers >= _CONNECTOR_ID and "legacy" in files:
        found = f"{version} takes connectorId; {files['legacy']} has what came before it"
        return warning(*NAME, found, hint="Rewrite it: `qflow-gitops migrate`")
    return ok(*NAME, version)
