"""The catalog: pull what the API knows about workflows, and use it."""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from qflow_gitops.base import atomic
from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.commands.new import in_several_places
from qflow_gitops.errors import InvalidInput, UsageProblem
from qflow_gitops.ports.git import GitTree
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.files import Draft, FileChange, Known, pulled
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import specs as reading
from qflow_gitops.sources.lostsettings import rooted
from qflow_gitops.sources.settings import one_environment
from qflow_gitops.specs import catalogs
from qflow_gitops.specs.catalogs import Catalog, Workflow

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def pull(
    git: GitTree,
    project: Project,
    qualys: Callable[[str], Qualys],
    environment: str,
    wanted: Iterable[str] = (),
    *,
    everything: bool = False,
) -> Report:
    """Write what Qualys says of workflows: those named, all, or those of specs and catalog.

    Raises QflowError for what stops it; what was written before stays.
    """
    name = one_environment(project, environment)
    ids = [_checked(text) for text in wanted]
    if not ids and not everything:
        tree = reading.worktree(git, project)
        known = reading.worktree_connectors(tree, project.folder)
        specs = reading.worktree_specs(tree, project, known)
        used = {spec.workflow_id for spec in specs.specs.values() if spec.environment == name}
        ids = sorted({workflow_id.lower() for workflow_id in used} | set(read(git, project.folder)))
    client = qualys(project.environments[name].platform)
    client.connect()
    if everything:
        ids = sorted({workflow.lower() for workflow in client.workflows()})
    paths = {workflow_id: catalogs.path_of(workflow_id, project.folder) for workflow_id in ids}
    changes = [
        _pulled(git.root, paths[workflow_id], client.workflow(workflow_id)) for workflow_id in ids
    ]
    call, folder = rooted(git), shlex.quote(project.folder.catalog)
    return pulled(tuple(changes), f"{call} add {folder} && {call} commit")


def _checked(workflow_id: str) -> str:
    if _UUID.fullmatch(workflow_id):
        return workflow_id.lower()
    raise UsageProblem(
        f"`{workflow_id[:60]}` isn't a workflow's UUID.",
        not_done="Nothing was pulled.",
        hint="Qualys shows it in the address of the workflow's page.",
        reason="workflow_id",
    )


def _pulled(root: Path, name: str, found: Workflow | None) -> FileChange:
    path = root / name
    if found is None:
        kept = "; its file stays" if path.exists() else ""
        return FileChange(name, "unknown", f"Qualys knows no such workflow, or hides it{kept}")
    content = catalogs.to_bytes(found)
    detail = found.name or "no name"
    if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
        return FileChange(name, "kept", detail)
    what = "changed" if path.exists() else "written"
    try:
        path.parent.mkdir(exist_ok=True)
        atomic.replace(path, content)
    except OSError as problem:
        raise InvalidInput(
            f"The file can't be written: {problem.strerror}.",
            where=name,
            not_done="What was written before it stays.",
            hint="Make room or fix the folder's rights, then run the command again.",
            reason="file_unwritable",
        ) from None
    return FileChange(name, what, detail)


# --- using it ------------------------------------------------------------------------


def read(git: GitTree, folder: ProjectFolder) -> Catalog:
    """Read the work tree's catalog; files with errors are left out, `validate` names them."""
    return catalogs.load(reading.worktree_catalogs(git.worktree([folder.catalog]), folder), folder)[
        0
    ]


def listed(known: Catalog) -> Report:
    """List the catalog."""
    ordered = sorted(known.values(), key=lambda workflow: (workflow.name.lower(), workflow.id))
    return Report("workflows", body=Known(tuple(ordered)))


def shown(known: Catalog, workflow_id: str) -> Report:
    """Show one workflow of the catalog; UsageProblem where it isn't there."""
    return Report("workflows", body=Known((_found(known, workflow_id),), detailed=True))


def draft(known: Catalog, workflow_id: str) -> Report:
    """Return a spec to fill in; UsageProblem where the workflow isn't in the catalog."""
    workflow = _found(known, workflow_id)
    slug = re.sub(r"[^a-z0-9]+", "-", workflow.name.lower())[:63].strip("-") or "my-run"
    title = f"   # {workflow.name}" if re.fullmatch(r"[\w .,()/+-]+", workflow.name) else ""
    lines = [
        "apiVersion: qflow-gitops/v1",
        "kind: WorkflowRun",
        "metadata:",
        f"  name: {slug}   # the run's identity: it stays, wherever the file goes",
        "spec:",
        f"  workflowId: {workflow.id}{title}",
        "  connectorType:   # aws, azure, gcp, oci, or a list of several",
        "  variables:",
        "    connectorId:   # the connector's UUID, as Qualys' Get Connector APIs show it",
        "    # with aws: region; azure: resourceGroup; gcp: project; oci: oci_region, compartment",
        *_own(workflow.own_variables),
        "  input: {}",
        *in_several_places("aws"),
    ]
    return Report("workflows", body=Draft("\n".join(lines) + "\n"))


def _own(variables: Mapping[str, str]) -> list[str]:
    """Return a line for each variable; one that a server could mean as a command isn't shown."""
    plain = [name for name in variables if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name)]
    lines = [f"    # {name}:   # {variables[name]}" for name in plain]
    if len(plain) < len(variables):
        lines.append("    # and some with unusual names: qflow-gitops workflows show")
    head = "    # The workflow's own; one that is left out keeps the workflow's value:"
    return [head, *lines] if lines else []


def _found(known: Catalog, workflow_id: str) -> Workflow:
    workflow = known.get(workflow_id.lower())
    if workflow is None:
        raise UsageProblem(
            f"The catalog has no workflow `{workflow_id[:60]}`.",
            hint=f"Fetch it: `qflow-gitops workflows pull {_short(workflow_id)}`",
            reason="workflow_unknown",
        )
    return workflow


def _short(workflow_id: str) -> str:
    return workflow_id if _UUID.fullmatch(workflow_id) else "ID"
