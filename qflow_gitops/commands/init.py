"""Make a repository of run specs ready to use; never writes over a file."""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from qflow_gitops.base import atomic
from qflow_gitops.base.paths import (
    CONNECTORS_FOLDER,
    FLEET_FILE,
    LOCK_FILE,
    PROJECT_FILE,
    ProjectFolder,
)
from qflow_gitops.commands.beginning import Beginning, Target, lockfile_in, lockfile_on
from qflow_gitops.commands.workflow_files import Workflows, to_settle, workflow_files
from qflow_gitops.errors import InvalidInput
from qflow_gitops.lockfile.codec import to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.results.files import FileChange, Files
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import DEFAULT_ENVIRONMENT, LockSettings
from qflow_gitops.specs import schemas

SCHEMA_FOLDER = ".qflow/schemas"
_SETTINGS, _EXTENSIONS = ".vscode/settings.json", ".vscode/extensions.json"

_PROJECT = """\
# What every run spec of this repository shares. Each setting has a default;
# `qflow-gitops schema show project` explains them all.
apiVersion: qflow-gitops/v1
kind: Project
spec:
  runs: [runs]
  defaultEnvironment: prod
  environments:
    prod:
      platform: {platform}
{previous}  lock:
{lock}"""
_LINEAGE = 'lineage: "{lineage}"   # ties these settings to the lockfile; never change it'

_PREVIOUS = (
    f"      previousNames: [{DEFAULT_ENVIRONMENT}]   # what it was called without settings\n"
)

_README = """\
# Runs

Each `.yaml` file below this folder says which Qualys Flow workflows to run, and with what.
Nothing here runs before it is committed and applied; `qflow-gitops plan` shows what would.

Begin with a copy of this, `runs/my-first-run.yaml` say:

```yaml
apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata:
  name: my-first-run              # the run's identity: it stays, wherever the file goes
spec:
  workflowId: 00000000-0000-0000-0000-000000000000     # Qualys: Workflows → your workflow
  connectorType: aws              # aws, azure, gcp, oci
  variables:
    connectorId: 00000000-0000-0000-0000-000000000000  # Qualys: Connectors → your account
    region: us-east-1
  input:
    bucketName: my-bucket
  # In several accounts or places: one run for each, with what differs there.
  # targets:
  #   - {name: us-east-1}
  #   - {name: eu-central-1, variables: {region: eu-central-1}}
```

Then: `qflow-gitops validate`, commit, `qflow-gitops plan`, `qflow-gitops apply`.
"""


