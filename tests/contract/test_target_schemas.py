"""Specs with targets, good and bad: every validator that is at hand says the same of each.

ajv (JavaScript), sourcemeta's (C++) and the yaml-language-server of editors hold the schema
against what is written; `validate` also against what each target stands for. So a spec is valid
where the others find it so, and each of its targets written out, but for what no schema can say.
"""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.findings.finding import Severity
from qflow_gitops.specs import load, schema, schemas
from tests.fakes.world import World
from tests.helpers.lsp import editor
from tests.helpers.node import requires_node, script
from tests.helpers.selected import catalogs, selected
from tests.helpers.slips import SLIPS, drawn
from tests.helpers.sourcemeta import requires_sourcemeta, validate
from tests.helpers.targeted import CATALOGS, apart

COUNT, SEED = 300, 7
_SAID = re.compile(r"^(ok|fail): .*given-(\d+)\.json$", re.MULTILINE)
BEYOND = {
    "target-name-twice": "two objects of a list with one value at a key",
    "target-request-twice": "two targets that ask for the same once they are laid over the spec",
    "connector-unknown": "a name or an id that no catalog holds",
    "connector-of-another-cloud": "a connector that a catalog of another cloud holds",
    "targets-nothing": "labels that no connector of the catalog has",
    "targets-unmatched": "a name of a connector or a target that isn't selected",
    "targets-override": "a variable that the name of the target stands for",
}
"""Rule -> what it is about, that JSON Schema has no word for."""
BY_CATALOG = {
    "connector-unknown", "connector-of-another-cloud", "targets-nothing", "targets-unmatched",
    "targets-override", "connector-type-missing", "connector-variable",
}  # fmt: skip
"""What only a catalog tells, or only what a target is once it is written out."""


@cache
def specs() -> tuple[tuple[str, dict[str, Any]], ...]:
    return tuple(drawn(COUNT, SEED))


@cache
def documents() -> tuple[dict[str, Any], ...]:
    """The specs, the targets of those that fit the schema, each written out, and by a catalog."""
    whole = [data for _, data in specs()]
    sound = [data for data in whole if schema.is_valid(data, "workflow-run")]
    written = (part for data in sound for part in apart(data).values())
    return (*whole, *written, *by_catalog())


@cache
def by_catalog() -> tuple[dict[str, Any], ...]:
    """Specs that name connectors, or select their targets."""
    return tuple(selected(COUNT, SEED))


def ours() -> list[bool]:
    return [schema.is_valid(data, "workflow-run") for data in documents()]


def differ(others: list[bool]) -> list[tuple[dict[str, Any], bool]]:
    compared = zip(documents(), ours(), others, strict=True)
    return [(data, theirs) for data, mine, theirs in compared if mine is not theirs]


@requires_node
def test_ajv_agrees() -> None:
    given = [("workflow-run", data) for data in documents()]
    only = {"workflow-run": schemas.load("workflow-run")}
    assert differ(script("verdicts.mjs", {"schemas": only, "documents": given})) == []


@requires_sourcemeta
@pytest.mark.parametrize("how", ["--fast", "--verbose"])
def test_sourcemeta_agrees(tmp_path: Path, how: str) -> None:
    """Its thorough way as well, which `--fast` isn't."""
    (tmp_path / "schema.json").write_text(schemas.plain("workflow-run"))
    for number, data in enumerate(documents()):
        (tmp_path / f"given-{number}.json").write_text(json.dumps(data))
    said = validate(how, "--verbose", tmp_path / "schema.json", *tmp_path.glob("given-*.json"))
    found = {int(one[2]): one[1] == "ok" for one in _SAID.finditer(said)}
    assert differ([found[number] for number in range(len(documents()))]) == []


@requires_node
def test_an_editor_agrees(tmp_path: Path) -> None:
    """What is only said to be deprecated is underlined, too, and no fault."""
    (tmp_path / ".vscode").mkdir()
    settings = {"yaml.schemas": {"schema.json": ["*.yaml"]}}
    (tmp_path / ".vscode/settings.json").write_text(json.dumps(settings))
    (tmp_path / "schema.json").write_text(schemas.text("workflow-run"))
    found = []
    with editor(tmp_path) as one:
        for number, data in enumerate(documents()):
            (tmp_path / f"{number}.yaml").write_text(json.dumps(data, indent=1))
            one.show(f"{number}.yaml")
        for number in range(len(documents())):
            faults = one.underlined(f"{number}.yaml")
            found.append(all("eprecated" in each["message"] for each in faults))
    assert differ(found) == []


def fits(data: dict[str, Any]) -> bool:
    """Whether a spec and all that it stands for fit the schema."""
    return schema.is_valid(data, "workflow-run") and all(
        schema.is_valid(part, "workflow-run") for part in apart(data).values()
    )


def test_validate_agrees_but_for_what_no_schema_says() -> None:
    """A spec that is wrong by such a rule says nothing here; each of them finds some alone."""
    differ, alone = [], Counter[str]()
    for kind, data in specs():
        text = json.dumps(data).encode() + b"\n"
        found = load.load({"runs/a.yaml": text}, World().project, CATALOGS).diagnostics
        rules = {one.rule for one in found if one.severity is Severity.ERROR}
        if fits(data) is bool(rules) and not rules & BEYOND.keys():
            differ.append((kind, data, rules))
        alone.update(rules if rules <= BEYOND.keys() else ())
    assert differ == []
    assert alone.keys() == BEYOND.keys()


def test_validate_agrees_on_what_a_catalog_gives() -> None:
    """A spec that fits the schema is wrong by nothing but what the schema can't say."""
    seen = Counter[bool]()
    for data in by_catalog():
        fits_schema = schema.is_valid(data, "workflow-run")
        files = {"runs/a.yaml": json.dumps(data).encode() + b"\n"}
        found = load.load(files, World().project, catalogs()).diagnostics
        rules = {one.rule for one in found if one.severity is Severity.ERROR}
        assert rules <= BY_CATALOG if fits_schema else rules, (data, rules)
        seen[not rules] += 1
    assert min(seen[True], seen[False]) > COUNT // 4


def test_slips_of_most_kinds_are_sometimes_wrong_and_sometimes_right() -> None:
    verdicts = Counter((kind, fits(data)) for kind, data in specs())
    wrong, right = ({kind for kind, good in verdicts if good is each} for each in (False, True))
    assert wrong == {*SLIPS} - {"input", "twice"}
    assert right >= {"", "input", "name", "other type", "pointers", "rerun", "twice"}
    assert 100 < sum(verdicts[kind, True] for kind in right) < 200
