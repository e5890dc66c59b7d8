"""A fleet is read from a commit or the work tree, and members from what a command wrote."""

import json
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.errors import InvalidInput
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.policy.rollout import Share
from qflow_gitops.policy.waves import Counting, Outcomes, Wave
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.settings.fleet import Fleet, FleetMember, Subscription
from qflow_gitops.sources import fleets
from qflow_gitops.specs import fleet_file
from qflow_gitops.yaml.messages import MAX_BYTES
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.typed import commands, typed

ROOT = Path(__file__).parents[2]
EVERYTHING = next((ROOT / "tests/cases/valid").glob("*-fleet-with-everything")) / "fleet.yaml"
HEAD = "apiVersion: qflow-gitops/v1\nkind: Fleet\nspec:\n  members:\n"
ACME = {"name": "acme", "repository": "/srv/git/acme.git"}


def text(*names: str) -> str:
    return HEAD + "".join(f"    - {{name: {name}, repository: /srv/{name}}}\n" for name in names)


def git(workspace: Workspace, folder: str = "") -> GitRepo:
    return GitRepo.open(workspace.path / folder, {"PATH": "/usr/bin:/bin"})


def names(fleet: Fleet) -> list[str]:
    return [each.name for each in fleet.members]


def listed(*given: Any) -> bytes:
    return json.dumps(given).encode()


# --- what is read --------------------------------------------------------------------


def test_each_field_is_read() -> None:
    read, found = fleet_file.load_fleet(EVERYTHING.read_bytes(), "fleet.yaml")
    assert found == ()
    assert read == Fleet(
        members=(
            FleetMember(
                "acme", "https://git.example.com/acme/runs.git", "release/2026", "tenants/acme",
                "prod", {"tier": "canary"}, "ACME",
            ),
            FleetMember("acme-dev", "git@git.example.com:acme/runs.git", environment="dev"),
            FleetMember("beta", "ssh://git@git.example.com:2222/beta/runs.git"),
            FleetMember("gamma", "https://[::1]:8443/gamma.git", credentials="G_2"),
            FleetMember("delta", "file:///srv/git/delta.git"),
        ),
        waves=(
            Wave({"tier": "canary"}, None, Share(0), 1800.0),
            Wave(None, 25, Share(5, percent=True)),
            Wave(),
        ),
        subscriptions=(Subscription("acme", ("acme", "acme-dev"), 1),),
        outcomes=Outcomes(Counting.COUNT, Counting.WAIT, Counting.PASS),
        time=5400.0, memory=512 * 2**20, at_once=16,
    )  # fmt: skip


def test_what_is_left_out_has_its_default() -> None:
    read, _ = fleet_file.load_fleet(text("acme").encode(), "fleet.yaml")
    assert read == Fleet((FleetMember("acme", "/srv/acme"),))
    assert read.members[0] == ("acme", "/srv/acme", "main", ".", "", {}, "")
    assert (read.waves, read.at_once, read.time, read.memory) == ((Wave(),), 4, 3600.0, 2**30)


def test_the_example_has_no_findings() -> None:
    content = (ROOT / "examples/fleet/fleet.yaml").read_bytes()
    read, found = fleet_file.load_fleet(content, "fleet.yaml")
    assert read is not None
    assert (found, names(read)) == ((), ["acme", "acme-dev", "globex"])


# --- where it is read ----------------------------------------------------------------


def test_a_commit_and_the_work_tree_each_have_their_own(workspace: Workspace) -> None:
    workspace.write("fleet.yaml", text("acme"))
    first = workspace.commit()
    workspace.write("fleet.yaml", text("acme", "beta"))
    assert names(fleets.fleet_at(git(workspace), first)) == ["acme"]
    assert names(fleets.fleet_at(git(workspace), "")) == ["acme", "beta"]


def test_the_nearest_one_above_counts(workspace: Workspace) -> None:
    workspace.write("fleet.yaml", text("root"))
    workspace.write("eu/fleet.yaml", text("eu"))
    workspace.write("eu/deep/README.md", "")
    workspace.write("us/README.md", "")
    commit = workspace.commit()
    for at in (commit, ""):
        assert names(fleets.fleet_at(git(workspace, "eu/deep"), at)) == ["eu"]
        assert fleets.find_fleet(git(workspace, "eu/deep"), at).file == "eu/fleet.yaml"
        assert names(fleets.fleet_at(git(workspace, "us"), at)) == ["root"]


