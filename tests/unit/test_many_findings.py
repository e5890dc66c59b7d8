"""What stands in a file can't make a check slow or a report huge: findings are bounded.

The kind: text from a pull request that drives unbounded work. Each case is one way to get
thousands of findings, all on one line where that is possible.
"""

import time

import pytest

from qflow_gitops.findings.finding import MAX_FINDINGS, Severity
from qflow_gitops.render.formats import FORMATS
from qflow_gitops.results.report import Validated, validated
from qflow_gitops.specs import load
from tests.unit.test_cases import SETTINGS

HEAD = """apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata: {name: a%s}
spec:
  workflowId: 6cad21c8-4405-4517-beb9-7372feafb5b4
"""
MANY = 4000


def many(form: str) -> str:
    return ", ".join(form % number if "%" in form else form for number in range(MANY))


BAD = {
    "anchors": HEAD % "" + f"  input: {{a: [{many('&a%d 1')}]}}\n",
    "words": HEAD % "" + f"  input: {{a: [{many('yes')}]}}\n",
    "keys that stand twice": HEAD % "" + f"  input: {{{many('a: 1')}}}\n",
    "unknown keys": HEAD % f", {many('k%d: 1')}" + "  input: {a: 1}\n",
    "labels": HEAD % f", labels: {{{many('k%d: 1')}}}" + "  input: {a: 1}\n",
    "objects": HEAD % "" + f"  connectorType: [{many('{a: 1}')}]\n",
    "clouds": HEAD % "" + f"  connectorType: [{many('amazon%d')}]\n",
    "pointers": HEAD % "" + f"  input: {{a: 1}}\n  sensitive: [{many('/input/x%d')}]\n",
    "what is hidden": HEAD % "" + f"  input: {{{many('x%d: yes')}}}\n"
    f"  sensitive: [{many('/input/x%d')}]\n",
    "documents": "---\nkind: x\n" * MANY,
}  # fmt: skip


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_thousands_of_findings_are_counted_and_not_all_shown(text: str) -> None:
    begun = time.process_time()
    found = load.load({"a.yaml": text.encode()}, SETTINGS).diagnostics
    assert time.process_time() - begun < 15  # 2,000 took 25 s
    assert len(found) == MAX_FINDINGS + 1
    (more,) = [one for one in found if one.rule == "too-many-findings"]
    assert more.message.startswith("There are ")
    for render in FORMATS.values():
        assert len(render(validated(Validated(1, 0), found))) < 400_000


def test_no_error_is_left_out_for_a_warning() -> None:
    text = HEAD % "" + f"  input: {{a: [{many('yes')}], b: 012}}\n"
    found = load.load({"a.yaml": text.encode()}, SETTINGS)
    assert [one.rule for one in found.diagnostics if one.severity is Severity.ERROR] == [
        "yaml-leading-zero"
    ]
    assert not found.specs


def test_what_is_left_out_still_hides_what_it_hides() -> None:
    """A literal secret after the first hundred findings isn't shown by one of these."""
    text = HEAD % "" + f"  input: {{a: [{many('012')}], password: 'aB3$xK9zQ7!mNp2'}}\n"
    found = load.load({"a.yaml": text.encode()}, SETTINGS).diagnostics
    assert not any(one.excerpt and "aB3$xK9" in one.excerpt.text for one in found)


def test_a_long_line_is_shown_around_the_finding() -> None:
    text = HEAD % "" + f"  input: {{a: '{'x' * 9000}', b: 012, c: '{'y' * 9000}'}}\n"
    (found,) = load.load({"a.yaml": text.encode()}, SETTINGS).diagnostics
    assert found.excerpt
    assert found.excerpt.text[found.excerpt.start : found.excerpt.end] == "012"
    assert found.excerpt.text.startswith("…x")
    assert found.excerpt.text.endswith("y…")
    assert len(found.excerpt.text) < 1000
