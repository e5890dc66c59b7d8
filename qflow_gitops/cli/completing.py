"""What a shell completes beside commands and options: runs, environments, rules, revisions, ids.

Called at each press of a key: no spec is parsed of which a line tells the name, and no remote is
asked. A guess too many does no harm, and neither does one that is left out.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from click.shell_completion import CompletionItem

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.cli import everywhere
from qflow_gitops.errors import QflowError
from qflow_gitops.git.process import literal_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from qflow_gitops.base.names import RunKey
    from qflow_gitops.cache.database import SqliteCache
    from qflow_gitops.git.repository import GitRepo

_LINES = r"^(metadata:|spec:|kind:|---)|^ +(name|environment|targets):|^ +- *[{]? *name:"
_PAIR = re.compile(r"""\b(name|environment): *["']?([a-z0-9][a-z0-9.-]*)""")
_TARGET = re.compile(r"""( +)- *[{]? *name: *["']?([a-z0-9][a-z0-9.-]*)""")
_RECORDED = re.compile(r"runs/([^/]+)/[0-9a-f]{2}/([^/.]+(?:/[^/]+?)?)(?:\.[0-9]+)?\.json")
_EXECUTION = re.compile(r'"executionId": "([0-9A-Za-z-]+)')
_DRAFTS = 200
"""So many new files are looked into."""

Items = list[CompletionItem]


class About(NamedTuple):
    """What counts here of a project's settings; `copy` is what git calls its lockfile's branch."""

    folder: ProjectFolder
    environments: list[str]
    default: str
    runs: list[str]
    copy: str


def files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Leave it to the shell, which knows files."""
    return [CompletionItem(incomplete, type="file")]


def rules(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete what can be explained: a rule with why there is one, a word with its meaning."""
    from qflow_gitops.results.known_words import WORDS
    from qflow_gitops.specs.rules import RULES

    found = {rule.id: rule.why for rule in RULES.values()}
    found |= {word.id: word.meaning for word in WORDS.values() if word.id not in found}
    return [
        CompletionItem(name, help=about)
        for name, about in sorted(found.items())
        if name.startswith(incomplete)
    ]


