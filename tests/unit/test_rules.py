"""Each rule's own examples: the bad one gives exactly its finding, the good one none."""

import re
from pathlib import Path

import pytest

from qflow_gitops.base.paths import ROOT
from qflow_gitops.findings.finding import Diagnostic, Rule
from qflow_gitops.settings.project import Environment, Project
from qflow_gitops.specs import fleet_file, load, project_file
from qflow_gitops.specs.catalogs import Workflow, path_of, to_bytes
from qflow_gitops.specs.rules import RULES
from tests.unit.test_cases import INVALID, VALID, expected

CONNECTOR = "aa70acae-6ea8-3acf-b504-f327855b316a"
LISTED = Environment("prod", "sandbox", {CONNECTOR: "aws payments"})
PROD = Project(runs=("runs",), default_environment="prod", environments={"prod": LISTED})
OPEN = Project(
    runs=("runs",),
    default_environment="prod",
    environments={"prod": Environment("prod", "sandbox"), "dev": Environment("dev", "EU2")},
)
NO_DEFAULT = Project(
    runs=("runs",), default_environment="", environments={"prod": Environment("prod", "sandbox")}
)
REAL = Project(
    runs=("runs",), default_environment="prod", environments={"prod": Environment("prod", "EU2")}
)
WORKFLOW = Workflow(
    "6cad21c8-4405-4517-beb9-7372feafb5b4",
    "Encrypt buckets",
    variables={"bucketName": "list of string", "dryRun": "boolean"},
)
CATALOG = {path_of(WORKFLOW.id, ROOT): to_bytes(WORKFLOW)}
CONNECTORS = {
    "connectors/prod/aws.yaml": f"""apiVersion: qflow-gitops/v1
kind: ConnectorCatalog
connectors:
  payments: {{id: {CONNECTOR}}}
  legacy: {{id: bb81bdbf-7fb9-4bd0-8615-0438966c427b, disabled: true}}
""".encode()
}
SELECTED = f"""apiVersion: qflow-gitops/v1
kind: ConnectorCatalog
connectors:
  aws-payments: {{id: {CONNECTOR}, labels: {{tier: prod}}}}
"""
LEGACY = "  legacy: {id: bb81bdbf-7fb9-4bd0-8615-0438966c427b, disabled: true}\n"
NEW = "  -new: {id: bb81bdbf-7fb9-4bd0-8615-0438966c427b}\n"
NOT_YAML = {  # shown in words, because the example is a name, a size or a count; tested elsewhere
    "file-kind", "file-name", "file-collision", "file-unreadable", "too-many-specs",
    "too-many-findings", "targets-too-large",
    "yaml-encoding", "yaml-too-big", "catalog-name", "path-no-spec", "settings-name",
    "settings-twice", "project-nested", "runs-missing", "runs-unused", "connectors-place",
    "connector-name-twice",
}  # fmt: skip
EXAMPLES = [one for one in RULES.values() if one.id not in NOT_YAML]


def completed(snippet: str) -> str:
    """Give a whole file: what every spec or every project has, added where it is missing."""
    if snippet == "---\n---":
        return snippet
    return "\n---\n".join(_document(part) for part in snippet.split("\n---\n"))


def _document(part: str) -> str:
    if part.startswith(("%", "- ")):
        return part.replace("%YAML 1.1\n---", "%YAML 1.1\n---\n" + _document(""))
    lines = part.removeprefix("---\n").removeprefix("---")
    if "kind:" not in lines:
        lines = "kind: WorkflowRun\n" + lines
    if "apiVersion:" not in lines:
        lines = "apiVersion: qflow-gitops/v1\n" + lines
    if re.search("kind: (ConnectorCatalog|Fleet)", lines) or (
        "kind: Project" in lines and "environments:" in lines
    ):
        return lines
    if "kind: Project" in lines:
        base = "spec:\n  environments: {prod: {platform: EU2}}"
        return lines.replace("spec:", base) if "spec:" in lines else f"{lines}\n{base}"
    if "metadata:" not in lines:
        lines = "metadata: {name: a}\n" + lines
    if not re.search("^spec:", lines, re.MULTILINE):
        lines += "\nspec:\n"
    if "workflowId:" not in lines:
        spec = "spec:\n  workflowId: 6cad21c8-4405-4517-beb9-7372feafb5b4\n"
        lines = re.sub("^spec:\n", spec, lines, count=1, flags=re.MULTILINE)
    return lines


def findings(rule: Rule, snippet: str) -> list[Diagnostic]:
    text = completed(snippet)
    if "kind: Project" in text:
        return list(project_file.load_project(text.encode(), "EU2")[1])
    if "kind: Fleet" in text:
        return list(fleet_file.load_fleet(text.encode(), "fleet.yaml")[1])
    settings = {
        "connector-not-listed": PROD, "connector-named-otherwise": PROD,
        "environment-missing": NO_DEFAULT, "id-of-an-example": REAL,
    }  # fmt: skip
    known = CATALOG if rule.id.startswith("workflow-") and rule.id != "workflow-id" else {}
    files = {"a.yaml": text.encode()}
    if rule.id.startswith("connector-") and rule.id not in ("connector-id", "connector-value"):
        known = {} if rule.id in settings else CONNECTORS
    if rule.id.startswith("targets-"):
        more = NEW if rule.id == "targets-connector-name" else LEGACY
        known = {"connectors/prod/aws.yaml": (SELECTED + more).encode()}
    if "kind: ConnectorCatalog" in text:
        files, known = {}, {"connectors/prod/aws.yaml": text.encode()}
    return list(load.load(files, settings.get(rule.id, OPEN), known).diagnostics)


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda one: one.id)
def test_the_bad_example_breaks_this_rule_and_no_other(rule: Rule) -> None:
    found = findings(rule, rule.bad)
    assert {one.rule for one in found} - (
        {"yaml-anchor"} if rule.id == "yaml-alias" else set()
    ) == {rule.id}
    assert {one.severity for one in found} == {rule.severity}


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda one: one.id)
def test_the_good_example_breaks_none(rule: Rule) -> None:
    assert findings(rule, rule.good) == []


def test_every_finding_of_the_corpus_names_a_rule_and_has_its_severity() -> None:
    for case in (*VALID, *INVALID):
        for one in expected(case):
            assert one["severity"] == RULES[one["rule"]].severity, case.name


def test_every_rule_that_the_source_names_exists() -> None:
    found: set[str] = set()
    files = Path(load.__file__).parents[1].rglob("*.py")
    for path in (one for one in files if "doctor" not in one.parts):  # it has checks, not rules
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'(?:error|warning|report)\(\s*"([a-z0-9-]+)"', text))
    assert found <= RULES.keys()


def test_each_rule_says_why_in_a_sentence() -> None:
    for name, one in RULES.items():
        assert name == one.id
        assert one.why.endswith(".")
        assert one.why[0].isupper() or one.why[0] == "`"
