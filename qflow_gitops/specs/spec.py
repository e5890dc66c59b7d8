"""A run spec as a value: the request it stands for, its digest, and what must be masked."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from qflow_gitops.base.names import spec_of, target_of
from qflow_gitops.base.pointer import parts
from qflow_gitops.errors import InvalidInput
from qflow_gitops.specs.targets import OVERRIDES, Target, catalog_of
from qflow_gitops.yaml.document import Document, Path

LEGACY_VARIABLES = {
    "credentials": "aws",
    "credentials_azure": "azure",
    "credentials_gcp": "gcp",
}
"""Deprecated since QFlow 1.19 in favour of `connectorId` (docs/api.md 2 [D RN119])."""

CONNECTOR_IDS = frozenset(("connectorId", *LEGACY_VARIABLES))
"""The variables that hold a connector's UUID, which means the same in capitals."""

PLACE_VARIABLES = ("region", "resourceGroup", "project", "oci_region", "compartment")
"""The system variables that say where in an account a run works (docs/api.md 1.4 [D RUN])."""

MASK = "(sensitive)"
_OF_METADATA = ("name", "labels", "annotations", "previousName")


@dataclass(frozen=True)
class RunSpec:
    """What to run, as one YAML document says it.

    `name` is `<run>/<target>` where the document has targets. `connector_types` is () where it
    names none. `rerun` is 0 where it isn't set. `file` and `index` say which document of which file
    it is, `within` which mapping there says what is its own: () for the document, else a target's.
    `catalog` is the file that gave its connector, "" for none. `rollout` and `after` are as they
    are written. Build it with `from_document`.
    """

    environment: str
    name: str
    workflow_id: str
    connector_types: tuple[str, ...]
    variables: Mapping[str, Any]
    input: Mapping[str, Any]
    rerun: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    previous_name: str
    sensitive: tuple[str, ...]
    file: str
    index: int
    within: Path = field(default_factory=tuple)  # no default of the class: `LazySpec` reads it
    catalog: str = ""
    rollout: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[str | Mapping[str, Any], ...] = field(default_factory=tuple)

    def path_of(self, key: str) -> Path:
        """Return where one of its own keys stands in the document, or is to stand."""
        above: Path = ("metadata",) if key in _OF_METADATA else ("spec",)
        return (*(self.within or above), key)

    def place_of(self, key: str) -> str:
        """Say where one of its own keys is to be written: "under `spec`", "in its target"."""
        if self.within[:-1] == OVERRIDES:
            return f"under `targets.overrides`, below `{self.within[-1]}`,"
        return f"under `{self.path_of(key)[0]}`" if not self.within else "in its target"

    @property
    def key(self) -> tuple[str, str]:
        """The identity of the run: environment and name."""
        return (self.environment, self.name)

    @property
    def group(self) -> tuple[str, str]:
        """The environment and name of its spec, which a target has in common with others."""
        return spec_of(self.key)

    @property
    def target(self) -> str:
        """The name of the target, "" where the spec has none."""
        return target_of(self.key)

    @property
    def request(self) -> dict[str, Any]:
        """The JSON body's data: `input` and `variables`, each left out where empty."""
        return _without_empty({"input": self.input, "variables": self.variables})

    @cached_property
    def body(self) -> bytes:
        """The bytes that are sent: the request as written, in the form of RFC 8785."""
        return body_of(self.request)

    @cached_property
    def body_sha256(self) -> str:
        """SHA-256 of `body`, as 64 hex characters."""
        return hashlib.sha256(self.body).hexdigest()

    @cached_property
    def digest(self) -> str:
        """The identity of what the request means: `v1:sha256:` and 64 hex characters.

        Over the RFC 8785 form of workflow, input, normalised variables and `rerun`; absent
        and empty parts are left out alike, and ids are in lower case.
        """
        return f"v1:sha256:{hashlib.sha256(canonical(self._meant(self.rerun))).hexdigest()}"

    def digests(self, numbers: Iterable[int]) -> Iterator[str]:
        """Return the digest that this request has under each of these values of `rerun`.

        What stands before `rerun` in the canonical form, the input, is hashed once for all.
        """
        after = self._meant(0)
        before = {"input": after.pop("input")} if self.input else {}
        begun = hashlib.sha256(canonical(before)[:-1] + b"," if before else b"{")
        rest = canonical(after)[1:]
        for number in numbers:
            found = begun.copy()
            found.update(b'"rerun":%d,%b' % (number, rest) if number else rest)
            yield f"v1:sha256:{found.hexdigest()}"

    def _meant(self, rerun: int) -> dict[str, Any]:
        return _without_empty(
            {
                "input": self.input,
                "rerun": rerun,
                "variables": normalised(self.variables),
                "workflowId": self.workflow_id.lower(),
            }
        )

    @property
    def connectors(self) -> tuple[str, ...]:
        """The connector ids that the request names, as they may be shown."""
        variables = self.shown_variables
        own = variables.get("connectorId")
        if isinstance(own, str):
            return (own,)
        legacy = (variables.get(name) for name in LEGACY_VARIABLES)
        return tuple(value for value in legacy if isinstance(value, str))

    @property
    def shown_variables(self) -> Mapping[str, Any]:
        """The variables as they may be shown: what `sensitive` points at is replaced."""
        if not self.sensitive:
            return self.variables
        shown = self.masked.get("variables", {})
        return shown if isinstance(shown, dict) else dict.fromkeys(self.variables, MASK)

    @property
    def masked(self) -> dict[str, Any]:
        """The request as it may be shown: what `sensitive` points at is replaced.

        Not to be changed: where nothing is replaced, its parts are those of the request itself.
        """
        masked: dict[str, Any] = self.request
        if self.sensitive:
            masked = mask(masked, self.sensitive)
        return masked


