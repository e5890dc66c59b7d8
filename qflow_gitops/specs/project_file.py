"""Read the settings of a project, and all that is wrong with them."""

from qflow_gitops.base.paths import ROOT, ProjectFolder
from qflow_gitops.findings.finding import Diagnostic
from qflow_gitops.settings import project
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.single import only_document, told
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
    document, found = only_document(parse(content, file), file, "project", known=known)
    settings = None
    if document is not None:
        settings, problems = project.from_document(document, platform, folder)
        found += problems
    return settings, told(found, file, content)
