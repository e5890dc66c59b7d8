"""Every output format, over the registry: any report renders, hostile ones included."""

import gzip
import json
import random
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.errors import ExitCode, InvalidInput
from qflow_gitops.findings.finding import Diagnostic, Excerpt, Position, Range, Severity
from qflow_gitops.render import github, junit, sarif
from qflow_gitops.render.formats import FORMATS, RESULTS
from qflow_gitops.results.files import FileChange, Files
from qflow_gitops.results.report import Report, Validated, validated
from qflow_gitops.specs.rules import RULES

HOSTILE = "\x1b[2J\u202e::error::x##[group]y\n\x00@octocat <b>|`%0A,:\ud800".encode(
    "utf-8", "replace"
).decode()
EACH = pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS)


def finding(
    file: str = "runs/a.yaml",
    line: int = 1,
    *,
    severity: Severity = Severity.ERROR,
    said: str = "x",
) -> Diagnostic:
    where = Range(Position(line, 3), Position(line, 9))
    return Diagnostic(
        severity, "schema-unknown-key", f"{said}.", file, where, f"Mend {said}.",
        Excerpt(f"  {said}: 1", 2, 8),
    )  # fmt: skip


def of(*found: Diagnostic, strict: bool = False) -> Report:
    return validated(Validated(2, 3), found, strict=strict)


ERROR = Report(
    "validate", ExitCode.INVALID, "broken", error=InvalidInput("It broke.", hint="Mend it.")
)


@EACH
@pytest.mark.parametrize(
    "report",
    [
        of(),
        of(finding()),
        of(finding(HOSTILE, said=HOSTILE)),
        ERROR,
        Report("init", body=Files((FileChange("a", "written"),))),
    ],
)
def test_any_report_renders_as_one_text(render: Callable[[Report], str], report: Report) -> None:
    text = render(report)
    assert text == "" or text.endswith("\n")
    for char in ("\x1b", "\x00", "\u202e"):
        assert char not in text


@EACH
def test_the_same_report_gives_the_same_text(render: Callable[[Report], str]) -> None:
    report = of(finding(), finding("runs/b.yaml", severity=Severity.WARNING))
    assert render(report) == render(report)


def test_results_come_first() -> None:
    assert tuple(FORMATS)[: len(RESULTS)] == RESULTS


# --- SARIF ---------------------------------------------------------------------------


def results(*found: Diagnostic) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(sarif.render(of(*found)))["runs"][0]["results"]
    return shown


def test_sarif_fingerprints_survive_lines_that_move_and_count_equal_ones() -> None:
    def prints(*found: Diagnostic) -> list[str]:
        return [one["partialFingerprints"]["qflowGitops/v1"] for one in results(*found)]

    assert prints(finding(line=1)) == prints(finding(line=50))
    assert prints(finding()) != prints(finding("runs/b.yaml"))
    assert len(set(prints(finding(line=1), finding(line=2)))) == 2


def test_sarif_names_the_rules_it_uses_and_their_place() -> None:
    run = json.loads(sarif.render(of(finding("runs/a b#.yaml", 7))))["runs"][0]
    (result,) = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert rule["id"] == result["ruleId"] == "schema-unknown-key"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "runs/a%20b%23.yaml"
    assert place["region"]["startLine"] == 7
    assert (place["region"]["startColumn"], place["region"]["endColumn"]) == (3, 9)


@pytest.mark.fault(15)
def test_sarif_holds_what_github_takes_errors_first() -> None:
    """A limit of a reader (25,000 results refused, 5,000 kept) leaves something out in words."""
    warnings = [finding(line=n, severity=Severity.WARNING) for n in range(1, 30_001)]
    report = of(*warnings, finding("runs/z.yaml"))
    (run,) = json.loads(sarif.render(report))["runs"]
    assert len(run["results"]) == 5_000
    assert run["results"][0]["level"] == "error"
    (said,) = run["invocations"][0]["toolExecutionNotifications"]
    assert "25,001 more findings are left out" in said["message"]["text"]
    assert len(results(*warnings[:5_000])) == 5_000


