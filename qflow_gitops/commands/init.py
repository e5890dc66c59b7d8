"""Make a repository of run specs ready to use; never writes over a file."""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from qflow_gitops.base import atomic, resources
from qflow_gitops.base.paths import LOCK_FILE, PROJECT_FILE, ROOT, ProjectFolder
from qflow_gitops.errors import AGAIN, InvalidInput, LockError
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Checkpoint
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockStore, LostRace
from qflow_gitops.results.files import FileChange, Files
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import DEFAULT_ENVIRONMENT, LockSettings
from qflow_gitops.sources import lostsettings
from qflow_gitops.sources import settings as projectfile
from qflow_gitops.specs import schemas

SCHEMA_FOLDER = ".qflow/schemas"
WORKFLOWS = ("qflow.yml", "qflow-operations.yml")
"""The workflows for GitHub Actions; `examples/github` holds them."""
PLACEHOLDER = "your-organization/qflow-gitops@0000000000000000000000000000000000000000 # replace"
"""What stands in the workflows for the address and the commit of the action."""
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
    store: {store}
{lineage}"""
_LINEAGE = '    lineage: "{lineage}"   # ties these settings to the lockfile; never change it\n'

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
```

Then: `qflow-gitops validate`, commit, `qflow-gitops plan`, `qflow-gitops apply`.
"""


class Target(NamedTuple):
    """Where a project begins: its folder, and the top of what an editor opens.

    `at` is the folder from there; `in_repository` whether git knows it already; `typed` how it
    was named at the shell.
    """

    folder: Path
    root: Path
    at: ProjectFolder = ROOT
    in_repository: bool = False
    typed: str = "."


def check_place(git: Repository, at: ProjectFolder, lock: LockSettings) -> None:
    """Refuse to begin a project whose folder or lock branch is another's; raises InvalidInput."""
    try:
        projectfile.check_place(git, at, lock)
    except InvalidInput as problem:
        problem.not_done = "Nothing was written."
        if problem.reason == "lock_shared":
            problem.hint = (
                "Keep its lockfile in the work tree: `qflow-gitops init "
                f"{lostsettings.typed(git, at.name)} --store worktree`"
            )
        raise


def init(
    target: Target,
    platform: str,
    lineage: str,
    branch: Callable[[], LockStore] | None,
    action: str | None = None,
) -> Report:
    """Write what is missing: settings, record, schemas, editor settings, a first page.

    `branch` opens the lockfile's branch of a remote, None where the lockfile is to be a file.
    `action` asks for the workflows of GitHub Actions: OWNER/NAME@COMMIT of the action, or ""
    where a person will write that into them. Raises InvalidInput where a file can't be written,
    and where there is a lockfile that the settings wouldn't name; LockError where one is broken.
    """
    made = []
    folder, at = target.folder, target.at
    new = not (folder / PROJECT_FILE).exists()
    known = Lockfile(lineage)
    if new and (folder / LOCK_FILE).exists():
        known = _lockfile_there(target, in_file=branch is None)
    elif branch is not None and new:
        change, known = _begun(branch)
        made.append(change)
    store = "worktree" if branch is None else "branch"
    texts: dict[str, str | bytes] = {
        PROJECT_FILE: _settings(platform, store, known),
        "runs/README.md": _README,
    }
    if branch is None and new and not (folder / LOCK_FILE).exists():
        texts[LOCK_FILE] = to_bytes(Lockfile(known.lineage, serial=1))
    files_of_all = {_EXTENSIONS: _json({"recommendations": ["redhat.vscode-yaml"]})}
    if action is not None:
        for name in WORKFLOWS:
            files_of_all[f".github/workflows/{name}"] = workflow(name, action, at)
    changes = [_write_missing(folder, name, text) for name, text in texts.items()]
    changes += _exported(folder / SCHEMA_FOLDER, folder, schemas.text)
    changes.append(_line(folder, ".gitattributes", f"{LOCK_FILE} -text"))
    changes.append(_line(folder, ".gitignore", f"{LOCK_FILE}.rescue"))
    changes = [replace(change, file=at.path(change.file)) for change in changes] + made
    changes += [_write_missing(target.root, name, text) for name, text in files_of_all.items()]
    changes.append(_editor(target.root, at))
    return Report("init", body=Files(tuple(changes), _next_steps(target, action)))


def _settings(platform: str, store: str, lockfile: Lockfile) -> str:
    """Return the text of the settings, of a lockfile that may be there already."""
    return _PROJECT.format(
        platform=platform,
        store=store,
        lineage=_LINEAGE.format(lineage=lockfile.lineage) if lockfile.lineage else "",
        previous=_PREVIOUS if lockfile.environment(DEFAULT_ENVIRONMENT).runs else "",
    )


def _next_steps(target: Target, action: str | None) -> tuple[str, ...]:
    """Say what a person does after it."""
    return (
        *([] if target.typed == "." else [f"cd {shlex.quote(target.typed)}"]),
        *([] if target.in_repository else ["git init"]),
        *_to_settle(action),
        f"git add {'-A' if target.at.name else '.'} && git commit -m 'Begin with qflow-gitops'",
        "edit runs/my-first-run.yaml (runs/README.md has one to copy)",
        "qflow-gitops validate",
        "qflow-gitops plan --worktree",
    )


def workflow(name: str, action: str = "", at: ProjectFolder = ROOT) -> str:
    """Return a workflow as it is shipped, for the project in a folder."""
    text = resources.text(f"examples/github/{name}")
    if at.name:
        with_ = "        with:\n          command:"
        folder = f"        with:\n          working-directory: {json.dumps(at.name)}\n"
        text = text.replace(with_, f"{folder}          command:")
    return text.replace(PLACEHOLDER, action) if action else text


def _to_settle(action: str | None) -> tuple[str, ...]:
    """Say what only a person can do about the workflows."""
    if action is None:
        return ()
    replacing = (
        f"replace `{PLACEHOLDER.partition('@')[0]}@0000…` in .github/workflows by your copy of it"
    )
    settings = "set up environments, secrets and rules on GitHub: README, In GitHub Actions"
    return (settings,) if action else (replacing, settings)


def _lockfile_there(target: Target, *, in_file: bool) -> Lockfile:
    """Return a lockfile that was begun without settings, by an apply."""
    path = target.folder / LOCK_FILE
    if not in_file:
        raise InvalidInput(
            f"There is {target.at.lockfile} already: with the lockfile on a branch, all that it "
            "holds would be due again.",
            where=target.at.lockfile,
            not_done="Nothing was written.",
            hint=f"Go on with it: `{AGAIN} --store worktree`",
            reason="lock_there",
        )
    try:
        return from_bytes(path.read_bytes(), target.at.lockfile)
    except OSError as problem:
        raise InvalidInput(
            f"{target.at.lockfile} can't be read: {problem.strerror}.",
            where=target.at.lockfile,
            not_done="Nothing was written.",
            hint="Give yourself the right to read it.",
        ) from None


def _begun(branch: Callable[[], LockStore]) -> tuple[FileChange, Lockfile]:
    """Make the lockfile on its branch, or take the one that is there."""
    try:
        store = branch()
        with store.session() as session:
            if session.created:
                session.record([], Checkpoint("prod", ""))
            what = "written" if session.created else "kept"
            return FileChange(store.where, what), session.lockfile
    except (LockError, LostRace) as problem:
        said = f"not made now, but by the first apply: {getattr(problem, 'message', 'try again')}"
        return FileChange("the lockfile's branch", "left", said), Lockfile("")


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
