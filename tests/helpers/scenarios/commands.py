"""What is refused because of how a command was typed, or where."""

import json
import os
import subprocess

from tests.helpers.carried import Person
from tests.helpers.git import Workspace
from tests.helpers.scenarios.base import APPLY, TWO, WHY, applied, scenario
from tests.helpers.scenarios.holds import FOUND, LOST
from tests.helpers.specs import WORKFLOW, spec
from tests.helpers.terminal import Terminal

DEV = "  environment: dev\n"
OTHER = "7cad21c8-4405-4517-beb9-7372feafb5b4"


# --- apply and baseline ------------------------------------------------------------------


@scenario("worktree")
def nobody_to_confirm(at: Terminal) -> tuple[str, Person]:
    """An apply in a CI, without --yes."""
    at.settings(TWO)
    at.specs(a=spec("a", metadata=DEV + "  labels: {team: 'x y'}\n"))
    at.interactive = False
    return f"{APPLY} -e dev -l 'team=x y'", Person(
        WHY, applies=("qflow-gitops apply -e dev --yes",)
    )


@scenario("worktree")
def nobody_to_confirm_a_baseline(at: Terminal) -> tuple[str, Person]:
    """A baseline in a CI, without --yes."""
    at.specs(a=spec("a"), b=spec("b"))
    at.interactive = False
    return "qflow-gitops baseline a --reason 'ran by hand'", Person(WHY)


@scenario("worktree")
def several_environments(at: Terminal) -> tuple[str, Person]:
    """An apply that doesn't say in which of two environments."""
    at.settings(TWO)
    at.specs(a=spec("a", metadata=DEV))
    return APPLY, Person(WHY, applies=("qflow-gitops apply -e dev --yes",))


@scenario("worktree")
def several_environments_to_pull_from(at: Terminal) -> tuple[str, Person]:
    """A pull of workflows that doesn't say from which of two environments."""
    at.settings(TWO)
    at.specs(a=spec("a", metadata=DEV))
    return "qflow-gitops workflows pull", Person(WHY, applies=("qflow-gitops apply -e dev --yes",))


@scenario("worktree")
def unknown_environment(at: Terminal) -> tuple[str, Person]:
    """An environment that the settings don't have."""
    at.specs(a=spec("a"))
    return "qflow-gitops apply -e stage", Person(
        WHY,
        {
            "Name one of them with -e": lambda at: at("apply", "-e", "prod"),
            "or add it to qflow.yaml": lambda at: at.edit(
                "qflow.yaml",
                "  environments:\n",
                "  environments:\n    stage: {platform: sandbox}\n",
            ),
        },
        applies=("qflow-gitops apply -e prod --yes",),
    )


@scenario("worktree")
def nothing_to_retry(at: Terminal) -> tuple[str, Person]:
    """A retry of a run that succeeded."""
    at.specs(a=spec("a"))
    applied(at)
    return f"{APPLY} --retry prod/a", Person(WHY)


@scenario("worktree")
def no_reason(at: Terminal) -> tuple[str, Person]:
    """A release without a reason."""
    at.settings(more="  policy: {limits: {runs: 1}}\n")
    at.specs(a=spec("a"), b=spec("b"))
    return f"{APPLY} --ack limit:runs=2", Person(WHY)


@scenario("worktree")
def another_number(at: Terminal) -> tuple[str, Person]:
    """A release of another number than is held."""
    at.settings(more="  policy: {limits: {runs: 1}}\n")
    at.specs(a=spec("a"), b=spec("b"))
    return f"{APPLY} --ack limit:runs=3 --reason 'all of them'", Person(WHY)


@scenario("branch")
def a_new_record_that_is_none(at: Terminal) -> tuple[str, Person]:
    """A release of a new lockfile, where there is one."""
    at.specs(a=spec("a"))
    applied(at)
    return f"{APPLY} --ack new-record=1 --reason 'moved'", Person(
        WHY, {"Leave it out": lambda at: at("apply")}
    )


