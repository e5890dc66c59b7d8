"""What people change in a day's work sends nothing twice, in both stores; each hold has ways on.

`.ci/run` makes all of it in the work tree and some on a branch, `.ci/nightly` the rest there.
"""

import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import BRANCH_PROJECT, Remote, record_of
from tests.helpers.git import Workspace
from tests.helpers.partners import IN_BOTH_STORES, STORES, nightly
from tests.helpers.specs import SANDBOX_PROJECT, spec

ENVIRONMENTS = "  environments:\n    prod: {platform: sandbox}\n"
Settings = Callable[..., None]


class Team:
    """A repository with one store, and what a person types in it."""

    later: Callable[[float], None]

    def __init__(self, store: str, workspace: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
        self.store = store
        self.workspace = workspace
        self.cli = cli
        self.sandbox = sandbox
        self.base = SANDBOX_PROJECT if store == "worktree" else BRANCH_PROJECT

    def settings(self, environments: str, default: str = "") -> None:
        """Give the project these environments."""
        lines = f"  defaultEnvironment: {default}\n" if default else ""
        lines += f"  environments:\n{environments}"
        self.workspace.write("qflow.yaml", self.base.replace(ENVIRONMENTS, lines))

    def specs(self, **texts: str) -> None:
        """Let these be the specs, and merge that."""
        for old in (self.workspace.path / "runs").rglob("*.yaml"):
            old.unlink()
        for name, text in texts.items():
            self.workspace.write(f"runs/{name}.yaml", text)
        self.merge()

    def merge(self) -> None:
        """Commit what there is, on the branch that everybody shares."""
        self.workspace.commit()
        if self.store == "branch":
            self.workspace.git("push", "--quiet", "--force", "origin", "HEAD:main")

    def apply(self, *more: str) -> Done:
        return self.cli("apply", "--yes", *more)

    def held(self, *more: str) -> dict[str, str]:
        """What a plan holds, by name, and why."""
        changes = self.cli.json("plan", *more)["changes"]
        return {one["name"]: one["reason"] for one in changes if one["action"] == "hold"}

    def hint(self, name: str, *more: str) -> str:
        changes = self.cli.json("plan", *more)["changes"]
        return next(str(one["hint"]) for one in changes if one["name"] == name)

    def typed(self, hint: str, verb: str) -> Done:
        """Type the command of a hint that begins with this verb, to the letter."""
        commands = re.findall(r"`(qflow-gitops [^`]*)`", hint)
        (command,) = [one for one in commands if one.split()[1] == verb]
        words = shlex.split(command)[1:]
        return self.cli(*words, *(["--yes"] if verb in ("apply", "baseline") else []))

    @property
    def sent(self) -> int:
        return len(self.sandbox.executions())

    def lockfile(self) -> Any:
        if self.store == "worktree":
            return json.loads(self.workspace.read("qflow.lock"))
        self.workspace.git("fetch", "--quiet", "origin", "+qflow-lock:refs/seen")
        return record_of(self.workspace.path, "refs/seen")

    def run(self, name: str, environment: str = "prod") -> Any:
        return self.lockfile()["environments"][environment]["runs"][name]


@pytest.fixture(params=STORES)
def team(
    request: pytest.FixtureRequest,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    later: Callable[[float], None],
) -> Team:
    made = Team(request.param, workspace, cli, sandbox)
    made.later = later
    if made.store == "branch":
        remote: Remote = request.getfixturevalue("remote")
        assert remote.path.exists()
    made.settings("    prod: {platform: sandbox}\n")
    return made


def previous(name: str) -> str:
    return f"  previousName: {name}\n"


# --- one request, several names ------------------------------------------------------


def test_a_renamed_environment_sends_nothing_again(team: Team) -> None:
    """Said or not: without a word it is held, with `previousNames` it is the same."""
    team.settings("    dev: {platform: sandbox}\n")
    team.specs(a=spec("a"), b=spec("b"))
    assert team.apply().code == 0
    team.settings("    stage: {platform: sandbox}\n")
    team.merge()
    assert team.held() == {"a": "renamed", "b": "renamed"}
    assert "`previousNames: [dev]` to stage in qflow.yaml" in team.hint("a")
    assert team.apply().code == 5
    team.settings("    stage: {platform: sandbox, previousNames: [dev]}\n")
    team.merge()
    assert team.held() == {}
    assert team.apply().code == 0
    assert team.sent == 2
    (event,) = team.run("a", "stage")["events"]
    assert (event["event"], event["from"], event["through"]) == ("carried", "dev/a", 1)
    team.settings("    stage: {platform: sandbox}\n")  # the word has done its work
    team.merge()
    assert team.held() == {}
    assert team.apply().code == 0
    team.specs(a=spec("a", "new"), b=spec("b"))
    assert team.apply().code == 0
    assert team.sent == 3


def test_another_default_environment_sends_nothing_again(team: Team) -> None:
    both = "    dev: {platform: sandbox}\n    prod: {platform: sandbox}\n"
    team.settings(both, default="prod")
    team.specs(a=spec("a"))
    assert team.apply("-e", "prod").code == 0
    team.settings(both, default="dev")
    team.merge()
    assert team.held("-e", "dev") == {"a": "same_request"}  # no word carries it over
    assert team.apply("-e", "dev").code == 5
    assert team.typed(team.hint("a", "-e", "dev"), "baseline").code == 0
    assert team.run("a", "dev")["attempts"][0]["sameAs"] == "prod/a #1"
    assert team.apply("-e", "dev").code == 0
    assert team.sent == 1


def test_swapped_names_send_nothing_again(team: Team) -> None:
    team.specs(a=spec("a", 1), b=spec("b", 2))
    assert team.apply().code == 0
    team.specs(a=spec("a", 2), b=spec("b", 1))
    assert team.held() == {"a": "same_request", "b": "same_request"}
    assert team.apply().code == 5
    team.specs(a=spec("a", 2, metadata=previous("b")), b=spec("b", 1, metadata=previous("a")))
    assert team.held() == {}
    assert team.apply().code == 0
    assert team.sent == 2


@nightly
def test_names_pushed_along_send_nothing_again(team: Team) -> None:
    """`a` becomes `b` and `b` becomes `c` in one pull request."""
    team.specs(a=spec("a", 1), b=spec("b", 2))
    assert team.apply().code == 0
    team.specs(b=spec("b", 1, metadata=previous("a")), c=spec("c", 2, metadata=previous("b")))
    assert team.held() == {}
    assert team.apply().code == 0
    team.specs(b=spec("b", 1), c=spec("c", 2))
    assert team.held() == {}
    assert team.apply().code == 0
    assert team.sent == 2


@pytest.mark.parametrize("way", ["baseline", "apply", "rerun"])
def test_a_copied_spec_of_which_only_the_name_was_changed(way: str, team: Team) -> None:
    """Held; three ways on, as the hint has them, each typed to the letter."""
    team.specs(a=spec("a", 1))
    assert team.apply().code == 0
    team.specs(a=spec("a", 1), copy=spec("copy", 1))
    assert team.held() == {"copy": "same_request"}
    assert team.apply().code == 5
    assert team.typed(team.hint("copy"), way).code == 0
    if way == "rerun":
        team.merge()
        assert team.apply().code == 0
    assert team.held() == {}
    assert team.apply().code == 0
    assert team.sent == (1 if way == "baseline" else 2)
    if way == "apply":
        (released,) = team.run("copy")["attempts"][0]["evidence"]["released"]
        assert (released["hold"], released["count"]) == ("same_request", 1)


def test_two_copies_in_one_pull_request_run_once(team: Team) -> None:
    team.specs(a=spec("a", 1), b=spec("b", 1), c=spec("c", 1))
    warned = team.cli.json("validate")["diagnostics"]
    assert [(one["rule"], one["file"]) for one in warned] == [
        ("same-request", f"runs/{name}.yaml") for name in "abc"
    ]
    assert team.held() == {"b": "same_request", "c": "same_request"}
    assert team.apply().code == 5
    assert team.sent == 1
    assert team.typed(team.hint("b"), "baseline").code == 0
    assert team.held() == {"c": "same_request"}
    assert "--ack same_request=1" in team.hint("c")
    assert team.typed(team.hint("c"), "apply").code == 0
    assert team.held() == {}
    assert team.sent == 2
    assert team.cli("lock", "verify").code == 0


def test_a_double_is_not_declared_before_the_first_has_run(team: Team) -> None:
    """Else neither would run."""
    team.specs(a=spec("a", 1), b=spec("b", 1))
    refused = team.cli("baseline", "b", "--yes", "--reason", "x")
    assert refused.code == 2
    assert "apply first" in refused.err
    assert team.held() == {"b": "same_request"}
    assert team.cli("baseline", "--yes", "--reason", "all was done by hand").code == 0
    assert team.held() == {}
    assert team.apply().code == 0
    assert team.sent == 0


@nightly
def test_specs_gathered_into_one_environment_send_nothing_again(team: Team) -> None:
    """Two environments on one platform become one; on two platforms they'd be two requests."""
    team.settings("    eu: {platform: sandbox}\n    us: {platform: sandbox}\n")
    at = "  environment: {}\n".format
    team.specs(a=spec("a", 1, metadata=at("eu")), b=spec("b", 2, metadata=at("us")))
    assert team.apply("-e", "eu").code == team.apply("-e", "us").code == 0
    team.settings("    all: {platform: sandbox, previousNames: [eu, us]}\n")
    team.specs(a=spec("a", 1), b=spec("b", 2))
    assert team.held() == {}
    assert team.apply().code == 0
    assert team.sent == 2


def test_the_same_request_on_another_platform_is_another(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    team = Team("worktree", workspace, cli, sandbox)
    team.settings("    prod: {platform: sandbox}\n    other: {platform: US1}\n", default="prod")
    team.specs(a=spec("a", 1), b=spec("b", 1, metadata="  environment: other\n"))
    assert team.apply("-e", "prod").code == 0
    assert team.held() == {}


def test_an_old_commit_stays_old_when_its_environment_has_another_name(team: Team) -> None:
    """What no apply ever sent isn't brought back by an old job, nor from before the renaming."""
    old, new = (
        "    dev: {platform: sandbox}\n",
        "    stage: {platform: sandbox, previousNames: [dev]}\n",
    )
    team.settings(old)
    team.specs(a=spec("a", 1))
    first = team.workspace.git("rev-parse", "HEAD")
    team.settings(new)
    team.specs(a=spec("a", 2))
    aside = team.workspace.git("rev-parse", "HEAD")
    team.workspace.git("reset", "--quiet", "--hard", first)
    team.settings(old)
    team.specs(a=spec("a", 3))
    assert team.apply().code == 0
    team.workspace.git("merge", "--quiet", "-s", "ours", "-m", "kept", aside)
    team.specs(a=spec("a", 4))
    never_applied = team.workspace.git("rev-parse", "HEAD")
    team.settings(new)
    team.specs(a=spec("a", 5))
    assert team.apply("--to", aside).code == 7
    assert team.apply().code == 0
    refused = team.apply("--to", never_applied)
    assert refused.code == 7
    assert "Error: dev: " in refused.err
    assert "apply would refuse" in team.cli("plan", "--to", never_applied).out.replace("`", "")
    assert team.typed(refused.err, "apply").code == 0
    assert team.sent == 2
    team.settings(new.replace(", previousNames: [dev]", "") + old)  # another one, of that name
    team.specs(a=spec("a", 6, metadata="  environment: dev\n"))
    assert team.apply("-e", "dev").code == 0
    assert team.sent == 3


# --- a carried-over name -------------------------------------------------------------


def test_the_word_may_go_and_the_old_name_is_free(team: Team) -> None:
    team.specs(old=spec("old", 1))
    assert team.apply().code == 0
    team.specs(new=spec("new", 1, metadata=previous("old")))
    assert team.apply().code == 0  # nothing is due, and still it is recorded
    (event,) = team.run("new")["events"]
    assert (event["from"], event["through"]) == ("prod/old", 1)
    assert event["by"]["actor"] == "test@example.com"
    assert team.run("new")["attempts"] == []
    for word in ("", previous("old")):
        team.specs(new=spec("new", 1, metadata=word), old=spec("old", 2))
        assert team.held() == {}
        assert team.apply().code == 0
    assert team.sent == 2
    assert team.run("new")["attempts"] == []
    team.specs(new=spec("new", 2), old=spec("old", 1))  # what old sent since isn't new's
    assert team.held() == {"new": "same_request"}
    assert team.cli.json("plan")["counts"]["skip"] == 1
    assert team.apply().code == 5
    assert team.sent == 2


@pytest.mark.parametrize("recorded", [True, False])
def test_a_copy_of_a_renamed_run_is_not_taken_for_the_old_one(recorded: bool, team: Team) -> None:
    """The old name is no run that is gone: it goes on under the new one, which is named."""
    team.specs(old=spec("old", 1))
    assert team.apply().code == 0
    renamed = spec("new", 1, metadata=previous("old"))
    if recorded:
        team.specs(new=renamed)
        assert team.apply().code == 0
    team.specs(new=renamed, copy=spec("copy", 1))
    assert team.held() == {"copy": "same_request"}
    assert "previousName" not in team.hint("copy")
    assert "that run is prod/new now" in team.cli("plan").out
    assert team.typed(team.hint("copy"), "baseline").code == 0
    assert team.held() == {}
    assert team.sent == 1


def test_an_environment_renamed_after_a_run_in_it_names_the_words(team: Team) -> None:
    """What had come to the run under an older name goes along with the environment."""
    team.settings("    dev: {platform: sandbox}\n")
    team.specs(old=spec("old", 1))
    assert team.apply().code == 0
    team.specs(new=spec("new", 1, metadata=previous("old")))
    assert team.apply().code == 0
    team.settings("    stage: {platform: sandbox}\n")
    team.specs(new=spec("new", 1))
    assert team.held() == {"new": "renamed"}
    assert "`previousNames: [dev]` to stage in qflow.yaml" in team.hint("new")
    team.settings("    stage: {platform: sandbox, previousNames: [dev]}\n")
    team.merge()
    assert team.held() == {}
    assert team.apply().code == 0
    assert team.sent == 1


def test_words_that_would_carry_nothing_over_are_not_named(team: Team) -> None:
    """A name is carried over once: what it sent when it was used anew can only be declared."""
    team.specs(old=spec("old", 1))
    assert team.apply().code == 0
    team.specs(new=spec("new", 1, metadata=previous("old")))
    assert team.apply().code == 0
    team.specs(new=spec("new", 1), old=spec("old", 2))
    assert team.apply().code == 0
    for word in ("", previous("old")):
        team.specs(new=spec("new", 2, metadata=word))
        assert team.held() == {"new": "same_request"}
        assert "previousName" not in team.hint("new")
    assert team.typed(team.hint("new"), "baseline").code == 0
    assert team.apply().code == 0
    assert team.sent == 2


@nightly
def test_an_environment_that_another_one_took_over_is_not_named(team: Team) -> None:
    """The settings would be refused: only one can be what another was called before."""
    team.settings("    dev: {platform: sandbox}\n    prod: {platform: sandbox}\n")
    team.specs(a=spec("a", metadata="  environment: dev\n"))
    assert team.apply("-e", "dev").code == 0
    stage = "    stage: {platform: sandbox, previousNames: [dev]}\n"
    team.settings("    prod: {platform: sandbox}\n" + stage)
    team.specs(
        a=spec("a", metadata="  environment: prod\n"),
        other=spec("other", 2, metadata="  environment: stage\n"),
    )
    assert team.held() == {"a": "same_request"}
    assert team.typed(team.hint("a"), "baseline").code == 0
    assert team.apply("-e", "prod").code == 0
    assert team.sent == 1


@nightly
def test_a_name_said_before_gives_way_to_the_one_before_it(team: Team) -> None:
    """Renamed twice, and `previousName` left as it was: the hint says what it has to be."""
    team.specs(old=spec("old", 1))
    assert team.apply().code == 0
    team.specs(new=spec("new", 1, metadata=previous("old")))
    assert team.apply().code == 0
    team.specs(newer=spec("newer", 1, metadata=previous("old")))
    assert team.held() == {}
    team.specs(new=spec("new", 2, metadata=previous("old")))
    assert team.apply().code == 0
    team.specs(newer=spec("newer", 2, metadata=previous("old")))
    assert team.held() == {"newer": "renamed"}
    assert "make it `previousName: new` under `metadata` in runs/newer.yaml" in team.hint("newer")
    team.specs(newer=spec("newer", 2, metadata=previous("new")))
    assert team.held() == {}
    assert team.apply().code == 0
    assert team.sent == 2


@nightly
def test_a_name_taken_back_is_no_circle(team: Team) -> None:
    team.specs(a=spec("a", 1))
    assert team.apply().code == 0
    team.specs(b=spec("b", 1, metadata=previous("a")))
    assert team.apply().code == 0
    team.specs(b=spec("b", 2))
    assert team.apply().code == 0
    team.specs(a=spec("a", 2, metadata=previous("b")))
    assert team.held() == {}
    assert team.apply().code == 0
    team.specs(a=spec("a", 2))
    assert team.apply().code == 0
    assert team.sent == 2


def test_a_previous_name_that_goes_on_is_held(team: Team) -> None:
    team.specs(a=spec("a", 1))
    assert team.apply().code == 0
    team.specs(a=spec("a", 1), b=spec("b", 2, metadata=previous("a")))
    assert team.held() == {"b": "renamed"}
    team.specs(a=spec("a", 1), b=spec("b", 2))
    assert team.apply().code == 0
    assert team.sent == 2


@pytest.mark.parametrize("recorded", [True, False], ids=["after an apply", "before any"])
def test_a_doubt_under_the_old_name_is_settled_under_the_new_one(
    recorded: bool, team: Team
) -> None:
    team.specs(old=spec("old", 1))
    team.sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert team.apply().code == 9
    team.specs(new=spec("new", 1, metadata=previous("old")))
    if recorded:
        assert team.apply().code == 9
        assert team.run("new")["events"][0]["through"] == 1
    assert team.held() == {"new": "in_doubt"}
    status = {one["name"]: one for one in team.cli.json("status")["runs"]}
    assert status["new"]["attempt"]["state"] == "in_doubt"
    hint = team.hint("new")
    assert "qflow-gitops resolve prod/new --assume-ran" in hint
    assert team.cli("reconcile").code == 9
    team.sandbox.set_faults()
    done = team.cli("resolve", "prod/new", "--assume-ran", "--reason", "seen in the account")
    assert done.code == 0, done.err
    assert team.run("old")["attempts"][0]["state"] == "assumed"
    assert team.held() == {}
    assert team.apply().code == 0
    assert len(team.cli.json("history", "new")["attempts"]) == 1


@pytest.mark.parametrize("team", IN_BOTH_STORES, indirect=True)
def test_a_doubt_in_a_renamed_environment_is_looked_up(team: Team) -> None:
    """Qualys is asked on the platform where the environment is now."""
    team.settings("    dev: {platform: sandbox}\n")
    team.specs(a=spec("a", 1))
    team.sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert team.apply().code == 9
    team.settings("    stage: {platform: sandbox, previousNames: [dev]}\n")
    team.merge()
    team.sandbox.set_faults()
    assert team.cli("reconcile").code == 0
    assert team.run("a", "dev")["attempts"][0]["state"] == "adopted"
    assert team.apply().code == 0
    assert team.sent == 1


def test_what_is_open_is_followed_after_the_word_has_gone(team: Team) -> None:
    """A doubt and a run under way of the old name, also without a spec; none is out of sight."""
    team.settings("    dev: {platform: sandbox}\n")
    team.specs(a=spec("a", 1), b=spec("b", 2), c=spec("c", 3))
    team.sandbox.set_faults("accept-then-drop@run#1", "accept-then-drop@run#2", "list-lag=3600")
    assert team.apply("--no-wait", "--concurrency", "1").code == 9
    for word in (", previousNames: [dev]", ""):
        team.settings("    stage: {platform: sandbox" + word + "}\n")
        team.specs(a=spec("a", 1), c=spec("c", 3))
        done = team.apply("--no-wait")
        assert done.code == 9  # as before the word went
        assert "? dev/b: look in Qualys" in done.out  # held as nothing, as it has no spec
        status = {one["name"]: one for one in team.cli.json("status")["runs"]}
        assert status["b"]["attempt"]["state"] == "in_doubt"
    team.sandbox.set_faults()
    assert team.typed(team.hint("a"), "reconcile").code == 0
    assert team.apply("--wait").code == 0
    states = {name: team.run(name, "dev")["attempts"][-1]["state"] for name in "abc"}
    assert states == dict.fromkeys("abc", "succeeded")
    assert team.sent == 3


def test_a_doubt_of_an_environment_that_was_removed_is_not_out_of_sight(team: Team) -> None:
    both = "    dev: {platform: sandbox}\n    prod: {platform: sandbox}\n"
    team.settings(both, default="prod")
    team.specs(a=spec("a", metadata="  environment: dev\n"))
    team.sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert team.apply("-e", "dev").code == 9
    team.settings("    prod: {platform: sandbox}\n")
    team.specs(b=spec("b"))
    assert team.cli("status", "--exit-code").code == 9
    assert team.cli("status", "--exit-code", "-e", "prod").code == 9
    (row,) = (one for one in team.cli.json("status")["runs"] if one["environment"] == "dev")
    assert row["attempt"]["state"] == "in_doubt"
    assert team.cli("resolve", "dev/a", "--assume-ran", "--reason", "seen").code == 0
    assert team.cli("status", "--exit-code").code == 0


@pytest.mark.parametrize("fault", ["accept-then-drop", "400@run#1"])
def test_what_is_held_in_a_renamed_environment_stays_in_sight(fault: str, team: Team) -> None:
    """Also for a plan that looks only at what differs from what was applied."""
    team.settings("    dev: {platform: sandbox}\n")
    team.specs(a=spec("a"))
    team.sandbox.set_faults(fault, "list-lag=3600")
    assert team.apply().code in (1, 9)
    team.settings("    stage: {platform: sandbox, previousNames: [dev]}\n")
    team.merge()
    assert team.apply().code in (0, 9)
    held = team.held("--full")
    assert list(held) == ["a"]
    assert team.held() == held


def test_a_run_beside_a_doubt_with_its_request_waits_for_it(team: Team) -> None:
    team.specs(a=spec("a", 1))
    team.sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert team.apply().code == 9
    team.specs(a=spec("a", 1), copy=spec("copy", 1))
    assert team.held()["copy"] == "same_request"
    assert "Settle that first" in team.hint("copy")
    team.sandbox.set_faults()
    assert team.typed(team.hint("copy"), "reconcile").code == 0
    assert team.held() == {"copy": "same_request"}
    assert team.sent == 1


@pytest.mark.parametrize("way", ["--adopt", "--absent", "--assume-ran", "previousNames"])
def test_a_doubt_in_an_environment_that_is_gone_can_be_settled(way: str, team: Team) -> None:
    """Renamed without a word while nobody knows whether it ran: the hint's ways work."""
    team.settings("    dev: {platform: sandbox}\n")
    team.specs(a=spec("a", 1))
    team.sandbox.set_faults("drop@run#1" if way == "--absent" else "accept-then-drop@run#1",
                            "list-lag=3600")  # fmt: skip
    assert team.apply().code == 9
    team.settings("    stage: {platform: sandbox}\n")
    team.merge()
    assert team.held() == {"a": "renamed"}
    hint = team.hint("a")
    assert "reconcile" not in hint  # nothing looks up what is in no environment
    team.sandbox.set_faults()
    if way == "previousNames":
        assert "add `previousNames: [dev]` to stage in qflow.yaml" in hint
        team.settings("    stage: {platform: sandbox, previousNames: [dev]}\n")
        team.merge()
        assert team.held() == {"a": "in_doubt"}
        assert team.typed(team.hint("a"), "reconcile").code == 0
    else:
        (command,) = (one for one in re.findall(r"`qflow-gitops ([^`]*)`", hint) if way in one)
        for one in team.sandbox.executions():
            command = command.replace("EXECUTION", one["id"])
        team.later(400)
        assert team.cli(*shlex.split(command)).code == 0
        assert team.held() == ({} if way == "--absent" else {"a": "renamed"})
        if way != "--absent":
            assert team.typed(team.hint("a"), "baseline").code == 0
    assert team.apply().code == 0
    assert team.sent == 1


# --- declaring -----------------------------------------------------------------------


@pytest.mark.parametrize("team", IN_BOTH_STORES, indirect=True)
def test_baseline_takes_names_and_stars(team: Team) -> None:
    team.settings("    dev: {platform: sandbox}\n    prod: {platform: sandbox}\n", default="prod")
    dev = "  environment: dev\n"
    team.specs(a=spec("a"), b=spec("b"), c=spec("c", metadata=dev), d=spec("d", metadata=dev))
    assert team.cli("baseline", "nope", "--yes", "--reason", "x").code == 2
    close = team.cli("baseline", "c", "--yes", "--reason", "x")
    assert close.code == 2
    assert "Did you mean `dev/c`?" in close.err
    assert team.cli("baseline", "a", "--yes", "--reason", "x").code == 0
    assert team.cli("baseline", "dev/c", "--yes", "--reason", "x").code == 0
    assert team.cli("baseline", "-e", "dev", "*", "--yes", "--reason", "x").code == 0
    runs = {name: one["runs"] for name, one in team.lockfile()["environments"].items()}
    assert {name: set(some) for name, some in runs.items()} == {"prod": {"a"}, "dev": {"c", "d"}}
    assert team.apply("-e", "prod").code == 0
    assert team.sent == 1


def test_baseline_declares_a_failed_run_that_was_done_by_hand(team: Team) -> None:
    team.specs(a=spec("a"))
    team.sandbox.set_faults("400@run#1")
    assert team.apply().code == 1
    assert team.held() == {"a": "refused"}
    assert team.cli("baseline", "a", "--yes", "--reason", "done by hand").code == 0
    assert team.held() == {}
    assert team.run("a")["attempts"][1]["sameAs"] == "prod/a #1"
    again = team.cli("baseline", "a", "--yes", "--reason", "done by hand")
    assert again.code == 2
    assert team.cli("lock", "verify").code == 0


def test_a_platform_and_a_request_are_released_one_after_the_other(team: Team) -> None:
    """Behind a hold there may be another one, with a number of its own."""
    team.specs(a=spec("a", 1))
    assert team.apply().code == 0
    file = team.workspace.path / "qflow.yaml"
    file.write_text(file.read_text().replace("platform: sandbox", "platform: private"))
    team.specs(a=spec("a", 1), b=spec("b", 1))
    assert team.held() == {"a": "platform", "b": "platform"}
