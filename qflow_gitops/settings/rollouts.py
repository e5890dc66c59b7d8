"""What a schema can't say of the batches of a rollout, in the settings or in a spec."""

from collections.abc import Iterator, Mapping
from typing import Any

from qflow_gitops.findings.finding import Diagnostic, error
from qflow_gitops.policy import rollout
from qflow_gitops.yaml.document import Document, Path


def check_batches(document: Document, at: Path, given: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Find batches of a rollout that add nothing to those before them."""
    most: dict[bool, int] = {}
    for number, share in enumerate(rollout.from_data(given).batches):
        before = most.setdefault(share.percent, 0)
        most[share.percent] = max(before, share.number)
        if share.number <= before:
            yield error(
                "rollout-batches",
                f"`{share}` is no more than a batch before it has, and batches are cumulative.",
                document.file,
                document.value_range((*at, "batches", number)),
                "Write how many may have been started in all, as in [1, 10%, 100%].",
            )