@scenario("worktree")
def another_digest(at: Terminal) -> tuple[str, Person]:
    """The plan isn't the one that was approved."""
    at.specs(a=spec("a"))
    return f"{APPLY} --digest v1:sha256:{'0' * 64}", Person(WHY)


@scenario("worktree")
def nothing_to_declare(at: Terminal) -> tuple[str, Person]:
    """A baseline of a run that succeeded."""
    at.specs(a=spec("a"))
    applied(at)
    return "qflow-gitops baseline prod/a --reason 'by hand'", Person(
        WHY, elsewhere={"Nothing needs to be declared": "there is nothing to do"}
    )


@scenario("worktree")
def declared_before_the_first_has_run(at: Terminal) -> tuple[str, Person]:
    """A baseline of one of two due runs with one request."""
    at.specs(a=spec("a", 1), b=spec("b", 1))
    return "qflow-gitops baseline prod/b --reason 'same as a'", Person(WHY)


@scenario("worktree")
def a_report_without_a_folder(at: Terminal) -> tuple[str, Person]:
    """A report into a folder that isn't there."""
    at.specs(a=spec("a"))
    return "qflow-gitops plan --report json=nowhere/plan.json", Person(
        WHY, {"--report FORMAT=FILE": lambda at: at("plan", "--report", "json=plan.json")}
    )


# --- runs by name ------------------------------------------------------------------------


@scenario("worktree")
def no_such_run(at: Terminal) -> tuple[str, Person]:
    """A run that isn't there."""
    at.specs(a=spec("a"))
    return "qflow-gitops history nothing-like-it", Person(WHY)


@scenario("worktree")
def no_such_run_to_declare(at: Terminal) -> tuple[str, Person]:
    """A baseline of a run that isn't there."""
    at.specs(a=spec("a"))
    return "qflow-gitops baseline nothing-like-it --reason x", Person(WHY)


@scenario("worktree")
def no_such_run_to_repeat(at: Terminal) -> tuple[str, Person]:
    """A rerun of a run that isn't there."""
    at.specs(a=spec("a"))
    return "qflow-gitops rerun nothing-like-it --reason x", Person(WHY)


@scenario("worktree")
def a_rerun_without_words(at: Terminal) -> tuple[str, Person]:
    """A rerun whose reason has no words."""
    at.specs(a=spec("a"))
    return "qflow-gitops rerun a --reason ' '", Person(
        WHY, {"Say why in one line": lambda at: at("rerun", "a", "--reason", "once more")}
    )


# --- decisions ---------------------------------------------------------------------------


def _doubt(at: Terminal, *faults: str) -> None:
    at.specs(a=spec("a", 1), b=spec("b", 2))
    at.faults("outcome=Success")
    applied(at)
    at.edit("runs/a.yaml", "value: 1", "value: 3")
    at.merge()
    at.faults(*faults)
    applied(at, 9)


@scenario("worktree")
def a_decision_without_words(at: Terminal) -> tuple[str, Person]:
    """A decision whose reason has no words."""
    _doubt(at, *LOST)
    return "qflow-gitops resolve prod/a --assume-ran --reason ' '", Person(WHY)


@scenario("worktree")
def no_doubt(at: Terminal) -> tuple[str, Person]:
    """A decision about a run that isn't in doubt."""
    at.specs(a=spec("a"))
    applied(at)
    return "qflow-gitops resolve prod/a --assume-ran --reason x", Person(WHY)


@scenario("worktree")
def too_early_to_say(at: Terminal) -> tuple[str, Person]:
    """A run is said not to have run while its request may still be on its way."""
    _doubt(at, "drop")
    return "qflow-gitops resolve prod/a --absent --reason x", Person(WHY)


@scenario("worktree")
def an_execution_that_may_be_it(at: Terminal) -> tuple[str, Person]:
    """A run is said not to have run, and Qualys shows two executions of its request."""
    _doubt(at, "drop")
    for _ in range(2):
        at.sandbox.add_foreign(WORKFLOW, {"input": {"value": 3}}, source="PUBLIC_API")
    at.faults()
    at.later(minutes=20)
    return "qflow-gitops resolve prod/a --absent --reason x", Person(WHY)


