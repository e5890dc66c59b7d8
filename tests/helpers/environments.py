"""Environments that a command may find itself in, and the commands, one row each.

Every environment is made of one small repository (`build` in tests/helpers/cells.py): its
branch holds a run that was sent, one in doubt, one that has changed and a new one; and a fleet of
one member, whose remote isn't there.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from tests.helpers.specs import WORKFLOW

SENT, DOUBT, CHANGED = "encrypt-prod-buckets", "doubt", "changed"
IDENTITY = "[user]\n\tname = Test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n"
OTHER = 65534
"""Another user, who owns nothing else here."""


# --- commands ----------------------------------------------------------------------------

LOOKS = "Commands that look"
RECORDS = "Commands that send and record"
WRITES = "Commands that write files"
ALONE = "Commands that need no repository"
_WHY = ("--reason", "a test")


@dataclass(frozen=True)
class Call:
    """A command line; `kind` is the table that it is a column of. `github`: it asks GitHub."""

    kind: str
    words: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    github: bool = False


CALLS: Mapping[str, Call] = {
    "validate": Call(LOOKS, ("validate",)),
    "plan": Call(LOOKS, ("plan",)),
    "plan --worktree": Call(LOOKS, ("plan", "--worktree")),
    "comment": Call(LOOKS, ("comment", "--pull-request", "1", "--dry-run"), github=True),
    "action": Call(LOOKS, ("action",), {"INPUT_COMMAND": "plan"}),
    "status": Call(LOOKS, ("status",)),
    "show": Call(LOOKS, ("show", SENT)),
    "history": Call(LOOKS, ("history",)),
    "report": Call(LOOKS, ("report",)),
    "lock verify": Call(LOOKS, ("lock", "verify")),
    "doctor": Call(LOOKS, ("doctor",)),
    "fleet plan": Call(LOOKS, ("fleet", "plan")),
    "fleet status": Call(LOOKS, ("fleet", "status")),
    "fleet report": Call(LOOKS, ("fleet", "report")),
    "workflows list": Call(LOOKS, ("workflows", "list")),
    "workflows show": Call(LOOKS, ("workflows", "show", WORKFLOW)),
    "workflows new": Call(LOOKS, ("workflows", "new", WORKFLOW)),
    "apply": Call(RECORDS, ("apply", "--yes")),
    "reconcile": Call(RECORDS, ("reconcile",)),
    "resolve": Call(RECORDS, ("resolve", DOUBT, "--assume-ran", *_WHY)),
    "baseline": Call(RECORDS, ("baseline", "--yes", *_WHY)),
    "freeze": Call(RECORDS, ("freeze", *_WHY)),
    "unfreeze": Call(RECORDS, ("unfreeze", *_WHY)),
    "watch": Call(RECORDS, ("watch", "--rounds", "1")),
    "notify": Call(RECORDS, ("notify",), {"QFLOW_NOTIFY_SLACK_URL": "http://127.0.0.1:9/"}),
    "fleet apply": Call(RECORDS, ("fleet", "apply")),
    "fleet matrix": Call(RECORDS, ("fleet", "matrix")),
    "fleet work": Call(RECORDS, ("fleet", "work", "acme")),
    "fleet worker": Call(RECORDS, ("fleet", "worker")),
    "fleet freeze": Call(RECORDS, ("fleet", "freeze", *_WHY)),
    "fleet unfreeze": Call(RECORDS, ("fleet", "unfreeze", *_WHY)),
    "lock move": Call(RECORDS, ("lock", "move", "--to", "branch", "--branch", "elsewhere")),
    "lock anchor": Call(RECORDS, ("lock", "anchor", "--to", "{world}/anchored")),
    "lock push": Call(RECORDS, ("lock", "push", "{world}/rescued")),
    "init": Call(WRITES, ("init", "new", "--platform", "sandbox", "--store", "worktree")),
    "migrate": Call(WRITES, ("migrate",)),
    "rerun": Call(WRITES, ("rerun", SENT, *_WHY)),
    "workflows pull": Call(WRITES, ("workflows", "pull")),
    "connectors pull": Call(WRITES, ("connectors", "pull")),
    "schema export": Call(WRITES, ("schema", "export", "made")),
    "rules": Call(ALONE, ("rules",)),
    "schema list": Call(ALONE, ("schema", "list")),
    "schema show": Call(ALONE, ("schema", "show", "workflow-run")),
    "new": Call(ALONE, ("new", "aws", "machines")),
    "help": Call(ALONE, ("help", "lock", "verify")),
    "version": Call(ALONE, ("version",)),
    "completion": Call(ALONE, ("completion", "bash")),
    "sandbox": Call(ALONE, ("sandbox", "--fault", "list")),
    "sandbox executions": Call(ALONE, ("sandbox", "executions"), {"QFLOW_GATEWAY": ""}),
    "demo": Call(ALONE, ("demo",)),
}
"""Each command of the program, as the tables name it."""


# --- environments ------------------------------------------------------------------------

Variables = Mapping[str, str | None]
_SOMEBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Test"), ("EMAIL", "test@example.com"), ("DATE", "1700000000 +0"))
}


@dataclass(frozen=True)
class World:
    """A folder with a bare remote, a clone of it (`repository`), and a home."""

    path: Path
    repository: str = "clone"

    @property
    def remote(self) -> Path:
        return self.path / "remote.git"

    @property
    def home(self) -> Path:
        return self.path / "home"

    @property
    def clone(self) -> Path:
        return self.path / self.repository

    def git(self, *words: str, at: str = "") -> str:
        """Run git in the clone, or in another folder of the world; a failure fails the test."""
        done = subprocess.run(
            ["git", *words],
            cwd=self.path / (at or self.repository), capture_output=True, text=True,
            env={
                "PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_TEMPLATE_DIR": "", **_SOMEBODY,
            },
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _nothing(_: World) -> None:
    pass


@dataclass(frozen=True)
class Environment:
    """How a world is made, and what a process in it has.

    `clone` are options of `git clone`, `made` is what happens to the clone then. `environ` are
    variables, None for one that isn't there.
    `streams` are redirections of a shell's. `weak`: root has no more rights than others.
    `mended` is what a person does where a sentence names no command. `outside`: it says
    something about commands that look at no repository, too; `demo`: and about that one, which
    takes a while; `only`: about these alone.
    """

    clone: tuple[str, ...] = ()
    made: Callable[[World], None] = _nothing
    environ: Callable[[World], Variables] = lambda _: {}
    streams: str = ""
    terminal: bool = False
    weak: bool = False
    object_format: str = "sha1"
    repository: str = "clone"
    mended: Callable[[World], None] = _nothing
    outside: bool = False
    demo: bool = False
    only: tuple[str, ...] = ()


def counted(*pairs: tuple[str, str]) -> dict[str, str]:
    """Settings of git's, in the variables of `GIT_CONFIG_COUNT`."""
    found = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


_ODD = counted(
    ("color.ui", "always"), ("core.abbrev", "4"), ("core.quotePath", "true"),
    ("diff.renames", "copies"), ("diff.noprefix", "true"), ("diff.external", "false"),
    ("status.showUntrackedFiles", "no"), ("status.short", "true"), ("status.branch", "true"),
    ("log.showSignature", "true"), ("log.date", "relative"), ("format.pretty", "raw"),
    ("push.default", "nothing"), ("push.followTags", "true"), ("push.pushOption", "x"),
    ("remote.pushDefault", "nowhere"), ("fetch.prune", "true"), ("fetch.pruneTags", "true"),
    ("core.pager", "false"), ("transfer.fsckObjects", "true"), ("index.version", "4"),
    ("core.untrackedCache", "true"), ("core.ignoreCase", "true"), ("core.autocrlf", "true"),
    ("i18n.commitEncoding", "latin1"), ("i18n.logOutputEncoding", "latin1"),
)  # fmt: skip
"""What people have set for git, and what a machine that reads git could stumble over."""


def _rights(mode: str, folder: str) -> Callable[[World], None]:
    """Change the rights of a folder of the world and of all in it."""
    return lambda w: void(subprocess.run(["chmod", "-R", mode, str(w.path / folder)], check=True))


def void(_: object) -> None:
    """Give nothing."""


def _read_only(folder: str, *, outside: bool = False) -> Environment:
    return Environment(
        made=_rights("a-w", folder), mended=_rights("u+w", folder), weak=True, outside=outside
    )


def _given_away(w: World) -> None:
    for path in [w.clone, *w.clone.rglob("*")]:
        os.chown(path, OTHER, OTHER, follow_symlinks=False)


_EACH_WAY_TO_GIT = ("validate", "plan", "comment", "lock verify", "apply", "baseline", "init")
"""Of all commands, those that start git in each way there is: here, beside other work, towards
the remote to read and to write, with a merge, in a folder that isn't there yet."""
BRIEF = ("plan", "apply")
"""What `.ci/run` makes in each environment: one command that reads and one that applies."""


def _trusted(file: str = "", directory: str = "", **environ: str | None) -> Environment:
    """A repository of another user's, and git told that it is trusted: in a file, by variables.

    `{file}` and `{clone}` in a variable stand for the file and the repository.
    """

    def made(w: World) -> None:
        _given_away(w)
        if file:
            w.write(file, f"{IDENTITY}[safe]\n\tdirectory = {directory or w.clone}\n")

    def told(w: World) -> Variables:
        return {
            name: value.format(file=w.path / file, clone=w.clone) if value else None
            for name, value in environ.items()
        }

    return Environment(made=made, environ=told, only=_EACH_WAY_TO_GIT)


def _old_zones(w: World) -> None:
    """Time zones of long ago, by which Vancouver has the clocks of UTC."""
    utc = files("tzdata").joinpath("zoneinfo", "UTC").read_bytes()
    for name in ("UTC", "America/Vancouver"):
        path = w.path / "zones" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(utc)
    w.write("zones/tzdata.zi", "# version 2001a\n")


