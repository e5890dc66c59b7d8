"""The schemas themselves, and how a document is checked against them."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from qflow_gitops.findings.finding import Diagnostic, Severity
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.attempt_json import attempt_to_json
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import LOCKFILE_VERSION, to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.specs import schema, schemas
from qflow_gitops.specs.rules import RULES
from qflow_gitops.yaml.document import Path
from qflow_gitops.yaml.parse import parse
from tests.unit.test_cases import INVALID, VALID, expected

Place = tuple[str, dict[str, Any]]

KEYWORDS = {
    "$schema", "$id", "$ref", "$defs", "title", "description", "examples", "deprecated",
    "type", "const", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "properties", "required", "additionalProperties", "propertyNames", "minProperties",
    "maxProperties", "items", "minItems", "maxItems", "uniqueItems", "contains",
    "allOf", "anyOf", "not", "if", "else",
}  # fmt: skip
CONDITIONS = ("includes-", "selects-", "without-")
"""What the names of definitions begin with that stand for nothing that a person writes."""
SINGLE = ("additionalProperties", "propertyNames", "items", "contains", "not", "if", "else")
EDITOR_KEYWORDS = {"errorMessage", "deprecationMessage", "defaultSnippets"}
UUID = "6cad21c8-4405-4517-beb9-7372feafb5b4"
HEAD = "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\nmetadata: {name: a}\n"


def subschemas(name: str) -> Iterator[Place]:
    """Give every subschema with its place, the root included."""

    def walk(place: str, one: Any) -> Iterator[Place]:
        if not isinstance(one, dict):
            return
        yield place, one
        for keyword in ("properties", "$defs"):
            for key, inner in one.get(keyword, {}).items():
                yield from walk(f"{place}/{keyword}/{key}", inner)
        for keyword in SINGLE:
            yield from walk(f"{place}/{keyword}", one.get(keyword))
        for keyword in ("allOf", "anyOf"):
            for index, inner in enumerate(one.get(keyword, ())):
                yield from walk(f"{place}/{keyword}/{index}", inner)

    yield from walk(name, schemas.load(name))


def fields(name: str) -> Iterator[Place]:
    """Give the subschemas that stand for something that a person writes."""
    for place, one in subschemas(name):
        parts = place.split("/")
        written = parts[-2:-1] == ["properties"] or parts[-1] in ("additionalProperties", "items")
        if written and not any(p.startswith(("else", *CONDITIONS)) for p in parts):
            yield place, one


ALL = [place for name in schemas.SCHEMAS for place in subschemas(name)]
FIELDS = [place for name in schemas.SCHEMAS for place in fields(name)]


CONSTRAINTS = {"type", "const", "enum", "pattern", "anyOf", "not"}


def _target(one: dict[str, Any]) -> str:
    return str(one.get("$ref", "")).removeprefix("#/$defs/")


def check(text: str, kind: str = "workflow-run") -> list[Diagnostic]:
    parsed = parse(text.encode(), "spec.yaml")
    assert not parsed.diagnostics
    return schema.check(parsed.documents[0], kind)


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_a_schema_fits_the_metaschema_and_fetches_nothing(name: str) -> None:
    Draft202012Validator.check_schema(schemas.load(name))
    version = f"v{LOCKFILE_VERSION}" if name == "lockfile" else "v1"
    assert schemas.load(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schemas.load(name)["$id"] == f"urn:qflow-gitops:schema:{name}:{version}"
    assert all(
        ref.startswith("#/$defs/") for _, one in subschemas(name) if (ref := one.get("$ref"))
    )


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_the_text_is_what_is_loaded(name: str) -> None:
    assert json.loads(schemas.text(name)) == schemas.load(name)


@pytest.mark.parametrize(("place", "one"), ALL, ids=[place for place, _ in ALL])
def test_there_is_no_misspelt_keyword(place: str, one: dict[str, Any]) -> None:
    assert set(one) <= KEYWORDS | EDITOR_KEYWORDS


@pytest.mark.parametrize(("place", "one"), FIELDS, ids=[place for place, _ in FIELDS])
def test_every_field_explains_itself(place: str, one: dict[str, Any]) -> None:
    if set(one) == {"$ref"} or place.endswith(
        ("/anyOf/1/items", "/approvers/items", "/executionsBefore/items", "/notThese/items")
    ):
        return  # explained where it is defined, or by the list around it
    assert one["title"]
    assert one["description"].endswith(".")
    assert one["examples"]
    listed = (
        "lockfile", "plan", "show", "report", "statement", "notice", "fleet-report", "fleet-audit",
        "fleet-lock",
    )  # fmt: skip
    if not place.startswith(listed):
        here = {
            **schemas.load(place.split("/", maxsplit=1)[0])["$defs"].get(_target(one), {}),
            **one,
        }
        assert here.get("errorMessage", "").endswith(".") or not CONSTRAINTS & set(here)


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_every_example_is_valid(name: str) -> None:
    root = Draft202012Validator(schemas.load(name), registry=Registry())
    for place, one in subschemas(name):
        for example in one.get("examples", ()):
            assert root.evolve(schema=one).is_valid(example), f"{place}: {example}"


OUTPUTS = ("plan", "show", "report", "notice", "fleet-report", "fleet-audit")
WRITTEN = tuple(name for name in schemas.SCHEMAS if name not in OUTPUTS)
"""Of an output a reader has to ignore what it doesn't know; files take no unknown keys."""


