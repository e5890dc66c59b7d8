"""Every stable word of a result is explained, and what is explained is a word that can come.

The words are found in the source, so that a new one fails here until it is told what it means.
"""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from qflow_gitops.errors import ExitCode
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Reason
from qflow_gitops.results.evidence import Kind
from qflow_gitops.results.known_words import REASONS, WORDS
from qflow_gitops.results.words import EXITS, Word
from qflow_gitops.results.words_of_differences import DIFFERENCES
from qflow_gitops.results.words_of_states import STATES
from qflow_gitops.specs.rules import RULES
from tests.cli.test_readme import check_call, commands_of
from tests.helpers.cli import Cli
from tests.picture import ROOT

PACKAGE = ROOT / "qflow_gitops"
ASSEMBLED = {"http/rest.py": ("github", "gitlab"), "qualys/platforms.py": ("gateway", "api_server")}
"""What words begin with of which a file of the package says the end."""
NO_REASON = {"reason"}
"""What is assigned to a `reason` that no result has."""


def _constants(node: ast.expr, heads: Iterable[str]) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
        elif isinstance(each, ast.JoinedStr):
            yield from (head + end for head in heads for end in _constants(each.values[-1], ()))


def _reasons(node: ast.AST) -> Iterator[ast.expr]:
    """Where a node of the source says a reason."""
    match node:
        case ast.keyword(arg="reason", value=value):
            yield value
        case ast.Assign(targets=[ast.Name(id="reason")], value=value):
            yield value
        case ast.Assign(targets=[ast.Tuple(elts=[*_, ast.Name(id="reason")])], value=value):
            if isinstance(value, ast.Tuple):
                yield value.elts[-1]
        case ast.Call(func=ast.Name(id="Report"), args=[_, _, reason, *_]):
            yield reason
        case ast.Tuple(elts=[ast.Attribute(value=ast.Name(id="ExitCode")), reason]):
            yield reason


def said() -> set[str]:
    """Every word that the source gives as a reason: to an error, a report or a verdict."""
    found = {reason.value for reason in Reason}
    for file in PACKAGE.rglob("*.py"):
        heads = ASSEMBLED.get(file.relative_to(PACKAGE).as_posix(), ())
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found.update(word for one in _reasons(node) for word in _constants(one, heads))
    return {word for word in found if re.fullmatch("[a-z][a-z_]+", word)} - NO_REASON


def test_every_reason_is_explained_and_no_other() -> None:
    assert sorted(said() ^ set(REASONS)) == []


def test_every_exit_code_is_explained() -> None:
    assert set(EXITS) == set(ExitCode)


def test_every_state_is_explained() -> None:
    assert set(STATES) == set(State)
    assert {*map(str, State)} <= set(WORDS)


def test_every_difference_of_a_report_is_explained() -> None:
    assert set(DIFFERENCES) == set(Kind)
    assert {*map(str, Kind)} <= set(WORDS)
    assert not {*map(str, Kind)} & {*REASONS, *map(str, State)}


def test_a_word_has_one_meaning() -> None:
    assert not set(RULES) & set(WORDS)


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_an_explanation_is_two_sentences_that_name_real_commands(word: Word) -> None:
    assert re.fullmatch(r"[A-Z`].*[.`)]", word.meaning), word
    assert re.fullmatch(r"[A-Z`\"'].*[.`]", word.way), word
    for words in commands_of(f"{word.meaning} {word.way}"):
        check_call(words)


def test_rules_explains_each_of_them(cli: Cli) -> None:
    for name in ("in_doubt", "lock_older", "unapproved", "9"):
        done = cli("rules", name)
        assert done.code == 0
        assert WORDS[name].meaning in done.out
    assert "Did you mean `in_doubt`?" in cli("rules", "in-doubt").err
