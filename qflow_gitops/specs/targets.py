"""One spec, many accounts: each target of a spec as the document that it would be written out.

Every rule about a spec works on such a document, whose places are those of the target where it
says something of its own, and those of the spec where it doesn't.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qflow_gitops.base.pointer import pointer_to
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, Range, error
from qflow_gitops.yaml.document import Document, Path

TARGETS: Path = ("spec", "targets")
OVERRIDES: Path = (*TARGETS, "overrides")
SPEC: Path = ("spec",)
POINTLESS = "sensitive-nothing"
"""The rule about pointers that lead to nothing."""

MOST_BYTES = 16 * 2**20
"""So much of variables and input the targets of a spec may share, counted for each of them."""

_NAMED = 3  # targets in a sentence
_OF_ALL = ("targets", "rollout")
_META = ("labels", "annotations", "previousName")
_SPEC = ("connectorType", "variables", "input", "rerun")
_LISTS = ("sensitive", "notSecret")
_MERGED = ("labels", "annotations", "variables", "input")


@dataclass(frozen=True, slots=True)
class Target(Document):
    """A target as a document of its own.

    The name in its data is still its run's, `name` is that of the target; `path` is where it
    stands in the document of the file, or would: what is selected is only there as an override.
    `catalog` is the file that gave its connector, "" for none. `rollout` is the spec's, which is
    about all of its targets.
    """

    name: str
    path: Path
    catalog: str
    rollout: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resolved(Document):
    """A spec as it would be written without the catalogs of connectors (`by_catalog`).

    `catalogs` are the files that gave a connector, by where that is in the data: in the spec or in
    a target. `selected` is whether the targets were.
    """

    catalogs: Mapping[Path, str]
    selected: bool


def written_out(document: Document) -> tuple[Document, ...]:
    """Return the documents that a spec stands for: its targets, itself where it has none.

    Only for a document in which the schema `workflow-run` found no error.
    """
    given = document.data["spec"].get("targets")
    if given is None:
        return (document,)
    expansion = _Expansion(document)
    return tuple(map(expansion.target, range(len(given))))


def as_written_out(path: Path) -> Path:
    """Return where a value of a target would stand in a document of its own; others as they are."""
    rest = path[len(target_of(path)) :]
    if not rest or len(rest) == len(path):
        return path
    return ("metadata" if rest[0] in ("name", *_META) else "spec", *rest)


def target_of(path: Path) -> Path:
    """Return where the target, or its override, stands that a path leads into; () for none."""
    if path[:2] != TARGETS:
        return ()
    depth = 4 if path[:3] == OVERRIDES else 3
    in_one = len(path) >= depth and (depth == 4 or isinstance(path[2], int))
    return path[:depth] if in_one else ()


def own_parts(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Return what stands in a spec about single targets, as it is written, and where."""
    targets = spec.get("targets", ())
    if isinstance(targets, dict):
        overrides = targets.get("overrides", {})
        pairs = overrides.items() if isinstance(overrides, dict) else ()
        yield from (((*OVERRIDES, name), own) for name, own in pairs)
    elif isinstance(targets, (list, tuple)):
        yield from (((*TARGETS, number), own) for number, own in enumerate(targets))


def parts(document: Document, wanted: Collection[tuple[str, str]]) -> Iterator[tuple[Path, Any]]:
    """Return parts of a spec, given by their paths, and those of its targets."""
    for top, name in wanted:
        yield (top, name), document.data.get(top, {}).get(name)
    for at, target in own_parts(document.data["spec"]):
        for _, name in wanted:
            if name in target:
                yield (*at, name), target[name]


def is_excused(document: Document, path: Path) -> bool:
    """Whether `notSecret` of the spec, or of the target that a value stands in, points at it."""
    spec, pointer = document.data["spec"], pointer_to(as_written_out(path)[1:])
    own = target_of(path)
    places = [spec, *(each for at, each in own_parts(spec) if own == at)]
    return any(pointer in place.get("notSecret", ()) for place in places)


