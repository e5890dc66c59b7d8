"""What a repository of run specs says, as a value, and its text in several forms.

`Asked` is a run: a spec, or a target of one, called `<spec>/<target>`. `World` is all that a commit
says.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from tests.helpers.values import replace

Key = tuple[str, str]
NAMES = ("a", "b", "c", "d", "e")
ENVIRONMENTS = ("prod", "dev", "stage")
FOLDERS = ("runs", "specs", "flows/all")
PLATFORMS = ("sandbox", "US1")
WORKFLOWS = ("6cad21c8-4405-4517-beb9-7372feafb5b4", "f516bcf4-f6fb-46ac-a54f-ddbcf2a2d24a")
CONNECTOR = "aa70acae-6ea8-3acf-b504-f327855b316a"
ODD = "Odd"
FORMS = ("plain", "quoted", "flow", "turned", "mixed")


@dataclass(frozen=True, slots=True)
class Asked:
    """A run. `value`, `workflow`, `rerun` and whether there is a connector are its request.

    All else is how that is said: `connector` is the variable that names it, `capitals` and `form`
    how the file is written; `broken`: with a mistake that `validate` finds. A target names its
    environment, and what it shares with others of its spec, the workflow.
    """

    name: str
    value: int
    environment: str = ""
    workflow: int = 0
    rerun: int = 0
    previous: str = ""
    connector: str = ""
    form: str = "plain"
    capitals: bool = False
    broken: bool = False

    @property
    def meaning(self) -> str:
        """The identity of the request, said without the program's help."""
        return _meaning(WORKFLOWS[self.workflow], {"value": self.value}, bool(self.connector)) + (
            f" rerun {self.rerun}" if self.rerun else ""
        )

    @property
    def whole(self) -> str:
        """The name of the spec that it is a target of, "" for a spec of its own."""
        return self.name.rpartition("/")[0]

    @property
    def said(self) -> dict[str, Any]:
        """What of a spec says where it works, and with what."""
        case = str.upper if self.capitals else str
        variables = {self.connector: case(CONNECTOR), "region": "us-east-1"}
        where = {"connectorType": "aws", "variables": variables} if self.connector else {}
        return where | {"input": {"value": self.value}}

    @property
    def own(self) -> dict[str, Any]:
        """What else a spec or a target says of itself."""
        said = {"rerun": self.rerun, "mistake": 1 if self.broken else 0}
        return {name: one for name, one in said.items() if one}


def document(some: Sequence[Asked]) -> str:
    """The YAML document of a run, or of all targets of a spec, which share what the first says."""
    first = some[0]
    case = str.upper if first.capitals else str
    metadata = {
        "name": first.whole or first.name,
        "environment": first.environment,
        "previousName": "" if first.whole else first.previous,
    }
    spec = {"workflowId": case(WORKFLOWS[first.workflow]), **first.said}
    if first.whole:
        spec["targets"] = [
            {"name": one.name.rpartition("/")[2], **_patch(first.said, one.said), **one.own}
            | ({"previousName": one.previous} if one.previous else {})
            for one in some
        ]
    else:
        spec |= first.own
    return written(
        {
            "apiVersion": "qflow-gitops/v1",
            "kind": "WorkflowRun",
            "metadata": {name: one for name, one in metadata.items() if one},
            "spec": spec,
        },
        first.form,
    )


