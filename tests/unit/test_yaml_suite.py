"""The public yaml-test-suite: each case is JSON data or a finding with a place."""

import json
import math
import time
from typing import Any

from qflow_gitops.diagnostics import has_errors
from qflow_gitops.parsing import parse
from tests.helpers.node import requires_node, script

LENIENT = {"9C9N-0", "DK95-1", "QB6E-0", "SU5Z-0"}
"""Invalid cases that ruamel.yaml takes: too little indentation, a comment without a blank."""

OTHERWISE = {"L24T-1"}
"""Blanks on the last line of a block scalar in a file without a newline at its end."""


@requires_node
def test_every_case_is_read_or_refused_with_a_place() -> None:
    cases = script("suite.mjs", None)
    assert len(cases) > 400
    equal, lenient, otherwise = 0, set(), set()
    for one in cases:
        begun = time.monotonic()
        parsed = parse(one["yaml"].encode(), "a.yaml")
        assert time.monotonic() - begun < 5, one["id"]
        for finding in parsed.diagnostics:
            assert (finding.range.start.line, finding.range.start.column) >= (1, 1), one["id"]
            assert finding.message.endswith("."), one["id"]
        for document in parsed.documents:
            assert_json(document.data)
        if has_errors(parsed.diagnostics):
            continue
        assert parsed.documents, one["id"]
        if one["fail"]:
            lenient.add(one["id"])
        elif one["json"] and len(parsed.documents) == 1:
            equal += 1
            if parsed.documents[0].data != json.loads(one["json"]):
                otherwise.add(one["id"])
    assert (lenient, otherwise) == (LENIENT, OTHERWISE)
    assert equal > 50


def assert_json(value: Any) -> None:
    match value:
        case dict():
            assert all(isinstance(key, str) for key in value)
            for one in value.values():
                assert_json(one)
        case list():
            for one in value:
                assert_json(one)
        case float():
            assert math.isfinite(value)
        case _:
            assert isinstance(value, str | int | None)
