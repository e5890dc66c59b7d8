"""Whether settings, specs and schemas of a project are as they have to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops.errors import QflowError
from qflow_gitops.findings.finding import Severity
from qflow_gitops.results.checks import Check, Verdict, failed, ok, warning
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.specs import schemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from qflow_gitops.findings.finding import Diagnostic
    from qflow_gitops.settings.project import Environment
    from qflow_gitops.sources.found import Settings
    from qflow_gitops.specs.load import SpecSet

SETTINGS = ("settings", "settings")
NAMES = (
    ("platform", "platform"),
    ("folders", "folders of specs"),
    ("specs", "specs"),
)
SCHEMAS = ("schemas", "JSON Schemas")
_BEGIN = "`qflow-gitops init` begins a project."
_VALIDATE = "`qflow-gitops validate`"


def settings(found: Settings | QflowError) -> Check:
    """Say what settings there are."""
    name, about = SETTINGS
    if isinstance(found, InvalidFiles):
        return _worst(name, about, found.diagnostics)
    if isinstance(found, QflowError):
        return failed(name, about, found.message, found.hint)
    if found.found:
        return _worst(name, about, found.found)
    if found.content is None:
        said = "there is no qflow.yaml: all of it is as by default"
        return warning(name, about, said, _BEGIN)
    environments = [*found.project.environments.values()]
    some = [f"{each.name} on {each.platform or 'no platform'}" for each in environments[:3]]
    more = f" and {len(environments) - 3} more" if len(environments) > 3 else ""
    return ok(name, about, f"{found.project.folder.settings}: {', '.join(some)}{more}")


def none() -> Check:
    """Say that nothing here is a project."""
    return failed(*SETTINGS, "there is no qflow.yaml here, and no folder `runs`", _BEGIN)


def platform(environments: Iterable[Environment], problem: QflowError) -> Check:
    """Say whether each environment has its platform; `problem` is what it is not to have one."""
    name, about = "platform", dict(NAMES)["platform"]
    without = [each.name for each in environments if not each.platform]
    if without:
        return failed(name, about, f"none is named for {', '.join(without)}", problem.hint)
    return ok(name, about, ", ".join(dict.fromkeys(each.platform for each in environments)))


def folders(runs: Sequence[str], missing: Sequence[Diagnostic]) -> Check:
    """Say whether the folders of `runs:` are there."""
    name, about = "folders", dict(NAMES)["folders"]
    return _worst(name, about, missing) if missing else ok(name, about, ", ".join(runs))


def specs(found: SpecSet, commit: str, uncommitted: int) -> Check:
    """Say whether the specs of a commit ("": of the work tree) are valid."""
    name, about = "specs", dict(NAMES)["specs"]
    if found.diagnostics:
        return _worst(name, about, found.diagnostics)
    where = f"of {commit[:10]}" if commit else "of the work tree"
    left = f"; {uncommitted:,} changed since aren't committed" if uncommitted and commit else ""
    return ok(name, about, f"{len(found.specs):,} valid, {where}{left}")


def shipped(copies: Mapping[str, str], export: str) -> Check:
    """Say whether the package's schemas can be read, and a repository's copies are the same.

    `copies` are the texts of those that there are, by name; `export` writes them.
    """
    name, about = SCHEMAS
    try:
        known = {each: (schemas.text(each), schemas.plain(each)) for each in schemas.SCHEMAS}
    except (OSError, ValueError) as problem:
        hint = "`pip install --force-reinstall qflow-gitops`"
        return failed(name, about, f"those of this program can't be read: {problem}", hint)
    other = [each for each, text in copies.items() if text not in known[each]]
    if other:
        said = f"{', '.join(other)} of this repository: another version wrote them"
        return warning(name, about, said, f"`{export}`")
    there = f"{len(copies)} in this repository, as this version writes them"
    return ok(name, about, there if copies else "none in this repository; validate has its own")


def _worst(name: str, about: str, found: Sequence[Diagnostic]) -> Check:
    """Make one line of findings: the first error, else the first warning, and how many."""
    errors = [each for each in found if each.severity is Severity.ERROR]
    first = (errors or list(found))[0]
    more = f" (and {len(found) - 1:,} more)" if len(found) > 1 else ""
    place = f"{first.file}:{first.range.start.line}"
    verdict = Verdict.FAILED if errors else Verdict.WARNING
    hint = first.hint if len(found) == 1 and "`" in first.hint else _VALIDATE
    return Check(name, about, verdict, f"{place}: {first.message}{more}", hint)
