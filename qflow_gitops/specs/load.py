"""Read the specs of a repository from {path: bytes}, and all that is wrong with them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from qflow_gitops.findings.finding import (
    Diagnostic,
    Severity,
    bounded,
    error,
    has_errors,
    in_order,
    once,
)
from qflow_gitops.settings.project import Project
from qflow_gitops.specs import (
    by_catalog,
    connector_catalogs,
    connector_use,
    excerpts,
    ordering,
    placeholders,
    schema,
    secrets,
    spec,
    targets,
)
from qflow_gitops.specs import catalogs as catalog
from qflow_gitops.specs.catalogs import Catalog
from qflow_gitops.specs.connector_catalogs import Connectors
from qflow_gitops.specs.connectors import registry
from qflow_gitops.specs.filenames import collisions, escaped, not_plain
from qflow_gitops.specs.project_rules import (
    duplicate_names,
    in_environment,
    in_project,
    same_requests,
    same_targets,
)
from qflow_gitops.specs.seeming import seeming
from qflow_gitops.specs.spec import RunSpec
from qflow_gitops.yaml.document import Document, Parsed
from qflow_gitops.yaml.parse import parse

MAX_SPECS = 100_000


class Catalogs(NamedTuple):
    """What is known of Qualys offline: what specs are checked against."""

    workflows: Catalog = MappingProxyType({})
    connectors: Connectors = Connectors()


class SpecSet(NamedTuple):
    """The valid specs by (environment, name), and what was found.

    A file with an error gives no spec at all; `invalid` names the runs that it seems to
    hold (as far as their names can be read), by (environment, name), with the first error.
    `catalog` and `connectors` are what they were checked against, `blobs` are those of the files
    of a commit.
    """

    specs: Mapping[tuple[str, str], RunSpec]
    diagnostics: tuple[Diagnostic, ...] = ()
    invalid: Mapping[tuple[str, str], Diagnostic] = {}
    files: int = 0
    catalog: Catalog = MappingProxyType({})
    connectors: Connectors = Connectors()
    blobs: Mapping[str, str] = MappingProxyType({})

    @property
    def keys(self) -> Iterator[tuple[str, str]]:
        """Every run's environment and name, of valid and invalid specs."""
        yield from self.specs
        yield from self.invalid