class LazySpec(RunSpec):
    """A spec of which little is known; all else is read when it is asked for."""

    def __init__(self, whole: Callable[[], Sequence[RunSpec]], known: Mapping[str, Any]) -> None:
        """Take what gives the specs of the file, and the fields (and the digest) known so far."""
        self.__dict__.update(known, _whole=whole)

    @property
    def connectors(self) -> tuple[str, ...]:
        """The connector ids that the request names, as they may be shown."""
        known: tuple[str, ...] | None = self.__dict__.get("connectors")
        return super().connectors if known is None else known

    def __getattr__(self, field: str) -> Any:
        """Read the file for a field that isn't known yet."""
        if field.startswith("_") or "_whole" not in self.__dict__:
            raise AttributeError(field)
        known = self.__dict__
        for item in known["_whole"]():
            if (item.index, item.key, item.digest) == (self.index, self.key, self.digest):
                del known["_whole"]
                known.update(item.__dict__)
                return known[field]
        raise StaleCache(known["file"])


class StaleCache(InvalidInput):
    """What was kept about a file isn't what the file says."""

    def __init__(self, file: str) -> None:
        """Take the file."""
        super().__init__(
            "What this clone keeps about the file isn't what the file says.",
            where=file,
            not_done="Nothing was sent.",
            hint="Throw away what it keeps, and try again: `rm -r "
            '"$(git rev-parse --git-common-dir)/qflow-gitops/verdicts"`',
            reason="cache_contradicted",
        )


_FRACTION = re.compile(r"[:,\[](?<=\":|.,|.\[)-?(?:[0-9]+[.eE]|NaN|Infinity)")
_canonical_text = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
).encode


def canonical(data: Any) -> bytes:
    """Return JSON data in the form of RFC 8785: keys sorted as UTF-16, numbers as ECMAScript's.

    In ASCII and without fractions that is what `json` writes, twenty times faster.
    """
    text = _canonical_text(data)
    if text.isascii() and not _FRACTION.search(f" [{text}"):
        return text.encode()
    import rfc8785

    return rfc8785.dumps(data)


