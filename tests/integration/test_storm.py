"""Many runners, one commit: whoever is fastest, each run is sent once and recorded once."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH
from tests.helpers.partners import NIGHTLY
from tests.helpers.storm import Storm, sandbox_process

PROCESSES, RUNS = (6, 12) if NIGHTLY else (4, 6)
MOST_LOST = 20
"""Races that one process may lose in a row: far above what it is, far below starving."""


def test_a_storm_sends_each_run_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    storm = Storm(tmp_path, clones=PROCESSES, runs=RUNS)
    with sandbox_process(tmp_path, "--fault", "latency=0.05") as sandbox:
        ended, _ = storm.apply(sandbox.url, limit=60)
        executions, requests = sandbox.executions(), sandbox.requests()

    assert {one.code for one in ended} <= {0, 6}, [(one.code, one.err) for one in ended]
    assert not any("Traceback" in one.err for one in ended)
    posted = [json.loads(one["body"]) for one in requests if one["path"].endswith("/run")]
    assert Counter(one["input"]["value"] for one in posted) == Counter(range(RUNS))

    runs = storm.remote.record()["environments"]["prod"]["runs"]
    assert sorted(runs) == storm.runs
    assert {len(run["attempts"]) for run in runs.values()} == {1}
    recorded = {run["attempts"][0]["executionId"] for run in runs.values()}
    assert recorded == {one["id"] for one in executions}
    assert {run["attempts"][0]["state"] for run in runs.values()} == {"accepted"}

    history = [
        line.split() for line in storm.remote.git("rev-list", "--parents", BRANCH).split("\n")
    ]
    assert [len(parents) for _, *parents in history] == [1] * (len(history) - 1) + [0]
    races = storm.races()
    assert sum(one.won.count(True) for one in races) == len(history)
    assert max(one.lost_in_a_row for one in races) <= MOST_LOST

    checked = Cli(storm.clones[0].path, capfd).json("lock", "verify")
    assert (checked["exitCode"], checked["problems"]) == (0, [])
    assert (checked["versions"], checked["attempts"]) == (len(history), RUNS)