class Examined(NamedTuple):
    """What one file holds, whatever stands in the others.

    Its `specs`, unless it has an error; `diagnostics` are all findings, in order, with their
    excerpts. `seeming` are the runs that a file with an error seems to hold.
    """

    file: str
    specs: tuple[RunSpec, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    seeming: tuple[tuple[str, str], ...] = ()


def load(
    files: Mapping[str, bytes],
    settings: Project,
    catalogs: Mapping[str, bytes] | None = None,
    *,
    whole: bool = True,
) -> SpecSet:
    """Read run specs: every problem of every file, and the specs of the files without any.

    `catalogs` are the files of both catalogs; what is wrong with one of them is a finding.
    `whole` is whether these are all files: else nothing can be said about who is missing.
    """
    known, found = load_catalogs(catalogs or {}, settings)
    examined = [examine(files[file], file, settings, known) for file in sorted(files)]
    return assembled(examined, files, settings, known, found, whole=whole)


def load_catalogs(
    files: Mapping[str, bytes], settings: Project
) -> tuple[Catalogs, list[Diagnostic]]:
    """Read the files of a project's catalogs, and what is wrong with them."""
    folder = settings.folder
    apart = {name for name in files if name.startswith(f"{folder.connectors}/")}
    rest = {name: content for name, content in files.items() if name not in apart}
    workflows, found = catalog.load(rest, folder)
    connectors, more = connector_catalogs.load({name: files[name] for name in apart}, settings)
    found += more
    return Catalogs(workflows, connectors), excerpts.added(bounded(found), files, (), found)


def unreadable(path: bytes) -> Examined:
    """Return what is known of a file of specs that is there and can't be read."""
    return Examined(escaped(path), (), (not_plain(path, "unreadable"),))


def examine(content: bytes, file: str, settings: Project, known: Catalogs) -> Examined:
    """Read one file of run specs."""
    parsed = parse(content, file)
    found, runs = _checked(parsed, content, settings, known)
    default = settings.default_environment
    specs: tuple[RunSpec, ...] = ()
    if not has_errors(found):
        specs = tuple(spec.from_document(run, default) for run in runs)
        found += same_targets(specs, content)
    if found:
        found = excerpts.added(bounded(found), {file: content}, parsed.documents, found)
    if has_errors(found):
        return Examined(
            file, (), in_order(found), seeming(parsed.documents, settings, known.connectors)
        )
    return Examined(file, specs, in_order(found))


def known_again(
    known: Examined, content: bytes, settings: Project, connectors: Connectors
) -> Examined | None:
    """Read the specs of a file of which is known what it holds and that it has no error.

    None where it doesn't hold that: what was known was of something else.
    """
    specs = unchecked(content, known.file, settings, connectors)
    same = [(*spec.key, spec.digest) for spec in specs] == [
        (*spec.key, spec.digest) for spec in known.specs
    ]
    return Examined(known.file, specs, known.diagnostics) if same else None


def unchecked(
    content: bytes, file: str, settings: Project, connectors: Connectors
) -> tuple[RunSpec, ...]:
    """Read the specs of a file that was found valid before; () where it can't have been.

    `connectors` are those of the commit that it is from. Compare the digests with what is known
    of them: nothing else is checked.
    """
    try:
        documents = [
            by_catalog.resolved(document, connectors, settings)
            for document in parse(content, file).documents
        ]
        if any(has_errors(found) for _, found in documents):
            return ()
        specs = tuple(
            spec.from_document(run, settings.default_environment)
            for document, _ in documents
            for run in targets.written_out(document)
        )
        return specs if all(spec.digest for spec in specs) else ()
    except (KeyError, TypeError, AttributeError, ValueError):
        return ()


def assembled(
    examined: Sequence[Examined],
    files: Mapping[str, bytes],
    settings: Project,
    known: Catalogs,
    found: Iterable[Diagnostic] = (),
    *,
    whole: bool = True,
) -> SpecSet:
    """Put files together: what only shows when all of them are seen is found here.

    `files` give the contents of all; they are only asked for where something is found. `whole` as
    for `load`.
    """
    everything = [*found, *(finding for file in examined for finding in file.diagnostics)]
    if sum(len(file.specs) + len(file.seeming) for file in examined) > MAX_SPECS:
        everything.append(error("too-many-specs", f"There are more than {MAX_SPECS} specs.", "."))
    double = [
        *duplicate_names((spec for each in examined for spec in each.specs), files),
        *collisions(files),
    ]
    bad_files = {finding.file for finding in double}
    good = [spec for each in examined if each.file not in bad_files for spec in each.specs]
    double += same_requests(good, files, settings)
    if whole:
        held = [key for each in examined for key in _held(each, bad_files)]
        double += (circles := [*ordering.predecessors(good, held, files)])
        bad_files |= {finding.file for finding in circles}
    everything += _with_excerpts(double, everything, files) if double else ()
    ordered = in_order(everything)
    first = _first_errors(ordered)
    return SpecSet(
        specs={spec.key: spec for spec in good if spec.file not in bad_files},
        diagnostics=ordered,
        invalid={
            key: first[file.file]
            for file in examined
            for key in (*file.seeming, *(spec.key for spec in file.specs))
            if file.file in first
        },
        files=len(files),
        catalog=known.workflows,
        connectors=known.connectors,
    )


def _held(examined: Examined, bad_files: Collection[str]) -> Sequence[tuple[str, str]]:
    """Name the runs of a file with errors."""
    if examined.file in bad_files:
        return [spec.key for spec in examined.specs]
    return examined.seeming


def _first_errors(found: Iterable[Diagnostic]) -> dict[str, Diagnostic]:
    first: dict[str, Diagnostic] = {}
    for finding in found:
        if finding.severity is Severity.ERROR:
            first.setdefault(finding.file, finding)
    return first


def _with_excerpts(
    double: list[Diagnostic], found: Iterable[Diagnostic], files: Mapping[str, bytes]
) -> list[Diagnostic]:
    """Add the lines; what else is found in those files says what may be shown of them."""
    contents = {finding.file: files[finding.file] for finding in double}
    documents = [
        document for name in contents for document in parse(contents[name], name).documents
    ]
    others = [finding for finding in found if finding.file in contents]
    return excerpts.added(bounded(double), contents, documents, [*double, *others])


def _checked(
    parsed: Parsed, content: bytes, settings: Project, known: Catalogs
) -> tuple[list[Diagnostic], list[Document]]:
    """Return what is wrong with a file, and the runs that its documents stand for."""
    found, runs = list(parsed.diagnostics), list[Document]()
    for document in parsed.documents:
        problems = schema.check(document, "workflow-run")
        if not has_errors(problems):
            more, written = _of_document(document, content, settings, known)
            problems += more
            runs += written
        found += problems
    return once(found), runs


def _of_document(
    document: Document, content: bytes, settings: Project, known: Catalogs
) -> tuple[list[Diagnostic], Sequence[Document]]:
    """Return what is wrong with a document that fits its schema, and its runs, if it has some."""
    found = [*secrets.check(document), *placeholders.templates(document, content)]
    whole, unknown = by_catalog.resolved(document, known.connectors, settings)
    unknown += targets.too_large(whole)
    if has_errors(unknown):
        return [*found, *(in_environment(document, settings) or unknown)], ()
    written = targets.written_out(whole)
    found += [*unknown, *targets.check(whole, settings.environments)]
    found += ordering.check(whole, targets.names(whole))
    return [*found, *_of_runs(whole, written, settings, known)], written


def _of_runs(
    document: Document, written: Sequence[Document], settings: Project, known: Catalogs
) -> list[Diagnostic]:
    """Check each run that a document stands for; what its targets share is said once."""
    if written[0] is document:
        problems = schema.check_target(document) if isinstance(document, targets.Resolved) else []
        return problems if has_errors(problems) else problems + _of_run(document, settings, known)
    found = []
    for target in written:
        problems = schema.check_target(target)
        if not has_errors(problems):
            problems += _of_run(target, settings, known)
        found.append(problems)
    return targets.told_once(document, found) if any(found) else []


def _of_run(document: Document, settings: Project, known: Catalogs) -> list[Diagnostic]:
    found = registry.check(document, catalog.listed(document, known.workflows))
    found += placeholders.ids(document, settings)
    found += catalog.check(document, known.workflows)
    found += in_project(document, settings)
    found += connector_use.check(document, known.connectors, settings)
    return found
