"""README says what the program does: commands, options, exit codes, reasons, variables."""

import re
from pathlib import Path

import click
import pytest

from qflow_gitops.cli.main import COMMANDS, program
from qflow_gitops.errors import PRECEDENCE, ExitCode
from qflow_gitops.plan.change import Action, Reason
from qflow_gitops.render.rules import table
from qflow_gitops.specs.rules import RULES
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SKIPPED = {"already_ran", "in_progress", "baselined", "removed"}
RUN = {"added", "modified", "rerun", "unsent", "retry"}


def commands_of(text: str) -> set[tuple[str, ...]]:
    """Every call of the program in code blocks and spans: its words."""
    found = re.findall(r"qflow-gitops ((?:[a-z][a-z-]*)(?: [^\s`#;&|)]+)*)", text)
    return {tuple(one.split()) for one in found}


@pytest.mark.parametrize("words", sorted(commands_of(README)))
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
        assert f"`{name}" in README or f"qflow-gitops {name}" in README, name
        for param in getattr(command, "params", ()):
            if isinstance(param, click.Option):
                assert param.help, f"{name} {param.opts}"


def test_the_table_of_rules_is_the_programs() -> None:
    assert README.split("<!-- rules -->\n")[1].split("<!-- /rules -->")[0] == table(RULES.values())


def test_the_table_of_exit_codes_is_complete() -> None:
    table = README.split("## Exit codes")[1].split("##")[0]
    numbers = {int(one) for one in re.findall(r"(?<=[|,]) (\d+)(?=[ ,|])", table)}
    assert numbers == {int(code) for code in ExitCode}
    assert set(PRECEDENCE) == set(ExitCode)


def test_every_reason_to_hold_is_explained() -> None:
    table = README.split("## When something is held")[1].split("##")[0]
    named = set(re.findall(r"`([a-z_]+)`(?=[^|]*\|)", table))
    holds = {reason.value for reason in Reason} - SKIPPED - RUN - {"expired"}
    assert holds <= named
    assert len(Action) == 4


def test_every_variable_that_is_read_is_documented() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "qflow_gitops").rglob("*.py")
    )
    read = set(re.findall(r"\"(QFLOW_[A-Z_]+)\"", code))
    assert read
    assert {name for name in read if f"`{name}`" not in README} == set()


def test_the_readmes_spec_is_the_release_notes_sample(workspace: Workspace, cli: Cli) -> None:
    block = README.split("```yaml\n")[1].split("```")[0]
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    workspace.write("runs/aws/buckets.yaml", block)
    assert cli("validate").code == 0
    workspace.commit()
    (change,) = cli.json("plan")["changes"]
    workspace.write("runs/aws/buckets.yaml", SAMPLE)
    workspace.commit()
    assert cli.json("plan")["changes"][0]["digest"] == change["digest"]


def test_ci_calls_the_readmes_two_commands() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "qflow-gitops demo\n" in script
    assert "pytest -n auto\n" in script
    assert ".venv/bin/qflow-gitops demo\n" in README
    assert ".venv/bin/pytest -n auto\n" in README


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version").out.startswith("qflow-gitops ")
    assert all(name in cli("--help").out for name in COMMANDS)


def test_each_link_leads_somewhere() -> None:
    """To a heading of its own, or to a file of the repository."""
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = file.read_text(encoding="utf-8")
        prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s:]+)\)", prose):
            path, _, heading = target.partition("#")
            there = (file.parent / path).resolve() if path else file
            assert there.exists(), (file.name, target)
            if heading:
                assert heading in slugs(there.read_text(encoding="utf-8")), (file.name, target)


def slugs(text: str) -> set[str]:
    """What GitHub calls the headings of a text: lower case, hyphens, no other punctuation."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).strip().replace(" ", "-") for one in found}
