"""The catalog's files are JSON: what JSON takes isn't refused because YAML is stricter.

The kind: a file of one format that is read as another one.
"""

import json

import pytest

from qflow_gitops.specs import catalogs

ID = "6cad21c8-4405-4517-beb9-7372feafb5b4"
FILE = f"workflows/{ID}.json"
HEAD = f'"apiVersion": "qflow-gitops/v1", "kind": "Workflow", "id": "{ID}"'


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    "name",
    ['"rocket \\ud83d\\ude80"', '"del \x7f"', '"a\\/b"', '"\\u0001"', json.dumps("long " * 150)],
    ids=["pair", "del", "slash", "control", "long"],
)
def test_a_text_is_what_json_says(name: str) -> None:
    known, found = catalogs.load({FILE: f'{{{HEAD}, "name": {name}}}'.encode()})
    assert found == []
    assert known[ID].name == json.loads(name)


@pytest.mark.fault(7)
def test_a_key_may_be_long() -> None:
    text = f'{{{HEAD}, "variables": {{"{"k" * 1500}": "string"}}}}'
    known, found = catalogs.load({FILE: text.encode()})
    assert found == []
    assert known[ID].variables == {"k" * 1500: "string"}


@pytest.mark.parametrize(
    "rest",
    ['"name": "a", "name": "b"', '"name": "\\ud83d"', '"name": "\x7f", "revision": NaN',
     '"variables": {"a": 1e999}', '"name": "\x7f", "name": "b"', '"name": "\x7f", "revision": 012'],
)  # fmt: skip
def test_what_json_readers_disagree_on_is_still_refused(rest: str) -> None:
    known, found = catalogs.load({FILE: f"{{{HEAD}, {rest}}}".encode()})
    assert known == {}
    assert found
