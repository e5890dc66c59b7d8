"""Somebody with the right to push changes the lockfile's branch: each variant is named and refused.

By `lock verify` anywhere, by every command in a clone that knew the record before, and by a fresh
clone where that can tell: it looks at the newest commit and the one before.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.states import State
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.attacks import ATTACKS, Attack, anchored, covered
from tests.helpers.audits import audited
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.kept import Kept
from tests.helpers.partners import rows
from tests.helpers.specs import spec
from tests.helpers.stores import store_of

SENT = 4
"""What was executed before the attack; one run more is due."""
OF_EACH_KIND = {
    "a digest", "never sent", "a run gone", "two runs swapped", "frozen again", "never applied",
    "a head that is a link", "the same serial", "a submodule, module", "a merge",
    "two files of one name, the second lower", "back, and something new",
    "all of it in one commit",
}  # fmt: skip
of_each_kind = pytest.mark.parametrize(
    "attack", rows(ATTACKS, lambda one: one.name in OF_EACH_KIND, lambda one: one.name[:40])
)


ONLY_OURS = {"a run nested too deep"}
"""What `lock verify` refuses, since it couldn't write that again; `verify.py` only has to read."""


@pytest.fixture
def knew(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, kept: Kept
) -> Workspace:
    """A clone that knows the record: three runs, one of them with two attempts; one more is due."""

    def make() -> None:
        for name in "ab":
            workspace.write(f"runs/{name}.yaml", spec(name))
        workspace.publish("two more")
        assert cli("apply", "--yes").code == 0
        workspace.write("runs/a.yaml", spec("a", "changed"))
        workspace.publish("changed")
        assert cli("apply", "--yes").code == 0
        for command in ("freeze", "unfreeze"):
            assert cli(command, "--reason", "an exercise").code == 0
        anchored(store_of(workspace.path), b"no time stamp: nobody asks for one here")
        workspace.write("runs/due.yaml", spec("due"))
        workspace.publish("due")

    kept.begin("a record to attack", make, workspace, remote.path, sandbox)
    return workspace


@pytest.fixture(autouse=True)
def nothing_is_sent_twice(sandbox: SandboxServer) -> Iterator[None]:
    """Whatever a test does, no request goes out that went out before."""
    yield
    asked = [str(one["body"]) for one in sandbox.executions()]
    assert len(asked) == len(set(asked))


def refused(done: Done, sandbox: SandboxServer) -> None:
    assert done.code == 11, done
    assert "→" in done.err
    assert len(sandbox.executions()) == SENT


def named(checked: Any, bad: str, attack: Attack) -> None:
    """`lock verify` says of one commit what the attack did."""
    assert checked["exitCode"] == 11
    said = [problem for problem in checked["problems"] if problem.startswith(bad[:10])]
    for word in attack.says:
        assert any(word in problem for problem in said), checked["problems"]


