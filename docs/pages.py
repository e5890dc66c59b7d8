"""Pages that are made from what the program itself says; MkDocs runs this for each build.

Rules and reasons are what `qflow-gitops rules WORD` prints, commands what `--help` says, and fields
what the JSON Schemas describe.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import mkdocs_gen_files

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from qflow_gitops.cli.main import COMMANDS, program  # noqa: E402  the path comes first
from qflow_gitops.errors import PRECEDENCE  # noqa: E402
from qflow_gitops.findings.finding import Rule  # noqa: E402
from qflow_gitops.results.known_words import REASONS  # noqa: E402
from qflow_gitops.results.words import EXITS, Word  # noqa: E402
from qflow_gitops.results.words_of_differences import DIFFERENCES  # noqa: E402
from qflow_gitops.results.words_of_states import STATES  # noqa: E402
from qflow_gitops.specs.rules import RULES  # noqa: E402

SCHEMAS = {
    "specs": ("workflow-run", "Specs", "A run spec is a YAML document of this form."),
    "settings": ("project", "Settings", "`qflow.yaml` has this form. Each field has a default."),
    "fleets": ("fleet", "Fleets", "`fleet.yaml` has this form: projects in other repositories."),
    "catalogs": ("connectors", "Catalogs", "What is known of connectors, under `connectors/`."),
}


def write(path: str, text: str) -> None:
    """Put a page into the build."""
    with mkdocs_gen_files.open(path, "w") as file:
        file.write(text)


def rule(found: Rule) -> str:
    """Return the page of a rule."""
    good = f"Good:\n\n```yaml\n{found.good}\n```\n" if found.good else ""
    return (
        f"# {found.id}\n\n**{found.severity}** · {found.why}\n\n"
        f"Bad:\n\n```yaml\n{found.bad}\n```\n\n{good}\n"
        f"In a terminal: `qflow-gitops rules {found.id}` · [all rules](index.md)\n"
    )


def rules_index() -> str:
    """Return the table of all rules."""
    rows = [f"| [`{one.id}`]({one.id}.md) | {one.severity} | {one.why} |" for one in RULES.values()]
    head = "# Rules\n\nWhat `qflow-gitops validate` finds, each with an example.\n\n"
    return head + "\n".join(["| rule | severity | why |", "|---|---|---|", *rows]) + "\n"


def reason(word: Word) -> str:
    """Return the page of a reason."""
    return (
        f"# {word.id}\n\n{word.meaning}\n\n**What to do:** {word.way}\n\n"
        f"In a terminal: `qflow-gitops rules {word.id}` · [all reasons](index.md)\n"
    )


def reasons_index() -> str:
    """Return the table of all reasons."""
    rows = [f"| [`{one.id}`]({one.id}.md) | {one.meaning} |" for one in REASONS.values()]
    head = (
        "# Reasons\n\nThe stable word `reason` of a plan's decision and of a command's result, as "
        "`--format json` gives it.\n\n"
    )
    return head + "\n".join(["| reason | what it means |", "|---|---|", *rows]) + "\n"


def exit_codes() -> str:
    """Return the page of exit codes."""
    rows = [f"| [{one.id}]({one.id}.md) | {one.meaning} | {one.way} |" for one in EXITS.values()]
    order = ", ".join(str(int(code)) for code in PRECEDENCE if code)
    head = f"# Exit codes\n\nStable; all others are reserved. If several apply: {order}.\n\n"
    return head + "\n".join(["| exit | meaning | what to do |", "|---|---|---|", *rows]) + "\n"


def states() -> str:
    """Return the page of an attempt's states."""
    head = "# States of an attempt\n\nAs the lockfile, `status` and `history` have them.\n\n"
    return head + _words("state", STATES.values())


def differences() -> str:
    """Return the page of what a report's sources differ in."""
    head = (
        "# Differences\n\nWhat the [report for an audit](../guides/audit.md) finds to differ.\n\n"
    )
    return head + _words("difference", DIFFERENCES.values())


def _words(what: str, words: Iterable[Word]) -> str:
    rows = [
        f'| <span id="{one.id}"></span>`{one.id}` | {one.meaning} | {one.way} |' for one in words
    ]
    return "\n".join([f"| {what} | meaning | what to do |", "|---|---|---|", *rows]) + "\n"


def commands() -> str:
    """Return the page of commands, each with its help."""
    context = click.Context(program, info_name="qflow-gitops")
    pages = ["# Commands\n", f"```text\n{program.get_help(context)}\n```\n"]
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None  # noqa: S101  it stands in the list
        pages += _command(command, click.Context(command, parent=context, info_name=name), 2)
    return "\n".join(pages)


def _command(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    yield f"{'#' * level} {context.command_path.removeprefix('qflow-gitops ')}\n"
    yield f"```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None  # noqa: S101  the group lists it
            yield from _command(
                inner, click.Context(inner, parent=context, info_name=name), level + 1
            )


def fields(name: str, title: str, about: str) -> str:
    """Return the page of a schema: a table of its fields, each with its description."""
    schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    lines = [f"# {title}\n", f"{about}\n", "| field | what it is | example |", "|---|---|---|"]
    lines += [
        f"| `{path}` | {cell(found.get('description', ''))} | {example(found)} |"
        for path, found in _fields(schema, schema, "", ())
    ]
    return "\n".join(lines) + f"\n\nThe schema itself: `qflow-gitops schema show {name}`\n"


def _fields(
    whole: Mapping[str, Any], schema: Mapping[str, Any], path: str, seen: tuple[str, ...]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each field below a place; one that a definition holds is laid out once on each way."""
    reference = schema.get("$ref", "")
    if reference in seen:
        return
    if reference:
        seen = (*seen, reference)
        schema = {**whole["$defs"][reference.rpartition("/")[2]], **schema}
    for name, inner in schema.get("properties", {}).items():
        below = f"{path}.{name}" if path else name
        named = inner.get("$ref", "")
        shown = {**whole["$defs"][named.rpartition("/")[2]], **inner} if named else inner
        yield below, shown
        yield from _fields(whole, inner, below, seen)
        items = shown.get("items")
        if isinstance(items, Mapping):
            yield from _fields(whole, items, f"{below}[]", seen)
        more = shown.get("additionalProperties")
        if isinstance(more, Mapping):
            yield from _fields(whole, more, f"{below}.NAME", seen)


def cell(text: str) -> str:
    """Return a text for a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def example(schema: Mapping[str, Any]) -> str:
    """Return the first example that is short enough for a table."""
    found = [json.dumps(one, ensure_ascii=False) for one in schema.get("examples", ())]
    short = next((one for one in found if len(one) <= 60), "")
    return f"`{cell(short)}`" if short else ""


for each in RULES.values():
    write(f"reference/rules/{each.id}.md", rule(each))
write("reference/rules/index.md", rules_index())
for word in REASONS.values():
    write(f"reference/reasons/{word.id}.md", reason(word))
write("reference/reasons/index.md", reasons_index())
for code in EXITS.values():
    write(f"reference/exit-codes/{code.id}.md", reason(code))
write("reference/exit-codes/index.md", exit_codes())
write("reference/states.md", states())
write("reference/differences.md", differences())
write("reference/commands.md", commands())
for page, about in SCHEMAS.items():
    write(f"reference/{page}.md", fields(*about))