@scenario("worktree")
def a_list_that_cant_be_read(at: Terminal) -> tuple[str, Person]:
    """A run is said not to have run, and the list of executions can't be read whole."""
    _doubt(at, "drop")
    at.later(minutes=20)
    at.faults(f"unknown-workflow={WORKFLOW}")
    return "qflow-gitops resolve prod/a --absent --reason x", Person(WHY)


@scenario("worktree")
def an_execution_of_another_run(at: Terminal) -> tuple[str, Person]:
    """A person names an execution that another run owns."""
    _doubt(at, *LOST)
    lockfile = json.loads(at.clone.read("qflow.lock"))
    owned = lockfile["environments"]["prod"]["runs"]["b"]["attempts"][0]["executionId"]
    return f"qflow-gitops resolve prod/a --adopt {owned} --reason x", Person(WHY)


@scenario("worktree")
def an_execution_of_another_workflow(at: Terminal) -> tuple[str, Person]:
    """A person names an execution of another workflow."""
    _doubt(at, *LOST)
    other = at.sandbox.add_foreign(OTHER, {})
    return f"qflow-gitops resolve prod/a --adopt {other} --reason x", Person(
        WHY, elsewhere={"Look in Qualys for an execution": "a person looks in Qualys"}
    )


# --- places ------------------------------------------------------------------------------


@scenario("worktree")
def no_such_folder(at: Terminal) -> tuple[str, Person]:
    """A folder that isn't there."""
    at.specs(a=spec("a"))
    return "qflow-gitops -C nowhere plan", Person(
        WHY, {"Correct `-C DIR`": lambda at: at("-C", ".", "plan")}
    )


@scenario("worktree")
def no_repository(at: Terminal) -> tuple[str, Person]:
    """A folder that is no repository."""
    at.specs(a=spec("a"))
    os.chdir(at.folder)
    return "qflow-gitops plan", Person(
        WHY, {"name it with -C DIR": lambda at: at("-C", "clone", "plan")}
    )


@scenario("worktree")
def no_commit_yet(at: Terminal) -> tuple[str, Person]:
    """A repository without a commit."""
    at.clone.write("runs/a.yaml", spec("a"))
    return "qflow-gitops plan", Person(WHY)


@scenario("worktree")
def a_path_that_isnt_there(at: Terminal) -> tuple[str, Person]:
    """A path to look at that isn't there."""
    at.specs(a=spec("a"))
    return "qflow-gitops validate runs/b.yaml", Person(WHY)


@scenario("worktree")
def a_path_outside(at: Terminal) -> tuple[str, Person]:
    """A path to look at that is outside the repository."""
    at.specs(a=spec("a"))
    return "qflow-gitops validate ..", Person(
        WHY, {"The repository is": lambda at: at("validate", "runs/a.yaml")}
    )


@scenario("worktree")
def no_such_commit(at: Terminal) -> tuple[str, Person]:
    """A commit that isn't there."""
    at.specs(a=spec("a"))
    return "qflow-gitops apply --to nowhere", Person(WHY)


@scenario("worktree")
def no_revision(at: Terminal) -> tuple[str, Person]:
    """What can't be a commit."""
    at.specs(a=spec("a"))
    return "qflow-gitops apply --to=-1", Person(
        WHY, {"Give a commit, a branch or a tag": lambda at: at("apply", "--to", "main")}
    )


@scenario("branch")
def a_commit_that_a_shallow_clone_lacks(at: Terminal) -> tuple[str, Person]:
    """A commit that a shallow clone hasn't got."""
    at.specs(a=spec("a"))
    at.specs(a=spec("a", 2))
    address = at.clone.git("remote", "get-url", "origin")
    for command in (["rm", "-rf", "clone"], ["git", "clone", "-q", "--depth=1", address, "clone"]):
        subprocess.run(command, cwd=at.folder, check=True)
    os.chdir(at.clone.path)
    return "qflow-gitops plan --from HEAD~1", Person(WHY)


