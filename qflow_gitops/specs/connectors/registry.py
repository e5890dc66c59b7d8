"""The clouds that a connector can lead to, and the rules on variables that JSON Schema can't say.

A new connector type is one file here, one line in `CONNECTORS` and its block in
`schemas/workflow-run.schema.json`; a new variable is one in its cloud's file, in the schema and in
`specs.spec.PLACE_VARIABLES`. Everything found here is a warning: the file is valid.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Protocol

from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, Rule, warning
from qflow_gitops.specs.connectors import aws, azure, gcp, oci
from qflow_gitops.yaml.document import Document


class Connector(Protocol):
    """What the file of a cloud holds.

    `SYSTEM_VARIABLES` are those that only this cloud has. `LEGACY_VARIABLE` is the name
    that `connectorId` had in QFlow 1.18, "" where there was none. `REGIONS` are the known
    values of its region variable, empty where it has none. `WORDS` say what this cloud calls
    what another one's variable stands for; `MISNOMERS` what people write (folded) for which
    variable. `RULES` are those that `check` can report.
    """

    NAME: str
    SYSTEM_VARIABLES: tuple[str, ...]
    LEGACY_VARIABLE: str
    REGIONS: frozenset[str]
    WORDS: Mapping[str, str]
    MISNOMERS: Mapping[str, str]
    RULES: tuple[Rule, ...]

    def check(self, document: Document, /) -> Iterator[Diagnostic]:
        """Find what is odd about this cloud's variables, in a document that fits the schema."""


CONNECTORS: Mapping[str, Connector] = {
    aws.NAME: aws,
    azure.NAME: azure,
    gcp.NAME: gcp,
    oci.NAME: oci,
}

COMMON = "connectorId"
"""The system variable of every cloud (docs/api.md 1.4 [D RUN])."""

_PATH = ("spec", "variables")
_LEGACY = {
    connector.LEGACY_VARIABLE: name
    for name, connector in CONNECTORS.items()
    if connector.LEGACY_VARIABLE
}


def check(document: Document, listed: Container[str] = ()) -> list[Diagnostic]:
    """Return the warnings on a run spec's variables, in the order of the document.

    `listed` are the variables that the workflow is known to have. Only for a document in which
    the schema `workflow-run` found no error.
    """
    spec = document.data["spec"]
    variables = spec.get("variables", {})
    types = spec.get("connectorType", ())
    named = (types,) if isinstance(types, str) else tuple(types)
    found = [*_legacy(document, variables), *_own(document, variables, named, listed)]
    for name in named:
        found += CONNECTORS[name].check(document)
    return sorted(found, key=lambda finding: finding.range.start)


def _legacy(document: Document, variables: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Judge the credentials variables (docs/api.md 2 [D RN119])."""
    present = [name for name in variables if name in _LEGACY]
    connector = variables.get(COMMON)
    for name in present:
        where, hint = document.key_range((*_PATH, name)), ""
        if connector is not None and str(variables[name]).lower() == connector.lower():
            rule, message = "legacy-ignored", f"`{name}` is ignored, as `connectorId` is set."
            hint = "Remove it: it does nothing."
        elif connector is not None:
            rule = "legacy-differs"
            message = f"`{name}` names another connector than `connectorId`, and is ignored."
            hint = "Make sure that `connectorId` is the one you mean, and remove this one."
        elif len(present) > 1:
            rule, message = "legacy-several", f"`{name}` is deprecated since QFlow 1.19."
            hint = "One `connectorId` can't replace several: split the run, one connector each."
        else:
            rule, message = "legacy-variable", f"`{name}` is deprecated since QFlow 1.19."
            hint = "Use `connectorId`: run `qflow-gitops migrate`."
        yield warning(rule, message, document.file, where, hint)


def _own(
    document: Document,
    variables: Mapping[str, Any],
    types: tuple[str, ...],
    listed: Container[str],
) -> Iterator[Diagnostic]:
    """Judge the variables that the workflow defines itself (docs/api.md 6.2 [I])."""
    system = _system_variables(types)
    for name, value in variables.items():
        if name in system or name in _LEGACY:
            continue
        if value is None:
            where = document.value_range((*_PATH, name))
            hint = 'Give it a value ("" for an empty string), or remove it.'
            yield warning(
                "variable-null", f"`{suggest.shown(name)}` is empty.", document.file, where, hint
            )
        elif isinstance(value, float):
            message, hint = (
                f"`{suggest.shown(name)}` is a fraction.",
                "Use an integer, or put it in quotes.",
            )
            where = document.value_range((*_PATH, name))
            yield warning("variable-fraction", message, document.file, where, hint)
        if _resembles_one(name, types) and name not in listed:
            yield from _near_miss(document, name, variables, types)


def _near_miss(
    document: Document, name: str, variables: Mapping[str, Any], types: tuple[str, ...]
) -> Iterator[Diagnostic]:
    absent = tuple(one for one in _system_variables(types) if one not in variables)
    meant = _near(name, absent) or _misnomer(name, types)
    hint = f"Did you mean the system variable `{meant}`?"
    if name == "connector":
        hint = (
            "A connector's name stands beside `variables`, as `connector:`; here goes its id, as "
        )
        hint += "`connectorId`."
    if meant == COMMON and COMMON in variables:
        hint = "`connectorId` says which account it is: remove this, unless the workflow has it."
    elif meant not in absent:
        return
    yield warning(
        "variable-near-miss",
        f"`{suggest.shown(name)}` is sent as a variable of the workflow's own.",
        document.file,
        document.key_range((*_PATH, name)),
        hint,
    )


def own_words(name: str, types: Iterable[str], present: Container[str]) -> list[str]:
    """Return what these clouds call what another one's variable stands for, unless it is there."""
    words = (COMMON if name in _LEGACY else CONNECTORS[one].WORDS.get(name, "") for one in types)
    return [word for word in dict.fromkeys(words) if word and word not in present]


@lru_cache(maxsize=4096)  # names come again and again
def _resembles_one(name: str, types: tuple[str, ...]) -> bool:
    return bool(_near(name, _system_variables(types)) or _misnomer(name, types))


def _misnomer(name: str, types: tuple[str, ...]) -> str:
    folded = _folded(name)
    words = (CONNECTORS[one].MISNOMERS.get(folded, "") for one in types or CONNECTORS)
    return next(filter(None, words), "")


@cache
def _system_variables(types: tuple[str, ...]) -> tuple[str, ...]:
    own = (
        variable for name in types or CONNECTORS for variable in CONNECTORS[name].SYSTEM_VARIABLES
    )
    return tuple(dict.fromkeys((COMMON, *own)))


@lru_cache(maxsize=4096)  # names come again and again
def _near(name: str, known: tuple[str, ...]) -> str:
    """Return the system variable of which `name` is a misspelling; a plural is none."""
    plain = _folded(name)[:64]
    for candidate in known:
        other = _folded(candidate)
        if plain == other or (plain != other and sorted(plain) == sorted(other)):
            return candidate
        if _is_close(plain, other) and plain.removesuffix("s") != other:
            return candidate
    return ""


def _is_close(one: str, other: str) -> bool:
    common = sum(min(one.count(char), other.count(char)) for char in set(one))
    if 2 * common < 0.9 * (len(one) + len(other)):  # it can't be, whatever the order
        return False
    from difflib import SequenceMatcher

    return SequenceMatcher(a=one, b=other).ratio() >= 0.9


def _folded(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()
