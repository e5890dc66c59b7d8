"""Read a fleet, and all that is wrong with it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from qflow_gitops.findings.finding import Diagnostic, Position, Range, has_errors
from qflow_gitops.settings import fleet
from qflow_gitops.settings.fleet import Fleet, FleetMember
from qflow_gitops.settings.fleet_rules import twice
from qflow_gitops.specs.schema_messages import MAY_HOLD_SECRETS
from qflow_gitops.specs.schemas import API_VERSION
from qflow_gitops.specs.single import only_document, told
from qflow_gitops.yaml.document import Document
from qflow_gitops.yaml.messages import TOO_BIG
from qflow_gitops.yaml.parse import json_value, parse, parse_json, without_places

_MEANT = re.compile(rb"""qflow-gitops/|\bkind["']?\s*:\s*["']?Fleet\b""")


def is_meant(content: bytes) -> bool:
    """Whether a `fleet.yaml` is meant for this program, be it sound or not.

    Other programs have files of that name, in any number of folders: Rancher's Fleet
    (fleet.rancher.io, "fleet.yaml"), without `apiVersion` or `kind`.
    """
    return _MEANT.search(content) is not None


def load_fleet(
    content: bytes, file: str, inventory: Sequence[FleetMember] = ()
) -> tuple[Fleet | None, tuple[Diagnostic, ...]]:
    """Read a `fleet.yaml` and members that come from elsewhere; no fleet where it is invalid."""
    parsed = parse(content, file)
    document, found = only_document(parsed, file, "fleet")
    read = None
    if document is not None:
        read, problems = fleet.from_document(document, inventory)
        found += problems
    return read, told(found, file, content, _hidden(found, parsed.documents))


_FRAME = b'{"apiVersion": "qflow-gitops/v1", "kind": "Fleet", "spec": {"members":\n%s\n}}'
_MOST = 16 * 2**20
"""So many bytes an inventory may have."""


def load_inventory(
    content: bytes, where: str
) -> tuple[tuple[FleetMember, ...] | None, tuple[Diagnostic, ...]]:
    """Read members that a command gave; None where that is no list in JSON, or has errors.

    It is read as what stands under `members:` of a fleet, a line below where it begins.
    """
    text = content.decode("utf-8", "replace") if len(content) <= _MOST else ""
    given = json_value(text)
    if not isinstance(given, list):
        return None, ()
    parsed = parse_json(_FRAME % content, where)
    if any(finding.rule == TOO_BIG.rule for finding in parsed.diagnostics):
        header = {"apiVersion": API_VERSION, "kind": "Fleet"}
        parsed = without_places({**header, "spec": {"members": given}}, where)
    document, found = only_document(parsed, where, "fleet")
    members = None
    if document is not None:
        members = fleet.members_of(given)
        found += twice(document, members)
    hidden = map(_a_line_up, _hidden(found, parsed.documents))
    moved = [replace(finding, range=_a_line_up(finding.range)) for finding in found]
    return None if has_errors(found) else members, told(moved, where, content, hidden)


def _a_line_up(where: Range) -> Range:
    return Range(*(Position(max(1, each.line - 1), each.column) for each in where))


def _hidden(found: Iterable[Diagnostic], documents: Iterable[Document]) -> list[Range]:
    """Return where values stand that are wrong, and may hold a secret."""
    wrong = {finding.range for finding in found if finding.rule.startswith("schema-")}
    return [
        where
        for document in documents
        for path, where in document.values.items()
        if where in wrong and path[-1:] and path[-1] in MAY_HOLD_SECRETS
    ]
