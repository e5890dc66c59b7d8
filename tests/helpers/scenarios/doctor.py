"""What a doctor finds in a repository where one thing is broken on purpose."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.helpers import specs
from tests.helpers.carried import Person
from tests.helpers.clones import BRANCH, files_of_record, put_files, record_of
from tests.helpers.scenarios.base import SCENARIOS, WHY, applied
from tests.helpers.scenarios.holds import FOUND, LOST
from tests.helpers.terminal import Terminal

DOCTOR = "qflow-gitops doctor machine repository"
Break = Callable[[Terminal], object]


@dataclass(frozen=True)
class Broken:
    """One thing that is broken on purpose, in a repository of a `store`.

    `line` is the only one that says so, as `result`. `mends`: whether what is said there makes all
    of it as it was, or (None) another line goes on; else it only shows more, or somebody else has
    to do it.
    """

    title: str
    line: str
    result: str
    breaks: Break
    person: Person = field(default_factory=Person)
    store: str = "branch"
    mends: bool | None = True


def healthy(at: Terminal) -> None:
    """One run was sent, and all that the program says to commit is committed."""
    at.specs(a=spec("a"))
    applied(at)
    text = at.clone.read("qflow.yaml").replace("  lock: {store: branch}\n", "")
    pinned = f"  lock: {{store: {at.store}, lineage: '{_lineage(at)}'}}\n"
    at.clone.write("qflow.yaml", text + pinned)
    at.merge()
    applied(at)
    if at.store == "branch":
        at.clone.git("fetch", "--quiet", "origin")
        at.clone.git("remote", "set-head", "origin", "main")
        at.clone.git("branch", "--quiet", "--set-upstream-to", "origin/main")


def spec(name: str) -> str:
    """A spec of a workflow that may be meant on any platform."""
    return specs.spec(name).replace(specs.WORKFLOW, specs.OWN_WORKFLOW)


def _lineage(at: Terminal) -> str:
    if at.store == "branch":
        return str(record_of(at.folder / "remote.git")["lineage"])
    return str(json.loads(at.clone.read("qflow.lock"))["lineage"])


def _written(name: str, text: str) -> Break:
    def change(at: Terminal) -> None:
        at.clone.write(name, text)
        at.merge()

    return change


def _removed(at: Terminal) -> None:
    at.clone.remove("qflow.yaml")
    at.merge()


def _git(*words: str) -> Break:
    return lambda at: at.clone.git(*words)


def _set(name: str, value: str | None) -> Break:
    return lambda at: at.environ(name, value)


def _edited(name: str, old: str, new: str) -> Break:
    def change(at: Terminal) -> None:
        at.edit(name, old, new)
        at.merge()

    return change


def _named_otherwise(at: Terminal) -> None:
    at.edit("qflow.yaml", _lineage(at), "0" * 32)
    at.merge()


def _unnamed(at: Terminal) -> None:
    at.edit("qflow.yaml", f", lineage: '{_lineage(at)}'", "")
    at.merge()


def _without_runs(at: Terminal) -> None:
    at.clone.move("runs/a.yaml", "other/a.yaml")
    (at.clone.path / "runs").rmdir()
    at.merge()


def _copied(at: Terminal) -> None:
    """Work in a copy of the remote, as after a fork."""
    at.clone.git("clone", "--quiet", "--mirror", str(at.folder / "remote.git"), "../fork.git")
    at.clone.git("remote", "set-url", "origin", (at.folder / "fork.git").as_uri())


def _host(at: Terminal, said: str) -> None:
    """Let each push be answered in these words."""
    host = at.clone.write("../host", f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    host.chmod(0o755)
    at.clone.git("config", "remote.origin.receivepack", str(host))


def _recorded(at: Terminal, state: str, more: Mapping[str, Any]) -> None:
    """Let the lockfile have another run, in this state, of long ago."""
    remote = at.folder / "remote.git"
    data = record_of(remote)
    (known,) = data["environments"]["prod"]["runs"]["a"]["attempts"]
    first = {**known["events"][0], "at": "2026-01-01T00:00:00Z", **more}
    first |= {"leaseUntil": "2026-01-01T00:06:00Z"}
    left = {key: value for key, value in known.items() if key not in ("executionId", "status")}
    attempt = {**left, "state": state, "events": [first], "nonce": "0" * 32}
    attempt["digest"] = "v1:sha256:" + "0" * 64
    data["environments"]["prod"]["runs"]["b"] = {"attempts": [attempt]}
    data["serial"] += 1
    tip = (remote / "refs/heads" / BRANCH).read_text().strip()
    put_files(remote, files_of_record(data), tip)


def _doubted(at: Terminal, days: int = 0, faults: Sequence[str] = LOST) -> None:
    at.specs(a=spec("a"), b=spec("b"))
    at.faults(*faults)
    applied(at, 9)
    at.faults()
    at.later(days=days)


def _expired(at: Terminal) -> None:
    _doubted(at, 31, ("drop",))
    applied(at)


def _saved(at: Terminal) -> None:
    """Let the remote take the intent, and refuse what comes after it."""
    at.specs(a=spec("a"), b=spec("b"))
    count, hook = at.folder / "remote.git/pushes", at.folder / "remote.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f'#!/bin/sh\necho x >> "{count}"\n'
        f'[ $(wc -l < "{count}") -le 1 ] || {{ echo "hook declined" >&2; exit 1; }}\n'
    )
    hook.chmod(0o755)
    applied(at, 11)
    hook.unlink()


def _unapplied(at: Terminal) -> None:
    """Something was merged, and for two days nobody applied."""
    at.specs(a=spec("a"), b=spec("b"))
    at.clone.git("fetch", "--quiet", "origin")
    at.later(days=2)


def _rewritten(at: Terminal) -> None:
    remote = at.folder / "remote.git"
    old = at.clone.git("ls-remote", "origin", f"refs/heads/{BRANCH}").split()[0]
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    (remote / "refs/heads" / BRANCH).write_text(old + "\n")


_INVALID = spec("b").replace("kind: WorkflowRun", "kind: Workflow")

BROKEN: Mapping[str, Broken] = {
    "settings": Broken(
        "The settings aren't what they may be.", "settings", "failed",
        _edited("qflow.yaml", "lock:", "loock:"),
        Person(changes={"lock": lambda at: at.edit("qflow.yaml", "loock:", "lock:")}),
    ),
    "settings-gone": Broken(
        "The settings were removed.", "settings", "failed",
        _removed,
    ),
    "platform": Broken(
        "An environment has no platform.", "platform", "failed",
        _edited("qflow.yaml", "{platform: sandbox}", "{}"),
        Person(changes={"Set `platform:` in qflow.yaml": lambda at: at.edit(
            "qflow.yaml", "prod: {}", "prod: {platform: sandbox}")}),
    ),
    "folders": Broken(
        "The folder of the specs was renamed.", "folders", "failed", _without_runs,
        Person(elsewhere={"take it out under": "that is for who renamed it"}),
    ),
    "specs": Broken(
        "A spec isn't one.", "specs", "failed", _written("runs/b.yaml", _INVALID),
        Person(changes={"Write `kind: WorkflowRun`": _written("runs/b.yaml", spec("b"))}),
    ),
    "schemas": Broken(
        "Another version wrote the schemas of this repository.", "schemas", "warning",
        _written(".qflow/schemas/project.schema.json", "{}\n"),
    ),
    "sparse": Broken(
        "Specs aren't checked out.", "sparse", "warning", _git("sparse-checkout", "set", "docs"),
    ),
    "shallow": Broken(
        "The history is cut off.", "shallow", "warning",
        _git("fetch", "--quiet", "--depth=1", "origin", "main"),
    ),
    "hooks": Broken(
        "Nobody installed the hook that the repository asks for.", "hooks", "warning",
        _written(".pre-commit-config.yaml", "repos:\n- repo: https://example.com/copy\n"
                 "  rev: v0.1.0\n  hooks:\n  - id: qflow-gitops-validate\n"),
    ),
    "attributes-of-specs": Broken(
        "git makes other texts of specs.", "attributes", "warning",
        _written(".gitattributes", "runs/** ident\n"),
        Person(changes={"Take `ident` off": lambda at: at.clone.write(".gitattributes", "")}),
    ),
    "attributes-of-the-lockfile": Broken(
        "git puts two lockfiles together.", "attributes", "failed",
        _written(".gitattributes", "qflow.lock merge=union\n"),
        Person(changes={"Take `merge` off": lambda at: at.clone.write(".gitattributes", "")}),
        store="worktree",
    ),
    "line-ends-of-the-lockfile": Broken(
        "git changes line ends of the lockfile.", "attributes", "warning",
        _written(".gitattributes", "* text=auto\n"), store="worktree",
    ),
    "remote": Broken(
        "The remote has another name.", "lock-remote", "failed",
        _git("remote", "rename", "origin", "upstream"),
        Person({"ADDRESS": lambda at: (at.folder / "remote.git").as_uri()},
               elsewhere={"name another one": "the team's remote is called origin"}),
    ),
    "protocol": Broken(
        "git may not speak to the remote.", "protocol", "failed",
        _git("config", "--global", "protocol.file.allow", "never"),
    ),
    "protocol-of-a-variable": Broken(
        "A variable doesn't have the remote's protocol.", "protocol", "failed",
        _set("GIT_ALLOW_PROTOCOL", "https:ssh"),
    ),
    "remote-gone": Broken(
        "The remote isn't there any more.", "lock-branch", "failed",
        lambda at: (at.folder / "remote.git").rename(at.folder / "away.git"), mends=False,
    ),
    "rights": Broken(
        "Who works here may not push.", "lock-push", "failed",
        partial(_host, said="ERROR: Permission to team/runs.git denied to ada."),
        Person(changes={"needs the right to push": _git(
            "config", "--unset", "remote.origin.receivepack")}),
    ),
    "branch-gone": Broken(
        "Somebody removed the lockfile's branch.", "lockfile", "failed",
        lambda at: at.clone.git("push", "--quiet", "origin", f":{BRANCH}"),
    ),
    "rewritten": Broken(
        "Somebody put an older lockfile back.", "lockfile", "failed", _rewritten,
        mends=True,
    ),
    "lineage": Broken(
        "The settings name another lockfile.", "lineage", "failed",
        _named_otherwise,
        Person(changes={"restore the right one": _git("revert", "--no-edit", "HEAD")}),
    ),
    "lineage-not-named": Broken(
        "The settings don't name the lockfile.", "lineage", "warning",
        _unnamed,
        Person(changes={"Put it under": _git("revert", "--no-edit", "HEAD")}),
    ),
    "place": Broken(
        "This is a fork.", "place", "failed", _copied,
        Person(WHY, elsewhere={"apply there": "who works with the original does"}),
    ),
    "rescue": Broken(
        "Answers of an apply were saved, and never brought in.", "rescue", "failed", _saved,
    ),
    "frozen": Broken(
        "Somebody froze everything.", "frozen", "warning",
        lambda at: at("freeze", "--reason", "incident"), Person(WHY),
    ),
    "frozen-by-a-variable": Broken(
        "A variable freezes everything.", "frozen", "warning",
        _set("QFLOW_FREEZE", "incident"),
    ),
    "intents": Broken(
        "An apply was killed, and none came after it.", "intents", "failed",
        partial(_recorded, state="intent", more={}), Person(FOUND), mends=None,
    ),
    "doubts": Broken(
        "An answer was lost.", "doubts", "warning", _doubted, Person(FOUND),
    ),
    "doubts-of-weeks": Broken(
        "An answer was lost, three weeks and more ago.", "doubts", "failed",
        partial(_doubted, days=26), Person(FOUND),
    ),
    "expired": Broken(
        "An answer was lost so long ago that nobody can look it up.", "expired", "failed",
        _expired, Person(FOUND),
    ),
    "schedule": Broken(
        "Nobody applies any more.", "schedule", "warning", _unapplied, Person(WHY),
    ),
    "ci": Broken(
        "A CI would throw the lockfile away.", "lock-store", "failed", _set("CI", "true"),
        Person(elsewhere={"on the machine that has it": "this is one without a remote"}),
        store="worktree", mends=False,
    ),
}  # fmt: skip


def _scenario(broken: Broken) -> Callable[[Terminal], tuple[str, Person]]:
    def provoke(at: Terminal) -> tuple[str, Person]:
        healthy(at)
        broken.breaks(at)
        return DOCTOR, broken.person

    provoke.__doc__ = broken.title
    return provoke


for _name, _broken in BROKEN.items():
    SCENARIOS[f"doctor-{_name}"] = (_broken.store, _scenario(_broken))
