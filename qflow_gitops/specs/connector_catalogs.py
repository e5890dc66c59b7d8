"""What the API said about connectors, as files `connectors/<environment>/<cloud>.yaml`.

They are committed, and give ids the names that people read; labels in them are people's own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from qflow_gitops.base.paths import ROOT, ProjectFolder
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, error, has_errors
from qflow_gitops.settings.project import Project
from qflow_gitops.specs import schema
from qflow_gitops.specs.connectors.registry import CONNECTORS
from qflow_gitops.yaml.document import Document
from qflow_gitops.yaml.parse import parse

UNKNOWN = "unknown"
"""What an endpoint doesn't tell."""

LONGEST_NAME = 63

_IN_ERROR = ("ERROR", "FINISHED_ERRORS")  # docs/api.md 7.1 [D TC], 7.2

KEY = "connectors"
"""The key of a catalog under which the connectors stand by their names."""


class Named(NamedTuple):
    """What people call a connector; `account` is `unknown` where only the settings name it."""

    name: str
    account: str = UNKNOWN

    @property
    def shown(self) -> str:
        """The name, and the account where it is known: `payments-prod (123456789012)`."""
        return self.name if self.account == UNKNOWN else f"{self.name} ({self.account})"


Names = Mapping[tuple[str, str], Named]
"""What connectors are called, by environment and id in lower case."""


class Connector(NamedTuple):
    """One connector of an environment's catalog.

    `account`, and `state` in Qualys' word, are `unknown` where Qualys didn't say them, and
    `disabled` is None. `gone` is the day on which a pull missed it, "" for none.
    """

    id: str
    name: str
    cloud: str
    title: str = ""
    account: str = UNKNOWN
    state: str = UNKNOWN
    disabled: bool | None = None
    labels: Mapping[str, str] = {}
    gone: str = ""

    @property
    def shown(self) -> str:
        """The name, and the account where it is known: `payments-prod (123456789012)`."""
        return Named(self.name, self.account).shown

    @property
    def trouble(self) -> str:
        """Why a run through it would do nothing: "is disabled"; "" where nothing is known."""
        if self.gone:
            return f"is gone: Qualys hasn't shown it since {self.gone}"
        if self.disabled or self.state.upper() == "DISABLED":
            return "is disabled"
        if self.state.upper() in _IN_ERROR:
            return f"is in error ({suggest.shown(self.state)})"
        return ""


@dataclass(frozen=True)
class Connectors:
    """The catalogs of a project: by environment and cloud, then by name; empty without any."""

    catalogs: Mapping[tuple[str, str], Mapping[str, Connector]] = field(default_factory=dict)

    def clouds(self, environment: str) -> frozenset[str]:
        """Return the clouds of which the environment has a catalog."""
        return frozenset(cloud for name, cloud in self.catalogs if name == environment)

    def of(self, environment: str) -> Iterator[Connector]:
        """Return every connector of an environment, those that are gone as well."""
        for (name, _), catalog in self.catalogs.items():
            if name == environment:
                yield from catalog.values()

    def by_name(self, environment: str, name: str) -> Connector | None:
        """Return the connector that a name stands for in an environment, if it is one."""
        found = self._by_name.get((environment, name), ())
        return found[0] if len(found) == 1 else None

    def is_ambiguous(self, environment: str, name: str) -> bool:
        """Whether a name stands for several connectors of an environment."""
        return len(self._by_name.get((environment, name), ())) > 1

    def of_cloud(self, environment: str, cloud: str) -> Mapping[str, Connector]:
        """Return the connectors of one catalog by their names."""
        return self.catalogs.get((environment, cloud), {})

    def by_id(self, environment: str, connector_id: str) -> Connector | None:
        """Return the connector with an id, in any case of letters."""
        return self._by_id.get((environment, connector_id.lower()))

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], Sequence[Connector]]:
        found: dict[tuple[str, str], list[Connector]] = {}
        for (environment, _), catalog in self.catalogs.items():
            for one in catalog.values():
                found.setdefault((environment, one.name), []).append(one)
        return found

    @cached_property
    def _by_id(self) -> Mapping[tuple[str, str], Connector]:
        return {(name, one.id): one for name, _ in self.catalogs for one in self.of(name)}


def path_of(environment: str, cloud: str, folder: ProjectFolder = ROOT) -> str:
    """Return the file of an environment's connectors of one cloud, from the repository's root."""
    return f"{folder.connectors}/{environment}/{cloud}.yaml"


def place_of(file: str, folder: ProjectFolder) -> tuple[str, str] | None:
    """Return the environment and cloud that a file's place names; None for another place."""
    environment, _, name = file.removeprefix(f"{folder.connectors}/").partition("/")
    cloud = name.removesuffix(".yaml")
    is_there = file == path_of(environment, cloud, folder) and cloud in CONNECTORS
    return (environment, cloud) if is_there else None