def body_of(request: Mapping[str, Any]) -> bytes:
    """Return the one form in which a request is sent: what is one value is one text."""
    return canonical(request)


def with_key(request: Mapping[str, Any], key: str, nonce: str) -> dict[str, Any]:
    """Return a request with a correlation key in its input; as it is where `key` is ""."""
    if not key:
        return dict(request)
    return {**request, "input": {**request.get("input", {}), key: nonce}}


def from_document(document: Document, default_environment: str) -> RunSpec:
    """Build the spec from a document, or a target, that satisfies the schema `workflow-run`."""
    metadata, spec = document.data["metadata"], document.data["spec"]
    types = spec.get("connectorType", ())
    target = document if isinstance(document, Target) else None
    return RunSpec(
        environment=metadata.get("environment", default_environment),
        name=f"{metadata['name']}/{target.name}" if target else metadata["name"],
        workflow_id=spec["workflowId"],
        connector_types=(types,) if isinstance(types, str) else tuple(types),
        variables=spec.get("variables", {}),
        input=spec.get("input", {}),
        rerun=int(spec.get("rerun", 0)),
        labels=metadata.get("labels", {}),
        annotations=metadata.get("annotations", {}),
        previous_name=metadata.get("previousName", ""),
        sensitive=tuple(spec.get("sensitive", ())),
        file=document.file,
        index=document.index,
        within=target.path if target else (),
        catalog=catalog_of(document),
        rollout=target.rollout if target else {},
        after=tuple(spec.get("after", ())),
    )


def normalised(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the variables mean: in today's words, and with connector ids in lower case."""
    return {
        name: value.lower() if name in CONNECTOR_IDS and isinstance(value, str) else value
        for name, value in in_todays_words(variables).items()
    }


def in_todays_words(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables without legacy ones, as far as they have an equivalent.

    Exactly one legacy variable without `connectorId` means the same as `connectorId`; with
    it, Qualys ignores the legacy ones (docs/api.md 2 [D RN119]). Two legacy ones have no
    equivalent and stay. The editor's leading `@` is no part of an id (docs/api.md 1.3).
    """
    legacy = [name for name in LEGACY_VARIABLES if name in variables]
    rest = {name: value for name, value in variables.items() if name not in LEGACY_VARIABLES}
    if "connectorId" in rest:
        return rest
    if len(legacy) == 1:
        value = variables[legacy[0]]
        rest["connectorId"] = value.removeprefix("@") if isinstance(value, str) else value
        return rest
    return dict(variables)


def mask(request: Any, pointers: Sequence[str]) -> Any:
    """Copy a request (or a part of one) with the values at these JSON pointers (RFC 6901) replaced.

    A pointer to nothing is passed over: it hides nothing because nothing is there.
    """
    copy = json.loads(json.dumps(request))
    for pointer in pointers:
        *parents, last = parts(pointer)
        at: Any = copy
        for part in parents:
            at = part_of(at, part)
        if isinstance(at, list) and last.isdecimal() and int(last) < len(at):
            at[int(last)] = MASK
        elif isinstance(at, dict) and last in at:
            at[last] = MASK
    return copy


def hidden(value: Any, pointer: str, sensitive: Sequence[str]) -> Any:
    """Return the value that stands at `pointer` of a request as it may be shown."""
    for secret in sensitive:
        if pointer == secret or pointer.startswith(secret + "/"):
            return (
                MASK
                if isinstance(value, (bool, int, float, str, list, dict, type(None)))
                else value
            )
    inside = [
        secret.removeprefix(pointer) for secret in sensitive if secret.startswith(pointer + "/")
    ]
    return mask(value, inside) if inside and isinstance(value, (dict, list)) else value


def part_of(at: Any, part: str) -> Any:
    """Return what stands at one part of a JSON pointer, None for nothing."""
    if isinstance(at, dict):
        return at.get(part)
    if isinstance(at, list) and part.isdecimal() and int(part) < len(at):
        return at[int(part)]
    return None


def _without_empty(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value}
