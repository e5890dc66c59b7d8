"""The targets that a selection from the catalog of connectors stands for."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, error, warning
from qflow_gitops.specs.connector_catalogs import Connector, Connectors, path_of
from qflow_gitops.specs.spec import CONNECTOR_IDS
from qflow_gitops.specs.targets import OVERRIDES, TARGETS
from qflow_gitops.yaml.document import Document, Path

_REGION = {"aws": "region", "oci": "oci_region"}
_SELECTED: Path = (*TARGETS, "connectors")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_MOST = 5


class Selected(NamedTuple):
    """A target: of a connector and, where `variable` names one, a region by its number."""

    name: str
    connector: Connector
    variable: str = ""
    region: int = 0
    place: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """What it says of its own beside the connector."""
        return {self.variable: self.place} if self.variable else {}


class Selection:
    """What a spec's `targets:` select, and what is wrong with that."""

    def __init__(
        self,
        document: Document,
        given: Mapping[str, Any],
        known: Connectors,
        environment: str,
        folder: ProjectFolder,
    ) -> None:
        """Take the document, its `targets:`, and what it selects from."""
        self._document, self._given, self._known = document, given, known
        self._cloud = given["connectors"]["cloud"]
        self._all = known.of_cloud(environment, self._cloud)
        self._environment = environment
        self._file = path_of(environment, self._cloud, folder)

    @cached_property
    def targets(self) -> tuple[Selected, ...]:
        """The targets, in the order of their names."""
        regions, found = self._given.get("regions"), list[Selected]()
        for one in self._usable:
            if regions is None:
                found.append(Selected(one.name, one))
            for number, region in enumerate(regions or ()):
                variable = _REGION.get(self._cloud, "")
                found.append(Selected(f"{one.name}.{region}", one, variable, number, region))
        return tuple(sorted(found))

    @cached_property
    def _chosen(self) -> Mapping[str, Connector]:
        """What has the labels, whatever is excluded."""
        labels = self._given["connectors"].get("labels", {}).items()
        return {name: one for name, one in self._all.items() if labels <= one.labels.items()}

    @cached_property
    def _kept(self) -> tuple[Connector, ...]:
        excluded = self._given["connectors"].get("exclude", ())
        return tuple(one for name, one in self._chosen.items() if name not in excluded)

    @cached_property
    def _usable(self) -> tuple[Connector, ...]:
        return tuple(one for one in self._kept if not one.trouble)

    # --- what is wrong --------------------------------------------------------------

    def check(self, clouds: Collection[str]) -> Iterator[Diagnostic]:
        """Find what matches nothing, and what can't be; `clouds` are the spec's."""
        if clouds and self._cloud not in clouds:
            yield self._error(
                "connector-of-another-cloud",
                f"Connectors of {self._cloud} are selected; connectorType is "
                f"{' and '.join(clouds)}.",
                (*_SELECTED, "cloud"),
                "Let both name the same cloud.",
            )
        if self._all:
            yield from self._excludes()
        if not self._usable:
            yield self._nothing()
            return
        yield from self._left_out()
        yield from self._overrides()
        for one in self._usable:
            if not _NAME.fullmatch(one.name):
                yield self._error(
                    "targets-connector-name",
                    f"`{one.name}` can't be the name of a target.",
                    _SELECTED,
                    f"Rename the connector in {self._file}: a letter or digit at both ends.",
                )

    def _error(self, rule: str, message: str, at: Path, hint: str) -> Diagnostic:
        where = self._document.value_range(at)
        if at == _SELECTED:
            where = self._document.key_range(at)
        return error(rule, message, self._document.file, where, hint)

    def _nothing(self) -> Diagnostic:
        pull = f"`qflow-gitops connectors pull -e {self._environment}`"
        message, hint = "This selects no connector", f"Correct the labels in {self._file}, or here."
        if not self._all:
            message += f": `{self._file}` has none, or isn't there"
            hint = f"Fetch it: {pull}"
        elif self._kept:
            names = "; ".join(f"`{one.name}` {one.trouble}" for one in self._kept[:_MOST])
            message, hint = (
                f"{message} that works: {names}",
                f"Look at them in Qualys, then: {pull}",
            )
        elif self._chosen:
            message, hint = f"{message}: all are excluded", "Exclude fewer of them."
        return self._error("targets-nothing", f"{message}.", _SELECTED, hint)

    def _excludes(self) -> Iterator[Diagnostic]:
        for number, name in enumerate(self._given["connectors"].get("exclude", ())):
            if name not in self._chosen:
                near = suggest.near(name, self._chosen)
                yield self._error(
                    "targets-unmatched",
                    f"No connector that is selected is called `{suggest.shown(name)}`.",
                    (*_SELECTED, "exclude", number),
                    f"Did you mean `{near}`?" if near else "Remove it.",
                )

    def _overrides(self) -> Iterator[Diagnostic]:
        names = {each.name for each in self.targets}
        left_out = {one.name for one in self._kept if one.trouble}
        for name, own in self._given.get("overrides", {}).items():
            if name in names:
                yield from self._override(name, own)
            elif name.partition(".")[0] not in left_out:
                yield self._unmatched(name, names)

    def _unmatched(self, name: str, names: Collection[str]) -> Diagnostic:
        some = sorted(each for each in names if each.startswith(f"{name}."))
        near = suggest.near(name, names)
        hint = f"Did you mean `{near}`?" if near else f"There are: {_some(sorted(names))}."
        if some:
            hint = f"A target has its region in its name: {_some(some)}."
        return error(
            "targets-unmatched",
            f"The override `{suggest.shown(name)}` is of no target.",
            self._document.file,
            self._document.key_range((*OVERRIDES, name)),
            hint,
        )

    def _override(self, name: str, own: Mapping[str, Any]) -> Iterator[Diagnostic]:
        named = {
            *CONNECTOR_IDS,
            *([_REGION.get(self._cloud, "")] if "regions" in self._given else ()),
        }
        for variable in own.get("variables", {}):
            if variable in named:
                yield error(
                    "targets-override",
                    f"`{variable}` of `{name}` is what its name says.",
                    self._document.file,
                    self._document.key_range((*OVERRIDES, name, "variables", variable)),
                    "Remove it: another account or region is another target.",
                )

    def _left_out(self) -> Iterator[Diagnostic]:
        left = [one for one in self._kept if one.trouble]
        if not left:
            return
        names = "; ".join(f"`{one.name}` {one.trouble}" for one in left[:_MOST])
        more = f"; and {len(left) - _MOST} more" if len(left) > _MOST else ""
        yield warning(
            "targets-left-out",
            f"Left out: {names}{more}.",
            self._document.file,
            self._document.key_range(_SELECTED),
            f"Exclude {'it' if len(left) == 1 else 'them'}, or look in Qualys, then pull: "
            f"`qflow-gitops connectors pull -e {self._environment}`",
        )


def _some(names: list[str]) -> str:
    return f"{suggest.listed(names[:_MOST])}{', …' if len(names) > _MOST else ''}"