def load(files: Mapping[str, bytes], settings: Project) -> tuple[Connectors, list[Diagnostic]]:
    """Read the catalogs; what is wrong with one leaves it out, with a finding."""
    catalogs: dict[tuple[str, str], Mapping[str, Connector]] = {}
    documents: dict[tuple[str, str], Document] = {}
    found: list[Diagnostic] = []
    for file in sorted(files):
        place, misplaced = _place(file, settings)
        if place is None:
            found += misplaced
            continue
        document, problems = _document(files[file], file)
        found += problems
        if document is not None:
            documents[place] = document
            catalogs[place] = {
                name: _connector(name, place[1], entry)
                for name, entry in document.data[KEY].items()
            }
    found += _ambiguous(catalogs, documents, settings)
    return Connectors(catalogs), found


def read(content: bytes, file: str, cloud: str) -> tuple[dict[str, Connector], list[Diagnostic]]:
    """Read one catalog on its own; no connectors where it has an error."""
    document, found = _document(content, file)
    entries = document.data[KEY].items() if document else ()
    return {name: _connector(name, cloud, entry) for name, entry in entries}, found


def _place(file: str, settings: Project) -> tuple[tuple[str, str] | None, list[Diagnostic]]:
    place = place_of(file, settings.folder)
    if place and place[0] in settings.environments:
        return place, []
    clouds = ", ".join(CONNECTORS)
    message = (
        "Connectors are kept in `connectors/<environment>/<cloud>.yaml`, and this is elsewhere."
    )
    hint = f"Move it. The clouds are {clouds}."
    if place:
        message = f"This is a catalog of connectors of `{suggest.shown(place[0])}`, and "
        message += f"{settings.folder.settings} has no such environment."
        known = suggest.near(place[0], settings.environments)
        meant = f"Move it to {path_of(known, place[1], settings.folder)}" if known else "Move it"
        hint = f"{meant}, or remove it."
    return None, [error("connectors-place", message, file, hint=hint)]


def _document(content: bytes, file: str) -> tuple[Document | None, list[Diagnostic]]:
    parsed = parse(content, file)
    found = list(parsed.diagnostics)
    for document in parsed.documents:
        found += schema.check(document, "connectors")
    if len(parsed.documents) > 1:
        found.append(
            error(
                "connectors-documents",
                "A catalog of connectors has to be one YAML document.",
                file,
                parsed.documents[1].value_range(()),
                "Remove the `---` and merge the two.",
            )
        )
    sound = parsed.documents and not has_errors(found)
    return (parsed.documents[0] if sound else None), found


def _connector(name: str, cloud: str, entry: Mapping[str, Any]) -> Connector:
    disabled = entry.get("disabled")
    return Connector(
        entry["id"].lower(),
        name,
        cloud,
        entry.get("title", ""),
        entry.get("account", UNKNOWN),
        entry.get("state", UNKNOWN),
        disabled if isinstance(disabled, bool) else None,
        entry.get("labels", {}),
        entry.get("gone", ""),
    )


# --- all catalogs together -----------------------------------------------------------


def _ambiguous(
    catalogs: Mapping[tuple[str, str], Mapping[str, Connector]],
    documents: Mapping[tuple[str, str], Document],
    settings: Project,
) -> Iterator[Diagnostic]:
    """Find names and ids that stand for more than one thing in an environment."""
    names: dict[tuple[str, str], Connector] = {}
    ids: dict[tuple[str, str], Connector] = {}
    for (environment, cloud), catalog in catalogs.items():
        document = documents[environment, cloud]
        given = settings.connector_names([environment])
        for each in catalog.values():
            other = names.setdefault((environment, each.name), each)
            if other is not each:
                there = _shown_place(other, environment, documents)
                yield _twice(document, each, f"The name `{each.name}` stands here and in {there}.")
            other = ids.setdefault((environment, each.id), each)
            if other is not each:
                there = _shown_place(other, environment, documents)
                yield _same_id(document, each, f"This id is called `{other.name}` in {there}.")
            called = given.get(each.id, "")
            if slug(called) not in ("", each.name):
                where = settings.folder.settings
                message = f"This id is called `{suggest.shown(called)}` in {where}."
                yield _same_id(document, each, message)


def _twice(document: Document, each: Connector, message: str) -> Diagnostic:
    where = document.key_range((KEY, each.name))
    hint = "A name stands for one connector of an environment: rename one of them."
    return error("connector-name-twice", message, document.file, where, hint)


def _same_id(document: Document, each: Connector, message: str) -> Diagnostic:
    where = document.value_range((KEY, each.name, "id"))
    hint = f"An id has one name: call it the same there, or here instead of `{each.name}`."
    return error("connector-named-otherwise", message, document.file, where, hint)


def _shown_place(
    each: Connector, environment: str, documents: Mapping[tuple[str, str], Document]
) -> str:
    document = documents[environment, each.cloud]
    return f"{document.file}:{document.key_range((KEY, each.name)).start.line}"


# --- names ---------------------------------------------------------------------------


def names(known: Connectors, settings: Project, environments: Iterable[str]) -> Names:
    """Return what the catalogs of environments call connectors, or the settings do."""
    found = {}
    for environment in environments:
        for connector_id, name in settings.connector_names([environment]).items():
            found[environment, connector_id] = Named(name)
        for one in known.of(environment):
            found[environment, one.id] = Named(one.name, one.account)
    return found


def slug(text: str) -> str:
    """Return the name that a text makes, "" where no letter of it can stand in one."""
    import re
    import unicodedata

    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_NAME].strip("-")