def catalog_of(document: Document) -> str:
    """Return the file of the catalog that a document, or target, has its connector from, or ""."""
    if isinstance(document, Target):
        return document.catalog
    return document.catalogs.get(SPEC, "") if isinstance(document, Resolved) else ""


def is_selected(document: Document) -> bool:
    """Whether the targets of a document were selected, rather than written."""
    return isinstance(document, Resolved) and document.selected


def overlaid(base: Any, patch: Any) -> Any:
    """Return JSON data with other data laid over it (RFC 7386); neither is changed.

    Objects are merged key by key, anything else is replaced, null takes away.
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = overlaid(result.get(key), value)
        else:
            result[key] = value
    return result


class _Expansion:
    """What all targets of a document have in common."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._targets = document.data["spec"]["targets"]
        self._metadata = document.data["metadata"]
        self._rollout = document.data["spec"].get("rollout", {})
        self._spec = {
            key: value for key, value in document.data["spec"].items() if key not in _OF_ALL
        }
        self._catalogs: Mapping[Path, str] = {}
        self._selected = is_selected(document)
        if isinstance(document, Resolved):
            self._catalogs = document.catalogs

    def target(self, number: int) -> Target:
        own = self._targets[number]
        data = {
            **self._document.data,
            "metadata": _laid_over(self._metadata, own, _META),
            "spec": _laid_over(self._spec, own, _SPEC),
        }
        if "previousName" in self._metadata and "previousName" not in own:
            data["metadata"]["previousName"] = f"{self._metadata['previousName']}/{own['name']}"
        for name in _LISTS:
            if name in own:
                data["spec"][name] = [*data["spec"].get(name, ()), *own[name]]
        document = self._document
        at: Path = (*TARGETS, number)
        keys = _Places(document.keys, at, data, self._spec)
        values = _Places(document.values, at, data, self._spec)
        path = (*OVERRIDES, own["name"]) if self._selected else at
        by = self._catalog(at, own)
        return Target(
            document.file, document.index, data, keys, values, own["name"], path, by, self._rollout
        )

    def _catalog(self, at: Path, own: Mapping[str, Any]) -> str:
        """Return the file of the catalog that its connector is from: the spec's, or its own."""
        is_own = "connectorId" in own.get("variables", ())
        return self._catalogs.get(at if is_own else SPEC, "") if self._catalogs else ""


def _laid_over(
    base: Mapping[str, Any], own: Mapping[str, Any], names: Iterable[str]
) -> dict[str, Any]:
    result = dict(base)
    for name in names:
        if name in own:
            result[name] = overlaid(base.get(name), own[name]) if name in _MERGED else own[name]
    return result


