"""Forks, mirrors, renamed organizations, other ways to write an address: who may apply where.

Each story counts what Qualys executed.
"""

import subprocess
from pathlib import Path

import pytest

from qflow_gitops.base.addresses import same_form
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.githttp import has_backend, header, serve_http
from tests.helpers.specs import spec
from tests.helpers.sshd import MISSING, serve_ssh

ACK = ("--ack", "place=1", "--reason", "the organization was renamed")
ALL, MAIN = "refs/heads/*", "refs/heads/main"


def copied(remote: Remote, name: str, *refs: str) -> Remote:
    """Another remote with some branches of one, as a fork or a mirror has them."""
    copy = Remote(remote.path.parent / name)
    remote.git("push", "--quiet", str(copy.path), *(f"{ref}:{ref}" for ref in refs))
    return copy


def refused(done: Done) -> None:
    assert done.code == 11, done
    assert "This lockfile isn't known at " in done.err
    assert "Nothing was sent and nothing was written." in done.err


def at(folder: Workspace, cli: Cli) -> Cli:
    return Cli(folder.path, cli._capfd)


@pytest.fixture
def begun(shared: Workspace, cli: Cli) -> Cli:
    """A clone whose one run was sent and succeeded."""
    return at(shared, cli)


def goes_on(clone: Workspace, name: str) -> None:
    """Commit one more run and push it."""
    clone.write(f"runs/{name}.yaml", spec(name))
    clone.publish(name)


