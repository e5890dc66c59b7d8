"""A schedule that no longer runs is noticed, by what the lockfile's branch says alone."""

import time

from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT
from tests.helpers.git import Workspace


def test_an_apply_that_is_expected_and_does_not_come(shared: Workspace, cli: Cli) -> None:
    """Said by status and doctor, in any clone; the command that they name ends it."""
    shared.write("qflow.yaml", BRANCH_PROJECT + "  apply: {expectEvery: 1s}\n")
    shared.publish("an apply is expected each second")
    assert cli("apply", "--yes").code == 0
    time.sleep(3.1)
    told = cli("status").err + cli("status").out
    assert "no apply has got through since" in told
    assert "one is expected every 1s" in told
    assert "`qflow-gitops apply -e prod`" in told
    assert "one is expected every 1s" in cli("doctor", "--offline").out
    assert cli("apply", "-e", "prod", "--yes").code == 0
    assert "got through" not in cli("status").err
    log = shared.git("log", "-1", "--format=%s", "origin/qflow-lock")
    assert log.startswith("prod: an apply got through at 20")
    verified = cli("lock", "verify")
    assert verified.code == 0, verified.out
