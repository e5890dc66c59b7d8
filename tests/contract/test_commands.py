"""Every group, command and option, also one that comes later: what a person who slips is told."""

from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.shell_completion import BashComplete

from qflow_gitops import __version__
from qflow_gitops.cli import everywhere, slips
from qflow_gitops.cli.main import COMMANDS, main, program
from tests.helpers.environments import CALLS

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
    assert [line for line in lines if line.endswith("-") and not line.endswith(" -")] == []


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
        assert words[0] in COMMANDS, typed
        with program.make_context("qflow-gitops", words, resilient_parsing=True):
            pass
    assert not {*slips._ELSEWHERE} & {*COMMANDS}
    assert slips.of_command("retry", COMMANDS) == "Did you mean `qflow-gitops apply --retry RUN`?"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("plan -V", "It goes before the command: `qflow-gitops -V plan`"),
        ("rules --format json", "No such option '--format'."),
        ("--format json rules", "`rules` has no --format."),
        ("--format json completion", "`completion` has no --format."),
        ("sandbox --format json", "Only `sandbox executions` has --format."),
        ("--format json sandbox", "Only `sandbox executions` has --format."),
        ("schema --format json list", "`list` has no --format."),
        ("lock --format json verify --format text", "differently: json and text."),
        ("lock move", "Missing option '--to'. Choose from: branch, worktree"),
        ("--format sarif apply", "'sarif' is not one of 'text', 'json', 'markdown'."),
        ("-e prod plan --full", "It goes behind the command: `qflow-gitops plan -e prod --full`"),
        ("apply --auto-approve", "Did you mean `--yes`?"),
        ("plan --json", "Did you mean `--format json`?"),
        ("status -o json", "Did you mean `--format`?"),
        ("plan --base main", "Did you mean `--from`?"),
        ("version --no-color", "Did you mean `--color never`?"),
        ("baseline -m x", "Did you mean `--reason`?"),
        ("plan --yes", "No such option '--yes'. `apply` and `baseline` have it."),
        ("status --retry x", "No such option '--retry'. `apply` has it."),
        ("lock verify --json", "Did you mean `--format json`?"),
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


SAID: dict[str, tuple[list[str], list[str]]] = {
    "-C": (["."], ["elsewhere"]),
    "-q": ([], []),
    "-v": ([], []),
    "--color": (["never"], ["always"]),
    "--format": (["json"], ["text"]),
}
"""Each option of the program: a value, and another one."""
LEAVES = [way for way, command in EVERY.items() if not isinstance(command, click.Group)]


def _heard(way: Way, patch: pytest.MonkeyPatch, *words: str) -> tuple[Any, ...]:
    """Call a command whose work is left out; what it was told of folder, screen and format."""
    told: list[tuple[Any, ...]] = []

    def work(*_: Any, **given: Any) -> int:
        ctx = click.get_current_context()
        made = everywhere.wiring(ctx) if isinstance(ctx.command, everywhere.Bare) else ctx.obj
        console = made.console
        told.append((str(made.directory), console.quiet, console.verbose, console.colour_out,
                     given.get("format_name")))  # fmt: skip
        return 0

    with patch.context() as patched:
        patched.setattr(EVERY[way], "callback", work)
        with pytest.raises(SystemExit) as ended:
            main(words)
    assert ended.value.code == 0, words
    return told[0]


@pytest.mark.parametrize("way", LEAVES, ids="-".join)
def test_each_option_of_the_program_stands_before_a_command_or_behind_it(
    way: Way, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In each place it says the same, also in both; what contradicts itself is an error."""
    words = CALLS[" ".join(way)].words
    rest = words[len(way) :]
    own = {name for param in EVERY[way].params for name in param.opts if param.expose_value}
    for option, (value, other) in SAID.items():
        if option == "--format" and option not in own:
            continue
        said = [option, *value]
        places = [
            (*said, *words), (*way[:1], *said, *words[1:]), (*words, *said),
            (*said, *words, *said), (*way, *said, *rest, *said),
        ]  # fmt: skip
        heard = {_heard(way, monkeypatch, *place) for place in places}
        assert len(heard) == 1
        changed = option in ("-C", "--color") or heard != {_heard(way, monkeypatch, *words)}
        assert changed, option
        if other:
            for place in ((*said, *words, option, *other), (*words, *said, option, *other)):
                code, told = _typed(capsys, *place)
                assert (code, f"{value[0]} and {other[0]}" in told) == (2, True), told
    for place in (("-q", *words, "-v"), ("-v", *words, "--quiet"), (*words, "-q", "-v")):
        assert "-q and -v exclude each other." in _typed(capsys, *place)[1]


def test_the_folder_behind_a_command_is_the_one_that_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _heard(("plan",), monkeypatch, "plan", "-C", "teams", "-v")[:3] == ("teams", False, True)
    assert _heard(("plan",), monkeypatch, "--color", "always", "plan")[3] is True


def test_help_is_that_of_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    for way in EVERY:
        both = []
        for words in (("help", *way), (*way, "--help")):
            with pytest.raises(SystemExit) as ended:
                main(words)
            assert ended.value.code == 0
            both.append(capsys.readouterr())
        assert both[0] == both[1]
    assert "`plan` has no commands of its own" in _typed(capsys, "help", "plan", "x")[1]
    assert "Did you mean `qflow-gitops lock verify`?" in _typed(capsys, "help", "lock", "verfy")[1]
    assert _offered("help", "lock", incomplete="v") == ["plain:verify"]
    assert _offered("help", "plan", incomplete="") == []


def test_the_version_is_told_in_each_way(capsys: pytest.CaptureFixture[str]) -> None:
    told = set()
    for words in (("-V",), ("--version",), ("version",)):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        told.add(capsys.readouterr().out)
    assert told == {f"qflow-gitops {__version__}\n"}


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
    "since", "until", "watch", "url", "limit", "inventory", "wave", "names",
    "every", "jitter", "listen", "rounds",
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
