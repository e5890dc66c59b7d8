"""{path: bytes} -> the specs of a repository and everything that is wrong with them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from qflow_gitops.base.paths import ROOT, ProjectFolder
from qflow_gitops.findings.finding import (
    Diagnostic,
    Range,
    Severity,
    bounded,
    error,
    has_errors,
    in_order,
    warning,
)
from qflow_gitops.settings import project
from qflow_gitops.settings.project import Project
from qflow_gitops.specs import catalogs as catalog
from qflow_gitops.specs import excerpts, schema, secrets, spec
from qflow_gitops.specs.catalogs import Catalog
from qflow_gitops.specs.connectors import registry
from qflow_gitops.specs.spec import RunSpec
from qflow_gitops.yaml.document import Document, Parsed
from qflow_gitops.yaml.parse import parse, place

MAX_SPECS = 100_000
SAME_REQUEST = "same-request"
"""The rule about specs that ask for the same: it shows only when all of them are seen."""
_REGULAR = ("100644", "100755")
_GIT_NAMES = frozenset((".git", "git~1"))  # as the file systems of Windows and macOS see them too
_PLAIN_NAME = re.compile(rb"(?:[\w-][\w.-]*/)*[\w-][\w.-]*\.ya?ml")  # of bytes: ASCII
_KINDS = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a folder"}


class SpecSet(NamedTuple):
    """The valid specs by (environment, name), and what was found.

    A file with an error gives no spec at all; `invalid` names the runs that it seems to
    hold (as far as their names can be read), by (environment, name), with the first error.
    `catalog` is what they were checked against.
    """

    specs: Mapping[tuple[str, str], RunSpec]
    diagnostics: tuple[Diagnostic, ...] = ()
    invalid: Mapping[tuple[str, str], Diagnostic] = {}
    files: int = 0
    catalog: Catalog = MappingProxyType({})


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
    found = _once(found)
    return settings, in_order(excerpts.added(bounded(found), {file: content}, (), found))


def spec_name(path: bytes, mode: str = "100644") -> tuple[str | None, Diagnostic | None]:
    """Give a path as text if a run spec may live there; None, and why not, otherwise.

    Files that aren't YAML are nobody's business: None without a finding.
    """
    if mode in _REGULAR and _PLAIN_NAME.fullmatch(path):
        return path.decode(), None
    is_yaml = path.lower().endswith((b".yaml", b".yml"))
    if not is_yaml and mode in (*_REGULAR, "unreadable"):
        return None, None
    if mode not in _REGULAR:
        return None, not_plain(path, mode)
    shown = escaped(path)
    try:
        name = path.decode()
    except UnicodeDecodeError:
        return None, error("file-name", "The file's name is not UTF-8.", shown, hint="Rename it.")
    if shown != name or unicodedata.normalize("NFC", name) != name:
        return None, error(
            "file-name",
            "The file's name holds control, invisible or not normalised characters.",
            shown,
            hint="Rename it.",
        )
    if any(part.lower().rstrip(". ") in _GIT_NAMES for part in name.split("/")):
        return None, error(
            "file-name", "Part of the path is a name of git's own.", shown, hint="Rename it."
        )
    return name, None


def not_plain(path: bytes, mode: str, what: str = "specs") -> Diagnostic:
    """Say what is there in place of a plain file that may be read."""
    if mode == "unreadable":
        return error(
            "file-unreadable",
            "This user may not read the file.",
            escaped(path),
            hint="Give yourself the right to read it.",
        )
    return error(
        "file-kind",
        f"This is {_KINDS.get(mode, 'not a plain file')}, and {what} have to be plain files.",
        escaped(path),
        hint="Put the file itself here.",
    )


def is_regular(mode: str) -> bool:
    """Whether a git mode is that of a plain file."""
    return mode in _REGULAR


def escaped(path: bytes) -> str:
    r"""Give a path so that it can be shown: odd bytes and characters as `\x..` or `\u....`."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(
        char if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        else char.encode("unicode_escape").decode()
        for char in text
    )  # fmt: skip


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
    files: Mapping[str, bytes], settings: Project, workflows: Mapping[str, bytes] | None = None
) -> SpecSet:
    """Read run specs: every problem of every file, and the specs of the files without any.

    `workflows` are the files of the catalog; what is wrong with one of them is a finding.
    """
    known, found = load_catalog(workflows or {}, settings.folder)
    examined = [examine(files[file], file, settings, known) for file in sorted(files)]
    return assembled(examined, files, settings, known, found)


