"""Every group, command and option, also one that comes later: what a person who slips is told."""

from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.shell_completion import BashComplete

from qflow_gitops.cli import slips
from qflow_gitops.cli.main import COMMANDS, main, program

Way = tuple[str, ...]


def _all(command: click.Command = program, way: Way = ()) -> Iterator[tuple[Way, click.Command]]:
    yield way, command
    if isinstance(command, click.Group):
        with click.Context(command) as ctx:
            for name in command.list_commands(ctx):
                found = command.get_command(ctx, name)
                assert found is not None
                yield from _all(found, (*way, name))


EVERY = dict(_all())
GROUPS = [way for way, command in EVERY.items() if isinstance(command, click.Group)]


def _typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err


def _offered(*words: str, incomplete: str = "") -> list[str]:
    completer = BashComplete(program, {}, "qflow-gitops", "_QFLOW_GITOPS_COMPLETE")
    found = completer.get_completions(list(words), incomplete)
    return [f"{item.type}:{item.value}" for item in found]


@pytest.mark.parametrize("way", [way for way in GROUPS if way != ("sandbox",)], ids="-".join)
def test_a_group_alone_prints_its_help(way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = _typed(capsys, *way)
    command = EVERY[way]
    assert isinstance(command, click.Group)
    assert code == 2
    assert said.startswith(f"Usage: {' '.join(('qflow-gitops', *way))}")
    assert "\\n" not in said
    listed = said.partition("Commands:\n")[2]
    with click.Context(command) as ctx:
        assert all(f"  {name} " in listed for name in command.list_commands(ctx))


@pytest.mark.parametrize("way", EVERY, ids="-".join)
def test_a_help_fits_and_is_whole(way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*way, "--help"])
    lines = capsys.readouterr().out.splitlines()
    cut = (line for line in lines if line.endswith("...") and not line.startswith("Usage:"))
    assert [*(line for line in lines if len(line) > 80), *cut] == []


@pytest.mark.parametrize("way", GROUPS, ids="-".join)
def test_a_slip_leads_to_the_command_that_was_meant(
    way: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    group = EVERY[way]
    assert isinstance(group, click.Group)
    with click.Context(group) as ctx:
        for name in group.list_commands(ctx):
            code, said = _typed(capsys, *way, name[:2] + name[3:])
            assert code == 2
            meant = " ".join(("qflow-gitops", *way, name))
            assert f"Did you mean `{meant}`?" in said
            assert "Did you mean" not in _typed(capsys, *way, f"{name}qq")[1]


ACTS = {"retry": "rerun", "refreeze": "unfreeze", "unfrozen": "unfreeze", "adopt": "init"}


@pytest.mark.parametrize("typed", [*ACTS, "undo", "rollback", "destroy", "cancel", "send"])
def test_likeness_alone_leads_to_no_other_act(
    typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _typed(capsys, typed)[1]
    assert f"`qflow-gitops {ACTS.get(typed, '')}" not in said
    assert "Traceback" not in said


def test_what_other_programs_call_it_is_a_command_here() -> None:
    for typed in slips._ELSEWHERE.values():
        words = typed.split()
        known = words[0] in COMMANDS or any(words[0] in param.opts for param in program.params)
        assert known or words[0] == "--help", typed
        with program.make_context("qflow-gitops", words, resilient_parsing=True):
            pass
    assert not {*slips._ELSEWHERE} & {*COMMANDS}
    assert slips.of_command("retry", COMMANDS) == "Did you mean `qflow-gitops apply --retry RUN`?"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("validate -v", "It goes before the command: `qflow-gitops -v validate`"),
        (
            "plan --full -C teams/pay one",
            "It goes before the command: `qflow-gitops -C teams/pay plan --full one`",
        ),
        (
            "apply --color=never one",
            "It goes before the command: `qflow-gitops --color=never apply one`",
        ),
        ("-e prod plan --full", "It goes behind the command: `qflow-gitops plan -e prod --full`"),
        ("apply --auto-approve", "Did you mean `--yes`?"),
        ("apply --dry-run", "`qflow-gitops plan` shows what would be sent."),
        ("apply --appoved", "Did you mean `--approved`?"),
        ("apply --approve-all", "No such option '--approve-all'.\n"),
        ("-x plan", "No such option '-x'.\n"),
    ],
)
def test_an_option_in_another_place(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = _typed(capsys, *words.split())
    assert (code, told.endswith(said) or f"{said}\n" in told) == (2, True), told


def test_each_option_of_the_program_is_put_in_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    """And what is said works: the same words, in another order."""
    for way, command in EVERY.items():
        if isinstance(command, click.Group):
            continue
        for param in program.params:
            if not isinstance(param, click.Option) or param.name in ("help", "version"):
                continue
            name = param.opts[0]
            if any(name in each.opts for each in command.params):
                continue
            value = [] if param.is_flag else ["never"]
            said = _typed(capsys, *way, name, *value)[1]
            typed = " ".join(("qflow-gitops", name, *value, *way))
            assert f"It goes before the command: `{typed}`" in said


@pytest.mark.parametrize("words", [("plna",), ("lock", "vrfy"), ("nonsense", "plan")])
def test_behind_a_mistyped_command_nothing_is_completed_or_said(
    words: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _offered(*words) == []
    assert capsys.readouterr() == ("", "")


FREE = {
    "reason", "ack", "acks", "digest", "action", "branch", "remote", "author", "timeout",
    "concurrency", "labels", "copies", "port", "faults", "duration", "pull_request", "execution",
    "adopt", "others", "attempt", "count", "name", "number", "credentials", "onboarded",
    "since", "watch", "url", "limit",
}  # fmt: skip
"""Values that only a person knows, by the name of their parameter."""


def _values() -> Iterator[tuple[Way, Any]]:
    for way, command in EVERY.items():
        for param in command.params:
            flag = isinstance(param, click.Option) and (param.is_flag or param.count)
            if not flag and param.name != "help":
                yield way, param


def test_what_can_be_completed_is() -> None:
    """Files, choices, runs, environments and revisions; a new option is one of these, or free."""
    left = {
        f"{' '.join(way)} {param.name}"
        for way, param in _values()
        if param._custom_shell_complete is None
        and not isinstance(param.type, click.Choice | click.Path)
        and param.name not in FREE
    }
    assert left == set()


@pytest.mark.parametrize(
    "words",
    [
        *(("validate", "ru"), ("migrate", "ru"), ("init", "ru"), ("lock", "push", "ru")),
        *(("schema", "export", "ru"), ("lock", "verify", "--signers", "ru"), ("-C", "ru")),
    ],
    ids=" ".join,
)
def test_paths_are_left_to_the_shell(words: Way) -> None:
    assert _offered(*words[:-1], incomplete=words[-1]) in (["file:ru"], ["dir:ru"])