# --- other commands ----------------------------------------------------------------------


@scenario("worktree")
def a_remote_for_the_lockfile(at: Terminal) -> tuple[str, Person]:
    """A lockfile on a branch, where there is no remote."""
    at.specs(a=spec("a"))
    subprocess.run(["git", "init", "-q", "--bare", "remote.git"], cwd=at.folder, check=True)
    return "qflow-gitops init --store branch", Person(
        {"ADDRESS": (at.folder / "remote.git").as_uri()}
    )


@scenario("worktree")
def nothing_saved(at: Terminal) -> tuple[str, Person]:
    """Nothing was saved by an apply."""
    at.specs(a=spec("a"))
    return "qflow-gitops lock push", Person({"FILE": "../answers"})


@scenario("worktree")
def nothing_like_what_is_saved(at: Terminal) -> tuple[str, Person]:
    """A file that no apply saved."""
    at.specs(a=spec("a"))
    at.clone.write("answers", "{}\n")
    return "qflow-gitops lock push answers", Person(
        WHY, elsewhere={"It has one JSON object a line": "there is no such file"}
    )


@scenario("worktree")
def nothing_to_verify(at: Terminal) -> tuple[str, Person]:
    """There is no lockfile yet."""
    at.specs(a=spec("a"))
    return "qflow-gitops lock verify", Person(
        WHY, {"The first apply makes it": lambda at: at("apply")}
    )


@scenario("worktree")
def nothing_signed(at: Terminal) -> tuple[str, Person]:
    """Signatures of a lockfile that is a file."""
    at.specs(a=spec("a"))
    applied(at)
    return "qflow-gitops lock verify --signers ../clone/qflow.yaml", Person(
        WHY,
        {"Leave out --signers": lambda at: at("lock", "verify")},
        {"keep the lockfile on a branch": "`lock-set-back-*` tells what that takes"},
    )


@scenario("worktree")
def no_such_workflow(at: Terminal) -> tuple[str, Person]:
    """A workflow that the catalog hasn't got."""
    at.specs(a=spec("a"))
    return f"qflow-gitops workflows show {WORKFLOW}", Person(WHY)


@scenario("worktree")
def an_empty_catalog(at: Terminal) -> tuple[str, Person]:
    """The catalog has no workflows."""
    at.specs(a=spec("a"))
    return "qflow-gitops workflows show anything", Person({"ID": WORKFLOW})


@scenario("worktree")
def no_workflow_id(at: Terminal) -> tuple[str, Person]:
    """An id that is none."""
    at.specs(a=spec("a"))
    return "qflow-gitops workflows pull anything", Person(
        WHY,
        {"Qualys shows it": lambda at: at("workflows", "pull", WORKFLOW)},
    )


@scenario("branch")
def no_pull_request(at: Terminal) -> tuple[str, Person]:
    """A comment on no pull request in particular."""
    at.specs(a=spec("a"))
    return "qflow-gitops comment", Person({"N": "7"})


@scenario("worktree")
def an_unknown_platform(at: Terminal) -> tuple[str, Person]:
    """No platform is named anywhere."""
    at.settings("    prod: {}\n")
    at.specs(a=spec("a"))
    at.environ("QFLOW_PLATFORM", "sandbx")
    return APPLY, Person(
        WHY, {"or QFLOW_PLATFORM, to one of": lambda at: at.environ("QFLOW_PLATFORM", "sandbox")}
    )


@scenario("worktree")
def no_gateway(at: Terminal) -> tuple[str, Person]:
    """The sandbox's address isn't set."""
    at.specs(a=spec("a"))
    at.environ("QFLOW_GATEWAY", None)
    return APPLY, Person(WHY)


@scenario("worktree")
def a_gateway_for_another_platform(at: Terminal) -> tuple[str, Person]:
    """An address beside a platform that has its own."""
    at.settings("    prod: {platform: US1}\n")
    at.specs(a=spec("a"))
    return APPLY, Person(
        WHY,
        {
            "It is for `platform: private` and `platform: sandbox` alone": lambda at: at.edit(
                "qflow.yaml", "platform: US1", "platform: sandbox"
            ),
        },
        {"Unset QFLOW_GATEWAY": "what is asked then is Qualys itself"},
    )


