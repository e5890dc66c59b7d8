"""`qflow-gitops demo`: the story told by the real commands, against the sandbox."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import streams
from qflow_gitops.cli.context import Wiring
from qflow_gitops.cli.sandbox import needs_flask
from qflow_gitops.errors import QflowError, UsageProblem
from qflow_gitops.render.layout import laid_out

if TYPE_CHECKING:
    from qflow_gitops.sandbox.server import SandboxServer

_PROGRAM = [sys.executable, "-c", "from qflow_gitops.cli.main import main; main()"]

_BUCKETS = """\
apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata:
  name: encrypt-buckets
  environment: try
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
  environment: try
spec:
  workflowId: f516bcf4-f6fb-46ac-a54f-ddbcf2a2d24a
  connectorType: azure
  variables:
    connectorId: 0ffaf046-768b-79fc-83f6-aa25be52c2a1
    resourceGroup: DefaultResourceGroup-CIN
"""


class _Story:
    """Shows commands and what they answer, and checks that they answer as told."""

    def __init__(self, folder: Path, environ: Mapping[str, str], width: int) -> None:
        self._folder = folder
        self._environ = environ
        self._width = width

    def say(self, text: str) -> None:
        """Tell what comes next; a terminal has `width` columns, anything else 0."""
        click.echo("\n" + "\n".join(laid_out(f"# {text}", self._width)))

    def write(self, name: str, text: str) -> None:
        click.echo(f"$ edit {name}")
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def add_to(self, name: str, after: str, text: str) -> None:
        """Put lines behind a line of a file."""
        old = (self._folder / name).read_text(encoding="utf-8")
        self.write(name, old.replace(after, after + text, 1))

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
@click.option(
    "--keep", metavar="[DIR]", is_flag=False, flag_value="qflow-gitops-demo", default="",
    type=click.Path(), help="Leave it all in this folder, and say what to try there.",
)  # fmt: skip
@click.pass_obj
def command(wiring: Wiring, keep: str) -> None:
    """Tell the whole story on this machine: a repository, a sandbox, runs sent once.

    Everything happens in a temporary folder, which is removed, and on the loopback address;
    it takes less than a minute.
    """
    try:
        from qflow_gitops.sandbox.server import SandboxServer
    except ModuleNotFoundError:
        raise needs_flask() from None
    with ExitStack() as opened:
        try:
            temporary = tempfile.TemporaryDirectory(prefix="qflow-gitops-demo-")
            at = Path(opened.enter_context(temporary))
            if keep:
                at = _kept(wiring.directory / keep, keep)
            repository = at / "repository"
            repository.mkdir()
            server = SandboxServer(data=at / "sandbox.sqlite", duration=0.5)
            sandbox = opened.enter_context(server)
            story = _Story(
                repository, _environment(wiring.environ, sandbox.url), wiring.console.width_out
            )
            _tell(story, sandbox)
            if keep:
                _say_what_to_try(story, at, sandbox.url)
            else:
                story.say("Nothing of it is left. To go on in it: `qflow-gitops demo --keep`")
        except OSError as problem:
            if streams.lost():
                raise  # no fault of the demo's
            raise _stopped(problem) from None


def _kept(folder: Path, named: str) -> Path:
    """Make the folder that stays; UsageProblem where something is in it already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        names = (f"{named.rstrip('/')}-{number}" for number in range(2, 1000))
        free = next(name for name in names if not (folder.parent / Path(name).name).exists())
        raise UsageProblem(
            "There is something in this folder already.",
            where=str(folder),
            not_done="Nothing was begun.",
            hint=f"Name another one: `qflow-gitops demo --keep {shlex.quote(free)}`",
            reason="demo_folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _say_what_to_try(story: _Story, at: Path, url: str) -> None:
    """Say how to go on in what was kept: each line can be typed, one after the other."""
    for key, value in (("user.name", "demo"), ("user.email", "demo@example.com")):
        story.git("config", key, value)
    port, data = url.rpartition(":")[2], shlex.quote(str(at / "sandbox.sqlite"))
    click.echo(
        f"""
# All of it stays in {at}. Start the sandbox again, in a terminal of its own:
  qflow-gitops sandbox --port {port} --data {data}
# {url}/ then shows it in a browser. In another terminal:
  cd {shlex.quote(str(at / "repository"))}
  export QFLOW_GATEWAY={url}
  export QFLOW_CLIENT_ID=sandbox QFLOW_CLIENT_SECRET=sandbox
  qflow-gitops status
  qflow-gitops history try/encrypt-buckets
  qflow-gitops sandbox executions
  qflow-gitops rerun try/quarantine-vms --reason 'to see it'
  git commit --all -m 'Quarantine once more'
  qflow-gitops plan
  qflow-gitops apply -e try --yes
# For Qualys itself set the platform of `prod` in qflow.yaml to yours: specs without
# `environment: try` are for it, and nothing of this has to be turned back.
# When you are done: rm -r {shlex.quote(str(at))}"""
    )


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
    story.program("init", "--platform", "EU2")

    story.say("Beside `prod`, an environment to try things in: the local sandbox.")
    story.add_to("qflow.yaml", "      platform: EU2\n", "    try:\n      platform: sandbox\n")

    story.say("Two runs, each a file that can be reviewed. One has a slip in it.")
    story.write("runs/aws/buckets.yaml", _BUCKETS)
    story.write("runs/azure/machines.yaml", _MACHINES.replace("resourceGroup", "region"))
    story.program("validate", answers=3)
    story.write("runs/azure/machines.yaml", _MACHINES)
    story.program("validate")

    story.say("What would run, and why.")
    story.git("add", ".")
    story.git("commit", "--quiet", "-m", "Encrypt buckets, quarantine machines")
    story.program("plan", "-e", "try")

    story.say("Run it. Each intent is on disk before its request is sent.")
    story.program("apply", "-e", "try", "--yes")

    story.say("Again: nothing is due, nothing is sent.")
    story.program("apply", "-e", "try", "--yes")


def _tell_a_change(story: _Story) -> None:
    story.say("One value changes in one file; the other is only moved and commented.")
    story.write("runs/aws/buckets.yaml", _BUCKETS.replace("Count: 4", "Count: 5"))
    story.git("mv", "runs/azure/machines.yaml", "runs/azure/quarantine.yaml")
    story.write("runs/azure/quarantine.yaml", "# ask the network team first\n" + _MACHINES)
    story.git("add", ".")
    story.git("commit", "--quiet", "-m", "One bucket more")
    story.program("plan", "-e", "try")
    story.program("apply", "-e", "try", "--yes")


def _tell_a_bad_day(story: _Story, sandbox: SandboxServer) -> None:
    story.say("A bad day: Qualys starts the run, but its answer never arrives, and its list lags.")
    sandbox.set_faults("accept-then-drop#1", "list-lag=3600")
    story.write("runs/aws/buckets.yaml", _BUCKETS.replace("Count: 4", "Count: 6"))
    story.git("commit", "--quiet", "--all", "-m", "And one more")
    story.program("apply", "-e", "try", "--yes", answers=9)

    story.say("It may have run, so it is not sent again, however often you ask.")
    story.program("apply", "-e", "try", "--yes", answers=9)

    story.say("Once Qualys lists the execution, it is found by what it shows of its request.")
    sandbox.set_faults()
    story.program("apply", "-e", "try", "--yes")


def _tell_a_rerun(story: _Story) -> None:
    story.say("The same request once more, on purpose: a reviewed change with a reason.")
    story.program("rerun", "try/encrypt-buckets", "--reason", "new buckets since yesterday")
    story.git("commit", "--quiet", "--all", "-m", "Encrypt once more")
    story.program("apply", "-e", "try", "--yes")

    story.say("An auditor checks the lockfile without trusting it.")
    story.program("lock", "verify")

    story.say("What the lockfile holds. (qflow.lock is a file of the repository.)")
    story.program("status")