def _patch(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be laid over `base` to get what is wanted. A cloud says nothing by itself."""
    found: dict[str, Any] = {}
    for name in {**base, **wanted}:
        old, new = base.get(name), wanted.get(name)
        if isinstance(old, dict):
            found[name] = _patch(old, new or {})
        elif old != new and (new is not None or name != "connectorType"):
            found[name] = new
    return {name: one for name, one in found.items() if one != {}}


def meaning_of(workflow: str, body: Mapping[str, Any]) -> str:
    """The identity of a request that arrived, but for `rerun`, which isn't sent."""
    variables = dict(body.get("variables", {}))
    named = [variables.pop(name, "") for name in ("connectorId", "credentials")]
    assert not any(named) or CONNECTOR in [one.lower() for one in named]
    assert variables in ({}, {"region": "us-east-1"})
    return _meaning(workflow.lower(), body["input"], any(named))


def _meaning(workflow: str, given: Mapping[str, Any], connected: bool) -> str:
    return f"{workflow[:4]} {json.dumps(given)}{' connector' if connected else ''}"


class Environment(NamedTuple):
    """An environment of the settings."""

    platform: str = "sandbox"
    previous: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """All that a commit says. `taught`: what a status word means that nobody documented."""

    files: Mapping[str, tuple[Asked, ...]]
    environments: Mapping[str, Environment]
    default: str = "prod"
    folder: str = FOLDERS[0]
    taught: bool = False

    def key(self, one: Asked) -> Key:
        return (one.environment or self.default, one.name)

    def places(self) -> dict[Key, tuple[str, Asked]]:
        """Every run, with its file and its spec."""
        return {self.key(one): (file, one) for file, some in self.files.items() for one in some}

    @property
    def broken(self) -> bool:
        return any(one.broken for some in self.files.values() for one in some)

    def texts(self, store: str) -> dict[str, str]:
        """The content of every file."""
        environments = {
            name: {"platform": one.platform}
            | ({"previousNames": list(one.previous)} if one.previous else {})
            for name, one in self.environments.items()
        }
        settings = {
            "runs": [self.folder],
            "defaultEnvironment": self.default,
            "environments": environments,
            "lock": {"store": store},
            "apply": {"onFailure": "continue"},
            "statuses": {"Failed": "failed"} | ({ODD: "succeeded"} if self.taught else {}),
        }
        project = {"apiVersion": "qflow-gitops/v1", "kind": "Project", "spec": settings}
        texts = {"qflow.yaml": written(project, "plain"), f"{self.folder}/README.md": "Specs.\n"}
        for file, documents in self.documents().items():
            texts[f"{self.folder}/{file}"] = "---\n".join(map(document, documents))
        return texts

    def documents(self) -> dict[str, list[list[Asked]]]:
        """What stands in every file: a spec with all its targets where the first of them does."""
        found: dict[str, list[list[Asked]]] = {}
        specs: dict[Key, list[Asked]] = {}
        for file, some in self.files.items():
            for one in some:
                whole = (one.environment, one.whole)
                if one.whole and whole in specs:
                    specs[whole].append(one)
                else:
                    specs[whole] = [one]
                    found.setdefault(file, []).append(specs[whole])
        return found

    def file_of(self, key: Key) -> str:
        """The file that a run stands in."""
        every = self.documents().items()
        (file,) = [name for name, some in every if key in map(self.key, chain(*some))]
        return file

    @property
    def doubled(self) -> bool:
        """Whether two targets of a spec ask for the same, which `validate` finds."""
        some = [(one.environment, one.whole, one.meaning) for one in self.targets()]
        return len(set(some)) < len(some)

    def targets(self) -> Iterator[Asked]:
        return (one for some in self.files.values() for one in some if one.whole)

    # --- changed -----------------------------------------------------------------------

    def put(self, key: Key, **fields: Any) -> "World":
        """Change what a run's spec says, where it stands."""
        file, one = self.places()[key]
        some = tuple(replace(each, **fields) if each is one else each for each in self.files[file])
        return replace(self, files={**self.files, file: some})

    def without(self, *keys: Key) -> "World":
        """Take specs away, and files that then hold none."""
        left = {
            file: tuple(one for one in some if self.key(one) not in keys)
            for file, some in self.files.items()
        }
        return replace(self, files={file: some for file, some in left.items() if some})

    def added(self, file: str, one: Asked) -> "World":
        return replace(self, files={**self.files, file: (*self.files.get(file, ()), one)})

    def every(self, change: Callable[[Asked], Asked]) -> "World":
        return replace(
            self,
            files={file: tuple(map(change, some)) for file, some in self.files.items()},
        )


def written(data: Mapping[str, Any], form: str) -> str:
    """Write a document in one of the forms that mean the same."""
    if form == "flow":
        return json.dumps(data) + "\n"
    return "".join(_lines(data, "", form))


def _lines(data: Mapping[str, Any], indent: str, form: str) -> Iterator[str]:
    items = list(data.items())
    if form == "turned":
        yield f"{indent}# so it was said\n"
        items.reverse()
    for name, one in items:
        if isinstance(one, dict) and (form != "mixed" or name == "spec"):
            yield f"{indent}{name}:\n"
            yield from _lines(one, indent + ("    " if form == "quoted" else "  "), form)
        else:
            yield f"{indent}{name}: {_scalar(one, form)}{'  # so' if form == 'mixed' else ''}\n"


def _scalar(one: Any, form: str) -> str:
    if isinstance(one, int) and form == "mixed":
        return f"{one}.0"
    plain = isinstance(one, str) and form in ("plain", "turned")
    return str(one) if plain else json.dumps(one)


def beginning() -> World:
    """Two environments on one platform, and four runs."""
    runs = (
        Asked("a", 0), Asked("b", 1, connector="connectorId"),
        Asked("a", 2, "dev"), Asked("c", 3, "dev", workflow=1),
    )  # fmt: skip
    world = World({}, {"prod": Environment(), "dev": Environment()})
    for one in runs:
        world = world.added(f"{one.environment or 'prod'}-{one.name}.yaml", one)
    return world