def test_a_second_fleet_beside_one_is_refused(workspace: Workspace) -> None:
    """Both would have the same fleet.lock. Other programs' files of that name are no fleets."""
    workspace.write("eu/fleet.yaml", text("eu"))
    workspace.write("bundles/one/fleet.yaml", "defaultNamespace: shop\nhelm: {chart: ./}\n")
    (workspace.path / "link").mkdir()
    (workspace.path / "link/fleet.yaml").symlink_to("../eu/fleet.yaml")
    first = workspace.commit()
    for at in (first, ""):
        fleets.check_alone(git(workspace), at, "eu/fleet.yaml")
    workspace.write("fleet.yaml", "kind: Fleet\nspec: {broken\n")
    second = workspace.commit()
    for at, where in ((second, f"Commit {second[:10]}"), ("", "The work tree")):
        with pytest.raises(InvalidInput) as raised:
            fleets.check_alone(git(workspace), at, "eu/fleet.yaml")
        assert raised.value.message == (
            f"{where} has several fleets, which would share one fleet.lock: eu/fleet.yaml, "
            "fleet.yaml."
        )
        assert raised.value.reason == "fleet_shared"
    fleets.check_alone(git(workspace), first, "eu/fleet.yaml")


def test_warnings_come_with_the_fleet(workspace: Workspace) -> None:
    workspace.write("fleet.yaml", text("a") + "  waves: [{select: {tier: canary}}, {}]\n")
    found = fleets.find_fleet(git(workspace), "")
    assert [one.rule for one in found.found] == ["fleet-select-nothing"]
    assert names(found.fleet) == ["a"]


def test_an_error_is_told_with_its_place(workspace: Workspace) -> None:
    workspace.write("eu/fleet.yaml", text("a", "a"))
    commit = workspace.commit()
    with pytest.raises(InvalidFiles) as raised:
        fleets.fleet_at(git(workspace, "eu"), commit)
    (one, _) = raised.value.diagnostics
    assert (one.file, one.rule, one.range.start) == ("eu/fleet.yaml", "fleet-member-twice", (6, 14))


def test_what_is_no_plain_file_is_not_followed(workspace: Workspace) -> None:
    workspace.write("elsewhere.yaml", text("a"))
    (workspace.path / "fleet.yaml").symlink_to("elsewhere.yaml")
    for at in (workspace.commit(), ""):
        with pytest.raises(InvalidFiles) as raised:
            fleets.fleet_at(git(workspace), at)
        assert [one.rule for one in raised.value.diagnostics] == ["file-kind"]


def test_one_that_is_not_committed_is_not_passed_over(workspace: Workspace) -> None:
    workspace.write("fleet.yaml", text("root"))
    first = workspace.commit()
    workspace.write("the eu/fleet.yaml", text("eu"))
    here = git(workspace, "the eu")
    with pytest.raises(InvalidInput) as raised:
        fleets.fleet_at(here, first)
    assert (raised.value.reason, raised.value.where) == ("fleet_uncommitted", "the eu/fleet.yaml")
    (command,) = commands(raised.value.hint)
    typed(workspace.path / "the eu", command)
    head = workspace.git("rev-parse", "HEAD")
    assert names(fleets.fleet_at(git(workspace, "the eu"), head)) == ["eu"]


def test_before_the_first_commit_it_says_how_to_commit_the_fleet(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match=r"There is no fleet\.yaml"):
        fleets.commit_of(git(workspace), "HEAD")
    workspace.write("eu/fleet.yaml", text("eu"))
    assert fleets.commit_of(git(workspace, "eu"), "") == ""
    with pytest.raises(InvalidInput, match="has no commits yet") as raised:
        fleets.commit_of(git(workspace, "eu"), "HEAD")
    assert (raised.value.reason, raised.value.where) == ("fleet_uncommitted", "eu/fleet.yaml")
    (command,) = commands(raised.value.hint)
    typed(workspace.path / "eu", command)
    here = git(workspace, "eu")
    assert names(fleets.fleet_at(here, fleets.commit_of(here, "HEAD"))) == ["eu"]