class _Places(Mapping[Path, Range]):
    """The ranges of a target's keys or values: its own where it has some, else the spec's."""

    def __init__(
        self,
        ranges: Mapping[Path, Range],
        at: Path,
        data: Mapping[str, Any],
        spec: Mapping[str, Any],
    ) -> None:
        self._ranges, self._at, self._data, self._spec = ranges, at, data, spec

    def __getitem__(self, path: Path) -> Range:
        section, rest = path[1:2], path[2:]
        if section and section[0] in _LISTS and rest:
            shared = len(self._spec.get(str(section[0]), ()))
            if int(rest[0]) >= shared:
                return self._ranges[(*self._at, *section, int(rest[0]) - shared)]
        elif section and section[0] in (*_META, *_SPEC, *_LISTS, "name"):
            own = (*self._at, *section, *rest)
            if own in self._ranges:
                return self._ranges[own]
        return self._ranges[path]

    def __iter__(self) -> Iterator[Path]:
        return (path for path in _paths(self._data, ()) if path in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _paths(data: Any, at: Path) -> Iterator[Path]:
    """Return the paths of all values; those in `sensitive` as well."""
    yield at
    inside: Iterable[tuple[str | int, Any]] = ()
    if isinstance(data, dict):
        inside = data.items()
    elif isinstance(data, list):
        inside = enumerate(data)
    for key, value in inside:
        yield from _paths(value, (*at, key))


# --- what only all targets together, or the settings, can tell ------------------------


def names(document: Document) -> list[str]:
    """Name the targets of a spec, [] where it has none."""
    return [target["name"] for target in document.data["spec"].get("targets", ())]


def too_large(document: Document) -> list[Diagnostic]:
    """Refuse a spec that would fill the memory if it were written out."""
    spec = document.data["spec"]
    targets = spec.get("targets", ())
    shared = {key: spec[key] for key in ("variables", "input") if key in spec}
    size = len(json.dumps(shared)) * len(targets) if targets else 0
    if size <= MOST_BYTES:
        return []
    message = (
        f"Written out, this spec has {size // 2**20} MiB: {len(targets)} targets share "
        f"{size // len(targets)} bytes."
    )
    hint = f"At most {MOST_BYTES // 2**20} MiB: let them share less, or make it several specs."
    return [error("targets-too-large", message, document.file, document.key_range(TARGETS), hint)]


def check(document: Document, environments: Collection[str]) -> Iterator[Diagnostic]:
    """Find what is wrong with the targets of a spec among each other, and with their run's name.

    Only for a document in which the schema `workflow-run` found no error.
    """
    given = document.data["spec"].get("targets")
    if given is None:
        return
    run, previous = (document.data["metadata"].get(key, "") for key in ("name", "previousName"))
    if run in environments:
        yield error(
            "target-environment",
            f"A spec with targets can't be called like the environment `{run}`.",
            document.file,
            document.value_range(("metadata", "name")),
            f"`{run}/NAME` would be a run of that environment and a target of this spec: rename "
            "the spec.",
        )
    if "/" in previous:
        yield error(
            "target-previous-name",
            f"`{suggest.shown(previous)}` is one run; this spec has several.",
            document.file,
            document.value_range(("metadata", "previousName")),
            "Put it as `previousName` into the target that was that run.",
        )
    names = Counter(target["name"] for target in given)
    for number, target in enumerate(given):
        if names[target["name"]] > 1:
            yield error(
                "target-name-twice",
                f"There are {names[target['name']]} targets called `{target['name']}`.",
                document.file,
                document.value_range((*TARGETS, number, "name")),
                "A target's name is its run's identity: rename or remove one of them.",
            )


def told_once(document: Document, found: Sequence[Sequence[Diagnostic]]) -> list[Diagnostic]:
    """Put the findings about the targets of one spec together: what they share is said once.

    Of a pointer of the spec that leads to nothing only where it does so for every target.
    """
    all_names = names(document)
    pointers = {document.values.get(("spec", *path)) for path in _pointers(document.data["spec"])}
    once: dict[tuple[str, Range], Diagnostic] = {}
    which: dict[tuple[str, Range], list[str]] = {}
    for name, some in zip(all_names, found, strict=True):
        for finding in some:
            cause = (finding.rule, finding.range)
            once.setdefault(cause, finding)
            which.setdefault(cause, []).append(name)
    return [
        _of_some(finding, which[cause], all_names, document)
        for cause, finding in once.items()
        if finding.rule != POINTLESS
        or finding.range not in pointers
        or len(which[cause]) == len(all_names)
    ]


def _of_some(
    finding: Diagnostic, which: Sequence[str], names: Sequence[str], document: Document
) -> Diagnostic:
    """Say which targets a finding about what they share is about, where it isn't all of them."""
    own = document.values.get(OVERRIDES if is_selected(document) else TARGETS)
    if len(which) == len(names) or (own and own.start <= finding.range.start < own.end):
        return finding
    more = f" and {len(which) - _NAMED} more" if len(which) > _NAMED else ""
    said = f"So it is for {suggest.listed(which[:_NAMED])}{more}."
    return replace(finding, message=f"{finding.message} {said}")


def _pointers(spec: Mapping[str, Any]) -> Iterator[Path]:
    for name in _LISTS:
        yield from ((name, number) for number in range(len(spec.get(name, ()))))