def test_without_an_attack_all_of_it_goes_on(
    knew: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    assert len(sandbox.executions()) == SENT
    assert cli.json("lock", "verify")["problems"] == []
    assert (audited(remote.path).returncode, audited(remote.path).stderr) == (0, "")
    fresh = Cli(remote.clone("fresh").path, cli._capfd)
    assert fresh("apply", "--yes").code == 0
    assert len(sandbox.executions()) == SENT + 1
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == SENT + 1


def test_each_is_named_where_many_follow_one_another(
    knew: Workspace, remote: Remote, cli: Cli
) -> None:
    """Those that aren't one of each kind below, and that the history itself gives away."""
    good, made = remote.tip(), []
    for attack in ATTACKS:
        if not attack.blind and attack.name not in OF_EACH_KIND:
            made.append((attack, attack.made(remote)))
            covered(remote, good)
    checked, verdict = cli.json("lock", "verify"), audited(remote.path)
    for attack, bad in made:
        named(checked, bad, attack)
        assert bad in verdict.stdout or attack.name in ONLY_OURS, attack.name
    assert (verdict.returncode, verdict.stderr) == (1, "")


@of_each_kind
def test_it_is_named_and_refused(
    attack: Attack, knew: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    bad = attack.made(remote)
    verdict = audited(remote.path)
    agrees = attack.anchored or not (attack.blind or attack.name in ONLY_OURS)
    assert (verdict.returncode, bad in verdict.stdout) == (int(agrees), agrees), verdict
    assert verdict.stderr == ""
    fresh = Cli(remote.clone("fresh").path, cli._capfd)
    if attack.blind:
        looked = fresh.json("lock", "verify")["problems"]
        assert [one.startswith("anchors/") for one in looked] == [True] * attack.anchored
        assert any("was rewritten" in one for one in cli.json("lock", "verify")["problems"])
    else:
        named(fresh.json("lock", "verify"), bad, attack)
        refused(fresh("apply", "--yes"), sandbox)
    refused(cli("apply", "--yes"), sandbox)


@of_each_kind
def test_it_is_refused_by_whoever_else_knew_the_record(
    attack: Attack, knew: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """A session that is open, a plan, and an apply after this clone's own `git fetch`."""
    with store_of(knew.path).session() as session:
        attack.made(remote)
        with pytest.raises(LockError) as stopped:
            session.record([opening()])
        assert stopped.value.exit_code == 11
    refused(cli("plan"), sandbox)
    knew.git("fetch", "--quiet", "origin")
    refused(cli("apply", "--yes"), sandbox)


@of_each_kind
def test_what_a_later_commit_puts_back_is_named_and_refused(
    attack: Attack, knew: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """Also where this clone's own `git fetch` brought both commits before."""
    good = remote.tip()
    with store_of(knew.path).session() as session:
        bad = attack.made(remote)
        covered(remote, good)
        with pytest.raises(LockError) as stopped:
            session.record([opening()])
        assert stopped.value.exit_code == 11
    refused(cli("apply", "--yes"), sandbox)
    knew.git("fetch", "--quiet", "origin")
    for command in (("plan",), ("status",), ("apply", "--yes")):
        refused(cli(*command), sandbox)
    fresh = Cli(remote.clone("fresh").path, cli._capfd)
    if not attack.blind:
        named(fresh.json("lock", "verify"), bad, attack)
    assert fresh("apply", "--yes").code in (0, 11)


@pytest.mark.parametrize("later", [False, True])
def test_a_copy_that_git_fetched_is_looked_at_as_well(
    later: bool, knew: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """Where the remote can't be asked any more, a plan shows no record that lost something."""
    assert cli("plan").code == 0
    good = remote.tip()
    (attack,) = (one for one in ATTACKS if one.name == "never sent")
    attack.made(remote)
    if later:
        covered(remote, good)
    knew.git("fetch", "--quiet", "origin")
    remote.path.rename(remote.path.with_name("away.git"))
    refused(cli("plan"), sandbox)
    refused(cli("apply", "--yes"), sandbox)


def opening() -> Transition:
    event = Event("2026-01-01T00:00:00Z", State.INTENT)
    attempt = Attempt(1, State.INTENT, "v1:sha256:" + "1" * 64, (event,), facts={"nonce": "n"})
    return Transition("prod", "opened", 1, event, opens=attempt)


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    ("key", "value"),
    [("diff.ignoreSubmodules", "all"), ("diff.relative", "true"), ("diff.renames", "copies"),
     ("log.follow", "true"), ("log.diffMerges", "off"), ("diff.orderFile", "/dev/null"),
     ("core.quotePath", "true"), ("color.ui", "always"), ("log.showRoot", "false"),
     ("log.decorate", "full"), ("log.abbrevCommit", "true"), ("log.mailmap", "false")],
)  # fmt: skip
def test_a_persons_configuration_hides_nothing(
    key: str, value: str, knew: Workspace, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    by_name = {one.name: one for one in ATTACKS}
    knew.git("config", key, value)
    assert cli.json("lock", "verify")["problems"] == []
    attacks = [by_name[name] for name in ("a submodule, module", "a run renamed", "a merge")]
    bad = [attack.made(remote) for attack in attacks]
    checked = cli.json("lock", "verify")
    for commit, attack in zip(bad, attacks, strict=True):
        named(checked, commit, attack)
    refused(cli("apply", "--yes"), sandbox)
