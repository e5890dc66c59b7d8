"""The public yaml-test-suite: each case is JSON data or a finding with a place."""

import json
import math
import time
from typing import Any

from qflow_gitops.findings.finding import has_errors
from qflow_gitops.yaml.parse import parse
from tests.helpers.node import requires_node, script


@requires_node
def test_every_case_is_read_or_refused_with_a_place() -> None:
    cases = script("suite.mjs", None)
    assert len(cases) > 400
    equal, lenient, otherwise = 0, [], []
    for one in cases:
        begun = time.process_time()
        parsed = parse(one["yaml"].encode(), "a.yaml")
        assert time.process_time() - begun < 5, one["id"]
        for finding in parsed.diagnostics:
            assert (finding.range.start.line, finding.range.start.column) >= (1, 1), one["id"]
            assert finding.message.endswith("."), one["id"]
        for document in parsed.documents:
            assert_json(document.data)
        if has_errors(parsed.diagnostics):
            continue
        assert parsed.documents, one["id"]
        if one["fail"]:
            lenient.append(one["id"])
        elif one["json"] and len(parsed.documents) == 1:
            equal += 1
            if parsed.documents[0].data != json.loads(one["json"]):
                otherwise.append(one["id"])
    assert (lenient, otherwise) == ([], [])
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
