"""Where each run stands in a lockfile, so that a long one needn't be read as a whole.

For those who only look, as `plan` does: who sends or records reads every byte, strictly.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import Any

from qflow_gitops.interfaces import Cache
from qflow_gitops.lockfile import Attempt, EnvironmentRecord, Glance, Lockfile, glance
from qflow_gitops.lockformat import attempts_from_json, from_bytes, to_bytes


class Reader:
    """Reads a lockfile, with the index that it kept when it read the same bytes before."""

    def __init__(self, cache: Cache) -> None:
        """Take where the index is kept."""
        self._cache = cache

    def __call__(self, content: bytes, where: str) -> Lockfile:
        """Give the lockfile. Raises LockError as `lockformat.from_bytes` does."""
        context = f"record {self._cache.tool}"
        identity = blake2b(content, digest_size=32).hexdigest()
        match self._cache.answer(context):
            case [kept, dict(data)] if kept == identity:
                return indexed(content, data)
        lockfile = from_bytes(content, where)
        made = index(lockfile, content)
        if made is not None:
            self._cache.keep_answer(context, [identity, made])
        return lockfile


class IndexedRuns(Mapping[str, tuple[Attempt, ...]]):
    """The runs of a lockfile that was read before: attempts are read when they are asked for."""

    def __init__(self, environment: str, content: bytes, data: Mapping[str, Any]) -> None:
        """Take the lockfile's bytes, and what its index says of an environment."""
        self._environment = environment
        self._content = content
        self._places = data["runs"]
        self._read: dict[str, tuple[Attempt, ...]] = {}
        self.platforms = frozenset(data["platforms"])

    @cached_property
    def glances(self) -> Mapping[str, Glance]:
        """What a plan has to know of every run."""
        return {
            run: Glance(file, settled, tuple(sent))
            for run, (_, _, file, settled, sent) in self._places.items()
        }

    def __getitem__(self, run: str) -> tuple[Attempt, ...]:
        if run not in self._read:
            start, end, *_ = self._places[run]
            record = json.loads(self._content[start:end])
            self._read[run] = attempts_from_json(record["attempts"], f"{self._environment}/{run}")
        return self._read[run]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def index(lockfile: Lockfile, content: bytes) -> dict[str, Any] | None:
    """Give JSON data from which `indexed` makes this lockfile again, with its bytes.

    None where the bytes aren't those of the normal form, or hold more than is known here.
    """
    if lockfile.extra or any(one.extra for one in lockfile.environments.values()):
        return None
    if to_bytes(lockfile) != content:
        return None
    at, environments = 0, {}
    for name, record in sorted(lockfile.environments.items()):
        at = content.index(b"\n    " + json.dumps(name, ensure_ascii=False).encode() + b": {", at)
        places = {}
        for run in sorted(record.runs):
            key = b"\n        " + json.dumps(run, ensure_ascii=False).encode() + b": "
            start = content.index(key, at) + len(key)
            at = content.index(b"\n        }", start)
            end = at + len(b"\n        }")
            places[run] = [start, end, *glance(record.runs[run])]
        environments[name] = {
            "latest": record.latest,
            "appliedThrough": record.applied_through,
            "platforms": sorted(record.platforms()),
            "runs": places,
        }
    return {
        "lineage": lockfile.lineage, "serial": lockfile.serial, "environments": environments,
    }  # fmt: skip


def indexed(content: bytes, data: Mapping[str, Any]) -> Lockfile:
    """Give the lockfile of which `index` made this data, from the same bytes."""
    environments = {
        name: EnvironmentRecord(
            record["latest"], record["appliedThrough"], IndexedRuns(name, content, record)
        )
        for name, record in data["environments"].items()
    }
    return Lockfile(data["lineage"], data["serial"], environments)
