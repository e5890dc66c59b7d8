"""Reads what workflow files of GitHub Actions say (docs, "Workflow syntax for GitHub Actions")."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from qflow_gitops.doctor.ci.expected import Pipeline
from qflow_gitops.errors import InvalidInput
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.yaml.parse import parse

_SECRET = re.compile(r"\$\{\{\s{0,5}secrets\.([A-Za-z_][A-Za-z0-9_]{0,100})\s{0,5}\}\}")
_TOOL = "qflow-gitops"
_PLACE = re.compile(r"github\.repository == '([A-Za-z0-9._-]+/[A-Za-z0-9._-]+)'")
_SENDS = ("apply",)


def pipeline(files: Mapping[str, bytes]) -> Pipeline:
    """Read the files of one project; InvalidInput for one that is no YAML as this tool reads it."""
    found = {path: read(path, content) for path, content in files.items()}
    jobs = [job for data in found.values() for job in _jobs(data).values()]
    steps = [step for job in jobs for step in _objects(job.get("steps"))]
    uses = tuple(dict.fromkeys(text for step in steps if (text := _text(step.get("uses")))))
    applies = [job for job in jobs if _sends(job)]
    gates = [job for data in found.values() for job in _gates(_jobs(data))]
    secrets = [name for job in applies for name in _SECRET.findall(str(job))]
    scheduled = next((path for path, data in found.items() if _crons(data)), "")
    first = found.get(scheduled, {})
    return Pipeline(
        files=tuple(files),
        scheduled=scheduled,
        gates=_environments(gates),
        applies=_environments(applies),
        check=_text(_jobs(first).get("check", {}).get("name")) or "check",
        crons=_crons(first),
        started_by=_texts(_object(_on(first).get("push")).get("branches")),
        actions=tuple(each for each in uses if not each.startswith("./")),
        tool=tuple(each for each in uses if each.partition("@")[0].endswith(f"/{_TOOL}")),
        secrets=tuple(dict.fromkeys(name for name in secrets if name != "GITHUB_TOKEN")),
        place=place[1] if (place := _PLACE.search(str(first))) else "",
        seconds=min((m * 60.0 for job in applies if (m := _minutes(job))), default=None),
        triggers=tuple(dict.fromkeys(name for data in found.values() for name in _on(data))),
    )


def read(path: str, content: bytes) -> dict[str, Any]:
    """Read a file of a CI; InvalidInput where it is no YAML as this tool reads it."""
    parsed = parse(content, path)
    if has_errors(parsed.diagnostics) or len(parsed.documents) != 1:
        said = parsed.diagnostics[0].message if parsed.diagnostics else "it isn't one document"
        raise InvalidInput(f"The workflow can't be read here: {said}", where=path)
    return parsed.documents[0].data


def _on(data: Mapping[str, Any]) -> Mapping[str, Any]:
    found = data.get("on")
    if isinstance(found, str):
        return {found: None}
    if isinstance(found, list):
        return {str(name): None for name in found}
    return _object(found)


def _jobs(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: job for name, job in _object(data.get("jobs")).items() if isinstance(job, dict)}


def _crons(data: Mapping[str, Any]) -> tuple[str, ...]:
    entries = _objects(_on(data).get("schedule"))
    return tuple(text for each in entries if (text := _text(each.get("cron"))))


def _sends(job: Mapping[str, Any]) -> bool:
    """Whether a job has the command `apply`."""
    steps = _objects(job.get("steps"))
    return any(_object(step.get("with")).get("command") in _SENDS for step in steps)


def _gates(jobs: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return the jobs with an environment that one which sends waits for."""
    for job in jobs.values():
        needed = job.get("needs")
        names = [needed] if isinstance(needed, str) else _texts(needed)
        if _sends(job):
            yield from (jobs[name] for name in names if name in jobs)


def _environments(jobs: list[dict[str, Any]]) -> tuple[str, ...]:
    """Name their environments; what an expression chooses isn't known here."""
    found = (job.get("environment") for job in jobs)
    names = (_text(each.get("name")) if isinstance(each, dict) else _text(each) for each in found)
    return tuple(dict.fromkeys(name for name in names if name and "${{" not in name))


def _minutes(job: Mapping[str, Any]) -> float:
    found = job.get("timeout-minutes")
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else 0.0


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
