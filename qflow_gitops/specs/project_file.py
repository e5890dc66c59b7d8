"""Read the settings of a project, and all that is wrong with them."""

from qflow_gitops.base.paths import ROOT, ProjectFolder
from qflow_gitops.findings.finding import Diagnostic, bounded, error, has_errors, in_order, once
from qflow_gitops.settings import project
from qflow_gitops.settings.project import Project
from qflow_gitops.specs import excerpts, schema
from qflow_gitops.yaml.parse import parse


def load_project(
    content: bytes | None, platform: str, folder: ProjectFolder = ROOT, *, known: bool = False
) -> tuple[Project | None, tuple[Diagnostic, ...]]:
    """Read a folder's `qflow.yaml` (None where it has none); no project where it is invalid.

    `known` is whether nothing was found in this content before: then its schema is not held
    against it again.
    """
    if content is None:
        return project.without_file(platform, folder), ()
    file = folder.settings
    parsed = parse(content, file)
    found = list(parsed.diagnostics)
    found += [
        error(
            "project-documents",
            "The settings have to be one YAML document.",
            file,
            document.value_range(()),
            "Remove the `---` and merge the two.",
        )
        for document in parsed.documents[1:]
    ]
    for document in parsed.documents if not known else ():
        found += schema.check(document, "project")
    settings = None
    if not has_errors(found) and parsed.documents:
        settings, problems = project.from_document(parsed.documents[0], platform, folder)
        found += problems
    found = once(found)
    return settings, in_order(excerpts.added(bounded(found), {file: content}, (), found))