def load_catalog(
    workflows: Mapping[str, bytes], folder: ProjectFolder
) -> tuple[Catalog, list[Diagnostic]]:
    """Read the files of a project's catalog, and what is wrong with them."""
    known, found = catalog.load(workflows, folder)
    return known, excerpts.added(bounded(found), workflows, (), found)


def unreadable(path: bytes) -> Examined:
    """Give what is known of a file of specs that is there and can't be read."""
    return Examined(escaped(path), (), (not_plain(path, "unreadable"),))


def examine(content: bytes, file: str, settings: Project, known: Catalog) -> Examined:
    """Read one file of run specs."""
    parsed = parse(content, file)
    found = _checked(parsed, settings, known)
    if found:
        found = excerpts.added(bounded(found), {file: content}, parsed.documents, found)
    default = settings.default_environment
    if has_errors(found):
        return Examined(file, (), in_order(found), _seeming(parsed.documents, default))
    specs = tuple(spec.from_document(one, default) for one in parsed.documents)
    return Examined(file, specs, in_order(found))


def known_again(known: Examined, content: bytes, settings: Project) -> Examined | None:
    """Read the specs of a file of which is known what it holds and that it has no error.

    None where it doesn't hold that: what was known was of something else.
    """
    specs = unchecked(content, known.file, settings)
    same = [(*one.key, one.digest) for one in specs] == [
        (*one.key, one.digest) for one in known.specs
    ]
    return Examined(known.file, specs, known.diagnostics) if same else None


def unchecked(content: bytes, file: str, settings: Project) -> tuple[RunSpec, ...]:
    """Read the specs of a file that was found valid before; () where it can't have been.

    Compare their digests with what is known of them: nothing else is checked.
    """
    try:
        specs = tuple(
            spec.from_document(one, settings.default_environment)
            for one in parse(content, file).documents
        )
        return specs if all(one.digest for one in specs) else ()
    except (KeyError, TypeError, AttributeError, ValueError):
        return ()


def assembled(
    examined: Sequence[Examined],
    files: Mapping[str, bytes],
    settings: Project,
    known: Catalog,
    found: Iterable[Diagnostic] = (),
) -> SpecSet:
    """Put files together: what only shows when all of them are seen is found here.

    `files` give the contents of all; they are only asked for where something is found.
    """
    everything = [*found, *(finding for one in examined for finding in one.diagnostics)]
    if sum(len(one.specs) + len(one.seeming) for one in examined) > MAX_SPECS:
        everything.append(error("too-many-specs", f"There are more than {MAX_SPECS} specs.", "."))
    double = [
        *_duplicates((one for each in examined for one in each.specs), files),
        *_collisions(files),
    ]
    bad_files = {one.file for one in double}
    double += _same_requests(
        [one for each in examined if each.file not in bad_files for one in each.specs],
        files,
        settings,
    )
    everything += _with_excerpts(double, everything, files) if double else ()
    ordered = in_order(everything)
    first: dict[str, Diagnostic] = {}
    for finding in ordered:
        if finding.severity is Severity.ERROR:
            first.setdefault(finding.file, finding)
    return SpecSet(
        specs={
            spec.key: spec for one in examined if one.file not in bad_files for spec in one.specs
        },
        diagnostics=ordered,
        invalid={
            key: first[one.file]
            for one in examined
            for key in (*one.seeming, *(spec.key for spec in one.specs))
            if one.file in first
        },
        files=len(files),
        catalog=known,
    )


def _with_excerpts(
    double: list[Diagnostic], found: Iterable[Diagnostic], files: Mapping[str, bytes]
) -> list[Diagnostic]:
    """Add the lines; what else is found in those files says what may be shown of them."""
    contents = {one.file: files[one.file] for one in double}
    documents = [one for name in contents for one in parse(contents[name], name).documents]
    others = [one for one in found if one.file in contents]
    return excerpts.added(bounded(double), contents, documents, [*double, *others])


def _checked(parsed: Parsed, settings: Project, known: Catalog) -> list[Diagnostic]:
    found = list(parsed.diagnostics)
    for document in parsed.documents:
        problems = schema.check(document, "workflow-run")
        if not has_errors(problems):
            problems += registry.check(document)
            problems += secrets.check(document)
            problems += catalog.check(document, known)
            problems += _in_project(document, settings)
        found += problems
    return _once(found)


