"""README and docs say what the program does: commands, options, variables; and links lead on."""

import re
from pathlib import Path

import click
import pytest

from qflow_gitops.cli.main import COMMANDS, program
from tests.helpers.cli import Cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
ALL = "".join(file.read_text(encoding="utf-8") for file in PAGES)


def commands_of(text: str) -> set[tuple[str, ...]]:
    """Every call of the program in code blocks and spans: its words."""
    found = re.findall(r"qflow-gitops ((?:[a-z][a-z-]*)(?: [^\s`#;&|)]+)*)", text)
    return {tuple(one.split()) for one in found}


@pytest.mark.parametrize("words", sorted(commands_of(ALL)))
def test_every_command_and_option_in_the_readme_exists(words: tuple[str, ...]) -> None:
    check_call(words)


def check_call(words: tuple[str, ...]) -> None:
    """The program has the command, and the options that it is called with."""
    context = click.Context(program)
    command = program.get_command(context, words[0])
    if command is None:
        assert words[0] in ("is", "makes"), words  # a sentence about the program
        return
    options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    alone = not words[1:] or words[1].startswith("-")
    if isinstance(command, click.Group) and not (command.invoke_without_command and alone):
        assert words[1] in command.commands
        return
    for word in words[1:]:
        if word.startswith("-"):
            assert word.split("=")[0].rstrip(",.") in options | {"--help"}, words


def test_every_command_is_documented_and_has_help() -> None:
    context = click.Context(program)
    for name, about in COMMANDS.items():
        command = program.get_command(context, name)
        assert command is not None
        assert about.endswith(".")
        assert command.help
        assert f"`{name}" in ALL or f"qflow-gitops {name}" in ALL, name
        for param in getattr(command, "params", ()):
            if isinstance(param, click.Option):
                assert param.help, f"{name} {param.opts}"


def test_every_variable_that_is_read_is_documented() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "qflow_gitops").rglob("*.py")
    )
    read = set(re.findall(r"\"(QFLOW_[A-Z_]+)\"", code))
    assert read
    page = (ROOT / "docs/reference/variables.md").read_text(encoding="utf-8")
    assert {name for name in read if f"`{name}`" not in page} == set()


def test_ci_calls_the_readmes_two_commands() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "qflow-gitops demo\n" in script
    assert "pytest -n auto\n" in script
    assert ".venv/bin/qflow-gitops demo\n" in README
    assert ".venv/bin/pytest -n auto\n" in README


def test_the_readme_fits() -> None:
    assert len(README.splitlines()) <= 220


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version").out.startswith("qflow-gitops ")
    assert all(name in cli("--help").out for name in COMMANDS)
