"""What a shell completes beside commands and options: runs, environments, rules, revisions, ids.

Called at each press of a key: no spec is parsed of which a line tells the name, and no remote is
asked. A guess too many does no harm, and neither does one that is left out.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from qflow_gitops.errors import QflowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import click

    from qflow_gitops.base.names import RunKey
    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.settings.project import Project

_LINES = r"^(metadata:|spec:|kind:|---)|^ +(name|environment):"
_PAIR = re.compile(r"""\b(name|environment): *["']?([a-z0-9][a-z0-9-]*)""")
_RECORDED = re.compile(r"runs/([^/]+)/[0-9a-f]{2}/([^/.]+)\.json")

Items = list[CompletionItem]


def files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Leave it to the shell, which knows files."""
    return [CompletionItem(incomplete, type="file")]


def rules(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the name of a rule, with why there is one."""
    from qflow_gitops.specs.rules import RULES

    found = (rule for name, rule in sorted(RULES.items()) if name.startswith(incomplete))
    return [CompletionItem(rule.id, help=rule.why) for rule in found]


def environments(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the name of an environment."""
    with suppress(QflowError):
        return _beginning(_wiring(ctx).project().environments, incomplete)
    return []


def revisions(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete a branch or a tag."""
    refs = ("refs/heads/", "refs/remotes/", "refs/tags/")
    with suppress(QflowError):
        command = ["for-each-ref", "--format=%(refname:lstrip=2)", *refs]
        status, out, _ = _wiring(ctx).git.run(command)
        names = out.decode(errors="replace").split() if status == 0 else []
        return _beginning(["HEAD", *names], incomplete)
    return []


def workflows(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the id of a workflow of the catalog, with its name."""
    from qflow_gitops.specs import catalogs

    with suppress(QflowError, OSError):
        wiring = _wiring(ctx)
        folder = wiring.git.root / wiring.folder.catalog
        contents = {f"{wiring.folder.catalog}/{path.name}": path.read_bytes()
                    for path in folder.glob("*.json")}  # fmt: skip
        known, _ = catalogs.load(contents, wiring.folder)
        return [
            CompletionItem(workflow.id, help=workflow.name)
            for workflow in known.values()
            if workflow.id.startswith(incomplete.lower())
        ]
    return []


def runs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete a RUN: `name` in the default environment, `environment/name` in any.

    Of the specs of the work tree, and of what this clone knows of the lockfile.
    """
    with suppress(QflowError):
        wiring = _wiring(ctx)
        project = wiring.project()
        keys = {*_of_specs(wiring, project), *_recorded(wiring, project)}
        asked = ctx.params.get("environment") or project.default_environment
        names = {name for environment, name in keys if environment == asked}
        if "/" in incomplete or not names:
            names = {"/".join(key) for key in keys}
        return _beginning(sorted(names), incomplete)
    return []


def _beginning(names: Iterable[str], incomplete: str) -> Items:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _wiring(ctx: click.Context) -> Wiring:
    """Build what commands are made of, for the folder of `-C`; nothing is ever printed."""
    from qflow_gitops.cli.console import Console
    from qflow_gitops.cli.context import Wiring

    directory = ctx.find_root().params.get("directory") or "."
    console = Console.for_process(os.environ, color="never", quiet=True, verbose=False)
    return Wiring(directory, os.environ, console, typed="")


def _of_specs(wiring: Wiring, project: Project) -> Iterator[RunKey]:
    """Name the runs of the specs on disk, by lines that look like theirs."""
    from qflow_gitops.git.process import literal_paths

    options = [
        "--untracked",
        "--no-color",
        "--no-line-number",
        "--no-column",
        "--no-recurse-submodules",
        "-I",
        "-h",
        "-E",
    ]
    _, out, _ = wiring.git.run(["grep", *options, "-e", _LINES, "--", *literal_paths(project.runs)])
    about: dict[str, str] = {}
    inside = False
    for line in (*out.decode(errors="replace").splitlines(), "---"):
        if line.startswith(("metadata:", "---")) and about.get("name"):
            yield (about.get("environment", project.default_environment), about["name"])
            about = {}
        if not line.startswith(" "):
            inside = line.startswith("metadata:")
        if inside:
            about |= dict(_PAIR.findall(line))


def _recorded(wiring: Wiring, project: Project) -> Iterator[RunKey]:
    """Name the runs of the lockfile's branch, as this clone has it."""
    if project.lock.store != "branch":
        return
    copy = f"refs/qflow-gitops/{project.lock.remote}/{project.lock.branch}"
    _, out, _ = wiring.git.run(["ls-tree", "-r", "-z", "--full-tree", "--name-only", copy, "--"])
    for path in out.decode(errors="replace").split("\0"):
        if found := _RECORDED.fullmatch(path):
            yield (found[1], found[2])
