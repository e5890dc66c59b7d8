"""The rules for a person: a list, one explained, and the README's table."""

from collections.abc import Iterable
from textwrap import indent

from qflow_gitops.findings.finding import Rule


def listed(rules: Iterable[Rule]) -> str:
    """Return a line a rule: id, severity, why."""
    known = list(rules)
    width = max(len(one.id) for one in known)
    lines = [f"{one.id:{width}}  {one.severity:7}  {one.why}" for one in known]
    return "\n".join([*lines, "", "One by example: `qflow-gitops rules ID`", ""])


def explained(rule: Rule) -> str:
    """Return one rule with what breaks it and what doesn't."""
    return (
        f"{rule.id} ({rule.severity})\n\n{rule.why}\n\n"
        f"Bad:\n{indent(rule.bad, '  ')}\n\nGood:\n{indent(rule.good or '(nothing)', '  ')}\n"
    )


def table(rules: Iterable[Rule]) -> str:
    """Return the rules as a Markdown table."""
    rows = [f"| `{one.id}` | {one.severity} | {one.why} |" for one in rules]
    return "\n".join(["| rule | severity | why |", "|---|---|---|", *rows]) + "\n"
