"""The workflows for GitHub Actions, as they are shipped, for one project of one repository."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from qflow_gitops.base import resources
from qflow_gitops.base.paths import ROOT, ProjectFolder
from qflow_gitops.commands.beginning import slug, with_mark

WORKFLOWS = ("qflow.yml", "qflow-operations.yml")
"""The workflows for GitHub Actions; `examples/github` holds them."""
PLACEHOLDER = "your-organization/qflow-gitops@0000000000000000000000000000000000000000 # replace"
"""What stands in the workflows for the address and the commit of the action."""
REPOSITORY = "your-organization/your-repository"
"""What stands in them for the repository that they are for: elsewhere nothing is applied."""
_FOLDER = ".github/workflows"
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+(?: [A-Za-z0-9_./-]+)*")
_NAMED = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_USED = re.compile(r"uses: ([^\s@]+)@")
_NAME = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")


class Workflows(NamedTuple):
    """What the workflows are told, each "" where a person will write it into them.

    `action` is OWNER/NAME@COMMIT of the action that they use, `repository` OWNER/NAME of the
    repository that they are for, `branch` its default branch.
    """

    action: str = ""
    repository: str = ""
    branch: str = ""


NOTHING_TOLD = Workflows()


def repository_of(address: str) -> str:
    """Return OWNER/NAME on a server like GitHub, "" where an address tells no such.

    It is given in its one form (`base.addresses.same_form`).
    """
    host, _, name = address.partition("/")
    return name if host and _NAME.fullmatch(name) else ""


def workflow_files(root: Path, at: ProjectFolder, told: Workflows) -> dict[str, str]:
    """Return the text of each workflow of a project, by its path from the top of the work tree.

    A file of another project keeps its name, and this one's gets another.
    """
    if not at.name:
        return {f"{_FOLDER}/{name}": workflow(name, told) for name in WORKFLOWS}
    word = slug(at)
    files = _named(word)
    if word in ("", "operations") or any(_is_of_another(root / file, at) for file in files):
        word = with_mark(word, at)
    return {
        file: workflow(name, told, at, word)
        for file, name in zip(_named(word), WORKFLOWS, strict=True)
    }


def _named(word: str) -> tuple[str, str]:
    """Name the files of a project; with a dot, which no word has, so that none is another's."""
    return f"{_FOLDER}/qflow-{word}.yml", f"{_FOLDER}/qflow-{word}.operations.yml"


def _is_of_another(path: Path, at: ProjectFolder) -> bool:
    try:
        return _inside(at) not in path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return path.exists()


def _inside(at: ProjectFolder) -> str:
    return f"working-directory: {json.dumps(at.name)}\n"


def workflow(
    name: str, told: Workflows = NOTHING_TOLD, at: ProjectFolder = ROOT, word: str = ""
) -> str:
    """Return a workflow as it is shipped, for the project in a folder that a word stands for.

    Two projects share no name of a workflow or a job, by which checks are told apart, and wait
    for one another in no group.
    """
    text = resources.text(f"examples/github/{name}")
    if at.name:
        shown = at.name if _PLAIN.fullmatch(at.name) else word
        text = text.replace(
            "        with:\n          command:",
            f"        with:\n          {_inside(at)}          command:",
        )
        text = re.sub(
            r"^(name: qflow.*|    name: qflow .*)$", rf"\1 {shown}", text, flags=re.MULTILINE
        )
        text = text.replace("group: qflow-", f"group: qflow-{word}-")
    text = text.replace(PLACEHOLDER, told.action or PLACEHOLDER)
    branch = told.branch or "main"
    branch = branch if _NAMED.fullmatch(branch) else json.dumps(branch)
    text = text.replace("    branches: [main]\n", f"    branches: [{branch}]\n")
    return text.replace(REPOSITORY, told.repository or REPOSITORY)


def is_unset(text: str) -> bool:
    """Whether something still stands in a workflow that a person was to replace."""
    return PLACEHOLDER.partition("@")[0] in _USED.findall(text) or f"'{REPOSITORY}'" in text


def _kept(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def to_settle(root: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Say what only a person can do about workflows; a file that is there stays as it is."""
    if not texts:
        return ()
    text = "".join(_kept(root / file) or new for file, new in texts.items())
    address = PLACEHOLDER.partition("@")[0]
    action = f"replace `{address}@0000…` in {_FOLDER} by your copy of it, OWNER/NAME@COMMIT"
    place = f"replace `{REPOSITORY}` in {_FOLDER} by this one: nothing is applied elsewhere"
    return (
        *([action] if PLACEHOLDER in text else []),
        *([place] if f"'{REPOSITORY}'" in text else []),
        "set up environments, secrets and rules on GitHub: docs/guides/github.md of qflow-gitops",
    )