def helped(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete a command, or one of a group's, as where it is called."""
    about = ctx.find_root()
    for word in ctx.params.get("words") or ():
        group = about.command
        found = group.get_command(about, word) if isinstance(group, click.Group) else None
        if found is None:
            return []
        about = click.Context(found, parent=about, info_name=word, resilient_parsing=True)
    known = about.command.shell_complete(about, incomplete)
    return [one for one in known if not one.value.startswith("-")]


def faults(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the name of a fault of the sandbox, with what it does."""
    from qflow_gitops.sandbox.faults import FAULTS

    found = (name for name in FAULTS if name.startswith(incomplete))
    return [CompletionItem(name, help=FAULTS[name]) for name in found]


def environments(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the name of an environment."""
    with suppress(QflowError, OSError):
        return _beginning(_about(_git(ctx)).environments, incomplete)
    return []


def revisions(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete a branch or a tag."""
    refs = ("refs/heads/", "refs/remotes/", "refs/tags/")
    with suppress(QflowError):
        command = ["for-each-ref", "--format=%(refname:lstrip=2)", *refs]
        status, out, _ = _git(ctx).run(command)
        names = out.decode(errors="replace").split() if status == 0 else []
        return _beginning(["HEAD", *names], incomplete)
    return []


def workflows(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the id of a workflow of the catalog, with its name."""
    from qflow_gitops.specs import catalogs

    with suppress(QflowError, OSError):
        git = _git(ctx)
        at = _about(git).folder
        contents = {f"{at.catalog}/{path.name}": path.read_bytes()
                    for path in (git.root / at.catalog).glob("*.json")}  # fmt: skip
        known, _ = catalogs.load(contents, at)
        return [
            CompletionItem(workflow.id, help=workflow.name)
            for workflow in known.values()
            if workflow.id.startswith(incomplete.lower())
        ]
    return []


def runs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete a RUN: `name` in the default environment, `environment/name` in any.

    Of the specs that git knows, as long as its index is the same looked at once, of drafts, and of
    what this clone has of the lockfile's branch.
    """
    with suppress(QflowError, OSError):
        git = _git(ctx)
        about = _about(git)
        drafts = _drafts(git, about)  # git looks for them meanwhile
        known = _known(git, about)
        for environment, name in (*_of_drafts(git, about, drafts), *_recorded(git, about)):
            known.setdefault(environment, []).append(name)
        names = known.get(ctx.params.get("environment") or about.default, [])
        if "/" in incomplete or not names:
            names = [f"{environment}/{name}" for environment, some in known.items()
                     for name in some]  # fmt: skip
        return _beginning(sorted({name for name in names if name.startswith(incomplete)}), "")
    return []


def shown(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete a RUN, or the id of an execution that the lockfile has, once two of it are typed."""
    found = runs(ctx, param, incomplete)
    if not re.fullmatch(r"[0-9a-f][0-9a-f-]+", incomplete):
        return found
    with suppress(QflowError, OSError):
        git = _git(ctx)
        about = _about(git)
        text = r'"executionId": "[0-9A-Za-z-]*'
        command = ["grep", "-I", "-h", "-o", "--no-color", "-e", text, about.copy, "--", "runs"]
        lines = (
            git.run(command)[1] if about.copy else (git.root / about.folder.lockfile).read_bytes()
        )
        ids = _EXECUTION.findall(lines.decode(errors="replace"))
        found += _beginning(sorted({each.lower() for each in ids}), incomplete)
    return found


def members(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the name of a fleet's member."""
    from qflow_gitops.cli import completing_fleets

    with suppress(QflowError):
        return _beginning(completing_fleets.members(_git(ctx)), incomplete)
    return []


def releases(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete what a person can release of a fleet."""
    from qflow_gitops.cli import completing_fleets

    with suppress(QflowError):
        return _beginning(completing_fleets.releases(_git(ctx)), incomplete)
    return []


def _beginning(names: Iterable[str], incomplete: str) -> Items:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _git(ctx: click.Context) -> GitRepo:
    """Open the repository of the folder of `-C`."""
    from qflow_gitops.git.repository import GitRepo

    return GitRepo.open(Path(next(iter(everywhere.given(ctx, "directory")), ".")), os.environ)


def _about(git: GitRepo) -> About:
    """Say what the nearest settings at or above the folder at hand say; kept by their content."""
    folder, content = next(_settings(git), (ProjectFolder(), b""))
    cache, name = _cache(git), f"settings for keys: {folder.name}"
    digest = hashlib.sha256(content).hexdigest()
    match cache.answer(name):
        case [known, list(environments), str(default), list(runs), str(copy)] if known == digest:
            return About(folder, environments, default, runs, copy)
    found = _read(folder, content)
    cache.keep_answer(name, [digest, *found[1:]])
    return found


def _settings(git: GitRepo) -> Iterator[tuple[ProjectFolder, bytes]]:
    parts = git.prefix.split("/")
    for count in range(len(parts), -1, -1):
        folder = ProjectFolder("/".join(parts[:count]))
        with suppress(OSError):
            yield folder, (git.root / folder.settings).read_bytes()


def _read(folder: ProjectFolder, content: bytes) -> About:
    """Read settings; what is wrong with them isn't said."""
    from qflow_gitops.settings.project import from_document, without_file
    from qflow_gitops.yaml.parse import parse

    project = without_file("")
    with suppress(IndexError, KeyError, TypeError, ValueError, AttributeError):
        found, _ = from_document(parse(content, folder.settings).documents[0], "", folder)
        project = found or project
    lock = project.lock
    copy = f"refs/qflow-gitops/{lock.remote}/{lock.branch}" if lock.store == "branch" else ""
    names = list(project.environments)
    return About(folder, names, project.default_environment, list(project.runs), copy)


def _cache(git: GitRepo) -> SqliteCache:
    from qflow_gitops.cache.database import SqliteCache

    return SqliteCache(git.common_dir / "qflow-gitops" / "verdicts")


def _known(git: GitRepo, about: About) -> dict[str, list[str]]:
    """Name the runs of the specs that git knows, by environment, kept by what its index is."""
    cache, what = _cache(git), f"names for keys: {about.folder.name}"
    state = [git.index_identity, about.default, *about.runs]
    match cache.answer(what):
        case [known, dict(names)] if known == state and state[0]:
            return names
    options = ["--no-color", "--no-line-number", "--no-column", "--no-recurse-submodules"]
    command = ["grep", *options, "-I", "-h", "-E", "-e", _LINES, "--"]
    _, out, _ = git.run([*command, *literal_paths(about.runs)])
    from qflow_gitops.cli.completing_selected import selected

    by_run = selected(git, about.folder, about.runs)
    found: dict[str, list[str]] = {}
    for key in _named_in(out.decode(errors="replace").splitlines(), about):
        for environment, name in by_run.get(key, [key]):
            found.setdefault(environment, []).append(name)
    cache.keep_answer(what, [state, found])
    return found


def _drafts(git: GitRepo, about: About) -> Callable[[], tuple[bytes, bytes]]:
    """Begin to look for files that git doesn't know yet."""
    options = ["--others", "--exclude-standard", "--full-name", "-z", "--"]
    return git.begun(["ls-files", *options, *literal_paths(about.runs)])


def _of_drafts(
    git: GitRepo, about: About, drafts: Callable[[], tuple[bytes, bytes]]
) -> Iterator[RunKey]:
    """Name the runs of these files."""
    paths = b""
    with suppress(QflowError):
        paths, _ = drafts()
    for path in paths.split(b"\0")[:_DRAFTS]:
        if path.endswith((b".yaml", b".yml")):
            with suppress(OSError):
                text = (git.root / os.fsdecode(path)).read_text("utf-8", "replace")
                yield from _named_in(text.splitlines(), about)


def _named_in(lines: Iterable[str], about: About) -> Iterator[RunKey]:
    """Name the runs of specs by lines that look like theirs, of one file after the other."""
    said: dict[str, str] = {}
    targets: list[tuple[str, str]] = []  # spaces before it, and its name
    inside = ""  # of what, with the spaces before it
    for line in (*lines, "---"):
        if line.startswith(("metadata:", "---")) and said.get("name"):
            environment, run = said.get("environment", about.default), said["name"]
            names = [f"{run}/{each}" for spaces, each in targets if spaces == targets[0][0]] or [
                run
            ]
            yield from ((environment, name) for name in names)
            said, targets = {}, []
        if line[:1] not in ("", " ") or line.lstrip().startswith("targets:"):
            inside = line.partition(":")[0]
        if inside == "metadata":
            said |= dict(_PAIR.findall(line))
        elif inside.strip() == "targets" and (found := _TARGET.match(line)):
            targets.append((found[1], found[2]))


def _recorded(git: GitRepo, about: About) -> Iterator[RunKey]:
    """Name the runs of the lockfile's branch, as this clone has it."""
    if not about.copy:
        return
    command = ["ls-tree", "-r", "-z", "--full-tree", "--name-only", about.copy, "--"]
    _, out, _ = git.run(command)
    for path in out.decode(errors="replace").split("\0"):
        if found := _RECORDED.fullmatch(path):
            yield (found[1], found[2])
