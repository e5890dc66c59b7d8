"""What a clone is like, and what that means for the commands that read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.errors import QflowError, Unreadable
from qflow_gitops.git import attributes
from qflow_gitops.results.checks import Check, failed, ok, warning
from qflow_gitops.sources.specs import parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qflow_gitops.git.program import GitVersion
    from qflow_gitops.git.repository import GitRepo
    from qflow_gitops.settings.project import Project

COMMIT = ("commit", "commit")
NAMES = (
    ("sparse", "all files checked out"),
    ("shallow", "all of the history"),
    ("partial", "all objects"),
    ("hooks", "hooks"),
    ("attributes", ".gitattributes"),
)
_ABOUT = dict(NAMES)
_OUR_HOOK = re.compile(r"^\s*-?\s*id:\s*[\"']?qflow-gitops-", re.MULTILINE)
_CHANGING = ("filter", "ident", "working-tree-encoding")


class Head(NamedTuple):
    """What is checked out: a commit ("" for none yet), and its branch ("" where it is on none)."""

    commit: str
    branch: str


def found(git: GitRepo | QflowError) -> Check:
    """Say whether there is a repository."""
    name, about = "repository", "repository"
    if isinstance(git, QflowError):
        return failed(name, about, git.message, git.hint)
    return ok(name, about, str(git.root))


def commit(head: Head) -> Check:
    """Say what is checked out."""
    name, about = COMMIT
    if not head.commit:
        hint = "Commit your specs first: `git add . && git commit -m 'Run specs'`"
        return warning(name, about, "none yet, and only what is committed is applied", hint)
    where = f"on {head.branch}" if head.branch else "on no branch"
    return ok(name, about, f"{head.commit[:10]}, {where}")


def shape(git: GitRepo, version: GitVersion | None, project: Project) -> Iterator[Check]:
    """Say what this clone was made without."""
    yield _sparse(git, project)
    if git.is_shallow():
        said = "the history is cut off: plan may look at every spec, and lock verify fetches it"
        yield warning("shallow", _ABOUT["shallow"], said, "`git fetch --unshallow`")
    else:
        yield ok("shallow", _ABOUT["shallow"], "here")
    if not git.is_partial:
        yield ok("partial", _ABOUT["partial"], "here")
    elif version is None or version.stays_offline:
        said = "not here (--filter); what a command needs is fetched in one go, or it says so"
        yield ok("partial", _ABOUT["partial"], said)
    else:
        said = f"not here (--filter), and git {version.said} fetches them one by one"
        hint = "Use git 2.45 or newer, or fetch all: `git fetch --refetch --no-filter`"
        yield warning("partial", _ABOUT["partial"], said, hint)


def _sparse(git: GitRepo, project: Project) -> Check:
    name, about = "sparse", _ABOUT["sparse"]
    try:
        count = len(git.worktree(parts(project)).listed)
    except Unreadable as problem:
        said = f"not here (sparse): {problem.where}, for one"
        return warning(name, about, said, problem.hint)
    return ok(name, about, f"{count:,} of this project")


def hooks(git: GitRepo) -> Check:
    """Say whether specs are checked before each commit; nobody has to."""
    name, about = "hooks", _ABOUT["hooks"]
    config = git.root / ".pre-commit-config.yaml"
    try:
        asked = bool(_OUR_HOOK.search(config.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        asked = False
    script = attributes.hook(git, "pre-commit")
    if asked and not script:
        said = ".pre-commit-config.yaml checks specs, and no hook of this clone runs it"
        return warning(name, about, said, "`pre-commit install`")
    checks = asked or "qflow-gitops" in script
    return ok(name, about, "specs are checked before a commit" if checks else "none of ours")


def declared(git: GitRepo, project: Project, specs: list[str]) -> Check:
    """Say what attributes do to the lockfile, where that is a file, and to `specs`."""
    name, about = "attributes", _ABOUT["attributes"]
    lockfile = project.folder.lockfile if project.lock.store == "worktree" else ""
    paths = [*([lockfile] if lockfile else []), *specs]
    told = attributes.attributes(git, ("text", "merge", *_CHANGING), paths) if paths else {}
    if lockfile and (problem := _of_lockfile(lockfile, told.get(lockfile, {}), git)):
        return problem
    for path in specs:
        changing = [each for each in _CHANGING if _is_set(told.get(path, {}), each)]
        if changing:
            said = f"`{changing[0]}` makes another text of {path} than is committed"
            hint = f"Take `{changing[0]}` off the specs in .gitattributes."
            return warning(name, about, f"{said}, and the commit's is sent", hint)
    return ok(name, about, "nothing in them changes specs" + (" or lockfile" if lockfile else ""))


def _of_lockfile(path: str, told: Mapping[str, str], git: GitRepo) -> Check | None:
    name, about = "attributes", _ABOUT["attributes"]
    if _is_set(told, "merge"):
        said = f"`merge={told['merge']}` lets git put two versions of {path} together"
        return failed(name, about, said, f"Take `merge` off {path} in .gitattributes.")
    converts = git.setting("core.autocrlf").lower() in ("true", "input")
    converts = converts or told.get("text") in ("set", "auto")
    if told.get("text") != attributes.OFF and converts:
        said = f"git may change line ends of {path}, which then isn't as it was written"
        return warning(name, about, said, "`qflow-gitops init` adds the line that is missing.")
    return None


def _is_set(told: Mapping[str, str], name: str) -> bool:
    return told.get(name, attributes.NOT_SAID) not in (attributes.OFF, attributes.NOT_SAID)