@pytest.mark.parametrize("name", WRITTEN)
def test_objects_of_ours_take_no_unknown_keys(name: str) -> None:
    """A typo is an error; only what is the user's own, or kept for later versions, is open."""
    open_places = {
        place
        for place, one in subschemas(name)
        if one.get("type") == "object"
        and "/selects-" not in place  # a condition
        and one.get("additionalProperties") is not False
        and not (isinstance(one.get("additionalProperties"), dict) and "properties" not in one)
    }
    assert (
        open_places
        == {
            "workflow-run": {
                "workflow-run/properties/spec/properties/variables",
                "workflow-run/$defs/override/properties/input",
                "workflow-run/$defs/targetVariables",
                "workflow-run/$defs/target/properties/input",
                "workflow-run/properties/spec/properties/input",
            },
            "project": set(),
            "workflow": set(),
            "connectors": set(),
            "statement": set(),
            "fleet": set(),
            "lockfile": {
                "lockfile",
                "lockfile/properties/environments/additionalProperties",
                "lockfile/$defs/attempt",
                "lockfile/$defs/attempt/properties/evidence",
                "lockfile/$defs/attempt/properties/evidence/properties/approvals/items",
                "lockfile/$defs/attempt/properties/evidence/properties/ticket",
                "lockfile/$defs/event",
                "lockfile/$defs/event/properties/apply",
                "lockfile/$defs/event/properties/by",
                "lockfile/$defs/place",
                "lockfile/$defs/placeEvent",
                "lockfile/$defs/placeEvent/properties/by",
                "lockfile/$defs/ledgerEvent",
                "lockfile/$defs/notice",
                "lockfile/$defs/ledgerEvent/properties/by",
            },
            "fleet-lock": {
                "fleet-lock",
                "fleet-lock/$defs/member",
                "fleet-lock/$defs/freezeEvent",
                "fleet-lock/$defs/freezeEvent/properties/by",
            },
        }[name]
    )


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_no_value_with_a_line_end_slips_through(name: str) -> None:
    """`$` means the end here and the end or before a last line end there: neither is let in."""
    root = Draft202012Validator(schemas.load(name), registry=Registry())
    for place, one in subschemas(name):
        if one.get("type") == "string" and "pattern" in one:
            assert one["pattern"].startswith("^")
            assert one["pattern"].endswith("$")
            samples = ["a", "us-east-1", "0", UUID, "30m", *one.get("examples", ())]
            fitting = [text for text in samples if root.evolve(schema=one).is_valid(text)]
            for text in fitting:
                assert not root.evolve(schema=one).is_valid(text + "\n"), place


def test_patterns_use_only_what_every_dialect_reads_alike() -> None:
    """No \\w, \\d, \\s or \\p (they differ), no look-around (RE2 has none), no flags."""
    for place, one in ALL:
        pattern = one.get("pattern", "")
        assert not re.search(r"\\[wWdDsSbBpPZzAu]|\(\?[^:]|\(\?P", pattern), place


def test_the_schemas_name_the_same_uuid_and_name() -> None:
    run, project = schemas.load("workflow-run")["$defs"], schemas.load("project")["$defs"]
    lockfile, fleet = schemas.load("lockfile")["$defs"], schemas.load("fleet")["$defs"]
    for name in ("workflow", "connectors"):
        assert run["uuid"] == project["uuid"] == schemas.load(name)["$defs"]["uuid"]
    labels = schemas.load("connectors")["properties"]["connectors"]["additionalProperties"]
    labels = labels["properties"]["labels"]
    theirs = run["labels"]
    assert labels["propertyNames"] == theirs["propertyNames"]
    assert run["name"] == project["name"] == fleet["name"]
    assert fleet["labels"]["propertyNames"] == theirs["propertyNames"]
    assert lockfile["name"].items() <= run["name"].items()


# --- findings ------------------------------------------------------------------------


def test_every_rule_is_shown_by_a_case() -> None:
    shown = {one["rule"] for case in (*VALID, *INVALID) for one in expected(case)}
    elsewhere = {
        "file-kind",
        "file-name",
        "file-collision",
        "file-unreadable",
        "too-many-specs",
        "targets-too-large",
        "yaml-too-big",
        "path-no-spec",
        "settings-name",
        "settings-twice",
        "project-nested",
        "runs-missing",
        "runs-unused",
    }
    assert RULES.keys() - elsewhere == shown


def test_messages_hold_no_schema_jargon() -> None:
    jargon = re.compile(r"anyOf|oneOf|allOf|subschema|pattern|False schema|additionalProp|\$ref")
    for case in INVALID:
        for one in expected(case):
            assert not jargon.search(one["message"] + one["hint"]), case.name


@pytest.mark.parametrize(
    "spec",
    [
        "input: {password: hunter22, key: [hunter22]}\n  sensitive: [hunter2]",
        "connectorType: aws\n  variables: {credentials: hunter22}",
        "connectorType: aws\n  variables: {credentials: [hunter22]}",
        "variables: hunter22",
        "input: hunter22",
        "input: [hunter22]",
        "variables: {credentials: hunter22}",
        "password: hunter22",
        "hint: {a: hunter22}",
    ],
)
def test_a_value_that_could_be_secret_is_not_repeated(spec: str) -> None:
    found = check(f"{HEAD}spec:\n  workflowId: {UUID}\n  {spec}\n")
    assert found
    assert not any("hunter22" in one.message + one.hint for one in found)


def test_what_is_shown_is_short_and_harmless() -> None:
    text = f'{HEAD}spec:\n  workflowId: "\\e[31m\\u202e`{"x" * 500}"\n'
    (found,) = check(text)
    assert len(found.message) < 100
    assert found.message.isprintable()


def test_one_cause_is_one_finding() -> None:
    (found,) = check("apiVersion: qflow-gitops/v1\nkind: Nonsense\nmetadata: 1\nfoo: 2\n")
    assert found.rule == "schema-kind"
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("rerun: 0", ("spec", "rerun")),
        ("sensitive: [a]", ("spec", "sensitive", 0)),
        ("connectorType: [aws, x]", ("spec", "connectorType", 1)),
    ],
)
def test_a_range_covers_exactly_the_value(spec: str, path: Path) -> None:
    document = parse(f"{HEAD}spec:\n  workflowId: {UUID}\n  {spec}\n".encode(), "a").documents[0]
    (found,) = schema.check(document, "workflow-run")
    assert found.range == document.values[path]


def test_a_spec_is_checked_within_a_few_milliseconds() -> None:
    document = parse((VALID[1] / "spec.yaml").read_bytes(), "spec.yaml").documents[0]
    schema.check(document, "workflow-run")
    started = time.process_time()
    for _ in range(50):
        assert schema.check(document, "workflow-run") == []
    assert (time.process_time() - started) / 50 < 0.01


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param("sensitive: [" + "{a: 1}, " * 3000 + "1]", id="objects-in-a-unique-list"),
        pytest.param("sensitive: [" + "/input/a, " * 4000 + "]", id="strings-in-a-unique-list"),
        pytest.param("\n  ".join(f"unknown{n}: 1" for n in range(4000)), id="unknown-keys"),
        pytest.param("workflowName: " + "a" * 100_000, id="long-value"),
    ],
)  # fmt: skip
def test_a_hostile_spec_takes_no_time(spec: str) -> None:
    document = parse(f"{HEAD}spec:\n  workflowId: {UUID}\n  {spec}\n".encode(), "a").documents[0]
    started = time.process_time()
    assert schema.check(document, "workflow-run")
    assert time.process_time() - started < 5


# --- the lockfile --------------------------------------------------------------------


def test_a_lockfile_as_it_is_written_fits_its_schema() -> None:
    digest, commit = "v1:sha256:" + "0" * 64, "1" * 40
    opened = Event("2026-10-06T09:30:00Z", State.INTENT, {"by": {"actor": "mara", "later": 1}})
    facts = {
        "workflowId": UUID,
        "platform": "EU2",
        "file": "runs/a.yaml",
        "commit": commit,
        "blob": "unknown",
        "bodySha256": "0" * 64,
        "annotations": {"ticket": "CHG0012345"},
        "evidence": {"planDigest": digest, "pullRequest": 12},
        "ofALaterVersion": [1],
    }
    attempt = Attempt(1, State.INTENT, digest, (opened,), facts=facts)
    accepted = Event("2026-10-06T09:30:01.250Z", State.ACCEPTED)
    written = (
        Lockfile("0b6f3c1e9a7d4f52", 1)
        .recorded(
            [
                Transition("prod", "a", 1, opened, opens=attempt),
                Transition("prod", "a", 1, accepted, execution_id="e-1", status="Queued"),
            ]
        )
        .marked(Checkpoint("prod", commit, commit))
    )
    validator = Draft202012Validator(schemas.load("lockfile"), registry=Registry())
    assert list(validator.iter_errors(json.loads(to_bytes(written)))) == []


def test_the_lockfile_s_schema_knows_the_states_and_the_order_of_keys() -> None:
    definitions = schemas.load("lockfile")["$defs"]
    assert definitions["state"]["enum"] == [state.value for state in State]
    attempt = Attempt(1, State.BASELINED, "d", (), execution_id="e", status="s")
    keys = list(attempt_to_json(attempt))
    assert [key for key in definitions["attempt"]["properties"] if key in keys] == keys


def test_an_editors_message_for_an_unknown_key_names_the_known_ones() -> None:
    """yaml-language-server shows a mapping's errorMessage for each key that it doesn't take."""
    for name in ("workflow-run", "project", "workflow", "connectors", "fleet"):
        for place, one in subschemas(name):
            if one.get("additionalProperties") is False and "/" in place:
                assert "nothing else" in one["errorMessage"], place
                assert all(f"`{key}`" in one["errorMessage"] for key in one["properties"]), place