@pytest.mark.parametrize("command", [("plan",), ("apply",), ("status",), ("matrix",)])
def test_each_command_says_so_before_the_first_commit(
    command: tuple[str, ...], workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.write("fleet.yaml", text("a"))
    said = Cli(workspace.path, capfd)("fleet", *command)
    assert said.code == 3
    assert "git add fleet.yaml && git commit -m 'Add the fleet' fleet.yaml" in said.err
    assert "specs" not in said.err


def test_without_any_it_says_what_to_write(workspace: Workspace) -> None:
    commit = workspace.commit()
    for at in (commit, ""):
        with pytest.raises(InvalidInput) as raised:
            fleets.fleet_at(git(workspace), at)
        assert raised.value.reason == "fleet_missing"
        (command,) = commands(raised.value.hint)
    assert '"urn:qflow-gitops:schema:fleet:v1"' in typed(workspace.path, command)


# --- inventories ---------------------------------------------------------------------


def test_an_inventory_is_a_list_of_members() -> None:
    found = fleets.inventory(listed(ACME, {**ACME, "name": "b", "project": "./b/"}), "./list")
    assert found == (
        FleetMember("acme", "/srv/git/acme.git"),
        FleetMember("b", "/srv/git/acme.git", project="b"),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b'"acme"', b"null", b"- name: acme", b"[", b'[{"name": "a", "name": "b"}]',
        b"[NaN]", b"\xff", b"[" * 100_000, b'[]}, "waves": [{}], "x": {"y": []',
        b"[" + b" " * 2**24 + b"]",
    ],
)  # fmt: skip
def test_what_is_no_list_is_no_inventory(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as raised:
        fleets.inventory(content, "./list")
    assert (raised.value.reason, raised.value.where) == ("fleet_inventory", "./list")
    (command,) = commands(raised.value.hint)
    assert "$schema" in typed(tmp_path, command)


def test_an_error_in_an_inventory_has_its_place_and_tells_no_secret() -> None:
    content = b'[\n {"name": "a",\n  "repository": "https://mara:hunter22@example.com/a"}]'
    with pytest.raises(InvalidFiles) as raised:
        fleets.inventory(content, "./list")
    (one,) = raised.value.diagnostics
    assert (one.file, one.rule, one.range.start) == ("./list", "schema-value", (3, 17))
    assert "hunter22" not in repr(one)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ((), "schema-value"),
        (("acme",), "schema-type"),
        (({**ACME, "waves": []},), "schema-unknown-key"),
        ((ACME, {**ACME, "repository": "/srv/b"}), "fleet-member-twice"),
        ((ACME, {**ACME, "name": "b"}), "fleet-project-twice"),
    ],
)
def test_an_inventory_is_held_against_the_same_rules(given: Any, rule: str) -> None:
    with pytest.raises(InvalidFiles) as raised:
        fleets.inventory(listed(*given), "./list")
    assert [one.rule for one in raised.value.diagnostics] == [rule]


def test_a_large_inventory_is_read_and_checked_as_well() -> None:
    given = [{"name": f"m{n}", "repository": f"/srv/{n}" + "x" * 200} for n in range(2000)]
    content = listed(*given)
    assert len(content) > MAX_BYTES
    assert len(fleets.inventory(content, "./list")) == 2000
    with pytest.raises(InvalidFiles) as raised:
        fleets.inventory(listed(*given, {"name": "m7", "repository": "/srv/else"}), "./list")
    assert [one.rule for one in raised.value.diagnostics] == ["fleet-member-twice"]


def test_an_inventory_is_added_to_the_members_of_the_file(workspace: Workspace) -> None:
    more = fleets.inventory(listed(ACME), "./list")
    workspace.write("fleet.yaml", text("beta") + "  subscriptions: {s: {members: [acme]}}\n")
    assert names(fleets.fleet_at(git(workspace), "", more)) == ["beta", "acme"]
    workspace.write("fleet.yaml", text("beta", "acme"))
    with pytest.raises(InvalidFiles) as raised:
        fleets.fleet_at(git(workspace), "", more)
    (one,) = raised.value.diagnostics
    assert (one.message, one.range.start) == (
        "Two members are called `acme`, one of them in the inventory.",
        (6, 14),
    )


def test_without_members_names_wait_for_the_inventory(workspace: Workspace) -> None:
    content = HEAD.replace("  members:\n", "  subscriptions: {s: {members: [acme]}}\n")
    workspace.write("fleet.yaml", content)
    assert names(fleets.fleet_at(git(workspace), "")) == []
    with pytest.raises(InvalidFiles):
        fleets.fleet_at(git(workspace), "", [FleetMember("beta", "/srv/beta")])