_OWNERS = ".github/CODEOWNERS"
_OWNERS_TEXT = """\
# Whose review a change of these takes, as they decide what runs and in which accounts. Put your own
# team in place of @OWNER/TEAM and take the first mark of each line away; the ruleset of the branch
# has to require a review of code owners.
# /.github/  @OWNER/TEAM
# /{settings}  @OWNER/TEAM
# /{connectors}/  @OWNER/TEAM
"""
OWNERS_PLACES = (_OWNERS, "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks for it, the first of them counts."""


class Asked(NamedTuple):
    """What to make ready: the platform, and the workflows of GitHub Actions, None for none.

    `remote` is whether the repository has one, `begun` how its lockfile's branch is. `left` says
    what settings that are there already say otherwise, `guessed` why the platform is a guess.
    """

    platform: str
    workflows: Workflows | None = None
    remote: bool = True
    begun: Beginning = Beginning()
    left: str = ""
    guessed: str = ""


def init(
    target: Target, asked: Asked, lock: LockSettings, branch: Callable[[], LockStore] | None
) -> Report:
    """Write what is missing: settings, record, schemas, editor settings, a first page.

    `lock` is where the lockfile is to live; its lineage is taken where a file of it begins.
    `branch` opens it on a remote, None where it is to be a file or there is no remote yet. Raises
    InvalidInput where a file can't be written, and where there is a lockfile of another project;
    LockError where one is broken.
    """
    made, folder, at = [], target.folder, target.at
    asks = asked.workflows
    workflows = {} if asks is None else workflow_files(target.root, at, asks)
    steps = _next_steps(target, asked, lock, to_settle(target.root, workflows))
    known = Lockfile(lock.lineage if lock.store == "worktree" else "")
    if target.is_new and (folder / LOCK_FILE).exists():
        known = lockfile_in(target)
    elif target.is_new and branch is not None:
        change, known = lockfile_on(branch, target, lock, asked.begun)
        made.append(change)
    texts: dict[str, str | bytes] = {
        PROJECT_FILE: _settings(asked.platform, lock, known),
        "runs/README.md": _README,
    }
    if target.is_new and lock.store == "worktree" and not (folder / LOCK_FILE).exists():
        texts[LOCK_FILE] = to_bytes(Lockfile(known.lineage, serial=1))
    files_of_all = {_EXTENSIONS: _json({"recommendations": ["redhat.vscode-yaml"]}), **workflows}
    changes = [_write_missing(folder, name, text) for name, text in texts.items()]
    changes[0] = replace(changes[0], detail=asked.left)
    changes += _exported(folder / SCHEMA_FOLDER, folder, schemas.text)
    changes.append(_line(folder, ".gitattributes", f"{LOCK_FILE} -text"))
    changes.append(_line(folder, ".gitignore", f"{LOCK_FILE}.rescue"))
    changes = [replace(change, file=at.path(change.file)) for change in changes] + made
    if asks is not None:
        changes.append(_owners(target.root, at))
    changes += [_write_missing(target.root, name, text) for name, text in files_of_all.items()]
    changes.append(_editor(target.root, at))
    if all(change.what == "kept" for change in changes):
        steps = tuple(step for step in steps if not step.startswith("git add "))  # git would refuse
    return Report("init", body=Files(tuple(changes), steps))


def _settings(platform: str, lock: LockSettings, lockfile: Lockfile) -> str:
    """Return the text of the settings, of a lockfile that may be there already."""
    lines = [f"store: {lock.store}"]
    if lock.store == "branch":
        lines.append(f"branch: {lock.branch}")
        if lock.remote != LockSettings().remote:
            lines.append(f"remote: {lock.remote}")
    if lockfile.lineage:
        lines.append(_LINEAGE.format(lineage=lockfile.lineage))
    return _PROJECT.format(
        platform=platform,
        lock="".join(f"    {line}\n" for line in lines),
        previous=_PREVIOUS if lockfile.environment(DEFAULT_ENVIRONMENT).runs else "",
    )


def _next_steps(
    target: Target, asked: Asked, lock: LockSettings, settle: tuple[str, ...]
) -> tuple[str, ...]:
    """Say what a person does after it."""
    everything = "-A" if target.at.name else "."
    moves = asked.workflows is not None and lock.store == "worktree" and not lock.ephemeral
    remote = not asked.remote and (moves or (target.is_new and lock.store == "branch"))
    begun, added = "Begin with qflow-gitops", "Add what qflow-gitops init writes"
    first = "qflow-gitops new aws my-first-run >runs/my-first-run.yaml   # then fill it in"
    return (
        *([] if target.typed == "." else [f"cd {shlex.quote(target.typed)}"]),
        *([] if target.in_repository else ["git init"]),
        *([f"git remote add {lock.remote} ADDRESS"] if remote else []),
        *(["qflow-gitops lock move --to branch"] if moves else []),
        *settle,
        *([f"edit {PROJECT_FILE}: {asked.guessed}"] if asked.guessed else []),
        f"git add {everything} && git commit -m '{begun if target.is_new else added}'",
        *([f"git push --set-upstream {lock.remote} HEAD"] if remote else []),
        *([first] if target.is_new else []),
        "qflow-gitops validate",
        "qflow-gitops plan --worktree",
    )


def export_schemas(folder: Path, *, editor: bool = False) -> Report:
    """Write every schema to a folder, over an older one of the same name.

    `editor`: with the words that only VS Code's YAML extension knows.
    Raises InvalidInput where a file can't be written.
    """
    text_of = schemas.text if editor else schemas.plain
    return Report("schema", body=Files(tuple(_exported(folder, folder, text_of))))


def _exported(folder: Path, root: Path, text_of: Callable[[str], str]) -> list[FileChange]:
    changes = []
    for name in schemas.SCHEMAS:
        path = folder / f"{name}.schema.json"
        text = text_of(name)
        same = path.is_file() and path.read_text(encoding="utf-8") == text
        if not same:
            _write(path, text.encode())
        shown = path.relative_to(root).as_posix()
        changes.append(FileChange(shown, "kept" if same else "written"))
    return changes


def _owners(root: Path, at: ProjectFolder) -> FileChange:
    """Write who owns what decides about accounts, for a person to fill in; or say what it lacks."""
    there = next((name for name in OWNERS_PLACES if (root / name).exists()), None)
    if there is None:
        text = _OWNERS_TEXT.format(settings=at.settings, connectors=at.connectors)
        return _write_missing(root, _OWNERS, text)
    own = f"/{at.connectors}/"
    lines = (root / there).read_text(encoding="utf-8", errors="replace")
    return FileChange(there, "kept", "" if own in lines else f"it has no `{own}`")


def _json(data: object) -> str:
    return json.dumps(data, indent=2) + "\n"


def _write_missing(folder: Path, name: str, text: str | bytes) -> FileChange:
    path = folder / name
    if path.exists():
        return FileChange(name, "kept")
    _write(path, text if isinstance(text, bytes) else text.encode())
    return FileChange(name, "written")


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.replace(path, content)
    except OSError as problem:
        raise InvalidInput(
            f"The file can't be written: {problem.strerror}.",
            where=str(path),
            not_done="What was written before it stays.",
            hint="Make room or fix the folder's rights, then run the command again.",
            reason="file_unwritable",
        ) from None


def _wanted(at: ProjectFolder) -> Mapping[str, list[str]]:
    """Which files an editor checks with which schema."""
    schemas = at.path(SCHEMA_FOLDER)
    return {
        f"./{schemas}/workflow-run.schema.json": [
            at.path(f"runs/**/*.{ending}") for ending in ("yaml", "yml")
        ],
        f"./{schemas}/project.schema.json": [at.settings],
        f"./{schemas}/fleet.schema.json": [at.path(FLEET_FILE)],
        f"./{schemas}/connectors.schema.json": [at.path(f"{CONNECTORS_FOLDER}/**/*.yaml")],
    }


def _editor(folder: Path, at: ProjectFolder) -> FileChange:
    """Add the schemas to VS Code's settings, keeping everything else that is in them."""
    path = folder / _SETTINGS
    if not path.exists():
        _write(path, _json({"yaml.schemas": _wanted(at)}).encode())
        return FileChange(_SETTINGS, "written")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        schemas = settings.setdefault("yaml.schemas", {})
        missing = {key: value for key, value in _wanted(at).items() if key not in schemas}
        schemas |= missing
    except (ValueError, AttributeError, TypeError):
        add = json.dumps({"yaml.schemas": _wanted(at)})
        return FileChange(_SETTINGS, "left", f"it isn't plain JSON; add by hand: {add}")
    if not missing:
        return FileChange(_SETTINGS, "kept")
    _write(path, _json(settings).encode())
    return FileChange(_SETTINGS, "merged")


def _line(folder: Path, name: str, line: str) -> FileChange:
    """Add a line to a file, unless it has it."""
    path = folder / name
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if line in text.splitlines():
        return FileChange(name, "kept")
    glue = "" if not text or text.endswith("\n") else "\n"
    _write(path, f"{text}{glue}{line}\n".encode())
    return FileChange(name, "merged" if text else "written", line)
