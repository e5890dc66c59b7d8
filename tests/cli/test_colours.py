"""Colour goes to who asked for it in text, and into nothing that programs or Markdown read."""

import click
import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import spec

COMMANDS = ("plan", "status", "history", "show a", "apply --yes", "doctor repository --offline")


@pytest.fixture
def sent(project: Workspace, sandbox: SandboxServer, cli: Cli) -> Workspace:
    """Runs that ended, and one that is new."""
    project.write("runs/a.yaml", spec("a"))
    project.commit("a")
    assert cli("apply", "--yes").code == 0
    project.write("runs/b.yaml", spec("b", 2))
    project.commit("b")
    return project


@pytest.mark.parametrize("command", COMMANDS)
def test_colours_change_no_word(command: str, sent: Workspace, cli: Cli) -> None:
    words = command.split()
    if words[0] == "apply":
        words += ["nothing-of-this-name"]
    plain = cli(*words, "--color", "never")
    painted = cli(*words, "--color", "always")
    assert "\x1b[" in painted.out + painted.err
    assert "\x1b[" not in plain.out + plain.err
    assert click.unstyle(painted.out) == plain.out
    assert click.unstyle(painted.err) == plain.err


def test_what_programs_and_markdown_read_has_none(sent: Workspace, cli: Cli) -> None:
    for command in ("plan", "status", "history", "show a", "doctor repository --offline"):
        for form in ("json", "markdown"):
            assert "\x1b" not in cli("--color", "always", *command.split(), "--format", form).out
