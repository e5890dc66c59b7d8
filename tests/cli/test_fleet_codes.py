"""The exit codes of a fleet's commands that the guide names, where no member has to be applied."""

import os
import resource
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from qflow_gitops.cli import fleet_engines
from qflow_gitops.cli.context import Wiring
from qflow_gitops.errors import InvalidInput
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.lockfile.fleet import claim
from qflow_gitops.stores.local_fleet import LocalFleetStore
from tests.helpers.cli import Cli
from tests.helpers.fleet_members import SETTINGS, home
from tests.helpers.fleets import fits
from tests.helpers.git import Workspace

LATER = "2100-01-01T00:00:00Z"


@pytest.fixture
def fleet(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A fleet of one member, which has a run that is due; its repository has no remote."""
    settings = f"{SETTINGS}  apply: {{approvals: elsewhere}}\n"
    acme = home(tmp_path / "members", "acme", settings=settings)
    head = "apiVersion: qflow-gitops/v1\nkind: Fleet\nspec:\n  members:\n"
    workspace.write("fleet.yaml", f"{head}    - {{name: acme, repository: {acme.address}}}\n")
    workspace.commit("the fleet")
    return workspace


@pytest.fixture
def lock(fleet: Workspace) -> LocalFleetStore:
    return LocalFleetStore(fleet.path / ".git" / "qflow-gitops")


def test_6_where_another_one_works_on_what_is_left(
    fleet: Workspace, lock: LocalFleetStore, cli: Cli
) -> None:
    now = datetime.now(UTC)
    other = claim("other", "ada", now, 600)
    lock.change(lambda record: record.claimed(["acme"], other, now))
    told = fits(cli.json("fleet", "apply"))
    assert told["exitCode"] == 6
    assert told["members"][0]["detail"].startswith("ada works on it")
    assert lock.read().held("other") == ("acme",)


def test_7_where_a_newer_commit_was_applied(
    fleet: Workspace, lock: LocalFleetStore, cli: Cli
) -> None:
    fleet.write("README.md", "More.\n")
    newest = fleet.commit("more")
    lock.change(lambda record: record.opened(1, newest, LATER))
    for words in (("apply",), ("matrix",), ("work", "acme")):
        told = fits(cli.json("fleet", *words, "--to", "HEAD~1"))
        assert (told["exitCode"], told["reason"]) == (7, "superseded")
        assert told["error"]["notDone"] == "No member was worked on."


@pytest.mark.parametrize("name", ["rewritten", "moved"])
@pytest.mark.parametrize("command", ["apply", "matrix"])
def test_2_where_nothing_was_rewritten_or_moved_that_could_be_let_go(
    name: str, command: str, fleet: Workspace, lock: LocalFleetStore, cli: Cli
) -> None:
    """It would take away the waves of the commit before, which hold as well."""
    base = fleet.git("rev-parse", "HEAD")
    lock.change(lambda record: record.opened(1, base, LATER))
    fleet.write("README.md", "More.\n")
    fleet.commit("more")
    refused = cli("fleet", command, "--ack", f"{name}=1", "--reason", "x")
    assert (refused.code, "Leave it out" in refused.err) == (2, True)
    assert (lock.read().commit, lock.read().releases) == (base, ())


def test_a_worker_begins_nobody_where_the_waves_before_can_not_be_read(
    fleet: Workspace, lock: LocalFleetStore
) -> None:
    """They hold as well, and a worker of another version may not be able to read them."""
    sound = fleet.git("rev-parse", "HEAD")
    fleet.write("fleet.yaml", "apiVersion: qflow-gitops/v1\nkind: Fleet\nspec: {newer: 1}\n")
    base = fleet.commit("what nobody here can read")
    wiring = cast("Wiring", SimpleNamespace(git=GitRepo.open(fleet.path, os.environ)))
    for commit in (base, "1" * 40):
        with pytest.raises(InvalidInput) as refused:
            fleet_engines._services(wiring, lock, sound, commit, lambda: False)
        assert refused.value.reason == "fleet_base"


def _matrix(cli: Cli) -> tuple[int, str, str]:
    """Ask whose turn it is: the code, what programs read, and what a person does."""
    done = cli("fleet", "matrix")
    return done.code, done.out, " ".join(done.err.split())


def test_where_it_is_nobodys_turn_a_person_is_told_why(
    fleet: Workspace, lock: LocalFleetStore, cli: Cli
) -> None:
    assert _matrix(cli)[:2] == (0, '[{"include":[{"member":"acme","credentials":"","wave":1}]}]\n')
    assert _matrix(cli)[2] == "", "nothing beside jobs"
    now = datetime.now(UTC)
    lock.change(lambda record: record.claimed(["acme"], claim("x", "ada", now, 600), now))
    code, jobs, why = _matrix(cli)
    assert (code, jobs) == (6, "[]\n")
    assert "ada works on it" in why
    lock.change(lambda record: record.given_back(["acme"], "x"))
    assert cli("fleet", "freeze", "--reason", "incident 42").code == 0
    code, jobs, why = _matrix(cli)
    assert (code, jobs) == (5, "[]\n")
    assert "! Everything is held: " in why
    assert "incident 42" in why
    assert "`qflow-gitops fleet unfreeze --reason TEXT`" in why
    assert "nobody:" in cli("fleet", "matrix", "--format", "gitlab").out
    assert "Everything" not in cli("fleet", "matrix", "--format", "text").err, "it's on stdout"


def test_where_a_wave_is_stopped_a_person_is_told_by_whom_and_what_to_type(
    fleet: Workspace, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "members" / "acme.git").rename(tmp_path / "gone")
    code, jobs, why = _matrix(cli)
    assert (code, jobs) == (5, "[]\n")
    assert "Wave 1 is stopped: 1 member, 1 failed; at most 0 may fail; acme failed" in why
    assert "`qflow-gitops fleet matrix --ack wave=1 --reason TEXT`" in why


def test_a_plan_says_whose_approvals_only_the_apply_asks_for(
    fleet: Workspace, cli: Cli, tmp_path: Path
) -> None:
    """Else a member is due by its plan, and held by its apply without a word before."""
    assert "approvals" not in cli("fleet", "plan").out
    people = Workspace(tmp_path / "members" / "acme-people")
    people.write("qflow.yaml", SETTINGS)
    people.commit("approved here")
    people.git("push", "--quiet", "origin", "HEAD:main")
    told = fits(cli.json("fleet", "plan"))
    assert told["members"][0]["action"] == "run"
    assert told["members"][0]["detail"] == "its approvals are asked when it is applied"
    assert "its approvals are asked when it is applied" in cli("fleet", "plan").out


def test_a_clone_of_a_member_is_offered_beside_that_of_the_fleet(
    fleet: Workspace, cli: Cli, tmp_path: Path
) -> None:
    """Inside of it `git add .` would take it in; a folder that is there already isn't offered."""
    people = Workspace(tmp_path / "members" / "acme-people")
    people.write("qflow.yaml", people.read("qflow.yaml") + "  unknown: 1\n")
    people.commit("broken")
    people.git("push", "--quiet", "origin", "HEAD:main")
    assert cli("fleet", "matrix").code == 5
    beside = fleet.path.parent / "acme"
    assert f"{beside} && qflow-gitops -C {beside} plan" in cli("fleet", "plan").out
    beside.mkdir()
    assert f"{beside}-2 && qflow-gitops -C {beside}-2 plan" in cli("fleet", "plan").out


@pytest.mark.parametrize("words", [("matrix",), ("work", "acme"), ("worker",)])
def test_2_where_jobs_are_to_read_an_inventory(
    words: tuple[str, ...], fleet: Workspace, lock: LocalFleetStore, cli: Cli
) -> None:
    done = cli("fleet", *words, "--inventory", "cat more.json")
    assert (done.code, done.out) == (2, "")
    assert "stand in no commit" in done.err
    assert "`qflow-gitops fleet apply --inventory COMMAND`" in " ".join(done.err.split())
    assert "--inventory" not in cli("fleet", words[0], "--help").out
    assert lock.read().serial == 0


@pytest.mark.parametrize("name", ["status", "report"])
def test_members_of_an_inventory_are_looked_at(
    name: str, fleet: Workspace, cli: Cli, tmp_path: Path
) -> None:
    listed = tmp_path / "more.json"
    listed.write_text('[{"name": "globex", "repository": "/nowhere/globex.git"}]')
    fleet.write("fleet.yaml", "apiVersion: qflow-gitops/v1\nkind: Fleet\nspec: {waves: [{}]}\n")
    fleet.commit("all members come from elsewhere")
    told = fits(cli.json("fleet", name, "--inventory", f"cat {listed}"))
    assert [one["name"] for one in told["members"]] == ["globex"]


@pytest.mark.parametrize(
    ("before", "typed"),
    [
        ("cat", "--inventory 'cat {}'"),
        ("env LIST_PASSWORD=canary-4711-x cat", "--inventory COMMAND"),
    ],
)
def test_what_to_type_names_the_inventory_again_and_no_secret(
    before: str, typed: str, fleet: Workspace, cli: Cli, tmp_path: Path
) -> None:
    """Without it the members that are held wouldn't be known."""
    listed = tmp_path / "more.json"
    listed.write_text('[{"name": "globex", "repository": "/nowhere/globex.git"}]')
    fleet.write("fleet.yaml", "apiVersion: qflow-gitops/v1\nkind: Fleet\nspec: {waves: [{}]}\n")
    fleet.commit("all members come from elsewhere")
    done = cli("fleet", "plan", "--inventory", f"{before} {listed}")
    said = " ".join(done.out.split())
    assert f"`qflow-gitops fleet apply {typed.format(listed)} --ack wave=1 --reason TEXT`" in said
    assert "canary" not in done.out + done.err


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_no_core_is_written_of_who_holds_everybodys_credentials(
    command: str, fleet: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor of its gits, which have a token in their environment."""
    limits: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda *given: limits.append(given))
    cli("fleet", command)
    assert (resource.RLIMIT_CORE, (0, 0)) in limits


EACH = (
    ("plan",), ("apply",), ("status",), ("matrix",), ("work", "acme"), ("freeze", "--reason", "x"),
)  # fmt: skip


@pytest.mark.parametrize("words", EACH)
def test_11_where_fleet_lock_can_not_be_read(
    words: tuple[str, ...], fleet: Workspace, lock: LocalFleetStore, cli: Cli
) -> None:
    lock.change(lambda record: record.opened(1, "a" * 40, LATER))
    file = Path(lock.where)
    broken = file.read_text() + "}"
    file.write_text(broken)
    told = cli.json("fleet", *words)
    assert (told["exitCode"], told["reason"]) == (11, "fleet_broken")
    assert "mv " in told["error"]["hint"]
    assert file.read_text() == broken, "it is left as it is"
