"""What a spec says by the catalogs of connectors, put as it would be written without them.

A connector's name becomes its `connectorId`, a selection the list of targets that it stands for;
each place is that of the words that it came from. Nothing but the committed catalogs is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, Range, error
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.connector_catalogs import Connector, Connectors, path_of
from qflow_gitops.specs.selection import Selection
from qflow_gitops.specs.targets import OVERRIDES, SPEC, TARGETS, Resolved
from qflow_gitops.yaml.document import Document, Path

KEY = "connector"
_ID: Path = ("variables", "connectorId")


def is_by_catalog(document: Document) -> bool:
    """Whether what a spec asks for depends on a catalog of connectors."""
    spec = document.data["spec"]
    targets = spec.get("targets", ())
    return KEY in spec or isinstance(targets, dict) or any(KEY in each for each in targets)


def resolved(
    document: Document, known: Connectors, settings: Project
) -> tuple[Document, list[Diagnostic]]:
    """Return a spec without names of connectors and selections, and what is wrong with them.

    Only for a document in which the schema `workflow-run` found no error.
    """
    if not is_by_catalog(document):
        return document, []
    resolution = _Resolution(document, known, settings)
    return resolution.document(), resolution.found


class _Also(Mapping[Path, Range]):
    """Ranges by path, and further ones that win."""

    def __init__(self, more: Mapping[Path, Range], ranges: Mapping[Path, Range]) -> None:
        self._more, self._ranges = more, ranges

    def __getitem__(self, path: Path) -> Range:
        found = self._more.get(path)
        return self._ranges[path] if found is None else found

    def __iter__(self) -> Iterator[Path]:
        yield from self._more
        yield from (path for path in self._ranges if path not in self._more)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Resolution:
    """The work on one document, and what was found in it."""

    def __init__(self, document: Document, known: Connectors, settings: Project) -> None:
        self.found: list[Diagnostic] = []
        metadata = document.data["metadata"]
        self._environment = metadata.get("environment", settings.default_environment)
        self._document, self._known, self._settings = document, known, settings
        self._keys: dict[Path, Range] = {}
        self._values: dict[Path, Range] = {}
        self._catalogs: dict[Path, str] = {}

    def document(self) -> Resolved:
        given = self._document
        spec = self._in_ids(SPEC, given.data["spec"], given.data["spec"])
        clouds = spec.get("connectorType", ())
        targets = spec.get("targets")
        selected = isinstance(targets, dict)
        if isinstance(targets, dict):
            targets = self._selected(targets)
        elif targets is not None:
            targets = [
                self._in_ids((*TARGETS, number), each, {"connectorType": clouds, **each})
                for number, each in enumerate(targets)
            ]
        spec = {**spec, "targets": targets} if targets is not None else spec
        return Resolved(
            given.file,
            given.index,
            {**given.data, "spec": spec},
            _Also(self._keys, given.keys),
            _Also(self._values, given.values),
            self._catalogs,
            selected,
        )

    # --- names ----------------------------------------------------------------------

    def _in_ids(self, at: Path, own: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
        """Return a spec or a target with the id in place of the name; `whole` says which cloud."""
        if KEY not in own:
            return dict(own)
        rest = {key: value for key, value in own.items() if key != KEY}
        connector = self._known.by_name(self._environment, own[KEY])
        if connector is None:
            self.found.append(self._unknown(own[KEY], _clouds(whole), at))
            return rest
        self._placed((*at, *_ID), self._document.keys[*at, KEY], self._document.values[*at, KEY])
        return self._with_id(at, rest, connector)

    def _with_id(self, at: Path, own: Mapping[str, Any], connector: Connector) -> dict[str, Any]:
        self._catalogs[at] = path_of(self._environment, connector.cloud, self._folder)
        variables = {"connectorId": connector.id, **own.get("variables", {})}
        return {**own, "variables": variables}

    def _placed(self, path: Path, key: Range, value: Range) -> None:
        self._keys[path], self._values[path] = key, value

    def _unknown(self, name: str, clouds: Iterable[str], at: Path) -> Diagnostic:
        shown, clouds = suggest.shown(name), tuple(clouds)
        where = self._document.value_range((*at, KEY))
        message = f"There is no connector `{shown}` in {self._where(clouds)}."
        if self._known.is_ambiguous(self._environment, name):
            message = f"The name `{shown}` stands for two connectors."
        hint = self._meant(name, clouds)
        return error("connector-unknown", message, self._document.file, where, hint)

    def _where(self, clouds: Iterable[str]) -> str:
        there = self._known.clouds(self._environment)
        wanted = [cloud for cloud in clouds if cloud in there] or sorted(there)
        files = [f"`{path_of(self._environment, cloud, self._folder)}`" for cloud in wanted]
        folder = f"`{self._folder.connectors}/{self._environment}/`"
        return " or ".join(files) if files else f"{folder}, which holds no catalog"

    def _meant(self, name: str, clouds: tuple[str, ...]) -> str:
        pull = f"`qflow-gitops connectors pull -e {self._environment}`"
        if self._known.is_ambiguous(self._environment, name):
            return "Rename one of them in its catalog."
        by_id = self._known.by_id(self._environment, name)
        if by_id:
            return f"This is the id of `{by_id.name}`: write that, or `connectorId` in `variables`."
        there = self._known.of(self._environment)
        some = [one for one in there if not clouds or one.cloud in clouds]
        if of_account := [one.name for one in some if one.account == name]:
            return f"This is an account; its connector is {suggest.listed(of_account[:1])}."
        if near := suggest.near(name, [one.name for one in some]):
            return f"Did you mean `{near}`?"
        others = [
            other for other in self._settings.environments if self._known.by_name(other, name)
        ]
        elsewhere = f"It is one of `{others[0]}`. " if others else ""
        return f"{elsewhere}Correct the name, or fetch it: {pull}"

    @property
    def _folder(self) -> ProjectFolder:
        return self._settings.folder

    # --- a selection ----------------------------------------------------------------

    def _selected(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the targets that a selection stands for, in the order of their names."""
        selection = Selection(self._document, given, self._known, self._environment, self._folder)
        self.found += selection.check(_clouds(self._document.data["spec"]))
        overrides = given.get("overrides", {})
        names = {each.name: number for number, each in enumerate(selection.targets)}
        key = self._document.key_range((*TARGETS, "connectors"))
        for each in selection.targets:
            at: Path = (*TARGETS, names[each.name])
            for path in ((), ("name",), ("variables",), _ID):
                self._placed((*at, *path), key, key)
            if each.variable:
                where = self._document.value_range((*TARGETS, "regions", each.region))
                self._placed((*at, "variables", each.variable), where, where)
        self._placed_overrides(names)
        return [
            {
                "name": each.name,
                **self._with_id(
                    (*TARGETS, number),
                    _with_variables(overrides.get(each.name, {}), each.variables),
                    each.connector,
                ),
            }
            for number, each in enumerate(selection.targets)
        ]

    def _placed_overrides(self, names: Mapping[str, int]) -> None:
        """Say where what overrides say stands; a target is where its override is."""
        for own, ranges in (
            (self._keys, self._document.keys),
            (self._values, self._document.values),
        ):
            for path in ranges if OVERRIDES in self._document.keys else ():
                if path[:3] == OVERRIDES and len(path) > 3 and path[3] in names:
                    at = (*TARGETS, names[str(path[3])])
                    own[(*at, *path[4:])] = ranges[path]
                    if len(path) == 4:
                        own[(*at, "name")] = self._document.keys[path]


def _with_variables(own: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return an override with more variables beside its own."""
    given = own.get("variables", {})
    return {**own, "variables": {**variables, **given}} if variables or given else dict(own)


def _clouds(spec: Mapping[str, Any]) -> tuple[str, ...]:
    types = spec.get("connectorType", ())
    return (types,) if isinstance(types, str) else tuple(types)
