"""Where each run stands in a lockfile, so that a long one needn't be read as a whole.

For those who only look, as `plan` does: who sends or records reads every byte, strictly.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.codec import attempts_from_json, from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import from_json, to_json
from qflow_gitops.lockfile.summary import RunSummary, glance
from qflow_gitops.ports.cache import Cache


class Reader:
    """Reads a lockfile, with the index that it kept when it read the same bytes before."""

    def __init__(self, cache: Cache) -> None:
        """Take where the index is kept."""
        self._cache = cache

    def __call__(self, content: bytes, where: str) -> Lockfile:
        """Return the lockfile. Raises LockError as `codec.from_bytes` does."""
        identity = sha256(content).hexdigest()
        match self._cache.answer("record"):
            case [tool, kept, dict(data)] if (tool, kept) == (self._cache.tool, identity):
                return indexed(content, data)
        lockfile = from_bytes(content, where)
        made = index(lockfile, content)
        if made is not None:
            self._cache.keep_answer("record", [self._cache.tool, identity, made])
        return lockfile


class IndexedRuns(Mapping[str, tuple[Attempt, ...]]):
    """The runs of a lockfile that was read before: attempts are read when they are asked for.

    Implements `lockfile.summary.EnvironmentSummary` as well: what the index holds of each run is a
    line in one of a few long texts, which are searched without taking them apart where that will
    do.
    """

    def __init__(self, environment: str, content: bytes, data: Mapping[str, Any]) -> None:
        """Take the lockfile's bytes, and what its index says of an environment."""
        self._environment = environment
        self._content = content
        self._data = data
        self._split: dict[str, list[str]] = {}
        self._read: dict[str, tuple[Attempt, ...]] = {}
        self.platforms = frozenset(data["platforms"])

    @property
    def overview(self) -> "IndexedRuns":
        """What can be told of the runs at a glance."""
        return self

    def glance(self, run: str) -> RunSummary | None:
        """Look at a run, None for one that isn't recorded."""
        at = self._numbers.get(run)
        if at is None:
            return None
        file, sent = self._lines("files")[at], self._lines("sent")[at]
        return RunSummary(file, self._is_settled(at), tuple(sent.split()))

    def unsettled(self) -> Mapping[str, str]:
        """Return the file of each run that isn't settled."""
        return {
            self._lines("names")[at]: self._lines("files")[at]
            for at in range(len(self) if "0" in self._data["settled"] else 0)
            if not self._is_settled(at)
        }

    def of_files(self, files: frozenset[str]) -> Sequence[str]:
        """Name the runs of which the last attempt came from one of these files."""
        named = zip(self._lines("names"), self._lines("files"), strict=True)
        return [name for name, file in named if file in files]

    def senders(self, digest: str) -> Sequence[str]:
        """Name the runs by which a digest is spent."""
        if digest not in self._data["sent"]:
            return []
        return [
            name
            for name, sent in zip(self._lines("names"), self._lines("sent"), strict=True)
            if digest in sent.split()
        ]

    def _is_settled(self, at: int) -> bool:
        return bool(self._data["settled"][at] == "1")

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return dict(zip(self._lines("names"), range(len(self)), strict=True))

    def _lines(self, name: str) -> list[str]:
        """Return what the index holds of each run under this name, in the order of the runs."""
        if name not in self._split:
            self._split[name] = self._data[name].split("\n") if len(self) else []
        return self._split[name]

    def __getitem__(self, run: str) -> tuple[Attempt, ...]:
        if run not in self._read:
            start, end = map(int, self._lines("places")[self._numbers[run]].split())
            record = json.loads(self._content[start:end])
            name = f"{self._environment}/{run}"
            self._read[run] = attempts_from_json(record["attempts"], name)
        return self._read[run]

    def __contains__(self, run: object) -> bool:
        return run in self._numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines("names"))

    def __len__(self) -> int:
        return len(self._data["settled"])


def index(lockfile: Lockfile, content: bytes) -> dict[str, Any] | None:
    """Return JSON data from which `indexed` makes this lockfile again, with its bytes.

    None where the bytes aren't those of the normal form, or hold more than is known here.
    What there is one of for each run stands in one text, a line each: that is read faster.
    """
    if lockfile.extra or any(environment.extra for environment in lockfile.environments.values()):
        return None
    if to_bytes(lockfile) != content:
        return None
    at, environments = 0, {}
    for name, record in sorted(lockfile.environments.items()):
        at = content.index(_key(name, 4), at)
        places, glances = [], []
        for run in sorted(record.runs):
            key = _key(run, 8)
            start = content.index(key, at) + len(key)
            at = content.index(_CLOSED, start)
            places.append(f"{start} {at + len(_CLOSED)}")
            glances.append(glance(record.runs[run]))
        environments[name] = {
            "latest": record.latest,
            "appliedThrough": record.applied_through,
            "notes": [to_json(event) for event in record.notes],
            "events": {run: [*map(to_json, some)] for run, some in record.events.items()},
            "platforms": sorted(lockfile.overview(name).platforms),
            "names": "\n".join(sorted(record.runs)),
            "places": "\n".join(places),
            "files": "\n".join(summary.file for summary in glances),
            "settled": "".join("01"[summary.settled] for summary in glances),
            "sent": "\n".join(" ".join(summary.sent) for summary in glances),
        }
        if record.runs and any(
            len(record.runs) != text.count("\n") + 1 for text in _texts(environments[name])
        ):
            return None  # a name with a line break in it
    return {
        "lineage": lockfile.lineage,
        "serial": lockfile.serial,
        "environments": environments,
        "notes": [to_json(event) for event in lockfile.notes],
    }


_CLOSED = b"\n        }"


def _key(name: str, indent: int) -> bytes:
    return b"\n" + b" " * indent + json.dumps(name, ensure_ascii=False).encode() + b": "


def _texts(data: Mapping[str, Any]) -> list[str]:
    return [data[name] for name in ("names", "places", "files", "sent")]


def indexed(content: bytes, data: Mapping[str, Any]) -> Lockfile:
    """Return the lockfile of which `index` made this data, from the same bytes."""
    environments = {
        name: EnvironmentRecord(
            record["latest"],
            record["appliedThrough"],
            IndexedRuns(name, content, record),
            {run: tuple(map(from_json, some)) for run, some in record["events"].items()},
            tuple(map(from_json, record["notes"])),
        )
        for name, record in data["environments"].items()
    }
    notes = tuple(map(from_json, data["notes"]))
    return Lockfile(data["lineage"], data["serial"], environments, notes)