def test_a_fork_with_the_lock_branch_sends_nothing_that_the_original_sent(
    begun: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    fork = copied(remote, "fork.git", ALL)  # as things stood
    goes_on(Workspace(begun.folder), "later")
    assert begun("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2
    mine = at(fork.clone("mine"), begun)
    Workspace(mine.folder).git("pull", "--quiet", str(remote.path), "main")
    plan = mine("plan")
    assert plan.out.startswith("! `apply` would refuse this: ")
    assert "1 run to start" in plan.out  # its decisions are shown as usual
    before = fork.tip()
    for words in (
        ("apply", "--yes"),
        ("apply", "--yes", "--approved"),
        ("lock", "move", "--to", "branch", "--branch", "mine"),
    ):
        done = mine(*words)
        assert done.code == 11, done
    refused(mine("apply", "--yes"))
    assert fork.tip() == before
    assert len(sandbox.executions()) == 2


def test_a_fork_without_the_lock_branch_begins_none(
    begun: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    clone = Workspace(begun.folder)
    lineage = remote.record()["lineage"]
    clone.write(
        "qflow.yaml",
        (clone.path / "qflow.yaml")
        .read_text()
        .replace("{store: branch}", f"{{store: branch, lineage: '{lineage}'}}"),
    )
    clone.publish("the lineage")
    fork = copied(remote, "fork.git", MAIN)
    mine = at(fork.clone("mine"), begun)
    done = mine("apply", "--yes")
    assert (done.code, len(sandbox.executions())) == (11, 1)
    assert lineage in done.err
    assert BRANCH not in fork.git("for-each-ref")


def test_a_mirror_that_is_switched_to_goes_on_once_a_person_said_so(
    begun: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    mirror = copied(remote, "mirror.git", ALL)
    clone = Workspace(begun.folder)
    clone.git("remote", "set-url", "origin", mirror.path.as_uri())
    refused(begun("apply", "--yes"))
    without = begun("apply", "--yes", "--ack", "place=1")
    assert (without.code, "--reason TEXT" in without.err) == (2, True)
    assert begun("apply", "--yes", *ACK).code == 0
    event = mirror.record()["places"][-1]
    assert (event["event"], event["reason"]) == ("known", ACK[-1])
    assert len(sandbox.executions()) == 1
    goes_on(clone, "later")
    assert begun("apply", "--yes").code == 0  # for good
    assert len(sandbox.executions()) == 2
    again = begun("apply", "--yes", *ACK)
    assert (again.code, "releases nothing" in again.err) == (2, True)


def test_it_is_added_although_nothing_is_due_and_before_anything_is_sent(
    begun: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    mirror = copied(remote, "mirror.git", ALL)
    clone = Workspace(begun.folder)
    clone.git("remote", "set-url", "origin", mirror.path.as_uri())
    goes_on(clone, "later")
    assert begun("apply", "--yes", *ACK).code == 0
    subjects = mirror.subjects()
    assert subjects.index("all: known here") < subjects.index("prod: start later")
    (attempt,) = mirror.attempts("later")
    (released,) = attempt["evidence"]["released"]
    assert released["hold"] == "place"


def test_a_renamed_organization_is_one_release(
    begun: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    new = remote.path.parent / "new-organization" / remote.path.name
    new.parent.mkdir()
    remote.path.rename(new)
    Workspace(begun.folder).git("remote", "set-url", "origin", str(new))
    refused(begun("apply", "--yes"))
    assert begun("apply", "--yes", *ACK).code == 0
    fresh = at(Remote(new).clone("fresh"), begun)
    assert fresh("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


def other_ways(path: Path) -> list[str]:
    """Ways to write a path of this machine."""
    return [str(path), path.as_uri(), f"{path}/", f"../{path.name}", str(path).removesuffix(".git")]


def test_a_path_is_its_url_however_it_is_written(
    begun: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    for number, address in enumerate(other_ways(remote.path)):
        clone = Workspace(begun.folder)
        clone.git("remote", "set-url", "origin", address)
        goes_on(clone, f"more-{number}")
        assert begun("apply", "--yes").code == 0, address
    assert len(sandbox.executions()) == 6


@pytest.mark.skipif(not has_backend(), reason="needs git-http-backend")
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_http_to_ssh_is_the_same_place(
    begun: Cli, remote: Remote, sandbox: SandboxServer, tmp_path: Path
) -> None:
    clone = Workspace(begun.folder)
    with serve_http(Path("/")) as git, serve_ssh(tmp_path / "ssh") as ssh:
        for key, value in (("http.extraHeader", header()), ("core.sshCommand", ssh.command())):
            clone.git("config", key, value)
        clone.git("remote", "set-url", "origin", f"{git.url}{remote.path}")
        refused(begun("apply", "--yes"))  # from a path to a server
        assert begun("apply", "--yes", *ACK).code == 0
        for number, address in enumerate(
            (
                f"{ssh.address}{remote.path}",
                f"{ssh.address.replace('@', '@')}{remote.path}/",
                f"{git.url.replace('http://', 'http://somebody@')}{remote.path}",
            )
        ):
            clone.git("remote", "set-url", "origin", address)
            goes_on(clone, f"by-{number}")
            assert begun("apply", "--yes").code == 0, address
    assert len(sandbox.executions()) == 4


def test_a_work_trees_lockfile_that_a_fork_brings_along(
    project: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Path
) -> None:
    origin = Remote(tmp_path / "remote.git")
    project.git("remote", "add", "origin", str(origin.path))
    assert cli("apply", "--yes").code == 0
    project.git("add", "qflow.lock")
    project.publish("the lockfile")
    fork = copied(origin, "fork.git", MAIN)
    goes_on(project, "later")
    assert cli("apply", "--yes").code == 0
    mine = at(fork.clone("mine"), cli)
    Workspace(mine.folder).git("pull", "--quiet", str(origin.path), "main")  # without its lockfile
    refused(mine("apply", "--yes"))
    assert len(sandbox.executions()) == 2
    Workspace(mine.folder).git("remote", "remove", "origin")
    done = mine("apply", "--yes")
    assert (done.code, "isn't known in a clone without a remote" in done.err) == (11, True)


def test_a_clone_with_two_remotes_of_which_none_is_called_origin(
    project: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Path
) -> None:
    """Which one counts is for the settings to say; no release is needed."""
    origin = Remote(tmp_path / "remote.git")
    project.git("remote", "add", "upstream", str(origin.path))
    assert cli("apply", "--yes").code == 0
    project.git("remote", "add", "mine", str(Remote(tmp_path / "fork.git").path))
    done = cli("apply", "--yes")
    assert (done.code, "nor with several of which none is called as" in done.err) == (11, True)
    settings = project.read("qflow.yaml")
    project.write("qflow.yaml", settings + "  lock: {remote: upstream}\n")
    project.commit("which remote it is")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


def test_a_laptop_without_a_remote_gets_one(
    project: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Path
) -> None:
    assert cli("apply", "--yes").code == 0
    origin = Remote(tmp_path / "remote.git")
    project.git("remote", "add", "origin", str(origin.path))
    goes_on(project, "later")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_the_hint_does_what_it_says(begun: Cli, remote: Remote, sandbox: SandboxServer) -> None:
    mirror = copied(remote, "mirror.git", ALL)
    clone = Workspace(begun.folder)
    clone.git("remote", "add", "mirror", str(mirror.path))
    clone.git("remote", "set-url", "origin", str(mirror.path))
    refused(begun("apply", "--yes"))
    clone.git("remote", "set-url", "origin", remote.path.as_uri())
    mirror.git("update-ref", "-d", f"refs/heads/{BRANCH}")  # it has no copy of the lockfile
    moved = begun("lock", "move", "--to", "branch", "--remote", "mirror")
    assert moved.code == 0, moved
    clone.publish("moved")
    clone.git("push", "--quiet", "mirror", "main")
    goes_on(clone, "later")
    clone.git("push", "--quiet", "mirror", "main")
    assert begun("apply", "--yes").code == 0
    assert mirror.states()["later"] == "succeeded"
    assert len(sandbox.executions()) == 2


ADDRESSES = [
    ("ssh://git@Host.example:2222/team/runs.git", "host.example/team/runs"),
    ("git@host.example:team/runs.git", "host.example/team/runs"),
    ("host.example:/team/runs", "host.example/team/runs"),
    ("git://host.example/team/runs/", "host.example/team/runs"),
    ("user@[host.example:2222]:team/runs", "host.example/team/runs"),
    ("ssh://[::1]:2222/team/runs", "::1/team/runs"),
    ("[::1]:team/runs", "::1/team/runs"),
    ("./team:runs", "/work/team:runs"),
    ("/srv/team/runs.git", "/srv/team/runs"),
]


@pytest.mark.parametrize(("address", "form"), ADDRESSES)
def test_git_takes_an_address_apart_in_the_same_way(address: str, form: str) -> None:
    """`git fetch-pack --diag-url` says how git itself reads it (git 2.39.5)."""
    assert same_form(address, "/work") == form
    done = subprocess.run(
        ["git", "fetch-pack", "--diag-url", address], capture_output=True, text=True, check=True
    )
    told = dict(line.removeprefix("Diag: ").split("=", 1) for line in done.stdout.splitlines())
    host = told.get("userandhost", told.get("hostandport", "")).rpartition("@")[2].lower()
    path = told["path"].removesuffix("/").removesuffix(".git")
    if told["protocol"] == "file":
        assert form.endswith(path.removeprefix("."))
    else:
        assert form == f"{host.strip('[]')}/{path.removeprefix('/')}".replace(":2222", "")