@scenario("worktree")
def a_private_gateway_that_has_a_name(at: Terminal) -> tuple[str, Person]:
    """By another name what was sent there would not be seen."""
    at.settings("    prod: {platform: private}\n")
    at.specs(a=spec("a"))
    at.environ("QFLOW_GATEWAY", "https://gateway.qg2.apps.qualys.eu")
    return APPLY, Person(WHY, {}, {"Unset QFLOW_GATEWAY": "what is asked then is Qualys itself"})


# --- failures ----------------------------------------------------------------------------


def _failures(at: Terminal) -> None:
    at.settings(more="  statuses: {Failed: failed}\n")
    at.specs(a=spec("a"), b=spec("b"))
    at.faults("outcome=Failed")
    applied(at, 1)
    at.faults()


@scenario("worktree")
def all_that_failed(at: Terminal) -> tuple[str, Person]:
    """All that failed is to be sent again, and nobody said how many."""
    _failures(at)
    return f"{APPLY} --retry-failed", Person(WHY)


@scenario("worktree")
def all_that_failed_by_number_alone(at: Terminal) -> tuple[str, Person]:
    """A number of retries, and no word of retrying."""
    _failures(at)
    return f"{APPLY} --ack retry=2 --reason x", Person(WHY)


# --- decisions that were made ------------------------------------------------------------


@scenario("worktree")
def an_execution_of_another_request(at: Terminal) -> tuple[str, Person]:
    """A person names an execution that shows another request."""
    _doubt(at, *LOST)
    other = at.sandbox.add_foreign(WORKFLOW, {"input": {"value": 4}}, source="PUBLIC_API")
    return f"qflow-gitops resolve prod/a --adopt {other} --reason x", Person(
        WHY, elsewhere={"Otherwise look in Qualys": "a person looks in Qualys"}
    )


@scenario("worktree")
def an_execution_that_was_adopted(at: Terminal) -> tuple[str, Person]:
    """A person names an execution that was adopted for another run before."""
    at.specs(a=spec("a", 1), b=spec("b", 2))
    at.faults("drop", "list-lag=3600")
    applied(at, 9)
    at.faults("drop")
    theirs = at.sandbox.add_foreign(WORKFLOW, {"input": {"value": 1}}, source="PUBLIC_API")
    done = at("resolve", "prod/a", "--adopt", theirs, "--reason", "x")
    assert done.code == 0, done
    return f"qflow-gitops resolve prod/b --adopt {theirs} --reason x", Person(WHY)


@scenario("worktree")
def decided_already(at: Terminal) -> tuple[str, Person]:
    """A person decided before, and decides otherwise now."""
    _doubt(at, *LOST)
    done = at("resolve", "prod/a", "--assume-ran", "--reason", "seen")
    assert done.code == 0, done
    return "qflow-gitops resolve prod/a --absent --reason 'not seen'", Person(WHY)


@scenario("worktree")
def no_doubt_but_a_failure(at: Terminal) -> tuple[str, Person]:
    """A decision about a run that failed."""
    _failures(at)
    return "qflow-gitops resolve prod/a --assume-ran --reason x", Person(WHY)


@scenario("worktree")
def no_doubt_any_more(at: Terminal) -> tuple[str, Person]:
    """A decision about a run that didn't run, as was settled."""
    _doubt(at, "drop")
    at.later(minutes=20)
    at.faults()
    done = at("resolve", "prod/a", "--absent", "--reason", "not seen")
    assert done.code == 0, done
    return "qflow-gitops resolve prod/a --assume-ran --reason x", Person(WHY)


