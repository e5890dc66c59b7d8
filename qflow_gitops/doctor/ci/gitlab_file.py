"""Reads what a file of GitLab CI says (docs, "CI/CD YAML syntax reference")."""

import re
from collections.abc import Mapping
from typing import Any

from qflow_gitops.doctor.ci.expected import Pipeline
from qflow_gitops.errors import InvalidInput
from qflow_gitops.yaml import foreign

FILE = ".gitlab-ci.yml"
PLACE = "QFLOW_PROJECT"
_KEYWORDS = ("stages", "workflow", "default", "variables", "include", "image", "cache", "services")
_LOGIN, _SECRETS = "QFLOW_LOGIN", ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET")
_SENDS = re.compile(r"\bqflow-gitops( -C \S+)? apply\b")
_NESTED, _DEEPEST = 10, 150
_TIME = re.compile(r"\s*([0-9]{1,6})\s*(h|hours?|m|mins?|minutes?)\s*", re.IGNORECASE)


def pipeline(content: bytes) -> Pipeline:
    """Read the file; InvalidInput where it can't be."""
    data = _read(content)
    jobs = {name: job for name, job in data.items() if _is_job(name, job)}
    applies = [job for job in jobs.values() if _SENDS.search(_script(job))]
    needed = [name for job in applies for name in _names(job.get("needs"))]
    gates = [jobs[name] for name in needed if name in jobs]
    given = _object(data.get("variables"))
    known = str([given, *(job.get("variables") for job in applies)])
    times = [
        _seconds(job.get("timeout", _object(data.get("default")).get("timeout"))) for job in applies
    ]
    return Pipeline(
        files=(FILE,),
        gates=_environments(gates),
        applies=_environments(applies),
        check="check",
        secrets=() if _LOGIN in known else _SECRETS,
        place=str(given.get(PLACE) or ""),
        seconds=min((each for each in times if each), default=None),
    )


def jobs_of(content: bytes) -> frozenset[str]:
    """Name the jobs."""
    return frozenset(name for name, job in _read(content).items() if _is_job(name, job))


def _read(content: bytes) -> dict[str, Any]:
    """Return what the file says, each `!reference` replaced by what it names there."""
    try:
        data = foreign.read(content)
        found = _References(data).followed(data)
    except ValueError as problem:
        raise InvalidInput(f"The file can't be read here: {problem}", where=FILE) from None
    if not isinstance(found, dict):
        raise InvalidInput("The file can't be read here: it names no jobs", where=FILE)
    return found


class _References:
    """Follows references, which may lead on; one that leads nowhere here is None: an include's.

    They nest at most ten deep (docs, "YAML optimization", `!reference` tags).
    """

    def __init__(self, data: Any) -> None:
        self._data, self._left = data, foreign.MOST

    def followed(self, value: Any, nested: int = 0, depth: int = 0) -> Any:
        """Return a value without references; ValueError where they never end."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST or nested > _NESTED:
            raise ValueError("its references make it too large or too deep")
        if isinstance(value, foreign.Tagged):
            return self.followed(self._named(value), nested + 1, depth + 1)
        if isinstance(value, dict):
            return {key: self.followed(each, nested, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self.followed(each, nested, depth + 1) for each in value]
        return value

    def _named(self, tagged: foreign.Tagged) -> Any:
        if tagged.tag != "!reference" or not isinstance(tagged.value, list):
            return None
        found = self._data
        for key in map(str, tagged.value):
            found = found.get(key) if isinstance(found, dict) else None
        return found


def _is_job(name: str, job: Any) -> bool:
    return isinstance(job, dict) and name not in _KEYWORDS and not name.startswith(".")


def _script(job: Mapping[str, Any]) -> str:
    return str(job.get("script") or "")


def _names(needs: Any) -> list[str]:
    listed = needs if isinstance(needs, list) else []
    return [str(each.get("job")) if isinstance(each, dict) else str(each) for each in listed]


def _environments(jobs: list[dict[str, Any]]) -> tuple[str, ...]:
    found = (job.get("environment") for job in jobs)
    names = (each.get("name") if isinstance(each, dict) else each for each in found)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and "$" not in name))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(text: Any) -> float:
    found = _TIME.fullmatch(str(text))
    return float(found[1]) * (3600 if found[2].lower().startswith("h") else 60) if found else 0.0
