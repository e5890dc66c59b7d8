"""On the command line: a spec with targets, and the same written out, are one and the same."""

import json
import random
from typing import Any

import pytest

from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.slips import drawn
from tests.helpers.specs import SANDBOX_PROJECT
from tests.helpers.targeted import CATALOGS, apart, asked, digest, shuffled

SPECS = [data for kind, data in drawn(120, 9) if kind == ""]
APART = {name: part for data in SPECS for name, part in apart(data).items()}
NAMES = {part["metadata"]["name"]: name for name, part in APART.items()}


def write(workspace: Workspace, specs: list[dict[str, Any]], chance: random.Random) -> None:
    """Put them into files in any order, some of which hold several."""
    workspace.git("rm", "--quiet", "-r", "--ignore-unmatch", "runs")
    for name, catalog in CATALOGS.items():
        workspace.write(name, catalog)
    workspace.write("qflow.yaml", f"{SANDBOX_PROJECT}  policy: {{limits: {{runs: 1000}}}}\n")
    files: dict[str, list[str]] = {}
    for one in chance.sample(specs, len(specs)):
        name = f"runs/{chance.choice('abc')}/{chance.randrange(20)}.yaml"
        files.setdefault(name, []).append(json.dumps(shuffled(one, chance)) + "\n")
    for name, texts in files.items():
        workspace.write(name, "---\n".join(texts))
    workspace.commit()


def looked_at(cli: Cli) -> dict[str, Any]:
    """Give what a plan says of each run, after `validate` found nothing wrong."""
    assert cli("validate").code == 0
    plan: dict[str, Any] = cli.json("plan", "--full")
    assert {each["action"] for each in plan["changes"]} == {"run"}
    return plan


def said(plan: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: (each["digest"], each["request"]) for each in plan["changes"]}


@pytest.mark.parametrize("seed", [1, 2])
def test_both_ask_for_the_same(workspace: Workspace, cli: Cli, seed: int) -> None:
    chance = random.Random(seed)
    write(workspace, SPECS, chance)
    plan = looked_at(cli)
    assert said(plan) == {name: (digest(one), asked(one)) for name, one in APART.items()}
    write(workspace, SPECS, chance)
    assert looked_at(cli)["digest"] == plan["digest"]
    write(workspace, list(APART.values()), chance)
    written = {NAMES[name]: one for name, one in said(looked_at(cli)).items()}
    assert written == said(plan)