@scenario("worktree")
def a_secret_for_a_reason(at: Terminal) -> tuple[str, Person]:
    """A reason that holds a token."""
    at.specs(a=spec("a"))
    token = "ghp_" + "a1B2" * 9
    return f"qflow-gitops freeze --reason 'with {token}'", Person(
        WHY, {"Give the reason without it": lambda at: at("freeze", "--reason", "quarter end")}
    )


@scenario("worktree")
def a_freeze_without_words(at: Terminal) -> tuple[str, Person]:
    """A freeze whose reason has no words."""
    at.specs(a=spec("a"))
    return "qflow-gitops freeze --reason ' '", Person(WHY)


@scenario("branch")
def a_freeze_elsewhere(at: Terminal) -> tuple[str, Person]:
    """A freeze, where the settings name another lockfile than before."""
    at.specs(a=spec("a"))
    applied(at)
    at.edit("qflow.yaml", "{store: branch}", "{store: branch, branch: other}")
    at.merge()
    return "qflow-gitops freeze --reason x", Person(
        WHY,
        {
            "Set `lock` back as it was": lambda at: at.edit("qflow.yaml", ", branch: other", ""),
            "setting QFLOW_FREEZE": lambda at: at.environ("QFLOW_FREEZE", "x"),
        },
    )


# --- more -----------------------------------------------------------------------------------


@scenario("worktree")
def a_release_of_nothing(at: Terminal) -> tuple[str, Person]:
    """A release of a hold that isn't there."""
    at.specs(a=spec("a"))
    return f"{APPLY} --ack window=1 --reason x", Person(WHY)


@scenario("worktree")
def a_rerun_too_many(at: Terminal) -> tuple[str, Person]:
    """A rerun of a run whose number can't be raised any more."""
    at.specs(a=spec("a", extra="  rerun: 100000\n"))
    applied(at)
    return "qflow-gitops rerun a --reason 'once more'", Person(
        WHY, {"change something in its `input`": lambda at: at.edit("runs/a.yaml", '"a"', '"b"')}
    )


@scenario("worktree")
def no_doubt_but_due(at: Terminal) -> tuple[str, Person]:
    """A decision about a run that was not sent."""
    at.specs(a=spec("a"))
    at.faults("429=1")
    applied(at, 12)
    at.faults()
    return "qflow-gitops resolve prod/a --assume-ran --reason x", Person(WHY)


@scenario("worktree")
def a_doubt_on_another_platform(at: Terminal) -> tuple[str, Person]:
    """A run in doubt was sent to another platform than its environment has now."""
    _doubt(at, *LOST)
    at.faults()
    at.edit("qflow.yaml", "platform: sandbox", "platform: private")
    at.merge()
    return "qflow-gitops reconcile", Person(
        FOUND,
        {
            "Set `platform:` of prod in qflow.yaml back to sandbox": lambda at: at.edit(
                "qflow.yaml", "platform: private", "platform: sandbox"
            )
        },
    )


def _put_back(at: Terminal) -> None:
    text = at.clone.read("qflow.yaml")
    line = "  environments:\n"
    at.clone.write("qflow.yaml", text.replace(line, f"{line}    prod: {{platform: sandbox}}\n"))


@scenario("worktree")
def a_doubt_of_an_environment_that_is_gone(at: Terminal) -> tuple[str, Person]:
    """The settings have the environment of a run in doubt no more, and none on its platform."""
    _doubt(at, *LOST)
    at.faults()
    at.settings("    dev: {platform: private}\n", default="dev")
    at.specs(b=spec("b"))
    return "qflow-gitops reconcile", Person(
        FOUND,
        {"Put prod back under `environments:`": _put_back},
        applies=("qflow-gitops apply -e prod --yes",),
    )


@scenario("worktree")
def a_doubt_at_an_unknown_time(at: Terminal) -> tuple[str, Person]:
    """Qualys' clock was more than a day off when a run came in doubt that didn't run."""
    at.specs(a=spec("a"))
    at.faults("drop", "skew=-172800")
    applied(at, 9)
    at.faults()
    at.later(minutes=10)
    return "qflow-gitops resolve prod/a --absent --reason x", Person(WHY)


