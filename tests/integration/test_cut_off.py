"""Clones that hold only the newest commits, or only some objects, of the lockfile's branch.

They plan and apply with the newest commit and the one before, and refuse what that did; `lock
verify` fetches the rest. Nothing else in such a clone becomes another one. `.ci/run` makes one that
lacks commits, one that lacks files, and one that lacks both; `.ci/nightly` one of each form.
"""

from collections.abc import Sequence

import pytest

from qflow_gitops.git.lock_reading import LockReading
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.attacks import ATTACKS, covered
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.gits import Gits
from tests.helpers.kept import Kept
from tests.helpers.partners import rows
from tests.helpers.specs import spec

SHALLOW = (("--depth=1",), ("--depth=1", "--no-single-branch"))
PARTIAL = (("--filter=blob:none",), ("--filter=tree:0",), ("--filter=tree:1",))
BOTH = (("--depth=1", "--filter=blob:none"), ("--depth=1", "--filter=tree:0"))
BY_DAY = (SHALLOW[0], PARTIAL[1], BOTH[0])
each = pytest.mark.parametrize(
    "options",
    rows(
        [(one,) for one in (*SHALLOW, *PARTIAL, *BOTH)],
        lambda row: row[0] in BY_DAY,
        lambda row: " ".join(row[0]),
    ),
)
RUNS = 12


@pytest.fixture
def shared(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, kept: Kept
) -> Workspace:
    """A clone of a remote whose lockfile has some twenty commits; nothing is due."""

    def make() -> None:
        for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            remote.git("config", setting, "true")
        for name in "abcdefghijk":
            workspace.write(f"runs/{name}.yaml", spec(name))
        workspace.publish("eleven more")
        assert cli("apply", "--yes", "--concurrency", "8").code == 0
        workspace.write("runs/a.yaml", spec("a", "changed"))
        workspace.publish("changed")
        assert cli("apply", "--yes").code == 0

    kept.begin("a record of many commits", make, workspace, remote.path, sandbox)
    return workspace


class Rest:
    """What of a clone isn't the lockfile's: its refs, its settings, where its history ends."""

    def __init__(self, clone: Workspace, *, pushed: bool = False) -> None:
        """Take a clone; git itself notes of a branch that is `pushed` where it is now."""
        self.clone = clone
        self.pushed = pushed
        self.before = self._now()

    def _now(self) -> tuple[str, ...]:
        shallow = self.clone.path / ".git/shallow"
        ends = set(shallow.read_text().split()) if shallow.exists() else set()
        here = set(self.clone.git("rev-list", "HEAD").split())
        refs = self.clone.git("for-each-ref", "refs/heads", "refs/remotes", "refs/tags")
        return (
            *(ref for ref in refs.splitlines() if not (self.pushed and ref.endswith(BRANCH))),
            self.clone.git("config", "--local", "--list"),
            self.clone.git("rev-list", "--count", "HEAD", "refs/remotes/origin/main"),
            *sorted(ends & here),
        )

    def stays(self) -> None:
        assert self._now() == self.before


def commits(clone: Workspace) -> int:
    """So many commits of the lockfile's branch are here."""
    return int(clone.git("rev-list", "--count", f"refs/qflow-gitops/origin/{BRANCH}"))


