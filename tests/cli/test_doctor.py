"""`doctor` as a person calls it: what it shows in each format, and its exit code."""

import pytest

from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import SAMPLE


def test_every_format_shows_each_check(cli: Cli) -> None:
    found = cli.json("doctor")
    assert sum(found["counts"].values()) == len(found["checks"]) > 0
    text, markdown = cli("doctor").out, cli("doctor", "--format", "markdown").out
    for check in found["checks"]:
        if check["result"] not in ("unknown", "not_looked_at"):  # those stand together in a line
            assert check["about"] in text
        assert f"`{check['about']}`" in markdown


def test_a_platform_that_nobody_names_is_said_once(
    workspace: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QFLOW_PLATFORM", raising=False)
    workspace.write("runs/a.yaml", SAMPLE)
    workspace.commit()

    def red(*parts: str) -> list[str]:
        found = cli.json("doctor", *parts)["checks"]
        return [one["name"] for one in found if one["result"] == "failed"]

    assert red("repository", "qualys") == ["platform"]
    assert red("qualys") == ["gateway"]
