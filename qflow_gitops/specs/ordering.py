"""What comes before what: `after` of a spec, and the order and batches of its rollout."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from qflow_gitops.base.names import RunKey, spec_of
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, Range, error
from qflow_gitops.settings.rollouts import check_batches
from qflow_gitops.specs.spec import RunSpec
from qflow_gitops.yaml.document import Document, Path
from qflow_gitops.yaml.parse import place

Entry = str | Mapping[str, Any]
AFTER: Path = ("spec", "after")
ROLLOUT: Path = ("spec", "rollout")
UNKNOWN = "after-unknown"


class Predecessors:
    """Which runs an entry of `after` is about, by the specs that there are.

    `invalid` are the runs that files with errors seem to hold.
    """

    def __init__(self, specs: Iterable[RunSpec], invalid: Collection[RunKey] = ()) -> None:
        """Look at each spec once."""
        self._groups: dict[RunKey, list[RunKey]] = {}
        self._labels: dict[tuple[str, str, str], set[RunKey]] = {}
        self._order: dict[RunKey, int] = {}
        for spec in specs:
            self._order[spec.key] = len(self._order)
            self._groups.setdefault(spec.group, []).append(spec.key)
            for name, value in spec.labels.items():
                self._labels.setdefault((spec.environment, name, value), set()).add(spec.key)
        for key in invalid:
            if spec_of(key) not in self._groups or key not in self._order:
                self._groups.setdefault(spec_of(key), []).append(key)

    def of(self, environment: str, entry: Entry) -> Sequence[RunKey]:
        """Return the runs of an environment that an entry is about, as they are written."""
        if not isinstance(entry, str):
            sets = [
                self._labels.get((environment, name, value), set())
                for name, value in entry["labels"].items()
            ]
            return sorted(set.intersection(*sets), key=lambda key: self._order[key])
        run, _, target = entry.partition("/")
        members = self._groups.get((environment, run), ())
        if target in ("", "*"):
            return [key for key in members if not target or "/" in key[1]]
        return [key for key in members if key[1] == entry]

    def names(self, environment: str) -> Iterator[str]:
        """Name the specs of an environment, and their targets."""
        for (there, run), members in self._groups.items():
            if there == environment:
                yield run
                yield from (name for _, name in members if "/" in name)


def shown(entry: Entry) -> str:
    """Write an entry as it stands in a file."""
    if isinstance(entry, str):
        return entry
    return ", ".join(f"{name}={value}" for name, value in entry["labels"].items())


# --- within one spec -------------------------------------------------------------------


def check(document: Document, targets: Collection[str]) -> Iterator[Diagnostic]:
    """Find what can't be meant in the rollout of a spec with these targets."""
    given = document.data["spec"].get("rollout", {})
    for number, name in enumerate(given.get("order", ())):
        if name not in targets:
            near = suggest.near(name, targets)
            yield error(
                "rollout-order",
                f"The spec has no target `{suggest.shown(name)}`.",
                document.file,
                document.value_range((*ROLLOUT, "order", number)),
                f"Did you mean `{near}`?" if near else "Name a target of the spec, or remove it.",
            )
    yield from check_batches(document, ROLLOUT, given)


# --- among all specs -------------------------------------------------------------------


def predecessors(
    specs: Sequence[RunSpec], invalid: Collection[RunKey], files: Mapping[str, bytes]
) -> Iterator[Diagnostic]:
    """Find entries of `after` that match nothing, and those by which a spec waits for itself."""
    waiting = {spec.group: spec for spec in specs if spec.after}
    if not waiting:
        return
    known = Predecessors(specs, invalid)
    edges: dict[RunKey, dict[RunKey, int]] = {}
    for group, spec in waiting.items():
        for number, entry in enumerate(spec.after):
            found = known.of(spec.environment, entry)
            if not found:
                yield _unknown(spec, number, known, files)
            for key in found:
                edges.setdefault(group, {}).setdefault(spec_of(key), number)
    yield from _cycles(edges, waiting, files)


def _unknown(
    spec: RunSpec, number: int, known: Predecessors, files: Mapping[str, bytes]
) -> Diagnostic:
    entry = spec.after[number]
    message = f"No run of `{spec.environment}` has the labels {shown(entry)}."
    hint = "Give the runs that are meant these labels, or remove it."
    if isinstance(entry, str):
        message = f"`{spec.environment}` has no run `{entry}`."
        near = suggest.near(entry, sorted(known.names(spec.environment)))
        hint = f"Did you mean `{near}`?" if near else "Name a run of the same environment."
    return error(UNKNOWN, message, spec.file, _place(spec, number, files), hint)


def _cycles(
    edges: Mapping[RunKey, Mapping[RunKey, int]],
    waiting: Mapping[RunKey, RunSpec],
    files: Mapping[str, bytes],
) -> Iterator[Diagnostic]:
    """Find circles, one after the other, until none is left."""
    rest = {group: dict(before) for group, before in edges.items()}
    while True:
        try:
            TopologicalSorter(rest).prepare()
        except CycleError as problem:
            circle = list(reversed(problem.args[1]))
        else:
            return
        told = " waits for ".join(f"`{name}`" for _, name in circle)
        for group, before in pairwise(circle):
            spec, number = waiting[group], rest[group].pop(before)
            yield error(
                "after-cycle",
                f"This would never be started: {told}.",
                spec.file,
                _place(spec, number, files),
                "Remove one of them.",
            )


def _place(spec: RunSpec, number: int, files: Mapping[str, bytes]) -> Range:
    return place(files[spec.file], spec.file, spec.index, (*AFTER, number))