@each
def test_every_command_works_and_the_rest_of_the_clone_stays_as_it_was(
    options: tuple[str, ...], shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    clone = remote.clone("cut", *options)
    rest, one = Rest(clone), Cli(clone.path, cli._capfd)
    counts = {"run": 0, "wait": 0, "hold": 0, "skip": 0, "unchanged": RUNS}
    assert one.json("plan")["counts"] == counts
    assert one("status").code == 0
    assert one("history", "a").out == cli("history", "a").out
    assert one("apply", "--yes").code == 0
    whole = int(remote.git("rev-list", "--count", BRANCH))
    assert whole > 10
    assert commits(clone) == (2 if "--depth=1" in options else whole)
    rest.stays()
    checked = one.json("lock", "verify")
    assert (checked["exitCode"], checked["problems"]) == (0, [])
    assert checked["versions"] == commits(clone) == whole
    fetched = any("whole history was fetched" in note for note in checked.get("notes", ()))
    assert fetched == ("--depth=1" in options)
    rest.stays()
    again = one.json("lock", "verify")
    assert not any("fetched" in note for note in again.get("notes", ()))


@pytest.mark.parametrize("options", SHALLOW, ids=" ".join)
def test_a_shallow_clone_that_knew_nothing_gets_two_commits(
    options: tuple[str, ...], shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """For an apply that sends: those two, and its own."""
    clone = remote.clone("cut", *options)
    clone.write("runs/due.yaml", spec("due"))
    clone.publish("due")
    sent, before = len(sandbox.executions()), remote.tip()
    rest = Rest(clone, pushed=True)
    assert Cli(clone.path, cli._capfd)("apply", "--yes").code == 0
    assert len(sandbox.executions()) == sent + 1
    rest.stays()
    own = int(remote.git("rev-list", "--count", f"{before}..{BRANCH}"))
    assert commits(clone) == 2 + own


ATTACKED = ("never sent", "a run gone", "a submodule, module", "a merge")


@each
def test_what_the_newest_commit_did_is_refused_and_what_an_older_one_did_is_found(
    options: tuple[str, ...], shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    sent, good = len(sandbox.executions()), remote.tip()
    for attack in (one for one in ATTACKS if one.name in ATTACKED):
        remote.git("update-ref", f"refs/heads/{BRANCH}", good)
        bad = attack.made(remote)
        name = "".join(filter(str.isalpha, attack.name))
        clone = remote.clone(name, *options)
        rest, one = Rest(clone), Cli(clone.path, cli._capfd)
        assert one("apply", "--yes").code == 11
        assert one("plan").code == 11
        rest.stays()
        covered(remote, good)
        later = Cli(remote.clone(f"{name}-later", *options).path, cli._capfd)
        checked = later.json("lock", "verify")
        assert any(each.startswith(bad[:10]) for each in checked["problems"]), checked["problems"]
    assert len(sandbox.executions()) == sent


@pytest.mark.parametrize(
    ("options", "fetched"),
    rows(
        [(options, fetch) for options in SHALLOW
         for fetch in ("", "fetch", "fetch --depth=1", "pull --depth=1 --rebase")],
        lambda row: row[0] is SHALLOW[1],
        lambda row: f"{' '.join(row[0])}, git {row[1]}",
    ),
)  # fmt: skip
def test_a_clone_that_is_used_again_is_not_told_that_the_branch_was_rewritten(
    options: tuple[str, ...], fetched: str, shared: Workspace, remote: Remote, cli: Cli,
    sandbox: SandboxServer,
) -> None:  # fmt: skip
    """Others went on meanwhile, and its owner's own fetch may have cut off the branch anew."""
    clone = remote.clone("cut", *options)
    one = Cli(clone.path, cli._capfd)
    assert one("apply", "--yes").code == 0
    for name in ("x", "y"):
        shared.write(f"runs/{name}.yaml", spec(name))
        shared.publish(name)
        assert cli("apply", "--yes").code == 0
    sent = len(sandbox.executions())
    if fetched:
        clone.git(*fetched.split(), "--quiet")
    rest = Rest(clone)
    assert one("plan").code == 0
    rest.stays()
    if not fetched.startswith("pull"):
        clone.git("pull", "--quiet", "--rebase")
    assert one("apply", "--yes").code == 0
    assert len(sandbox.executions()) == sent
    good = remote.tip()
    (attack,) = (one for one in ATTACKS if one.name == "never sent")
    attack.made(remote)
    covered(remote, good)
    assert one("apply", "--yes").code == 11
    assert len(sandbox.executions()) == sent


@pytest.mark.parametrize("options", [*PARTIAL, *BOTH], ids=" ".join)
def test_what_was_left_out_comes_in_a_few_fetches(
    options: tuple[str, ...], shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """However many files and commits there are: for trees, blobs of a step, and all others."""
    assert remote.git("ls-tree", "-r", "--name-only", BRANCH).count("\n") > RUNS
    clone = remote.clone("partial", *options)
    one, gits = Cli(clone.path, cli._capfd), Gits()
    assert one("plan").code == 0
    assert gits.count()["fetch"] <= 3 + ("--depth=1" in options)
    assert one("lock", "verify").code == 0
    assert gits.count()["fetch"] <= 2 + ("--depth=1" in options)
    assert one("lock", "verify").code == 0
    assert "fetch" not in gits.count()


def test_a_partial_clone_that_pushes_elsewhere_is_given_no_other_settings(
    shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """The lockfile is read where it is pushed to, which has no name of its own."""
    clone = remote.clone("partial", "--filter=blob:none")
    elsewhere = Remote(remote.path.with_name("elsewhere.git"))
    elsewhere.git("fetch", "--quiet", remote.path.as_uri(), "main:main")
    clone.git("config", "remote.origin.pushurl", remote.path.as_uri())
    clone.git("config", "remote.origin.url", elsewhere.path.as_uri())
    clone.write("runs/due.yaml", spec("due"))
    clone.publish("due")
    clone.git("push", "--quiet", elsewhere.path.as_uri(), "main")
    rest, one = Rest(clone, pushed=True), Cli(clone.path, cli._capfd)
    sent = len(sandbox.executions())
    assert one("apply", "--yes").code == 0
    assert len(sandbox.executions()) == sent + 1
    assert one("lock", "verify").code == 0
    rest.stays()


@pytest.mark.parametrize("command", [("plan",), ("lock", "verify")], ids=" ".join)
def test_what_another_process_fetched_meanwhile_is_read(
    command: tuple[str, ...], shared: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Several at once in one partial clone: what this one missed is there when it looks again."""
    clone = remote.clone("partial", "--filter=blob:none")
    left_out = LockReading._left_out
    fetched: list[int] = []

    def late(self: LockReading, ids: Sequence[str]) -> Sequence[str]:
        if not fetched:
            fetched.append(1)
            assert Cli(clone.path, cli._capfd)("lock", "verify").code == 0
        return left_out(self, ids)

    monkeypatch.setattr(LockReading, "_left_out", late)
    assert Cli(clone.path, cli._capfd)(*command).code == 0
    assert fetched
