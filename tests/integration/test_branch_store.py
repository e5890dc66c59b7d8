"""The lockfile on a branch: any clone, any runner, one truth."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH, BRANCH_PROJECT, Remote, files_of_record, put_files
from tests.helpers.git import Workspace
from tests.helpers.partners import diagonal, rows
from tests.helpers.specs import spec
from tests.helpers.typed import commands, typed

RUN = "encrypt-prod-buckets"


def other(clone: Workspace, cli: Cli) -> Cli:
    """The program in another clone."""
    return Cli(clone.path, cli._capfd)


def test_one_clone_applies_and_another_knows(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    fresh = other(remote.clone("fresh"), cli)
    assert fresh.json("plan")["counts"]["run"] == 0
    assert fresh("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
    (attempt,) = remote.attempts(RUN)
    assert attempt["state"] == "succeeded"
    assert attempt["executionId"] == sandbox.executions()[0]["id"]


def test_reports_say_at_which_commit_of_the_branch(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli.json("plan")["lock"]["commit"] is None
    applied = cli.json("apply", "--yes")
    assert (applied["lock"]["commit"], applied["lock"]["exists"]) == (None, False)
    left = applied["lockAfter"]
    assert (left["commit"], left["exists"]) == (remote.tip(), True)
    assert left["serial"] == remote.record()["serial"]
    for command in ("plan", "status"):
        assert cli.json(command)["lock"]["commit"] == remote.tip(), command
    assert cli.json("apply", "--yes")["lock"]["commit"] == remote.tip()


def test_the_first_apply_makes_the_branch_and_says_how_to_pin_it(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    done = cli("apply", "--yes")
    lineage = remote.record()["lineage"]
    assert f'under `lock`: `lineage: "{lineage}"`.' in done.err
    assert remote.git("rev-list", "--max-parents=0", BRANCH).count("\n") == 0
    assert remote.git("merge-base", "--octopus", BRANCH) == remote.tip()
    names = remote.git("ls-tree", "--name-only", BRANCH).splitlines()
    assert names == ["README.md", "qflow.lock", "runs"]


def test_the_history_reads_as_one(remote: Remote, cli: Cli, sandbox: SandboxServer) -> None:
    """Each wave is one push: it claims its runs and records the answers of the one before."""
    for number in range(4):
        remote_spec = spec(f"run-{number}", number)
        (cli.folder / f"runs/{number}.yaml").write_text(remote_spec)
    workspace = Workspace(cli.folder)
    workspace.remove("runs/aws/buckets.yaml")
    workspace.publish("four")
    assert cli("apply", "--yes", "--no-wait", "--concurrency", "2").code == 0
    subjects = remote.subjects()
    assert subjects[0] == "prod: start run-0, run-1"
    assert any("accepted" in one and "start run-2" in one for one in subjects), subjects
    assert subjects[-1].startswith("prod: all applied through ")
    assert len(subjects) <= 5
    body = remote.git("log", "-1", "--format=%B", f"{BRANCH}~1")
    assert re.search(r"^prod/run-3 #1: accepted, execution [0-9a-f-]{36}$", body, re.MULTILINE)
    assert re.search(r"^Qflow-Nonce: [0-9a-f]{32}$", body, re.MULTILINE)


def test_no_work_tree_no_checkout_no_hook(
    remote: Remote, cli: Cli, sandbox: SandboxServer, workspace: Workspace
) -> None:
    for name in ("pre-push", "pre-commit", "post-checkout", "reference-transaction"):
        hook = workspace.path / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text('#!/bin/sh\ntouch "$PWD/hook-ran"\nexit 1\n')
        hook.chmod(0o755)
    before = workspace.git("status", "--porcelain")
    assert cli("apply", "--yes").code == 0
    assert workspace.git("status", "--porcelain") == before
    assert workspace.git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert not list(workspace.path.rglob("hook-ran"))


@pytest.mark.parametrize(
    "depth",
    rows(("--depth=1", "--depth=2", "--filter=blob:none"), lambda depth: depth == "--depth=1"),
)
def test_a_shallow_clone_applies(
    depth: str, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    remote.git("config", "uploadpack.allowFilter", "true")
    assert cli("apply", "--yes").code == 0
    Workspace(cli.folder).write("runs/b.yaml", spec("b"))
    Workspace(cli.folder).commit("b")
    Workspace(cli.folder).git("push", "--quiet", "origin", "main")
    shallow = other(remote.clone("shallow", depth), cli)
    assert shallow("apply", "--yes").code == 0, shallow("apply", "--yes").err
    assert set(remote.states()) == {RUN, "b"}
    assert len(sandbox.executions()) == 2


def test_a_machine_without_an_identity(
    remote: Remote, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = cli.folder.parent / "no-identity"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("USER", raising=False)
    assert cli("apply", "--yes").code == 0
    assert remote.git("log", "-1", "--format=%an <%ae>", BRANCH) == (
        "qflow-gitops <qflow-gitops@localhost>"
    )


def test_a_branch_protected_against_deletion_and_force_pushes(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    remote.git("config", "receive.denyDeletes", "true")
    remote.git("config", "receive.denyNonFastForwards", "true")
    assert cli("apply", "--yes").code == 0
    Workspace(cli.folder).write("runs/b.yaml", spec("b"))
    Workspace(cli.folder).publish("b")
    assert cli("apply", "--yes").code == 0
    assert remote.states() == {RUN: "succeeded", "b": "succeeded"}


REFUSE = (
    'while read old new ref; do case "$ref" in *qflow-lock) '
    'echo "protected branch hook declined" >&2; exit 1;; esac; done\n'
)


def test_a_rejected_push_before_the_post_sends_nothing(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    remote.hook("pre-receive", REFUSE)
    done = cli("apply", "--yes")
    assert done.code == 11
    assert "hook declined" in done.err
    assert "A rule or a hook of the host refuses it" in done.err
    assert sandbox.requests("POST", "/run") == []
    assert "Traceback" not in done.err


def test_a_rejected_push_after_the_post_is_rescued_and_said(
    remote: Remote, cli: Cli, sandbox: SandboxServer, later: Callable[[float], None]
) -> None:
    """The answer is saved, printed, and `lock push` brings it into the lockfile."""
    count = remote.path / "pushes"
    remote.hook(
        "pre-receive", f'echo x >> "{count}"\n[ $(wc -l < "{count}") -le 1 ] || {{ {REFUSE} }}\n'
    )
    done = cli("apply", "--yes")
    assert done.code == 11
    assert len(sandbox.executions()) == 1
    (execution,) = sandbox.executions()
    saved = Workspace(cli.folder).read("qflow.lock.rescue")
    assert execution["id"] in saved
    assert "lock push" in done.out
    assert saved.splitlines()[0] in done.out.splitlines()
    assert remote.states() == {RUN: "intent"}
    (remote.path / "hooks/pre-receive").unlink()
    brought = cli("lock", "push")
    assert brought.code == 0, brought.err
    assert remote.states() == {RUN: "accepted"}
    assert not (cli.folder / "qflow.lock.rescue").exists()
    assert cli("apply", "--yes").code == 0
    assert remote.states() == {RUN: "succeeded"}
    assert len(sandbox.executions()) == 1


def test_a_rescue_that_the_record_has_already_changes_nothing(
    remote: Remote, cli: Cli, sandbox: SandboxServer, later: Callable[[float], None]
) -> None:
    test_a_rejected_push_after_the_post_is_rescued_and_said(remote, cli, sandbox, later)
    assert cli("lock", "push").code == 2
    tip = remote.tip()
    Workspace(cli.folder).write("old.rescue", "not json")
    assert cli("lock", "push", "old.rescue").code == 2
    assert remote.tip() == tip


def test_an_unreachable_remote_sends_nothing_and_a_plan_uses_its_copy(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    Workspace(cli.folder).write("runs/b.yaml", spec("b"))
    Workspace(cli.folder).commit("b")
    remote.path.rename(remote.path.with_name("elsewhere.git"))
    plan = cli.json("plan")
    assert plan["counts"]["run"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", plan["lock"]["copiedAt"])
    assert re.fullmatch(r"[0-9a-f]{40}", plan["lock"]["commit"])
    assert "as it was here at" in cli("plan").out
    done = cli("apply", "--yes")
    assert done.code == 11
    assert len(sandbox.executions()) == 1


def test_a_plan_without_any_copy_refuses(remote: Remote, cli: Cli, sandbox: SandboxServer) -> None:
    """ "Everything is new" is never concluded from a remote that can't be asked."""
    remote.path.rename(remote.path.with_name("elsewhere.git"))
    assert cli("plan").code == 11
    assert cli("apply", "--yes").code == 11
    assert sandbox.requests() == []


