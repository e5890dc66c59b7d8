"""The schemas stand alone: a validator of another family (ajv) gives the same verdicts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.findings.finding import has_errors
from qflow_gitops.specs import schema, schemas
from qflow_gitops.yaml.document import Document
from qflow_gitops.yaml.parse import parse
from tests.helpers.node import requires_node, script

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests/cases").glob("*valid/*"))


def kind_of(path: Path) -> str:
    if path.name == "qflow.yaml":
        return "project"
    if path.name == "fleet.yaml":
        return "fleet"
    if "connectors" in path.parts:
        return "connectors"
    return "workflow" if path.parent.name == "workflows" else "workflow-run"


def documents() -> list[tuple[Path, str, Document]]:
    """Every document of the corpus and the examples that is YAML without an error."""
    files = [path for case in CASES for path in sorted(case.rglob("*")) if path.is_file()]
    files = [path for path in files if path.name != "expected.json"]
    files += sorted((ROOT / "examples").rglob("*.yaml"))
    found = []
    for path in files:
        parsed = parse(path.read_bytes(), str(path.relative_to(ROOT)))
        if not has_errors(parsed.diagnostics):
            found += [(path, kind_of(path), document) for document in parsed.documents]
    return found


SPOILT: tuple[Any, ...] = (
    None, True, 0, -1, 1.0, 1.5, 2**53, "", "x", "a\n", "€", "x" * 300, [], ["x"], ["x", "x"],
    {}, {"x": 1},
)  # fmt: skip


def spoilt_fields() -> Iterator[tuple[str, Any]]:
    """Every example of the schemas with one of its fields replaced."""
    for name in ("workflow-run", "project", "workflow", "connectors", "fleet"):
        for example in schemas.load(name)["examples"]:
            for path in _paths(example):
                yield from ((name, _with(example, path, value)) for value in SPOILT)


def ask(corpus: list[tuple[str, Any]]) -> list[bool]:
    loaded = {name: schemas.load(name) for name in schemas.SCHEMAS}
    verdicts: list[bool] = script("verdicts.mjs", {"schemas": loaded, "documents": corpus})
    return verdicts


@requires_node
def test_both_give_the_same_verdict_on_every_document() -> None:
    corpus = documents()
    assert len(corpus) > 200
    others = ask([(kind, document.data) for _, kind, document in corpus])
    ours = [not has_errors(schema.check(document, kind)) for _, kind, document in corpus]
    differ = [
        f"{document.file}: ours {mine}, ajv {theirs}"
        for (_, _, document), mine, theirs in zip(corpus, ours, others, strict=True)
        if mine is not theirs
    ]
    assert differ == []
    assert 0 < ours.count(True) < len(ours)


def test_the_quick_verdict_is_that_of_jsonschema_on_every_document() -> None:
    quick = [schemas.is_sound(one.data, kind) for _, kind, one in documents()]
    thorough = [schema.is_valid(one.data, kind) for _, kind, one in documents()]
    assert quick == thorough
    assert 50 < quick.count(True) < len(quick)


def test_the_quick_verdict_is_that_of_jsonschema_on_every_field_spoilt() -> None:
    differ = [
        (name, data)
        for name, data in spoilt_fields()
        if schemas.is_sound(data, name) is not schema.is_valid(data, name)
    ]
    assert differ == []


def test_without_the_quick_validator_nothing_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "_quick", lambda _kind: None)
    corpus = documents()
    assert not any(schemas.is_sound(one.data, kind) for _, kind, one in corpus)
    for _, kind, one in corpus:
        found = schema.check(one, kind)
        assert has_errors(found) is not schema.is_valid(one.data, kind)


@requires_node
def test_both_give_the_same_verdict_on_every_field_spoilt() -> None:
    """Each field of each example, replaced by values of every kind."""
    corpus = list(spoilt_fields())
    others = ask(corpus)
    ours = [schema.is_valid(data, name) for name, data in corpus]
    differ = [
        (name, data) for (name, data), a, b in zip(corpus, ours, others, strict=True) if a is not b
    ]
    assert differ == []
    assert len(corpus) > 400


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else ()
    return [path, *(one for key, each in inner for one in _paths(each, (*path, key)))]


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    return {**value, path[0]: _with(value[path[0]], path[1:], new)}


@pytest.mark.fault(9)
@requires_node
def test_what_is_exported_loads_in_validators_as_they_come() -> None:
    """The kind: a reader of our outputs with its own strictness (ajv, schemasafe)."""
    exported = {name: json.loads(schemas.plain(name)) for name in schemas.SCHEMAS}
    assert script("strict.mjs", exported) == {name: [] for name in schemas.SCHEMAS}


def test_what_is_exported_allows_the_same() -> None:
    from jsonschema import Draft202012Validator

    plain = {
        name: Draft202012Validator(json.loads(schemas.plain(name))) for name in schemas.SCHEMAS
    }
    differ = [
        (name, data)
        for name, data in spoilt_fields()
        if plain[name].is_valid(data) is not schema.is_valid(data, name)
    ]
    assert differ == []
    assert all("errorMessage" in schemas.text(name) for name in ("workflow-run", "project"))


def test_nothing_refers_to_another_document() -> None:
    for file in (ROOT / "schemas").glob("*.schema.json"):
        text = file.read_text(encoding="utf-8")
        assert all(ref.startswith("#/") for ref in _refs(json.loads(text))), file


def _refs(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for one in value.values() for ref in _refs(one)]
    return [ref for one in value for ref in _refs(one)] if isinstance(value, list) else []