def test_sarif_says_what_stopped_the_command() -> None:
    (invocation,) = json.loads(sarif.render(ERROR))["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "It broke" in invocation["toolExecutionNotifications"][0]["message"]["text"]


# --- JUnit ---------------------------------------------------------------------------


def test_junit_counts_what_a_reader_counts() -> None:
    from junitparser import Error, Failure, JUnitXml

    warn = finding("runs/b.yaml", severity=Severity.WARNING)
    for report, expected in (
        (of(finding(), finding(line=2), warn), (3, 2, 0)),
        (of(warn), (1, 0, 0)),
        (of(warn, strict=True), (1, 1, 0)),
        (of(), (1, 0, 0)),
        (ERROR, (1, 0, 1)),
    ):
        xml = JUnitXml.fromstring(junit.render(report).encode())
        cases = [case for suite in xml for case in suite]
        kinds = [type(result) for case in cases for result in case.result]
        assert (len(cases), kinds.count(Failure), kinds.count(Error)) == expected
        assert (xml.tests, xml.failures, xml.errors) == expected


def test_junit_is_xml_whatever_a_file_holds() -> None:
    assert ET.fromstring(junit.render(of(finding(HOSTILE, said=HOSTILE))))


@pytest.mark.fault(15)
def test_junit_holds_what_gitlab_and_buildkite_take_errors_first() -> None:
    found = [finding(line=n, severity=Severity.WARNING) for n in range(1, 6_001)]
    root = ET.fromstring(junit.render(of(*found, finding("runs/z.yaml"))))
    cases = root.findall(".//testcase")
    assert len(cases) == 5_001
    assert (root.get("tests"), root.get("failures")) == ("5001", "1")
    assert cases[-1].get("name") == "1,001 more findings are left out here"
    assert len(ET.fromstring(junit.render(of(*found[:5_000]))).findall(".//testcase")) == 5_000


def test_of_cases_with_one_name_a_reader_keeps_one() -> None:
    root = ET.fromstring(junit.render(of(*[finding()] * 3)))
    names = [one.get("name") for one in root.findall(".//testcase")]
    assert len({*names}) == 3
    assert names[1] == f"{names[0]} (2)"


@pytest.mark.parametrize(("render", "limit"), [(junit, "LIMIT"), (sarif, "LIMIT")])
def test_no_report_is_larger_than_its_reader_takes(
    render: Any, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long its texts are: then fewer of them stand there, and it says so."""
    chance = random.Random(1)
    found = [finding(f"runs/{n}.yaml", said=chance.randbytes(1_000).hex()) for n in range(200)]
    whole = render.render(of(*found))
    monkeypatch.setattr(render, limit, 100_000)
    short = render.render(of(*found))
    assert len(gzip.compress(short.encode())) < 100_000 < len(whole)
    assert "more findings are left out here" in short
    assert "more findings are left out here" not in whole


def test_what_describes_a_rule_is_as_short_as_github_shows() -> None:
    """SARIF's reportingDescriptor: 255 characters of a name, 1,024 of a description, 10 tags."""
    for rule in map(sarif._rule, RULES.values()):
        assert len(rule["name"]) <= 255
        assert (
            max(len(rule[key]["text"]) for key in ("shortDescription", "fullDescription")) <= 1024
        )
        assert len(rule["properties"]["tags"]) <= 10


# --- GitHub --------------------------------------------------------------------------


def test_github_shows_what_fits_errors_first_and_every_file_in_turn() -> None:
    many = [finding("runs/a.yaml", line) for line in range(1, 30)]
    many += [finding("runs/b.yaml", 1), finding("runs/c.yaml", 1)]
    many += [finding("runs/d.yaml", n, severity=Severity.WARNING) for n in range(1, 13)]
    lines = github.render(of(*many)).splitlines()
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == 10
    assert {line.split(",")[0] for line in errors[:3]} == {
        f"::error file=runs/{name}.yaml" for name in "abc"
    }
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert lines[-1].startswith("::notice ")
    assert "23 findings more" in lines[-1]


def test_github_escapes_what_would_end_a_property_or_a_line() -> None:
    (line,) = github.render(of(finding("runs/a,line=9::x%.yaml", said="a\nb% c"))).splitlines()
    properties, _, message = line.removeprefix("::error ").partition("::")
    assert dict(pair.split("=", 1) for pair in properties.split(","))["line"] == "1"
    assert "%2Cline=9%3A" in properties
    assert "%25" in message
    assert "\n" not in message


def test_the_results_of_two_projects_do_not_take_the_place_of_each_other() -> None:
    """Code scanning replaces what has the same category, test reports what has the same name."""

    def category(project: str) -> object:
        report = Report("validate", body=Validated(1, 1, project))
        return json.loads(sarif.render(report))["runs"][0].get("automationDetails")

    assert category("") is None
    assert category("teams/pay") == {"id": "qflow-gitops/teams%2Fpay/"}

    def case(project: str) -> tuple[str | None, ...]:
        root = ET.fromstring(junit.render(Report("validate", body=Validated(1, 1, project))))
        found, suite = root.find(".//testcase"), root.find("testsuite")
        assert found is not None
        assert suite is not None
        return suite.get("name"), found.get("classname"), found.get("name")

    assert case("") == ("validate", "qflow-gitops", "1 files, 1 runs")
    assert case("teams/pay")[:2] == ("validate teams/pay", "qflow-gitops teams/pay")
