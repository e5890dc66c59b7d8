"""What is shipped to run a fleet's workers: its commands are ours, its limits fit the worker's."""

import configparser
import shlex
from pathlib import Path
from typing import Any

import yaml

from qflow_gitops.cli.fleet import worker_
from qflow_gitops.fleet.work import LAST_WORDS
from tests.picture import ROOT

FOLDER = ROOT / "examples" / "fleet"


def unit() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(FOLDER / "qflow-fleet-worker@.service")
    return parser["Service"]


def pod() -> dict[str, Any]:
    manifest = yaml.safe_load((FOLDER / "worker.yaml").read_text())
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return found


def test_both_call_the_worker_as_it_is_called() -> None:
    (container,) = pod()["containers"]
    of_unit, of_pod = shlex.split(unit()["ExecStart"]), container["command"]
    assert Path(of_unit[0]).name == of_pod[0] == "qflow-gitops"
    assert of_pod[1:3] == ["-C", "/srv/fleet"]
    for words in (of_unit[1:], of_pod[3:]):
        assert words[:2] == ["fleet", "worker"]
        assert worker_.make_context("worker", words[2:]).params["concurrency"] == 4


def test_both_give_it_time_to_end_its_members_itself() -> None:
    assert unit()["KillMode"] == "mixed", "SIGTERM goes to the worker alone"
    assert int(unit()["TimeoutStopSec"]) > LAST_WORDS + 30
    assert pod()["terminationGracePeriodSeconds"] > LAST_WORDS + 30


def test_each_begins_again_in_the_folder_that_it_may_write() -> None:
    service = unit()
    assert service["Restart"] == "always"
    assert service["WorkingDirectory"].startswith(service["ReadWritePaths"] + "/")
    mounts = {one["name"]: one for one in pod()["containers"][0]["volumeMounts"]}
    assert not mounts["work"].get("readOnly")
    assert pod()["containers"][0]["command"][2].startswith(mounts["work"]["mountPath"] + "/")