@scenario("branch")
def a_second_project_begun(at: Terminal) -> tuple[str, Person]:
    """A second project is begun, with the branch of the first one's lockfile."""
    at.specs(a=spec("a"))
    return "qflow-gitops init team --platform sandbox --branch qflow-lock", Person(WHY)


@scenario("branch")
def a_lockfile_of_another_folder(at: Terminal) -> tuple[str, Person]:
    """A project is begun, and the branch that it would take has another one's lockfile."""
    at.specs(a=spec("a"))
    applied(at)
    Workspace(at.folder / "remote.git").git("branch", "qflow-lock-team", "qflow-lock")
    return "qflow-gitops init team --platform sandbox", Person(WHY)


@scenario("worktree")
def settings_beside_a_lockfile(at: Terminal) -> tuple[str, Person]:
    """Settings are begun where a lockfile was, on a branch."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.remove("qflow.yaml")
    at.clone.commit()
    subprocess.run(["git", "init", "-q", "--bare", "remote.git"], cwd=at.folder, check=True)
    at.clone.git("remote", "add", "origin", (at.folder / "remote.git").as_uri())
    return "qflow-gitops init --platform sandbox --store branch", Person(WHY)


@scenario("worktree")
def a_folder_with_an_odd_name(at: Terminal) -> tuple[str, Person]:
    """A folder whose name isn't shown as it is."""
    at.specs(a=spec("a"))
    (at.clone.path / "te\u200bam").mkdir()
    return "qflow-gitops -C 'te\u200bam' plan", Person(
        WHY, {"or go to the repository's root": lambda at: at("-C", ".", "plan")}
    )


@scenario("worktree")
def a_plan_that_has_changed(at: Terminal) -> tuple[str, Person]:
    """While a person looks at a plan, another one settles a doubt: more would run."""
    at.specs(a=spec("a"))
    at.faults("drop")
    applied(at, 9)
    at.later(minutes=20)
    at.faults()
    at.specs(a=spec("a"), b=spec("b"))
    at.meanwhile = lambda: at("resolve", "prod/a", "--absent", "--reason", "not seen")
    return APPLY, Person(WHY)


# --- what a work tree, a name or a stream is like ----------------------------------------


@scenario("branch")
def a_sparse_checkout(at: Terminal) -> tuple[str, Person]:
    """The work tree holds only some of the project."""
    at.specs(**{"here/a": spec("a"), "there/b": spec("b")})
    at.clone.git("sparse-checkout", "set", "runs/here")
    return "qflow-gitops validate", Person(WHY)


@scenario("branch")
def a_branch_and_a_tag_of_one_name(at: Terminal) -> tuple[str, Person]:
    """A tag is called as the branch."""
    at.specs(a=spec("a"))
    at.clone.git("tag", "main")

    def in_full(there: Terminal) -> None:
        assert there("plan", "--from", "refs/heads/main").code == 0

    command = "qflow-gitops plan --from main"
    return command, Person(WHY, {"Name one of them in full: refs/heads/main": in_full})


@scenario("branch")
def a_result_that_nobody_takes(at: Terminal) -> tuple[str, Person]:
    """What an apply says goes where there is no room; what it did is recorded."""
    at.specs(a=spec("a"))
    return "qflow-gitops apply --yes >/dev/full", Person(WHY)


@scenario("branch")
def a_help_that_nobody_takes(at: Terminal) -> tuple[str, Person]:
    """What is only shown goes where there is no room."""
    at.specs(a=spec("a"))

    def elsewhere(there: Terminal) -> None:
        assert there.typed("qflow-gitops apply --help >help.txt").code == 0
        there.clone.remove("help.txt")

    command = "qflow-gitops apply --help >/dev/full"
    return command, Person(WHY, {"Have it written where there is room": elsewhere})


@scenario("worktree")
def name_that_a_new_run_cannot_have(at: Terminal) -> tuple[str, Person]:
    """A new spec is asked for under a name that no run can have."""
    at.specs(a=spec("a"))
    return "qflow-gitops new aws 'My run'", Person()
