"""What is shipped to run a watch: its command is ours, its limits fit, others' tools agree."""

import configparser
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from qflow_gitops.cli.watch import command
from qflow_gitops.cli.watch_wiring import LAST_MOMENT
from qflow_gitops.errors import ExitCode
from qflow_gitops.watch.processes import MEMORY
from tests.helpers.partners import requires
from tests.picture import ROOT

FOLDER = ROOT / "examples" / "watch"
UNIT = FOLDER / "qflow-watch@.service"
MANIFESTS = (FOLDER / "watch.yaml", ROOT / "examples/fleet/worker.yaml")


def unit() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)  # one key says what is allowed, and not
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser["Service"]


def deployment() -> dict[str, Any]:
    documents = yaml.safe_load_all(MANIFESTS[0].read_text())
    (found,) = (one["spec"] for one in documents if one["kind"] == "Deployment")
    return dict(found)


def pod() -> dict[str, Any]:
    found: dict[str, Any] = deployment()["template"]["spec"]
    return found


def test_both_call_the_watch_as_it_is_called() -> None:
    (container,) = pod()["containers"]
    of_unit, of_pod = shlex.split(unit()["ExecStart"]), container["command"]
    assert Path(of_unit[0]).name == of_pod[0] == "qflow-gitops"
    assert of_pod[1:3] == ["-C", "/srv/watch/clone"]
    for words in (of_unit[1:], of_pod[3:]):
        assert words[0] == "watch"
        assert command.make_context("watch", words[1:]).params["every"] == 300.0


def test_both_give_it_time_to_end_its_round_itself() -> None:
    assert unit()["KillMode"] == "mixed", "a second SIGTERM would end the round at once"
    assert int(unit()["TimeoutStopSec"]) > LAST_MOMENT
    assert pod()["terminationGracePeriodSeconds"] > LAST_MOMENT


def test_both_leave_a_round_the_memory_that_it_may_take() -> None:
    assert unit()["MemoryMax"] == "3G"
    assert pod()["containers"][0]["resources"]["limits"]["memory"] == "3Gi"
    assert MEMORY < 3 * 10**9


def test_each_begins_again_where_its_clone_is() -> None:
    service = unit()
    assert service["Restart"] == "always"
    assert int(service["RestartPreventExitStatus"]) == ExitCode.USAGE
    assert service["WorkingDirectory"].startswith(service["ReadWritePaths"] + "/")
    assert service["RuntimeDirectory"] in shlex.split(service["ExecStart"])[-1]
    (clone,) = (one for one in pod()["volumes"] if one["name"] == "clone")
    assert "persistentVolumeClaim" in clone, "an answer that couldn't be recorded outlives the pod"


def test_there_is_one_at_a_time_that_may_write_nothing_else() -> None:
    assert deployment()["replicas"] == 1
    assert deployment()["strategy"] == {"type": "Recreate"}
    for container in (*pod()["containers"], *pod()["initContainers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        variables = {one["name"]: one["value"] for one in container["env"]}
        assert variables["QFLOW_TOKEN_FILE"] == "/token/token"
        assert not {name for name in variables if "TOKEN" in name} - {"QFLOW_TOKEN_FILE"}


def test_nobody_restarts_it_because_its_remote_is_gone() -> None:
    (container,) = pod()["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert "tcpSocket" in container["livenessProbe"]
    port = container["command"][-1].rpartition(":")[2]
    assert [one["containerPort"] for one in container["ports"]] == [int(port)]


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda one: one.name)
def test_kubernetes_own_schemas_take_the_manifests(file: Path) -> None:
    for document in yaml.safe_load_all(file.read_text()):
        version = kubernetes_validate.latest_version()
        kubernetes_validate.validate(document, version, strict=True)


@requires("systemd-analyze")
def test_systemd_reads_the_unit_without_a_word(tmp_path: Path) -> None:
    program = Path(sys.executable)  # verify looks whether there is one
    text = UNIT.read_text().replace("/opt/qflow-gitops/bin/qflow-gitops", str(program))
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@requires("systemd-analyze")
def test_systemd_finds_little_to_object_to() -> None:
    """Of 10, for nothing that holds it in; what is left is the network, which it needs."""
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", UNIT],
        capture_output=True, text=True,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout
