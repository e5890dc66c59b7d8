"""A command in an environment: what it answers and does, and what that is beside the ordinary.

Each command gets a fresh copy of the environment's world, at the same place.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import BRANCH, moved_along, record_of
from tests.helpers.environments import (
    ALONE,
    BRIEF,
    CALLS,
    CHANGED,
    DOUBT,
    ENVIRONMENTS,
    IDENTITY,
    LOOKS,
    ORDINARY,
    RECORDS,
    Call,
    Environment,
    Variables,
    World,
)  # fmt: skip
from tests.helpers.forks import WEAK, Forks
from tests.helpers.github_api import GitHubApi
from tests.helpers.partners import NIGHTLY
from tests.helpers.sandboxes import served
from tests.helpers.specs import CONNECTOR, SAMPLE, spec
from tests.helpers.typed import commands

PROJECT = """\
apiVersion: qflow-gitops/v1
kind: Project
spec:
  environments:
    prod: {platform: sandbox}
  lock: {store: branch}
  policy:
    windows: [{allow: "0 * * * *", duration: 1h, timezone: America/Vancouver}]
"""
FLEET = """\
apiVersion: qflow-gitops/v1
kind: Fleet
spec:
  members: [{name: acme, repository: /srv/git/acme.git}]
"""
LEGACY = f"  connectorType: aws\n  variables: {{credentials: {CONNECTOR}}}\n"
THOROUGH = NIGHTLY
"""Whether each way on is taken for each command, and each command run where some stand for all."""
WHOLE = (ORDINARY, "a partial clone, `blob:none`")
"""Environments that have all of their commands in `.ci/run` as well; that each command minds its
streams tests/cli/test_streams.py shows."""
LIKE_ANOTHER = (
    "a partial clone, `tree:0`", "stdout on a full device", "the whole clone read-only",
    "by `~/.config/git/config`, `*`", "by `GIT_CONFIG_GLOBAL`", "by `GIT_CONFIG_SYSTEM`",
)  # fmt: skip
"""Environments that differ from another one in little: `.ci/nightly` makes them."""
_AT_THE_START = re.compile(r"LANG|LC_.*|PYTHON.*|TERM|TZ")
_MADE_UP = (
    (r"(?<!v1:sha256:)\b([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[0-9a-f]{10})\b", "<id>"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?", "<time>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"127\.0\.0\.1:\d+", "<gateway>"),
    (r'"<id>"', "<id>"),  # a lineage that looks like a number is written in quotes
    (r"answers in [\d.]+ s", "answers"),
    # How many writes went into one is by chance, and which of two runs was accepted last.
    (r"(version|serial) \d+|\d+ versions", "<versions>"),
    (r"Qualys took (changed|encrypt-prod-buckets) of", "Qualys took <run> of"),
)


@dataclass(frozen=True)
class Seen:
    """What a command answered, and what it did: requests, the lockfile, files of the work tree."""

    code: int
    out: str
    err: str
    posts: int
    record: str
    files: Mapping[str, str]

    @property
    def done(self) -> tuple[object, ...]:
        return (self.posts, self.record, self.files)


Ordinary = Mapping[str, Seen]


@dataclass(frozen=True)
class Cell:
    """What the table says: `✓` or an exit code, and the words of its footnote, "" for none."""

    mark: str
    note: str = ""


# --- the template ------------------------------------------------------------------------


def variables(world: World, gateway: str, more: Variables) -> dict[str, str]:
    """The whole environment of a process."""
    found: dict[str, str | None] = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": os.environ.get("PYTHONPATH"),
        "HOME": str(world.home), "TMPDIR": str(world.path), "LANG": "C.UTF-8", "USER": "tester",
        "GIT_CONFIG_NOSYSTEM": "1", "QFLOW_GATEWAY": gateway,
        "QFLOW_CLIENT_ID": "test-client", "QFLOW_CLIENT_SECRET": "test-canary-secret",
        **more,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def build(folder: Path, object_format: str) -> None:
    """Make a remote: a run that was sent, one in doubt, one changed, one new, a pull request."""
    world = World(folder / "world")
    world.write("home/.gitconfig", IDENTITY)
    made = ["init", "--quiet", "--initial-branch=main", f"--object-format={object_format}"]
    world.git(*made, "--bare", "remote.git", at=".")
    for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        world.git("config", setting, "true", at="remote.git")
    # An empty repository doesn't tell a clone by which hash its ids are made.
    world.git(*made, "clone", at=".")
    world.git("remote", "add", "origin", world.remote.as_uri())
    with served(data=folder / "sandbox.sqlite", duration=0) as sandbox:
        environ = variables(world, sandbox.url, {})
        forks = Forks(environ)

        def program(*words: str) -> int:
            return forks(words, world.clone, environ, folder)[0]

        def committed(*where: str, **texts: str) -> None:
            for name, text in texts.items():
                world.write(f"clone/runs/{name}.yaml", text)
            world.git("add", "--all")
            world.git("commit", "--quiet", "-m", "change")
            world.git("push", "--quiet", "origin", *where)

        world.write("clone/qflow.yaml", PROJECT)
        world.write("clone/fleet.yaml", FLEET)
        world.write("clone/docs/words.md", "Words.\n")
        committed("HEAD:main", **{"aws/buckets": SAMPLE, "aws/changed": spec(CHANGED, 1)})
        world.git("remote", "set-head", "origin", "main")
        assert program("workflows", "pull") == program("apply", "--yes") == 0
        committed("HEAD:main", doubt=spec(DOUBT))
        sandbox.set_faults("accept-then-drop@run", "list-lag=3600")
        assert program("apply", "--yes") == 9
        new = spec("new", extra=LEGACY)
        committed("HEAD:main", **{"aws/changed": spec(CHANGED, 2), "new": new})
        committed("HEAD:refs/pull/1/head", proposed=spec("proposed"))
        forks.close()
        execution = sandbox.executions()[-1]["id"]
    world.write("rescued", json.dumps(_rescued(world, execution)) + "\n")
    gone(world.clone)


def _rescued(world: World, execution: str) -> Mapping[str, Any]:
    """What an apply would have saved that got the answer to the run in doubt after all."""
    record = record_of(world.remote)
    attempt = record["environments"]["prod"]["runs"][DOUBT]["attempts"][0]
    event = {"at": attempt["events"][-1]["at"], "to": "accepted", "httpStatus": 200}
    moved = {"environment": "prod", "run": DOUBT, "number": 1, "event": event, "opens": None}
    return {
        "rescueVersion": 1, "lineage": record["lineage"], "attempt": attempt,
        "transition": {**moved, "executionId": execution, "status": ""},
    }  # fmt: skip


def gone(folder: Path) -> None:
    """Remove a folder, as root, whom its rights don't stop."""
    if folder.exists():
        shutil.rmtree(folder)


