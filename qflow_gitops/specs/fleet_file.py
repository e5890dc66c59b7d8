"""Read a fleet, and all that is wrong with it."""

from collections.abc import Iterable, Sequence

from qflow_gitops.findings.finding import Diagnostic, Range
from qflow_gitops.settings import fleet
from qflow_gitops.settings.fleet import Fleet, FleetMember
from qflow_gitops.specs.schema_messages import MAY_HOLD_SECRETS
from qflow_gitops.specs.single import only_document, told
from qflow_gitops.yaml.document import Document
from qflow_gitops.yaml.parse import parse


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


def _hidden(found: Iterable[Diagnostic], documents: Iterable[Document]) -> list[Range]:
    """Return where values stand that are wrong, and may hold a secret."""
    wrong = {finding.range for finding in found if finding.rule.startswith("schema-")}
    return [
        where
        for document in documents
        for path, where in document.values.items()
        if where in wrong and path[-1:] and path[-1] in MAY_HOLD_SECRETS
    ]