def _linked(w: World) -> None:
    w.clone.rename(w.path / "first")
    branch = ["-b", "work", "--track", "../clone", "origin/main"]
    w.git("worktree", "add", "--quiet", *branch, at="first")


def _submodule(w: World) -> None:
    """Make the clone a submodule of another repository, as `git submodule add` does."""
    shutil.rmtree(w.clone.parent)
    w.git("init", "--quiet", "--initial-branch=main", "outer", at=".")
    (w.path / "outer/.git/modules").mkdir()
    apart = ["--separate-git-dir", "outer/.git/modules/clone", w.remote.as_uri(), "outer/clone"]
    w.git("clone", "--quiet", *apart, at=".")
    w.write("outer/clone/.git", "gitdir: ../.git/modules/clone\n")
    w.git("config", "core.worktree", "../../../clone")
    told = f'[submodule "clone"]\n\tpath = clone\n\turl = {w.remote.as_uri()}\n'
    w.write("outer/.gitmodules", told)
    w.git("add", ".gitmodules", "clone", at="outer")
    w.git("commit", "--quiet", "-m", "one", at="outer")


def _home_of_nobody(w: World) -> None:
    w.write("locked/.config/git/config", IDENTITY)
    (w.path / "locked").chmod(0)


ORDINARY = "an ordinary machine"
ENVIRONMENTS: Mapping[str, Environment] = {
    ORDINARY: Environment(outside=True),
    "stdin closed, stderr on a full device": Environment(streams="<&- 2>/dev/full", outside=True),
    "stdout closed": Environment(streams=">&-", outside=True, demo=True),
    "stdout on a full device": Environment(streams=">/dev/full", outside=True, demo=True),
    "all three streams closed": Environment(streams="<&- >&- 2>&-", outside=True, demo=True),
    "a terminal, `TERM=dumb`": Environment(
        environ=lambda _: {"TERM": "dumb"}, terminal=True, outside=True
    ),
    "no locale, ASCII": Environment(
        environ=lambda _: {
            "LANG": None, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"
        },
        outside=True,
    ),
    "an odd `TZ`, a locale that isn't there": Environment(
        environ=lambda _: {"TZ": "<-25>+25:61", "LC_ALL": "xx_YY.ISO-8859-15"}, outside=True
    ),
    "stale time zones": Environment(
        made=_old_zones, environ=lambda w: {"PYTHONTZPATH": str(w.path / "zones")}, outside=True
    ),
    "no `HOME`": Environment(environ=lambda _: {"HOME": None}, outside=True),
    "`HOME` read-only": _read_only("home", outside=True),
    "`HOME` of somebody else, unreadable": Environment(
        made=_home_of_nobody, environ=lambda w: {"HOME": str(w.path / "locked")}, weak=True,
        outside=True,
    ),
    "odd settings in `GIT_CONFIG_COUNT`": Environment(environ=lambda _: _ODD),
    "a broken `GIT_CONFIG_COUNT`": Environment(environ=lambda _: {"GIT_CONFIG_COUNT": "many"}),
    "a broken `~/.gitconfig`": Environment(
        made=lambda w: w.write("home/.gitconfig", "[user\n")
    ),
    "a partial clone, `blob:none`": Environment(clone=("--filter=blob:none",)),
    "a partial clone, `tree:0`": Environment(clone=("--filter=tree:0",)),
    "a shallow clone": Environment(clone=("--depth=1",)),
    "a clone of a single branch": Environment(clone=("--single-branch",)),
    "a sparse checkout": Environment(
        made=lambda w: void(w.git("sparse-checkout", "set", "docs"))
    ),
    "a SHA-256 repository": Environment(object_format="sha256"),
    "a linked work tree": Environment(made=_linked),
    "a submodule": Environment(made=_submodule, repository="outer/clone"),
    "`.git` read-only": _read_only("clone/.git"),
    "the whole clone read-only": _read_only("clone"),
    "a repository of another user": Environment(made=_given_away),
    "it is trusted by `~/.gitconfig`": _trusted("home/.gitconfig"),
    "by `~/.config/git/config`, `*`": _trusted("home/.config/git/config", "*"),
    "by `GIT_CONFIG_GLOBAL`": _trusted("config", GIT_CONFIG_GLOBAL="{file}"),
    "by `GIT_CONFIG_SYSTEM`": _trusted(
        "config", GIT_CONFIG_SYSTEM="{file}", GIT_CONFIG_NOSYSTEM=None
    ),
    "by `GIT_CONFIG_COUNT`": _trusted(**counted(("safe.directory", "{clone}"))),
    "by an alias, `git -c safe.directory=…`": _trusted(
        GIT_CONFIG_PARAMETERS="'safe.directory'='{clone}'"
    ),
    "by `sudo` of its owner": _trusted(SUDO_UID=str(OTHER), SUDO_GID=str(OTHER)),
}  # fmt: skip
