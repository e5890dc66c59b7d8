"""What a finding shows of a file: the right part underlined, nothing sensitive, nothing odd."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.findings.finding import Diagnostic, Excerpt, Position, Range, error
from qflow_gitops.render.escape import underlined
from qflow_gitops.render.formats import FORMATS
from qflow_gitops.results.report import Report, Validated, validated
from qflow_gitops.specs import excerpts, load
from tests.helpers.values import replace
from tests.unit.test_cases import SETTINGS

CANARY = "kanarienvogel"
HEAD = """\
apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata: {name: a}
spec:
  workflowId: 6cad21c8-4405-4517-beb9-7372feafb5b4
"""


def found(text: str) -> tuple[Diagnostic, ...]:
    return load.load({"a.yaml": text.encode()}, SETTINGS).diagnostics


def shown(found: tuple[Diagnostic, ...]) -> str:
    """Everything that any format says of the findings."""
    report = validated(Validated(1, 0), found)
    return "".join(render(report) for render in FORMATS.values())


def marked(one: Diagnostic) -> str:
    assert one.excerpt
    return one.excerpt.text[one.excerpt.start : one.excerpt.end]


def test_exactly_the_offending_text_is_marked() -> None:
    (one,) = found(HEAD + "  connectorType: aws\n  variables: {region: 'US', resourceGroup: rg}\n")[
        :1
    ]
    assert (one.rule, marked(one)) == ("connector-value", "'US'")
    (key,) = found(HEAD + "  rreun: 1\n")
    assert marked(key) == "rreun"
    (missing,) = found(HEAD.replace("{name: a}", "{environment: prod}"))
    assert marked(missing) == "metadata"


@pytest.mark.parametrize(
    "spec",
    [
        f"  input: {{reason: {CANARY}, limit: .inf}}\n  sensitive: [/input/reason]\n",
        f"  input: {{limit: .inf, why: [1, {CANARY}]}}\n  sensitive: [/input/why]\n",
        f"  sensitive: [/input/reason]\n  input: {{reason: '{CANARY}'}}\n  : x: y:\n",
        f"  input: {{reason: {CANARY}, limit: .inf}}\n  sensitive: /input/reason\n",
        f"  input: {{reason: {CANARY}, limit: .inf}}\n  sensitive: [/input/raeson]\n",
        f"  input: {{reason: {CANARY}, limit: .inf}}\n  sensitive: [input.reason]\n",
        f"  input: {{reason: !!str {CANARY}}}\n  sensitive: [/input/reason]\n",
        f"  input: {{reason: &a {CANARY}}}\n  sensitive: [/input/reason]\n",
        f"  input: {{password: {CANARY}}}\n",
        f"  input: {{limit: .inf, api_key: {CANARY}}}\n",
        f"  input: {{limit: .inf, url: 'https://app:{CANARY}@example.com/'}}\n",
        f"  input:\n    k: |\n      -----BEGIN PRIVATE KEY-----\n     {CANARY}: x: y\n",
        f"  variables: {{name: .inf, token: {CANARY}}}\n",
    ],
)
def test_what_may_not_be_shown_is_in_no_output(spec: str) -> None:
    diagnostics = found(HEAD + spec)
    assert diagnostics
    assert CANARY not in shown(diagnostics)


@pytest.mark.parametrize(
    "line",
    [
        "metadata: {{name: a, previousName: {}}}",
        "metadata: {{name: {}}}",
        "metadata: {{name: a}}\n{}: x",
        "metadata: {{name: a, {}: x}}",
    ],
)
def test_a_token_in_the_wrong_place_is_in_no_word(line: str) -> None:
    """Wherever a finding would name the value, or the name that was probably meant by it."""
    for token in ("ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5", "ghs_1_eyJ" + "aB3-d" * 30):
        text = HEAD.replace("metadata: {name: a}", line.format(token))
        problems = found(text)
        assert problems
        for piece in (token[:20], token[10:30].lower(), token[40:60]):
            assert piece not in shown(problems) or not piece


def test_a_number_that_is_sensitive_is_not_in_the_message() -> None:
    diagnostics = found(HEAD + "  input: {pin: 0918273}\n  sensitive: [/input/pin]\n")
    assert "0918273" not in shown(diagnostics)
    assert "(sensitive)" in shown(diagnostics)


def test_a_masked_value_before_the_finding_moves_the_marks() -> None:
    text = HEAD + f"  input: {{reason: {CANARY * 3}, limit: .inf}}\n  sensitive: [/input/reason]\n"
    (one,) = found(text)
    assert marked(one) == ".inf"
    assert one.excerpt
    assert one.excerpt.text == "  input: {reason: (sensitive), limit: .inf}"


def test_a_masked_value_of_several_lines() -> None:
    text = HEAD + f"  input:\n    a: |\n      {CANARY}\n    b: .inf\n  sensitive: [/input/a]\n"
    (one,) = found(text)
    assert (marked(one), CANARY in shown((one,))) == (".inf", False)


LINES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\x85\u2028\u2029"))


@given(LINES, st.integers(1, 40), st.integers(1, 40))
def test_any_line_can_be_marked(line: str, one: int, other: int) -> None:
    start, end = sorted((one, other))
    where = Range(Position(1, start), Position(1, end))
    diagnostic = error("yaml-syntax", "x.", "a.yaml", where)
    (with_line,) = excerpts.added([diagnostic], {"a.yaml": line.encode()}, ())
    if with_line.excerpt is None:
        return
    first, second = underlined(with_line.excerpt)
    assert all(char.isprintable() or char.isspace() for char in first)
    assert "\n" not in first
    assert set(second) == {" ", "^"} or set(second) == {"^"}
    assert shown((with_line,))


@pytest.mark.parametrize(
    ("excerpt", "marks"),
    [
        (Excerpt("name: ü\u0301x!", 8, 9), "        ^"[1:]),
        (Excerpt("日本: x", 4, 5), "      ^"),
        (Excerpt("\tx", 1, 2), "  ^"),
        (Excerpt("", 0, 0), "^"),
    ],
)
def test_marks_stand_below_what_they_mean(excerpt: Excerpt, marks: str) -> None:
    assert underlined(excerpt)[1] == marks


def test_a_long_line_is_shown_around_the_finding() -> None:
    line, marks = underlined(Excerpt("x" * 500 + "HERE" + "y" * 500, 500, 504))
    assert line.startswith("…")
    assert line.endswith("…")
    assert len(line) < 80
    assert line[marks.index("^") : marks.rindex("^") + 1] == "HERE"


def test_a_file_takes_one_screen_unless_all_is_asked_for() -> None:
    from qflow_gitops.render import text

    many = HEAD + "".join(f"  wrong{n}: 1\n" for n in range(30))
    report = validated(Validated(1, 0), found(many))
    assert len(text.render(report).splitlines()) <= 24
    assert "… 25 more in a.yaml; all: `qflow-gitops -v validate`" in text.render(report)
    assert "more in" not in text.render(report, verbose=True)
    assert text.render(report, verbose=True).count(" | ") == 60


def test_errors_are_shown_before_warnings_when_not_all_fit() -> None:
    from qflow_gitops.render import text

    words = "".join(f"    w{n}: yes\n" for n in range(9))
    report = validated(Validated(1, 0), found(f"{HEAD}  input:\n{words}  rreun: 1\n"))
    assert "[schema-unknown-key]" in text.render(report)


def test_json_and_sarif_are_json() -> None:
    report = Report("validate", diagnostics=found(HEAD + "  rreun: 1\n"))
    for name in ("json", "sarif"):
        assert json.loads(FORMATS[name](report))
    assert replace(report, diagnostics=()).diagnostics == ()
