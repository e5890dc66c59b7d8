"""Turn what was found out about a file into a text to keep, and back.

What a verdict depends on besides the content is its context: the program, the schemas, the
settings, the catalog.
"""

from __future__ import annotations

import hashlib
import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from qflow_gitops.base import resources
from qflow_gitops.findings.finding import Diagnostic, Excerpt, Position, Range, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.specs.load import Examined
    from qflow_gitops.specs.spec import RunSpec


def context(*parts: bytes | str) -> str:
    """Return the identity of a context from the parts that it is made of, and the schemas."""
    names = ("workflow-run", "project", "workflow", "connectors")
    schemas = (resources.text(f"schemas/{name}.schema.json") for name in names)
    digests = [hashlib.sha256(part.encode() if isinstance(part, str) else part).digest()
               for part in (*schemas, *parts)]  # fmt: skip
    return hashlib.sha256(b"".join(digests)).hexdigest()


def basis(tool: str, platform: str, settings: bytes | None, folder: ProjectFolder) -> str:
    """Return the identity of the program and of the settings' file (None where there is none)."""
    return context(tool, platform, folder.name, b"" if settings is None else b"1" + settings)


def contents(files: Mapping[str, bytes]) -> bytes:
    """Return what is another one for any other names or contents of files."""
    parts = [(name.encode(), hashlib.sha256(files[name]).digest()) for name in sorted(files)]
    return b"".join(b"%d %s" % (len(name), name) + digest for name, digest in parts)


def to_text(examined: Examined) -> str:
    """Return what was found out about a file, but for its name, as JSON."""
    specs = [
        [
            spec.environment,
            spec.name,
            spec.previous_name,
            dict(spec.labels),
            spec.digest,
            spec.index,
            spec.catalog,
            spec.connectors,
            spec.rollout,
            spec.after,
        ]
        for spec in examined.specs
    ]
    found = findings_to_json(examined.diagnostics)
    return json.dumps([specs, found, examined.seeming], separators=(",", ":"))


def from_text(text: str, file: str, whole: Callable[[], Sequence[RunSpec]]) -> Examined:
    """Return back what was found out about a file; `whole` reads its specs when they are needed.

    Raises ValueError, TypeError or LookupError for what isn't such text.
    """
    from qflow_gitops.specs.load import Examined
    from qflow_gitops.specs.spec import LazySpec

    specs, found, seeming = json.loads(text)
    return Examined(
        file,
        tuple(
            LazySpec(
                whole,
                {
                    "environment": environment,
                    "name": name,
                    "previous_name": previous_name,
                    "labels": labels,
                    "digest": digest,
                    "file": file,
                    "index": index,
                    "catalog": more[0],
                    "connectors": tuple(more[1]),
                    "rollout": more[2],
                    "after": tuple(more[3]),
                },
            )
            for environment, name, previous_name, labels, digest, index, *more in specs
        ),
        findings_from_json(found, file),
        tuple((environment, name) for environment, name in seeming),
    )


def findings_by_file(found: Iterable[Diagnostic]) -> list[list[Any]]:
    """Return findings, which are in order, as data for JSON."""
    return [
        [file, findings_to_json(some)]
        for file, some in groupby(found, lambda finding: finding.file)
    ]


def findings_of_files(data: Any) -> tuple[Diagnostic, ...]:
    """Return back what `findings_by_file` made data of."""
    return tuple(finding for file, some in data for finding in findings_from_json(some, file))


def findings_to_json(found: Iterable[Diagnostic]) -> list[list[Any]]:
    """Return findings without the file that they are about."""
    return [
        [
            finding.severity.value,
            finding.rule,
            finding.message,
            [*finding.range.start, *finding.range.end],
            finding.hint,
            finding.excerpt and [finding.excerpt.text, finding.excerpt.start, finding.excerpt.end],
        ]
        for finding in found
    ]


def findings_from_json(data: Any, file: str) -> tuple[Diagnostic, ...]:
    """Return back findings about a file."""
    return tuple(
        Diagnostic(
            Severity(severity),
            rule,
            message,
            file,
            Range(Position(*place[:2]), Position(*place[2:])),
            hint,
            Excerpt(*excerpt) if excerpt else None,
        )
        for severity, rule, message, place, hint, excerpt in data
    )
