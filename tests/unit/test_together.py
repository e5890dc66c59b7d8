"""Every reason that something stopped for is told, once."""

import json

from qflow_gitops.errors import AuthError, ExitCode, UnreachableError, together
from qflow_gitops.render import json as json_output
from qflow_gitops.render import text
from qflow_gitops.results.report import Report


def problems() -> list[AuthError | UnreachableError]:
    refused = [AuthError("The list was refused.", where="prod", hint="Ask for it.") for _ in "abc"]
    return [*refused, UnreachableError("No answer.", hint="Try later.")]


def test_the_one_that_wins_comes_first_and_each_other_once() -> None:
    first = together(problems(), ExitCode.UNREACHABLE)
    assert first is not None
    assert first.message == "No answer."
    assert [one.message for one in first.also] == ["The list was refused."]


def test_where_none_of_them_wins_none_is_lost() -> None:
    """A doubt is open (9), since a list was refused (4): that is the reason."""
    first = together(problems(), ExitCode.IN_DOUBT)
    assert first is not None
    assert (first.exit_code, len(first.also)) == (ExitCode.AUTH, 1)
    assert together([], ExitCode.IN_DOUBT) is None


def test_texts_and_json_have_them_all() -> None:
    error = together(problems(), ExitCode.AUTH)
    assert error is not None
    report = Report("apply", ExitCode.AUTH, "credentials", error=error)
    assert text.error_lines(error) == [
        "Error: prod: The list was refused.",
        "  → Ask for it.",
        "Error: No answer.",
        "  → Try later.",
    ]
    told = json.loads(json_output.render(report))["error"]
    assert (told["message"], told["also"][0]["hint"]) == ("The list was refused.", "Try later.")


def test_a_problem_of_several_places_is_told_once_and_theirs_stay_as_they_are() -> None:
    places = [AuthError("Refused.", where=f"prod/{name}", hint="Ask.") for name in "dcba"]
    other = UnreachableError("Gone.", where="prod/e")
    told = together([*places, other], ExitCode.AUTH)
    assert told is not None
    assert told.where == "prod/a, prod/b, prod/c, and 1 more"
    assert [error.where for error in told.also] == ["prod/e"]
    assert [error.where for error in places] == ["prod/d", "prod/c", "prod/b", "prod/a"]
    assert together(places[:1], ExitCode.AUTH) is places[0]