def pinned(remote: Remote, cli: Cli) -> None:
    """Write the lineage into the settings, as the first apply says."""
    lineage = remote.record()["lineage"]
    workspace = Workspace(cli.folder)
    workspace.write(
        "qflow.yaml", BRANCH_PROJECT.replace("branch}", f"branch, lineage: {lineage}}}")
    )
    workspace.commit("pin the lockfile")
    workspace.git("push", "--quiet", "origin", "main")


def test_a_removed_branch_is_not_a_new_beginning(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """Neither in the clone that knew it, nor in a fresh one whose settings pin the lineage."""
    assert cli("apply", "--yes").code == 0
    pinned(remote, cli)
    tip = remote.tip()
    remote.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    for one in (cli, other(remote.clone("fresh"), cli)):
        for command in (["apply", "--yes"], ["plan"]):
            refused = one(*command)
            assert refused.code == 11, refused
    known = cli("apply", "--yes")
    assert f"git push origin {tip}:refs/heads/" in known.err
    assert len(sandbox.executions()) == 1


def test_a_branch_that_was_put_back_is_refused(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    remote.git("update-ref", f"refs/heads/{BRANCH}", f"{BRANCH}~1")
    refused = cli("apply", "--yes")
    assert refused.code == 11
    assert "rewritten" in refused.err
    assert "git push --force origin " in refused.err
    assert len(sandbox.executions()) == 1
    checked = cli("lock", "verify")
    assert checked.code == 11
    assert "was rewritten" in checked.out
    remote.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    gone = cli("lock", "verify")
    assert gone.code == 11
    assert "is gone" in gone.err


def test_a_merge_at_its_tip_is_refused_by_a_fresh_clone(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """A clone that knows nothing yet can compare with one parent only, so two are a reason."""
    assert cli("apply", "--yes").code == 0
    tip = remote.tip()
    merge = remote.git(
        "-c", "user.name=x", "-c", "user.email=x@localhost", "commit-tree", f"{tip}^{{tree}}",
        "-p", f"{tip}~1", "-p", tip, "-m", "merge",
    )  # fmt: skip
    remote.git("update-ref", f"refs/heads/{BRANCH}", merge.strip())
    refused = other(remote.clone("fresh"), cli)("apply", "--yes")
    assert refused.code == 11
    assert "is a merge" in refused.err
    assert f"git log -3 {merge.strip()}" in refused.err
    assert len(sandbox.executions()) == 1


def rewrite(
    remote: Remote,
    change: Callable[[Any], None],
    *,
    on_top: bool = True,
    headless: bool = False,
    record: str = BRANCH,
) -> None:
    """Put a changed record on the branch, as somebody with a text editor would."""
    data = remote.record(record)
    change(data)
    files = files_of_record(data)
    if headless:
        del files["qflow.lock"]
    parent = remote.tip() if on_top else ""
    if not on_top:
        remote.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    put_files(remote.path, files, parent)


def forget(data: Any) -> None:
    data["environments"]["prod"]["runs"].clear()
    data["serial"] += 1


def redate(data: Any) -> None:
    data["environments"]["prod"]["runs"][RUN]["attempts"][0]["digest"] = "v1:sha256:" + "0" * 64
    data["serial"] += 1


@pytest.mark.parametrize(("change", "fresh"), diagonal((forget, redate), (True, False)))
def test_a_record_that_lost_something_is_refused(
    change: Callable[[Any], None], fresh: bool, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """Pushed on top, so that git sees nothing odd: `apply` and `lock verify` do."""
    assert cli("apply", "--yes").code == 0
    rewrite(remote, change)
    one = other(remote.clone("fresh"), cli) if fresh else cli
    refused = one("apply", "--yes")
    assert refused.code == 11
    checked = one.json("lock", "verify")
    assert checked["exitCode"] == 11
    assert checked["problems"]
    _copy, look, back = commands(refused.err)
    typed(one.folder, look)
    typed(one.folder, back)
    assert one("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


def test_verify_goes_through_the_whole_history(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """A loss that a later commit covers is found, and a good history is called good."""
    assert cli("apply", "--yes").code == 0
    good = cli.json("lock", "verify")
    assert (good["exitCode"], good["problems"]) == (0, [])
    assert good["versions"] == len(remote.subjects())
    assert (good["attempts"], good["digests"]) == (1, 1)
    rewrite(remote, forget)
    Workspace(cli.folder).write("runs/b.yaml", spec("b"))
    rewrite(remote, lambda data: data.update(serial=data["serial"] + 1))
    assert cli.json("lock", "verify")["exitCode"] == 11


def test_a_version_without_a_record_is_named(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """Among versions that are read many at a time: the ones around it keep their contents."""
    assert cli("apply", "--yes").code == 0
    good = remote.tip()
    rewrite(remote, lambda data: data.update(serial=data["serial"] + 1), headless=True)
    bad = remote.tip()
    rewrite(remote, lambda data: data.update(serial=data["serial"] + 1), record=good)
    checked = cli.json("lock", "verify")
    assert checked["exitCode"] == 11
    assert checked["problems"][0] == f"{bad[:10]}: qflow.lock is gone."
    assert all(problem.startswith(bad[:10]) for problem in checked["problems"])
    assert checked["attempts"] == 1


@pytest.mark.parametrize(
    ("version", "reason"), rows(((1, "lock_shrunk"), (3, "lock_newer")), lambda row: row[0] == 1)
)
def test_a_head_that_calls_itself_of_another_version(
    version: int, reason: str, remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """A newer program may go on with a lockfile, and an older one never: that is tampering."""
    assert cli("apply", "--yes").code == 0
    hand = remote.clone("by-hand", f"--branch={BRANCH}")
    head = hand.read("qflow.lock")
    hand.write("qflow.lock", head.replace('"lockfileVersion": 2', f'"lockfileVersion": {version}'))
    hand.git("commit", "--quiet", "--all", "--message=by hand")
    hand.git("push", "--quiet")
    refused = cli.json("apply", "--yes")
    assert (refused["exitCode"], refused["reason"]) == (11, reason)
    (problem,) = cli.json("lock", "verify")["problems"]
    assert problem == (
        f"{remote.tip()[:10]}: qflow.lock has version {version}, and this qflow-gitops reads "
        "version 2."
    )
    assert len(sandbox.executions()) == 1


def test_two_clones_do_not_send_twice(
    remote: Remote, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other clone writes between this one's look and its push: it loses only the race."""
    from qflow_gitops.git.lock_branch import GitBranch

    second = other(remote.clone("second"), cli)
    pushed = GitBranch.push
    done: list[int] = []

    def push(self: GitBranch, commit: str, parent: str) -> bool:
        if not done:
            done.append(1)
            assert second("apply", "--yes").code == 0
        return pushed(self, commit, parent)

    monkeypatch.setattr(GitBranch, "push", push)
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
    assert len(remote.attempts(RUN)) == 1


def test_an_older_commit_loses_the_race_too(
    remote: Remote, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another clone applied a newer commit meanwhile: what is still to be sent is superseded."""
    from qflow_gitops.git.lock_branch import GitBranch

    clone = remote.clone("second")
    clone.write("runs/aws/buckets.yaml", spec(RUN, "newer"))
    clone.publish("newer")
    second = other(clone, cli)
    pushed = GitBranch.push
    done: list[int] = []

    def push(self: GitBranch, commit: str, parent: str) -> bool:
        if not done:
            done.append(1)
            assert second("apply", "--yes").code == 0
        return pushed(self, commit, parent)

    monkeypatch.setattr(GitBranch, "push", push)
    assert cli("apply", "--yes").code == 7
    assert [one["body"]["input"] for one in sandbox.executions()] == [{"value": "newer"}]


def test_a_push_whose_answer_is_lost_is_read_back(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """The hook runs after the ref moved and kills the push: git fails, and yet it was done."""
    remote.hook("post-update", "kill -9 $(ps -o ppid= -p $$)\n")
    done = cli("apply", "--yes")
    assert done.code == 0, done.err
    assert remote.states() == {RUN: "succeeded"}
    assert len(sandbox.executions()) == 1


def test_nothing_of_qualys_reaches_git(
    remote: Remote, cli: Cli, sandbox: SandboxServer, workspace: Workspace
) -> None:
    """A credential helper or a transport of git's sees no credential of Qualys'."""
    seen = cli.folder.parent / "seen"
    script = cli.folder.parent / "upload-pack"
    script.write_text(f'#!/bin/sh\nenv > "{seen}"\nexec git-upload-pack "$@"\n')
    script.chmod(0o755)
    workspace.git("config", "remote.origin.uploadpack", str(script))
    assert cli("apply", "--yes").code == 0
    text = seen.read_text()
    assert "QFLOW_" not in text
    assert "canary" not in text


def test_waiting_and_launching_apart(remote: Remote, cli: Cli, sandbox: SandboxServer) -> None:
    assert cli("apply", "--yes", "--no-wait").code == 0
    assert remote.states() == {RUN: "accepted"}
    fresh = other(remote.clone("fresh"), cli)
    while fresh("status", "--refresh", "--exit-code").code == 8:
        continue
    assert remote.states() == {RUN: "succeeded"}
    assert len(sandbox.executions()) == 1


def test_a_changed_request_waits_for_the_doubt_of_an_earlier_one(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """What was held while another request was in doubt isn't taken for applied through."""
    sandbox.set_faults("drop#1")
    assert cli("apply", "--yes").code == 9
    first = remote.record()["environments"]["prod"]["appliedThrough"]
    workspace = Workspace(cli.folder)
    workspace.write("runs/aws/buckets.yaml", spec(RUN, "changed"))
    changed = workspace.publish("changed")
    assert cli("apply", "--yes").code == 9
    record = remote.record()["environments"]["prod"]
    assert (record["latest"], record["appliedThrough"]) == (changed, first)
    assert cli("resolve", RUN, "--assume-ran", "--reason", "looked").code == 0
    assert cli.json("plan")["counts"] == cli.json("plan", "--full")["counts"]
    assert cli.json("plan")["counts"]["run"] == 1


@pytest.mark.fault(23)
@pytest.mark.parametrize("key", ["push.pushOption", "push.gpgSign"])
def test_what_a_person_configured_for_pushes_does_not_reach_the_lockfiles(
    key: str, remote: Remote, cli: Cli, sandbox: SandboxServer, workspace: Workspace
) -> None:
    """This host takes neither, as most; git itself then doesn't push."""
    workspace.git("config", key, "true")
    with pytest.raises(subprocess.CalledProcessError):
        workspace.git("push", "origin", "HEAD:other")
    assert cli("apply", "--yes").code == 0
    assert remote.states() == {"encrypt-prod-buckets": "succeeded"}
