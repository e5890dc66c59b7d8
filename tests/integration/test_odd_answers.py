"""Whatever a server says, no command ends as a bug, and none after it does.

The kind: JSON that is valid, and that Python can't write, print or reckon with: half of a
surrogate pair, numbers and times without measure. It stands in any text that is recorded or shown.

`.ci/run` puts each odd value into one field, so that each field gets some, before an execution is
known and after; `.ci/nightly` puts each into each.
"""

import json
import re
import shutil
from typing import Any

import pytest

from qflow_gitops.http import transport
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.partners import diagonal
from tests.helpers.waits import at_once

HALF = "\ud800"
ODD: dict[str, Any] = {
    "half a pair": HALF,
    "another half": f"x{HALF}y",
    "nul": "\0",
    "microseconds": 1746007562042000,
    "far too long": 10**400,
    "negative": -(10**20),
    "endless": float("inf"),
    "fraction": 1e300,
    "nested": [[[{"a": HALF}]]],
}
FIELDS = ("status", "createdAt", "startDate", "endDate", "revision", "message", "details", "nodeId",
          "eventOrder")  # fmt: skip
COMMANDS = (("apply", "--yes"), ("status", "--refresh"), ("plan",), ("history",), ("reconcile",),
            ("show", "encrypt-prod-buckets"), ("show", "encrypt-prod-buckets", "--raw"),
            ("lock", "verify"))  # fmt: skip


def _with(data: Any, field: str, value: Any) -> Any:
    if isinstance(data, list):
        return [_with(one, field, value) for one in data]
    if isinstance(data, dict):
        made = {name: _with(one, field, value) for name, one in data.items()}
        return made | {field: value} if {"id", "error", "executionId"} & made.keys() else made
    return data


@pytest.mark.fault(37)
@pytest.mark.parametrize(
    ("fault", "odd", "field"),
    diagonal(("", "accept-then-drop"), ODD, FIELDS),
)
def test_no_field_of_an_answer_is_a_bug(
    field: str,
    odd: str,
    fault: str,
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = transport.Transport._content

    def content(self: Any, answer: Any, begun: float, most: int) -> bytes:
        found = whole(self, answer, begun, most)
        try:
            return json.dumps(_with(json.loads(found), field, ODD[odd])).encode()
        except ValueError:
            return found

    monkeypatch.setattr(transport.Transport, "_content", content)
    at_once(monkeypatch)
    sandbox.set_faults(*([fault] if fault else []))
    for command in COMMANDS:
        done = cli(*command)
        assert done.code not in (1000, 70), (command, done)
        for form in ("json",):
            if command[0] in ("status", "history"):
                assert cli(*command, "--format", form).code != 70


WHOLE = ("status", "plan", "history", "reconcile", "lock verify", "apply --yes")


@pytest.mark.fault(37)
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[" * 100_000,
        lambda text: '{"a":' * 100_000,
        lambda text: text.replace("{", '{"added": ' + "[" * 5000 + "]" * 5000 + ", ", 1),
        lambda text: "",
        lambda text: "null",
        lambda text: text.replace('"status": "', '"status": "\\ud800'),
        lambda text: re.sub('"serial": [0-9]+', '"serial": ' + "9" * 5000, text),
    ],
)  # fmt: skip
def test_no_lockfile_is_a_bug(
    change: Any, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Also one that an earlier version wrote, or that was cut."""
    assert cli("apply", "--yes").code == 0
    good = project.read("qflow.lock")
    text = change(good)
    for command in WHOLE:
        project.write("qflow.lock", text)
        shutil.rmtree(project.path / ".git/qflow-gitops", ignore_errors=True)
        done = cli(*command.split())
        assert done.code in (0, 2, 9, 11), (command, done)
        assert "Traceback" not in done.err
    for one in (good, text):
        project.write("qflow.lock", one)
        project.git("add", "-f", "qflow.lock")
        project.git("commit", "-qm", "a lockfile")
    for command in WHOLE:
        assert cli(*command.split()).code in (0, 2, 9, 11), command


@pytest.mark.parametrize(
    "command", ["freeze", "unfreeze", "rerun encrypt-prod-buckets", "baseline encrypt-prod-buckets"]
)
def test_a_reason_that_is_no_text_is_no_bug(
    command: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """What a shell hands on may be no UTF-8."""
    for odd in ("\udcff", "a\0b"):
        done = cli(*command.split(), "--reason", odd)
        assert done.code != 70, (odd, done)
    assert cli("plan").code == 0
