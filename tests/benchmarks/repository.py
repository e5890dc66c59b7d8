"""A repository of run specs as a team has it: four clouds, comments, folders, a record."""

import uuid
from pathlib import Path
from shutil import rmtree

from qflow_gitops.git.repository import GitRepo
from qflow_gitops.lockfile import codec
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.sources import settings
from qflow_gitops.sources import specs as reading
from tests.helpers.git import Workspace

SETTINGS = """\
apiVersion: qflow-gitops/v1
kind: Project
spec:
  environments:
    prod: {platform: US1}
    staging: {platform: US1}
  policy: {limits: {runs: 100}}
"""

_PLACES = {
    "aws": "    region: eu-central-1\n",
    "azure": "    resourceGroup: rg-{number}\n",
    "gcp": "    project: team-{number}\n",
    "oci": "    oci_region: eu-frankfurt-1\n    compartment: ocid1.compartment.oc1..aaaa{number}\n",
}
_SPEC = """\
# Keeps what holds logs of team {team} from being read by everybody.
apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata:
  name: {name}
  environment: {environment}
  labels:
    team: team-{team}
    tier: "{tier}"
  annotations:
    ticket: CHG{number:07}
    owner: "cloud-security@example.com"
spec:
  workflowId: {workflow}
  connectorType: {cloud}
  variables:
    # the connector of the account that the team works in
    connectorId: {connector}
{place}    dryRun: false
    maxItems: {items}
    notify:
      - cloud-security
      - team-{team}
  input:
    bucket: logs-{number}
    reason: quarterly review, and every new account
    # steps run in this order
    steps:
      - name: list
        timeout: 30
      - name: block
        timeout: {timeout}
"""


def spec(
    number: int, *, changed: bool = False, environment: str = "", like: int | None = None
) -> str:
    """Give one run spec of some 35 lines; `changed` gives it another request.

    Every third is for `staging`, the others for `prod`, where no environment is named. It is in
    another account than that of the number `like`, and the same but for that.
    """
    first = number if like is None else like
    cloud = tuple(_PLACES)[first % 4]
    return _SPEC.format(
        name=f"block-public-{number:05}",
        environment=environment or ("staging" if first % 3 == 0 else "prod"),
        number=number,
        team=first % 25,
        tier=first % 3,
        workflow=uuid.UUID(int=0x6CAD21C84405451700000000000000 + first % 40, version=4),
        cloud=cloud,
        connector=uuid.UUID(int=0xAA70ACAE6EA83ACF00000000000000 + number % 300, version=4),
        place=_PLACES[cloud].format(number=number),
        items=25 + first % 7,
        timeout=61 if changed else 60,
    )


def file_of(number: int) -> str:
    """Give the file of a run, from the repository's root."""
    return f"runs/{number // 100:03}/block-public-{number:05}.yaml"


def begun(folder: Path) -> Workspace:
    """Make a repository with settings that aren't committed yet."""
    folder.mkdir(exist_ok=True)
    workspace = Workspace(folder)
    workspace.git("init", "--quiet")
    workspace.git("config", "user.email", "bench@example.com")
    workspace.git("config", "user.name", "bench")
    workspace.git("config", "gc.auto", "0")  # so many files would have git tidy up meanwhile
    workspace.write("qflow.yaml", SETTINGS)
    return workspace


def make(folder: Path, count: int) -> Workspace:
    """Make a repository with so many specs, one a file, in one commit."""
    workspace = begun(folder)
    for number in range(count):
        workspace.write(file_of(number), spec(number))
    workspace.commit("runs")
    return workspace


def record(workspace: Workspace) -> None:
    """Write a lockfile in which every run has succeeded at the commit that is checked out."""
    repo = GitRepo.open(workspace.path, {"PATH": "/usr/bin:/bin"})
    head = repo.resolve("HEAD")
    project = settings.settings(repo, head, "").project
    blobs = {one.path.decode(): one.blob for one in repo.files(head, ["runs"]).values()}
    specs = reading.commit_specs(repo, head, project).specs
    at, ended = "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z"
    by = {"actor": "bench@example.com", "tool": "0.1.0"}
    environments = {}
    for name in project.environments:
        runs = {}
        for number, ((environment, run), one) in enumerate(sorted(specs.items())):
            if environment != name:
                continue
            facts = {
                "workflowId": one.workflow_id, "revision": "1", "platform": "US1",
                "gateway": "gateway.qg1.apps.qualys.com", "file": one.file, "commit": head,
                "blob": blobs[one.file], "bodySha256": one.body_sha256, "nonce": f"{number:032x}",
            }  # fmt: skip
            events = (
                Event(at, State.INTENT, {"by": by, "leaseUntil": at}),
                Event(at, State.ACCEPTED, {"httpStatus": 200}),
                Event(ended, State.SUCCEEDED, {"status": "SUCCESS"}),
            )
            execution = str(uuid.UUID(int=number, version=4))
            runs[run] = (
                Attempt(1, State.SUCCEEDED, one.digest, events, execution, "SUCCESS", facts),
            )
        environments[name] = EnvironmentRecord(latest=head, applied_through=head, runs=runs)
    lockfile = Lockfile("0123456789abcdef0123456789abcdef", 1, environments)
    (workspace.path / "qflow.lock").write_bytes(codec.to_bytes(lockfile))
    workspace.commit("applied")


def changed(count: int, of: int) -> range:
    """Give which specs are changed: so many, spread over all folders."""
    return range(0, of, max(1, of // count))[:count]


def change(workspace: Workspace, count: int, of: int) -> None:
    """Change so many specs in one commit."""
    for number in changed(count, of):
        workspace.write(file_of(number), spec(number, changed=True))
    workspace.commit("changed")


def prepared(folder: Path, count: int) -> Workspace:
    """Make a repository with so many specs, all of them recorded, ten changed since."""
    workspace = make(folder, count)
    record(workspace)
    change(workspace, 10, count)
    return workspace


def forget(workspace: Workspace) -> None:
    """Leave nothing of what commands kept for the next ones."""
    rmtree(workspace.path / ".git/qflow-gitops/verdicts", ignore_errors=True)