def _copied(old: Path, new: Path) -> None:
    subprocess.run(["cp", "-a", str(old), str(new)], check=True)


# --- an environment ----------------------------------------------------------------------


class Place:
    """An environment, made in a folder, where commands are run."""

    def __init__(
        self,
        environment: Environment,
        folder: Path,
        templates: Path,
        forked: Callable[[Environment, Mapping[str, str]], Forks],
        sandbox: SandboxServer,
        github: GitHubApi,
    ) -> None:
        self._folder, self._pristine = folder, folder / "pristine"
        self._sandbox, self._github, self._forked = sandbox, github, forked
        self._records: dict[str, str] = {}
        self._touched = True
        self.taken: set[tuple[str, str]] = set()
        self.environment = environment
        self.world = world = World(folder / "world", environment.repository)
        folder.mkdir()
        _copied(templates / environment.object_format / "world", world.path)
        moved_along(world.remote)
        world.clone.parent.mkdir(exist_ok=True)
        at = str(world.clone.parent.relative_to(world.path))
        address, name = world.remote.as_uri(), world.clone.name
        world.git("clone", "--quiet", *environment.clone, address, name, at=at)
        environment.made(world)
        self._pull = [
            world.git("rev-parse", name, at="remote.git") for name in ("refs/pull/1/head", "main")
        ]
        self.environ = self._begun = variables(world, sandbox.url, environment.environ(world))
        world.path.rename(self._pristine)

    def fresh(self) -> None:
        """Put the world back as it was made, if need be, and take a new shell."""
        self.environ = self._begun
        if self._touched:
            gone(self.world.path)
            _copied(self._pristine, self.world.path)
        self._touched = False

    def __call__(self, call: Call, *, plainly: bool = False) -> Seen:
        """Run a command in the world as it is; `plainly`: with streams as they should be."""
        self._touched |= call.kind not in (LOOKS, ALONE) or call.github  # which fetches
        more = dict(call.environ)
        if call.github:
            self._github.open(1, *self._pull)
            more |= self._github.environ
        environ = {**self.environ, **more}
        forks = self._forked(self.environment, environ)
        streams = "" if plainly else self.environment.streams
        words = [one.replace("{world}", str(self.world.path)) for one in call.words]
        posts, before = len(self._sandbox.requests("POST", "/run")), self._files()
        code, out, err = forks(words, self.world.clone, environ, self._folder, streams)
        assert "Traceback" not in out + err
        after = self._files()
        return Seen(
            code, self._plain(out), self._plain(err),
            len(self._sandbox.requests("POST", "/run")) - posts, self._record(),
            {name: self._plain(after[name]) for name in after if before.get(name) != after[name]},
        )  # fmt: skip

    def mended(self) -> None:
        """Do what a person does whom a sentence named no command."""
        self._touched = True
        self.environment.mended(self.world)

    def typed(self, command: str) -> None:
        """Type a command at the shell of this environment, which remembers its variables."""
        self._touched = True
        command = command.replace("<repository>", str(self.world.clone))
        name, _, rest = command.partition(" ")
        if name == "unset":
            self.environ = {k: v for k, v in self.environ.items() if k not in rest.split()}
        elif name == "export":
            key, _, value = rest.partition("=")
            self.environ = {**self.environ, key: value}
        else:
            done = subprocess.run(
                [*(WEAK if self.environment.weak else ()), "sh", "-c", command],
                cwd=self.world.clone, env=self.environ, text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
            )  # fmt: skip
            assert done.returncode == 0, (command, done.stdout)

    def _files(self) -> dict[str, str]:
        found = {}
        for folder, folders, names in os.walk(self.world.clone):
            folders[:] = [one for one in folders if one != ".git"]
            for path in (Path(folder) / name for name in names if name != ".git"):
                found[str(path.relative_to(self.world.clone))] = path.read_text("utf-8")
        return found

    def _record(self) -> str:
        """The lockfile's head, and the states of each run's attempts."""
        tip = (self.world.remote / "refs/heads" / BRANCH).read_text("ascii")
        if tip not in self._records:
            self._records[tip] = self._read_record()
        return self._records[tip]

    def _read_record(self) -> str:
        record = record_of(self.world.remote)
        runs = record.pop("environments")["prod"]["runs"]
        states = {name: [one["state"] for one in run["attempts"]] for name, run in runs.items()}
        text = json.dumps({**record, "serial": 0, "runs": states}, indent=1)
        return self._plain(text.replace("test@example.com", "tester"))

    def _plain(self, text: str) -> str:
        """Leave out what differs from one run of a command to the next."""
        text = text.replace(str(self.world.clone), "<repository>")
        text = text.replace(str(self.world.path), "<world>")
        for pattern, word in _MADE_UP:
            text = re.sub(pattern, word, text)
        return text