def _in_project(document: Document, settings: Project) -> list[Diagnostic]:
    """Find what only the project's settings can tell."""
    found = []
    metadata = document.data["metadata"]
    name = metadata.get("environment", settings.default_environment)
    known = ", ".join(settings.environments)
    if not name:
        found.append(
            error(
                "environment-missing",
                "The spec names no environment, and the project has no default one.",
                document.file,
                document.key_range(("metadata",)),
                f"Add `environment:` under `metadata`; there are: {known}.",
            )
        )
    elif name not in settings.environments:
        found.append(
            error(
                "environment-unknown",
                f"There is no environment `{name}`; there are: {known}.",
                document.file,
                document.value_range(("metadata", "environment")),
                f"Name one of them, or add it to {settings.folder.settings}.",
            )
        )
    else:
        found += _connector_listed(document, settings, name)
    return found


def _connector_listed(document: Document, settings: Project, name: str) -> Iterable[Diagnostic]:
    environment = settings.environments[name]
    if environment.connectors is None:
        return
    variables = document.data["spec"].get("variables", {})
    listed = {one.lower() for one in environment.connectors}
    for variable in ("connectorId", *spec.LEGACY_VARIABLES):
        value = variables.get(variable)
        if isinstance(value, str) and value.removeprefix("@").lower() not in listed:
            yield error(
                "connector-not-listed",
                f"The connector {value} isn't one of those listed for `{environment.name}`.",
                document.file,
                document.value_range(("spec", "variables", variable)),
                f"Use a listed one, or add it to `connectors` in {settings.folder.settings}.",
            )


def _duplicates(specs: Iterable[RunSpec], files: Mapping[str, bytes]) -> Iterable[Diagnostic]:
    first: dict[tuple[str, str], RunSpec] = {}
    for one in specs:
        other = first.setdefault(one.key, one)
        if other is one:
            continue
        for this, that in ((one, other), (other, one)):
            yield error(
                "duplicate-name",
                f"The run `{this.environment}/{this.name}` stands here and in "
                f"{that.file}:{_name_place(that, files).start.line}.",
                this.file,
                _name_place(this, files),
                "A name is a run's identity in its environment: rename or remove one of them.",
            )


def _same_requests(
    specs: Sequence[RunSpec], files: Mapping[str, bytes], settings: Project
) -> Iterable[Diagnostic]:
    """Warn of specs that ask for the same on one platform: only the first would be sent."""
    alike: dict[tuple[str, str], list[RunSpec]] = {}
    for one in specs:
        platform = settings.environments[one.environment].platform
        alike.setdefault((platform, one.digest), []).append(one)
    for group in alike.values():
        first, *others = sorted(group, key=lambda one: one.key)
        for this in group if others else ():
            that = others[0] if this is first else first
            yield warning(
                SAME_REQUEST,
                f"`{this.environment}/{this.name}` asks for the same as "
                f"`{that.environment}/{that.name}` "
                f"({that.file}:{_name_place(that, files).start.line}), on the same platform.",
                this.file,
                _name_place(this, files),
                "Only one of them is sent. If both are meant, set another `rerun:` in one of them.",
            )


def _name_place(spec: RunSpec, files: Mapping[str, bytes]) -> Range:
    return place(files[spec.file], spec.file, spec.index, ("metadata", "name"))


def _collisions(names: Iterable[str]) -> Iterable[Diagnostic]:
    """Find files that some file systems take for one (their names are NFC already)."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(name)
    for group in alike.values():
        for name in group if len(group) > 1 else ():
            other = next(one for one in group if one != name)
            yield error(
                "file-collision",
                f"On many machines this is the same file as {other}.",
                name,
                hint="Rename one of them.",
            )


def _seeming(documents: Iterable[Document], default: str) -> tuple[tuple[str, str], ...]:
    """Name the runs of a file that can't be used, as far as they can be read."""
    names = []
    for document in documents:
        metadata = document.data.get("metadata")
        if isinstance(metadata, dict):
            environment, name = metadata.get("environment", default), metadata.get("name")
            if isinstance(environment, str) and isinstance(name, str):
                names.append((environment, name))
    return tuple(names)


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """One cause, one finding: of several errors at one place the first, YAML's own, stays."""
    taken: dict[tuple[str, object], Diagnostic] = {}
    for one in found:
        if one.severity is Severity.ERROR:
            taken.setdefault((one.file, one.range), one)
    return [
        one
        for one in found
        if one.severity is not Severity.ERROR or taken[(one.file, one.range)] is one
    ]
