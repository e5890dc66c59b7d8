"""`qflow-gitops demo`: the story told by the real commands, against the sandbox."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import streams
from qflow_gitops.cli.context import Wiring
from qflow_gitops.cli.sandbox import needs_flask
from qflow_gitops.errors import QflowError, UsageProblem

if TYPE_CHECKING:
    from qflow_gitops.sandbox.server import SandboxServer

_PROGRAM = [sys.executable, "-c", "from qflow_gitops.cli.main import main; main()"]

_BUCKETS = """\
apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata:
  name: encrypt-prod-buckets
  annotations: {ticket: CHG0012345}
spec:
  workflowId: 6cad21c8-4405-4517-beb9-7372feafb5b4
  connectorType: aws
  variables:
    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a
    region: us-east-1
    name: maha2
  input:
    bucketName: test-bucket-1
    totalBucketCount: 4
"""
_MACHINES = """\
apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata:
  name: quarantine-vms
spec:
  workflowId: f516bcf4-f6fb-46ac-a54f-ddbcf2a2d24a
  connectorType: azure
  variables:
    connectorId: 0ffaf046-768b-79fc-83f6-aa25be52c2a1
    resourceGroup: DefaultResourceGroup-CIN
"""


class _Story:
    """Shows commands and what they answer, and checks that they answer as told."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    def say(self, text: str) -> None:
        click.echo(f"\n# {text}")

    def write(self, name: str, text: str) -> None:
        click.echo(f"$ edit {name}")
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def git(self, *arguments: str) -> None:
        click.echo(f"$ git {shlex.join(arguments)}")
        self._run(["git", *arguments], 0)

    def program(self, *arguments: str, answers: int = 0) -> None:
        click.echo(f"$ qflow-gitops {shlex.join(arguments)}")
        self._run([*_PROGRAM, *arguments], answers)
        if answers:
            click.echo(f"(exit code {answers})")

    def _run(self, command: list[str], answers: int) -> None:
        sys.stdout.flush()
        done = subprocess.run(command, cwd=self._folder, env=self._environ, check=False)
        if done.returncode != answers:
            raise UsageProblem(
                f"The demo expected the exit code {answers} and got {done.returncode}.",
                where=shlex.join(command[-3:]),
                not_done="The rest of the story was not told.",
                hint="Please report it, with the lines above.",
            )


@click.command("demo")
@click.pass_obj
def command(wiring: Wiring) -> None:
    """Tell the whole story on this machine: a repository, a sandbox, runs sent once.

    Everything happens in a temporary folder and on the loopback address; it takes about
    half a minute.
    """
    try:
        from qflow_gitops.sandbox.server import SandboxServer
    except ModuleNotFoundError:
        raise needs_flask() from None
    with (
        tempfile.TemporaryDirectory(prefix="qflow-gitops-demo-") as folder,
        SandboxServer(duration=0.5) as sandbox,
    ):
        story = _Story(Path(folder), _environment(wiring.environ, sandbox.url))
        try:
            _tell(story, sandbox)
        except OSError as problem:
            if streams.lost():
                raise  # no fault of the demo's
            raise _stopped(problem) from None


def _stopped(problem: OSError) -> QflowError:
    return UsageProblem(
        f"The demo could not go on: {problem.strerror}.", hint="It needs git, and a folder in /tmp."
    )


def _environment(environ: Mapping[str, str], gateway: str) -> dict[str, str]:
    """The user's environment without what would lead the demo elsewhere."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("GIT_", "QFLOW_")) and name != "CI"
    }
    names = {f"GIT_{who}_{what}": "demo" for who in ("AUTHOR", "COMMITTER") for what in ("NAME",)}
    mails = {f"GIT_{who}_EMAIL": "demo@example.com" for who in ("AUTHOR", "COMMITTER")}
    credentials = {"QFLOW_CLIENT_ID": "sandbox", "QFLOW_CLIENT_SECRET": "sandbox"}
    return {**kept, **names, **mails, **credentials, "QFLOW_GATEWAY": gateway, "PWD": os.sep}


def _tell(story: _Story, sandbox: SandboxServer) -> None:
    _tell_a_first_apply(story)
    _tell_a_change(story)
    _tell_a_bad_day(story, sandbox)
    _tell_a_rerun(story)
    sent = len(sandbox.requests("POST", "/run"))
    story.say(f"Requests that the sandbox received in all: {sent}; one for each change.")


def _tell_a_first_apply(story: _Story) -> None:
    story.say("A repository of run specs. (A local sandbox plays Qualys; nothing leaves here.)")
    story.git("init", "--quiet", "--initial-branch=main")
    story.program("init", "--platform", "sandbox")

    story.say("Two runs, each a file that can be reviewed. One has a slip in it.")
    story.write("runs/aws/buckets.yaml", _BUCKETS)
    story.write("runs/azure/machines.yaml", _MACHINES.replace("resourceGroup", "region"))
    story.program("validate", answers=3)
    story.write("runs/azure/machines.yaml", _MACHINES)
    story.program("validate")

    story.say("What would run, and why.")
    story.git("add", ".")
    story.git("commit", "--quiet", "-m", "Encrypt buckets, quarantine machines")
    story.program("plan")

    story.say("Run it. Each intent is on disk before its request is sent.")
    story.program("apply", "--yes")

    story.say("Again: nothing is due, nothing is sent.")
    story.program("apply", "--yes")


def _tell_a_change(story: _Story) -> None:
    story.say("One value changes in one file; the other is only moved and commented.")
    story.write("runs/aws/buckets.yaml", _BUCKETS.replace("Count: 4", "Count: 5"))
    story.git("mv", "runs/azure/machines.yaml", "runs/azure/quarantine.yaml")
    story.write("runs/azure/quarantine.yaml", "# ask the network team first\n" + _MACHINES)
    story.git("add", ".")
    story.git("commit", "--quiet", "-m", "One bucket more")
    story.program("plan")
    story.program("apply", "--yes")


def _tell_a_bad_day(story: _Story, sandbox: SandboxServer) -> None:
    story.say("A bad day: Qualys starts the run, but its answer never arrives, and its list lags.")
    sandbox.set_faults("accept-then-drop#1", "list-lag=3600")
    story.write("runs/aws/buckets.yaml", _BUCKETS.replace("Count: 4", "Count: 6"))
    story.git("commit", "--quiet", "--all", "-m", "And one more")
    story.program("apply", "--yes", answers=9)

    story.say("It may have run, so it is not sent again, however often you ask.")
    story.program("apply", "--yes", answers=9)

    story.say("Once Qualys lists the execution, it is found by what it shows of its request.")
    sandbox.set_faults()
    story.program("apply", "--yes")


def _tell_a_rerun(story: _Story) -> None:
    story.say("The same request once more, on purpose: a reviewed change with a reason.")
    story.program("rerun", "encrypt-prod-buckets", "--reason", "new buckets since yesterday")
    story.git("commit", "--quiet", "--all", "-m", "Encrypt once more")
    story.program("apply", "--yes")

    story.say("An auditor checks the lockfile without trusting it.")
    story.program("lock", "verify")

    story.say("What the lockfile holds. (qflow.lock is a file of the repository.)")
    story.program("status")
