"""What every file of `connectors/` has to be: one suite over the registry."""

import re
from typing import Any

import pytest

from qflow_gitops.findings.finding import Diagnostic, Severity
from qflow_gitops.specs import schema, schemas, spec
from qflow_gitops.specs.connectors import registry
from qflow_gitops.specs.connectors.registry import CONNECTORS, Connector
from qflow_gitops.specs.rules import RULES
from qflow_gitops.yaml.document import Document
from qflow_gitops.yaml.parse import parse

EACH = pytest.mark.parametrize("one", CONNECTORS.values(), ids=list(CONNECTORS))
SPEC: dict[str, Any] = schemas.load("workflow-run")["properties"]["spec"]
VARIABLES: dict[str, Any] = {
    name: schemas.schema_at("workflow-run", ("spec", "variables", name))
    for name in SPEC["properties"]["variables"]["properties"]
}
UUID = "aa70acae-6ea8-3acf-b504-f327855b316a"


def document(types: str, variables: dict[str, str]) -> Document:
    lines = "".join(f"    {name}: {value}\n" for name, value in variables.items())
    text = (
        "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\nmetadata: {name: a}\nspec:\n"
        f"  workflowId: {UUID}\n  connectorType: {types}\n  variables:\n{lines}"
    )
    (only,) = parse(text.encode(), "runs/a.yaml").documents
    assert schema.check(only, "workflow-run") == []
    return only


def examples(one: Connector) -> dict[str, str]:
    return {name: VARIABLES[name]["examples"][0] for name in one.SYSTEM_VARIABLES}


@EACH
def test_it_is_registered_under_its_own_name(one: Connector) -> None:
    assert CONNECTORS[one.NAME] is one
    assert re.fullmatch(r"[a-z0-9]+", one.NAME)


def test_the_schema_knows_the_same_connector_types() -> None:
    assert schemas.load("workflow-run")["$defs"]["cloud"]["enum"] == list(CONNECTORS)


@EACH
def test_the_schema_gives_it_the_same_variables(one: Connector) -> None:
    (block,) = (b for b in SPEC["allOf"] if b["if"].get("$ref", "").endswith(f"-{one.NAME}"))
    owned = set(block["else"]["properties"]["variables"]["properties"])
    assert owned == {*one.SYSTEM_VARIABLES, one.LEGACY_VARIABLE} - {""}
    assert owned <= set(VARIABLES)


def test_no_system_variable_belongs_to_two_clouds_or_to_none() -> None:
    owned = [name for one in CONNECTORS.values() for name in one.SYSTEM_VARIABLES]
    legacy = [one.LEGACY_VARIABLE for one in CONNECTORS.values() if one.LEGACY_VARIABLE]
    assert sorted([*owned, *legacy, registry.COMMON]) == sorted(VARIABLES)


def test_the_request_knows_the_same_legacy_and_place_variables() -> None:
    legacy = {one.LEGACY_VARIABLE: one.NAME for one in CONNECTORS.values() if one.LEGACY_VARIABLE}
    assert legacy == spec.LEGACY_VARIABLES
    places = {name for one in CONNECTORS.values() for name in one.SYSTEM_VARIABLES}
    assert places == set(spec.PLACE_VARIABLES)


@EACH
def test_a_legacy_variable_is_marked_deprecated(one: Connector) -> None:
    if one.LEGACY_VARIABLE:
        assert VARIABLES[one.LEGACY_VARIABLE]["deprecated"] is True
        assert "migrate" in VARIABLES[one.LEGACY_VARIABLE]["deprecationMessage"]


@EACH
def test_every_known_region_fits_the_schema(one: Connector) -> None:
    names = [name for name in one.SYSTEM_VARIABLES if "region" in name]
    assert bool(one.REGIONS) == bool(names)
    for region in one.REGIONS:
        assert registry.check(document(one.NAME, {names[0]: region})) == []


@EACH
def test_its_words_are_its_own_for_variables_of_others(one: Connector) -> None:
    others = {
        name for each in CONNECTORS.values() if each is not one for name in each.SYSTEM_VARIABLES
    }
    assert one.WORDS.keys() <= others
    assert set(one.WORDS.values()) <= set(one.SYSTEM_VARIABLES)


@EACH
def test_what_people_write_is_warned_of_but_where_the_workflow_has_it(one: Connector) -> None:
    """Under every cloud's own type; under another's, it may be anything."""
    known = {*one.SYSTEM_VARIABLES, registry.COMMON}
    for name, meant in one.MISNOMERS.items():
        assert meant in known
        (found,) = registry.check(document(one.NAME, {name: "x"}))
        assert (found.rule, f"`{meant}`" in found.hint) == ("variable-near-miss", True)
        assert registry.check(document(one.NAME, {name: "x"}), {name}) == []
        assert len(registry.check(document(one.NAME, {name.upper(): "x"}))) == 1
        for other in CONNECTORS.values():
            if name not in other.MISNOMERS:
                assert registry.check(document(other.NAME, {name: "x"})) == []


@pytest.mark.parametrize("name", ["connector_id", "awscredentials"])
def test_a_connector_that_is_named_is_not_asked_for_again(name: str) -> None:
    found = registry.check(document("aws", {"connectorId": UUID, name: UUID}))
    assert ["unless the workflow has it" in one.hint for one in found] == (
        [True] if name == "awscredentials" else []
    )


def test_no_aws_region_is_taken_for_one_of_oci() -> None:
    alternatives = VARIABLES["oci_region"]["not"]["anyOf"]
    (enum,) = (one["enum"] for one in alternatives if "enum" in one)
    assert enum == sorted(CONNECTORS["aws"].REGIONS)
    assert not CONNECTORS["aws"].REGIONS & CONNECTORS["oci"].REGIONS


@EACH
def test_its_examples_raise_no_warning(one: Connector) -> None:
    assert registry.check(document(one.NAME, {"connectorId": UUID, **examples(one)})) == []


@EACH
def test_its_legacy_variable_alone_is_a_warning(one: Connector) -> None:
    if one.LEGACY_VARIABLE:
        found = registry.check(document(one.NAME, {one.LEGACY_VARIABLE: UUID, **examples(one)}))
        assert [(x.rule, x.severity) for x in found] == [("legacy-variable", Severity.WARNING)]
        assert "migrate" in found[0].hint


@EACH
def test_an_unknown_region_is_a_warning_at_its_value(one: Connector) -> None:
    for name in one.SYSTEM_VARIABLES:
        if "region" in name:
            unknown = document(one.NAME, {name: "zz-nowhere-9"})
            (found,) = registry.check(unknown)
            assert found.rule == f"{one.NAME}-region-unknown"
            assert found.range == unknown.values["spec", "variables", name]


@EACH
def test_it_says_nothing_where_none_of_its_variables_is_set(one: Connector) -> None:
    assert list(one.check(document(one.NAME, {"name": "maha2"}))) == []


@EACH
def test_its_rules_are_listed_and_named_after_it(one: Connector) -> None:
    for rule in one.RULES:
        assert rule.id.startswith(f"{one.NAME}-")
        assert RULES[rule.id] is rule


def test_findings_come_in_the_order_of_the_document() -> None:
    found: list[Diagnostic] = registry.check(
        document("[oci, aws]", {"region": "zz-nowhere-9", "oci_region": "zz-nowhere-9", "n": "1.5"})
    )
    assert [one.range.start.line for one in found] == [8, 9, 10]
