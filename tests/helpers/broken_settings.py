"""One setting of a code host that is broken on purpose, and a project whose host that is."""

from collections.abc import Callable
from typing import Any

from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.github_api import REPOSITORY
from tests.helpers.github_settings import COMMIT, OWNED, OWNERS, TOOL

Answers = dict[str, Any]
Break = Callable[[Answers], object]


def change(path: str, **changes: Any) -> Break:
    """Change fields of an answer."""
    return lambda answers: answers[path].update(changes)


def put(path: str, value: Any) -> Break:
    """Put an answer in place of another."""
    return lambda answers: answers.update({path: value})


def drop(path: str) -> Break:
    """Take an answer away: 404."""
    return lambda answers: answers.pop(path)


def on_github(workspace: Workspace, cli: Cli) -> None:
    """Begin a project with its workflows, and fill in who owns what."""
    workspace.git("remote", "add", "origin", f"git@github.example:{REPOSITORY}.git")
    assert cli("init", "--github", "--action", f"{TOOL}@{COMMIT}").code == 0
    workspace.write(OWNERS, OWNED)
    workspace.commit()
