"""The inputs of the action become whole arguments of a command line."""

import click
import pytest

from qflow_gitops.cli.action import command_line


def test_arguments_are_lines_and_nothing_is_split() -> None:
    words = command_line(
        {"command": "plan", "arguments": "--label\n team=a b \n\n$(x)\n", "environment": "dev"}
    )
    assert words == ["-C", ".", "plan", "--environment=dev", "--label", "team=a b", "$(x)"]


def test_reports_go_to_files_the_summary_and_the_outputs() -> None:
    given = {"command": "validate", "format": "github", "reports": "sarif=a.sarif\ntext=-"}
    assert command_line({**given, "summary": "true"}, "/out", "/sum") == [
        "-C", ".", "validate", "--format=github", "--report=sarif=a.sarif", "--report=text=-",
        "--report=markdown=/sum", "--report=outputs=/out",
    ]  # fmt: skip
    assert "--report=markdown=/sum" not in command_line({**given, "summary": "false"}, "", "/sum")


def test_what_a_person_on_call_decides() -> None:
    known = {"run": "a", "reason": "-- $x", "hold": "limit:runs", "count": "57"}
    assert command_line({"command": "retry", **known})[2:] == [
        "apply", "--approved", "--yes", "--reason=-- $x", "--retry=a",
    ]  # fmt: skip
    assert command_line({"command": "acknowledge", "environment": "dev", **known})[2:] == [
        "apply", "--approved", "--yes", "--environment=dev", "--reason=-- $x",
        "--ack=limit:runs=57",
    ]  # fmt: skip
    decided = {"command": "resolve", "decision": "adopt", "execution": "--yes", **known}
    assert command_line({**decided, "environment": "dev", "arguments": "--x"})[2:] == [
        "resolve", "--reason=-- $x", "--adopt=--yes", "--", "dev/a",
    ]  # fmt: skip
    for command in ("freeze", "unfreeze"):  # all environments are meant
        words = command_line({"command": command, "environment": "dev", **known}, "/out")
        assert words[2:] == [command, "--report=outputs=/out", "--reason=-- $x"]
    decided["decision"] = "adopt-although-different"
    assert command_line(decided)[2:] == [
        "resolve", "--reason=-- $x", "--adopt=--yes", "--although-different", "--", "a",
    ]  # fmt: skip
    for word in ("reopen", "succeeded", "failed", "absent", "assume-ran"):
        told = command_line({**decided, "decision": word})[2:]
        assert told == ["resolve", "--reason=-- $x", f"--{word}", "--", "a"]


def test_all_that_failed_is_retried_by_count_and_asked_for_without() -> None:
    known = {"command": "retry-failed", "environment": "dev", "reason": "the fix is in"}
    sending = ["apply", "--approved", "--yes", "--environment=dev", "--reason=the fix is in"]
    assert command_line({**known, "count": "3"})[2:] == [
        *sending, "--retry-failed", "--ack=retry=3",
    ]  # fmt: skip
    assert command_line(known)[2:] == [*sending, "--retry-failed"]


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"command": "init"},
        {"command": "action"},
        {"command": "plan --full"},
        {"command": "retry", "reason": "x"},
        {"command": "freeze"},
        {"command": "retry", "run": "a"},
        {"command": "retry-failed", "count": "3"},
        {"command": "resolve", "run": "a", "decision": "adopt-although-different", "reason": "x"},
        {"command": "acknowledge", "hold": "a", "reason": "x"},
        {"command": "resolve", "run": "a", "decision": "adopt", "reason": "x"},
        {"command": "resolve", "run": "a", "decision": "absent\n--yes", "reason": "x"},
    ],
)
def test_what_does_not_fit_is_refused(inputs: dict[str, str]) -> None:
    with pytest.raises(click.UsageError):
        command_line(inputs)
