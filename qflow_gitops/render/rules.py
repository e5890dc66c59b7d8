"""The rules and the words of results for a person: a list, each explained."""

from collections.abc import Iterable
from textwrap import indent

from qflow_gitops.base.site import difference_page, exit_page, reason_page, rule_page, state_page
from qflow_gitops.findings.finding import Rule
from qflow_gitops.results.known_words import REASONS
from qflow_gitops.results.words import Word
from qflow_gitops.results.words_of_differences import DIFFERENCES


def listed(rules: Iterable[Rule]) -> str:
    """Return a line a rule: id, severity, why."""
    known = list(rules)
    width = max(len(rule.id) for rule in known)
    lines = [f"{rule.id:{width}}  {rule.severity:7}  {rule.why}" for rule in known]
    return "\n".join([*lines, "", "One by example: `qflow-gitops rules ID`", ""])


def explained(rule: Rule) -> str:
    """Return one rule with what breaks it and what doesn't."""
    return (
        f"{rule.id} ({rule.severity})\n\n{rule.why}\n\n"
        f"Bad:\n{indent(rule.bad, '  ')}\n\nGood:\n{indent(rule.good or '(nothing)', '  ')}\n"
        f"{_page(rule_page(rule.id))}"
    )


def meaning(word: Word) -> str:
    """Return a reason, an exit code, a difference or a state: its meaning, and what to do."""
    if word.id.isdecimal():
        page = exit_page(word.id)
    elif word.id in DIFFERENCES:
        page = difference_page(word.id)
    else:
        page = reason_page(word.id) if word.id in REASONS else state_page(word.id)
    return f"{word.id}\n\n{word.meaning}\n\nWhat to do: {word.way}\n{_page(page)}"


def _page(address: str) -> str:
    return f"\n{address}\n" if address else ""