def at_the_start(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that count when Python starts."""
    return {name: value for name, value in environ.items() if _AT_THE_START.fullmatch(name)}


def calls(environment: Environment) -> Iterator[tuple[str, Call]]:
    """The commands that an environment says something about: all, but in `.ci/run` two of most."""
    brief = not (THOROUGH or any(environment is ENVIRONMENTS[name] for name in WHOLE))
    for name, call in CALLS.items():
        if brief and name not in BRIEF:
            continue
        wanted = environment.outside or call.kind != ALONE
        if environment.only and not THOROUGH:
            wanted = name in environment.only
        if environment.demo if name == "demo" else wanted:
            yield name, call


# --- judged ------------------------------------------------------------------------------

SAYS = re.compile(
    r".*(isn't in this clone|every spec;|tester|\d digests? taken again|: <id>, on work"
    r"|--filter).*",
    re.DOTALL,
)
"""What a line says that may stand for another one: what was not at hand, or who did it."""


def judge(place: Place, name: str, call: Call, ordinary: Ordinary) -> Cell:
    """Run a command, and do what it says, until it is as on an ordinary machine.

    Fails for anything else than the same result or a sentence with a way on that works.
    """
    unchanged = ordinary["status"]
    # How the demo ends elsewhere CI sees, which runs it.
    usual = ordinary.get(name) or replace(unchanged, out="The story.")
    place.fresh()
    seen = place(call)
    assert seen.code != 70, seen
    streams = place.environment.streams
    out, err = streams.replace("2>&-", ""), streams.replace("2>/dev/full", "")
    is_lost = ">&-" in out or ">/dev/full" in err
    if seen.code == usual.code and seen.done == usual.done:
        if _same(place, seen, usual):
            return Cell("✓")
        if not is_lost and not (ways := _ways(seen, usual)):
            lines = _new(seen.out, usual.out)
            assert _is_said(seen, usual), seen
            return Cell("✓", " · ".join(f"`{one.strip()}`" for one in lines))
    if is_lost:
        return _lost(place, call, seen, usual)
    assert seen.code == usual.code or seen.code not in (0, usual.code), seen
    assert seen.posts == 0
    ways = _ways(seen, usual)
    assert ways, seen
    if THOROUGH or (call.kind, ways[0]) not in place.taken:
        _take(place, call, ways[0], usual, fresh=seen.done != unchanged.done)
        place.taken.add((call.kind, ways[0]))
    return Cell(str(seen.code), ways[0])


def _take(place: Place, call: Call, way: str, usual: Seen, *, fresh: bool) -> None:
    """Do what a sentence says, after which the command is as on an ordinary machine."""
    if fresh:
        place.fresh()
    place.mended()
    for one in commands(way)[:1]:
        place.typed(one)
    again = place(call)
    assert (again.code, again.done) == (usual.code, usual.done), again
    assert _same(place, again, usual) or _is_said(again, usual), again


def _same(place: Place, seen: Seen, usual: Seen) -> bool:
    """Whether all that the ordinary one shows is shown."""
    if place.environment.terminal:
        assert "\x1b" not in seen.out
        return {*usual.out.split()} <= {*seen.out.split()}
    return seen.out == usual.out


def _is_said(seen: Seen, usual: Seen) -> bool:
    """Whether each line that is another one says why it is."""
    lines = _new(seen.out, usual.out)
    return bool(lines) and all(SAYS.fullmatch(one) for one in lines)


def _new(text: str, usual: str) -> list[str]:
    known = {*usual.splitlines()}
    return [one for one in dict.fromkeys(text.splitlines()) if one not in known]


def _ways(seen: Seen, usual: Seen) -> list[str]:
    """The ways on that are only told here: hints, and notes with a command."""
    lines = _new(seen.err, usual.err) + _new(seen.out, usual.out)
    hints = [one.strip().removeprefix("→ ") for one in lines if "→ " in one[:10]]
    notes = [one.strip() for one in lines if commands(one) and "→ " not in one[:10]]
    return hints or notes


def _lost(place: Place, call: Call, seen: Seen, usual: Seen) -> Cell:
    """A result that nobody got: never green, done all the same, and there to be looked at."""
    assert seen.code not in (0, 70)
    assert seen.done == usual.done
    hints = _ways(seen, Seen(0, "", "", 0, "", {}))
    assert hints or "2>&-" in place.environment.streams
    if call.kind == RECORDS:
        assert place(CALLS["status"], plainly=True).code == 0
    return Cell(str(seen.code), hints[0] if hints else "Nobody can be told.")


def stored(seen: Ordinary) -> str:
    return json.dumps({name: asdict(one) for name, one in seen.items()})


def restored(text: str) -> Ordinary:
    return {name: Seen(**one) for name, one in json.loads(text).items()}
