"""A team's month: two people with a clone each, what they merge, and a CI that applies it."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import CONNECTOR, WORKFLOW

CLOUDS = {
    "aws": "    region: eu-central-1\n",
    "azure": "    resourceGroup: machines\n",
    "gcp": "    project: our-logs-4711\n",
}
Change = Callable[[Workspace], object]


def run(name: str, cloud: str = "aws", *, value: int = 1, metadata: str = "") -> str:
    """A spec as people write them; `value` is what is edited."""
    return (
        "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\n"
        f"metadata:\n  name: {name}\n{metadata}"
        f"spec:\n  workflowId: {WORKFLOW}\n  connectorType: {cloud}\n"
        f"  variables:\n    connectorId: {CONNECTOR}\n{CLOUDS[cloud]}"
        f"  input:\n    target: {name}\n    value: {value}   # agreed\n"
    )


@dataclass
class Month:
    """The remote, two people's clones, and what has happened so far."""

    folder: Path
    remote: Remote
    cli: Cli
    sandbox: SandboxServer
    told: list[str] = field(default_factory=list)
    held: dict[tuple[str, str], str] = field(default_factory=dict)
    """(reason, what) -> what a person did about it; "" as long as nobody did."""
    environments: tuple[str, ...] = ("prod",)
    number: int = 0

    # --- a pull request --------------------------------------------------------------

    def pull_request(
        self,
        who: str,
        title: str,
        *changes: Change,
        merge: str = "merge",
        before: Mapping[tuple[str, str], tuple[str, Change]] | None = None,
        applies: int = 0,
        code: int = 0,
        fails: bool = False,
        tried: bool = False,
        behind: int = 0,
    ) -> None:
        """Propose changes, look at the plan, merge, and let the CI apply.

        `before` are the decisions that the plan asks for: (reason, run) -> in words, and done.
        `applies` runs are sent then, and apply ends with `code`; `fails`: what is sent fails.
        `tried`: somebody applies the branch before it is merged. `behind`: it
        was begun so many merges ago.
        """
        self.number += 1
        clone = self.clone(who)
        clone.git("fetch", "--quiet", "origin")
        clone.git("switch", "--quiet", "-C", f"pull-{self.number}", f"origin/main~{behind}")
        for change in changes:
            change(clone)
        clone.commit(title)
        self.told.append(f"{self.number:>2}  {who:<4} {title}")
        assert self.typed(who, "validate").code == 0
        self.plan(who)
        if tried:
            done = self.typed(who, "apply", "--yes", "--format", "json")
            assert done.code == 5, done
            self.note(done.data["changes"])
        for (reason, what), (words, change) in (before or {}).items():
            self.decide(reason, what, who, words)
            change(clone)
            clone.commit(words)
            self.plan(who)
        self.merge(clone, merge)
        self.sandbox.set_faults(*(["outcome=Failed"] if fails else []))
        self.apply(applies, code)
        self.sandbox.set_faults()

    def merge(self, clone: Workspace, how: str) -> None:
        """Merge the branch that is checked out, as the host of the repository would."""
        git, branch = clone.git, clone.git("rev-parse", "--abbrev-ref", "HEAD")
        title = git("show", "--no-patch", "--format=%s")
        if how == "rebase":
            git("rebase", "--quiet", "--force-rebase", "origin/main")
            git("push", "--quiet", "origin", "HEAD:main")
            return
        git("switch", "--quiet", "-C", "main", "origin/main")
        if how == "squash":
            git("merge", "--quiet", "--squash", branch)
            git("commit", "--quiet", "--allow-empty", "-m", title)
        else:
            git("merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", branch)
        git("push", "--quiet", "origin", "main")

    # --- the program -----------------------------------------------------------------

    def clone(self, who: str) -> Workspace:
        path = self.folder / who
        return Workspace(path) if path.exists() else self.remote.clone(who)

    def typed(self, who: str, *words: str) -> Done:
        """Type a command in a person's clone."""
        self.cli.folder = self.folder / who
        return self.cli(*words)

    def plan(self, who: str) -> None:
        self.cli.folder = self.folder / who
        self.note(self.cli.json("plan")["changes"])

    def note(self, changes: list[dict[str, Any]]) -> None:
        """Notice what is held: each time, somebody will have to say something."""
        for one in changes:
            if one["action"] == "hold":
                self.missing(one["reason"], f"{one['environment']}/{one['name']}")

    def missing(self, reason: str, what: str) -> None:
        """Notice that somebody has to decide."""
        if (reason, what) not in self.held:
            self.held[reason, what] = ""
            self.told.append(f"      ! {what}: {reason}")

    def apply(self, sends: int, code: int = 0) -> None:
        """Let the CI apply what is on the main branch, in each environment."""
        shutil.rmtree(self.folder / "ci", ignore_errors=True)
        self.remote.clone("ci")
        before = len(self.sandbox.executions())
        codes, ended = [], []
        for name in self.environments:
            done = self.typed("ci", "apply", "--yes", "-e", name, "--format", "json")
            codes.append(done.code)
            self.note(done.data["changes"])
            ended += [one for one in done.data["outcomes"] if one["attempt"]["state"] == "failed"]
        sent = len(self.sandbox.executions()) - before
        self.told[-1] += f": {sent} sent" if sent else ""
        self.told[-1] += f", exit {max(codes)}" if any(codes) else ""
        for one in ended:
            self.missing("failed", f"{one['environment']}/{one['name']}")
        assert (sent, max(codes)) == (sends, code), (self.told, done)

    def apply_by_hand(self, who: str, *words: str, sends: int = 0) -> None:
        """Somebody applies the main branch, with what was decided."""
        clone, before = self.clone(who), len(self.sandbox.executions())
        clone.git("fetch", "--quiet", "origin")
        clone.git("switch", "--quiet", "-C", "main", "origin/main")
        done = self.typed(who, "apply", "--yes", *words)
        assert (done.code, len(self.sandbox.executions()) - before) == (0, sends), done

    def decide(self, reason: str, what: str, who: str, words: str) -> None:
        """Somebody decides about what is held or was refused."""
        assert self.held.get((reason, what)) == "", (reason, what, self.held)
        self.held[reason, what] = words
        self.told.append(f"      {who}: {words}")


def write(name: str, text: str) -> Change:
    return lambda clone: clone.write(name, text)


def edit(name: str, *pairs: tuple[str, str]) -> Change:
    """Put other texts in the place of some, each of which has to be there."""

    def change(clone: Workspace) -> None:
        text = clone.read(name)
        for old, new in pairs:
            assert old in text, (name, old)
            text = text.replace(old, new)
        clone.write(name, text)

    return change


def move(old: str, new: str) -> Change:
    return lambda clone: clone.move(old, new)


def remove(name: str) -> Change:
    return lambda clone: clone.remove(name)


def command(team: Month, who: str, *words: str) -> Change:
    """Type a command that changes files."""

    def typed(_clone: Workspace) -> None:
        done = team.typed(who, *words)
        assert done.code == 0, done

    return typed
