"""A person's decision is held against what Qualys shows, and can be put back; in both stores.

What is decided is tried on the fakes as well (tests/unit/commands/test_resolve.py). `.ci/run` makes
all of it in the work tree, one row of several, and some on a branch, `.ci/nightly` all in both.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers import typed
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.partners import IN_BOTH_STORES, STORES, diagonal, nightly, rows
from tests.helpers.specs import SAMPLE, WORKFLOW, spec

RUN = "encrypt-prod-buckets"
FILE = "runs/aws/buckets.yaml"
OTHER = "0ffaf046-768b-79fc-83f6-aa25be52c2a1"
VARIABLES = {
    "connectorId": "aa70acae-6ea8-3acf-b504-f327855b316a",
    "region": "us-east-1",
    "name": "maha2",
}
BODY = {
    "input": {"bucketName": "test-bucket-1", "totalBucketCount": 4},
    "variables": VARIABLES,
}
WHY = ("--reason", "looked in Qualys")
Later = Callable[[float], None]


@dataclass(frozen=True)
class Place:
    """A repository with a lockfile in one of the stores."""

    workspace: Workspace
    remote: Remote | None

    def record(self) -> Any:
        if self.remote:
            return self.remote.record()
        return json.loads(self.workspace.read("qflow.lock"))

    def attempts(self, run: str = RUN) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.record()["environments"]["prod"]["runs"][run]["attempts"]
        return found

    def state(self, run: str = RUN) -> str:
        return str(self.attempts(run)[-1]["state"])

    def last(self, run: str = RUN) -> dict[str, Any]:
        event: dict[str, Any] = self.attempts(run)[-1]["events"][-1]
        return event

    def commit(self, message: str) -> None:
        """Commit, and share it with the others where there are any."""
        self.workspace.commit(message)
        if self.remote:
            self.workspace.git("push", "--quiet", "origin", "main")

    def teach(self, statuses: str) -> None:
        """Set what Qualys' words mean, and commit it."""
        text = self.workspace.read("qflow.yaml")
        text = re.sub(r"  statuses: .*\n", "", text) + f"  statuses: {statuses}\n"
        self.workspace.write("qflow.yaml", text)
        self.commit("words")


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, workspace: Workspace) -> Place:
    """The sample run in a repository, in each of the stores."""
    if request.param == "branch":
        return Place(workspace, request.getfixturevalue("remote"))
    request.getfixturevalue("project")
    return Place(workspace, None)


def sends(sandbox: SandboxServer) -> int:
    return len(sandbox.requests("POST", "/run"))


def lost(cli: Cli, sandbox: SandboxServer, *faults: str) -> str:
    """Apply, so that the run is in doubt; give the execution that nobody sees."""
    sandbox.set_faults("accept-then-drop", "list-lag=3600", *faults)
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults("list-lag=3600")
    return str(sandbox.executions()[-1]["id"])


def commands(text: str) -> Iterator[list[str]]:
    """The program's commands in a text, as a shell would take them apart."""
    for one in typed.commands(text):
        if one.startswith("qflow-gitops "):
            yield shlex.split(one)[1:]


# --- an adoption is checked ----------------------------------------------------------


@pytest.mark.parametrize("place", IN_BOTH_STORES, indirect=True)
def test_the_execution_that_shows_the_request_is_adopted(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    ours = lost(cli, sandbox)
    short = cli("resolve", RUN, "--adopt", ours[:8], *WHY)  # as a narrow screen shows it
    assert (short.code != 0, place.state(), sends(sandbox)) == (True, "in_doubt", 1), short
    done = cli("resolve", RUN, "--adopt", ours, *WHY)
    assert done.code == 0, done.err
    assert (place.state(), place.attempts()[0]["executionId"]) == ("adopted", ours)
    event = place.last()
    assert event["checked"] == "request"
    assert event["detail"] == "looked in Qualys"
    assert {"different", "against"} & set(event) == set()
    assert cli("apply", "--yes").code == 0
    assert (place.state(), sends(sandbox)) == ("succeeded", 1)


def test_another_request_is_shown_and_refused(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    """What is sensitive or looks like a secret isn't shown, and is recorded by its path alone."""
    token = "ghp_" + "a1B2" * 9
    place.workspace.write(FILE, SAMPLE + "  sensitive: [/input/bucketName]\n")
    place.commit("sensitive")
    lost(cli, sandbox)
    inside = {"bucketName": "somebody's", "totalBucketCount": 5, "password": "hunter2", "a": token}
    body = {"input": inside, "variables": {**VARIABLES, "more": "x"}}
    wrong = sandbox.add_foreign(WORKFLOW, body, source="PUBLIC_API")
    refused = cli("resolve", RUN, "--adopt", wrong, *WHY)
    assert refused.code == 2
    assert place.state() == "in_doubt"
    assert "5 values differ" in refused.err
    assert "~ /input/totalBucketCount  4 → 5" in refused.out
    assert "/input/bucketName  changed, and not shown" in refused.out
    assert "+ /variables/more" in refused.out
    asked = cli.json("resolve", RUN, "--adopt", wrong, *WHY)
    assert (asked["exitCode"], asked["reason"]) == (2, "request_differs")
    assert {"path": "/input/totalBucketCount", "old": 4, "new": 5} in asked["differences"]
    (way_on,) = commands(refused.err)
    assert way_on == [
        "resolve", f"prod/{RUN}", "--adopt", wrong, "--although-different", "--reason", "TEXT",
    ]  # fmt: skip
    done = cli(*way_on)
    assert done.code == 0, done.err
    assert place.state() == "adopted"
    assert place.last()["checked"] == "execution"
    assert place.last()["different"] == [
        "/input/a", "/input/bucketName", "/input/password", "/input/totalBucketCount",
        "/variables/more",
    ]  # fmt: skip
    told = refused.out + refused.err + json.dumps(asked) + done.out + json.dumps(place.record())
    for hidden in (token, "hunter2", "somebody's"):
        assert hidden not in told
    assert sends(sandbox) == 1


@pytest.mark.parametrize(
    ("word", "said"),
    rows(
        (
            ("source", "WORKFLOW_TRIGGER"),
            ("time", "It began at"),
            ("before", "It was there before"),
            ("not_shown", "doesn't show"),
            ("request_unknown", "isn't in this clone"),
        ),
        lambda row: row[0] in ("before", "request_unknown"),
    ),
)
def test_what_speaks_against_it_is_said_and_refused(
    word: str, said: str, place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    if word == "before":
        one = sandbox.add_foreign(WORKFLOW, BODY, source="PUBLIC_API")
        sandbox.set_faults("drop")
        assert cli("apply", "--yes").code == 9
    else:
        ours = lost(cli, sandbox)
    if word == "source":
        one = sandbox.add_foreign(WORKFLOW, BODY, source="WORKFLOW_TRIGGER")
    elif word == "time":
        one = ours
        sandbox.age(one, 3600)
    elif word == "not_shown":
        one = ours
        sandbox.set_faults("no-echo")
    elif word == "request_unknown":
        one = ours
        sandbox.set_faults("wrapped-variables")
        place.workspace.write(FILE, SAMPLE.replace("maha2", "maha9"))
        place.commit("changed since")
        forget(place)
    refused = cli("resolve", RUN, "--adopt", one, *WHY)
    assert refused.code == 2
    assert said in refused.out
    assert said in refused.err
    assert place.state() == "in_doubt"
    asked = cli.json("resolve", RUN, "--adopt", one, *WHY)
    assert (asked["reason"], asked["attempts"]) == (word, [])
    (way_on,) = commands(refused.err)
    assert cli(*way_on).code == 0
    assert (place.state(), place.last()["against"]) == ("adopted", [word])
    assert sends(sandbox) == 1


def forget(place: Place) -> None:
    """Take the file, as it was sent, out of the clone."""
    blob = place.attempts()[0]["blob"]
    (place.workspace.path / ".git/objects" / blob[:2] / blob[2:]).unlink()


def test_without_the_file_equal_bytes_are_the_same_request(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    ours = lost(cli, sandbox)
    place.workspace.write(FILE, SAMPLE.replace("maha2", "maha9"))
    place.commit("changed since")
    forget(place)
    assert cli("resolve", RUN, "--adopt", ours, *WHY).code == 0
    assert place.last()["checked"] == "request"


def test_with_a_key_of_ours_the_key_decides(place: Place, cli: Cli, sandbox: SandboxServer) -> None:
    text = place.workspace.read("qflow.yaml")
    place.workspace.write("qflow.yaml", text + "  apply: {correlationKey: qflowAttempt}\n")
    place.commit("a key")
    ours = lost(cli, sandbox)
    wrong = sandbox.add_foreign(WORKFLOW, BODY, source="PUBLIC_API")
    refused = cli("resolve", RUN, "--adopt", wrong, *WHY)
    assert refused.code == 2
    assert "- /input/qflowAttempt" in refused.out
    assert cli("resolve", RUN, "--adopt", ours, *WHY).code == 0


def test_what_can_t_be_its_own_no_word_makes_so(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    """Another workflow's, one that Qualys doesn't show, one that another run has."""
    place.workspace.write("runs/b.yaml", spec("b"))
    place.commit("b")
    sandbox.set_faults("accept-then-drop#1", "list-lag=3600")
    assert cli("apply", "--yes", "--concurrency", "1").code == 9
    doubtful, other = (RUN, "b") if place.state() == "in_doubt" else ("b", RUN)
    foreign = sandbox.add_foreign(OTHER, BODY, source="PUBLIC_API")
    taken = place.attempts(other)[0]["executionId"]
    for one, reason in (
        (foreign, "execution_differs"),
        (WORKFLOW, "execution_differs"),
        (taken, "execution_taken"),
        (taken.upper(), "execution_differs"),
    ):
        done = cli.json("resolve", doubtful, "--adopt", one, "--although-different", *WHY)
        assert (done["exitCode"], done["reason"]) == (2, reason)
    assert place.state(doubtful) == "in_doubt"


# --- a decision is put back ----------------------------------------------------------


@pytest.mark.parametrize(
    "decision",
    rows(("--adopt", "--absent", "--assume-ran"), lambda decision: decision == "--adopt"),
)
def test_a_decision_is_put_back_and_nothing_is_sent(
    decision: str, place: Place, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    ours = lost(cli, sandbox)
    later(400)
    given = (decision, ours) if decision == "--adopt" else (decision,)
    assert cli("resolve", RUN, *given, *WHY).code == 0
    decided = place.state()
    back = cli("resolve", RUN, "--reopen", "--reason", "it was another's")
    assert back.code == 0, back.err
    assert "attempt 1 is in doubt again" in back.err
    (attempt,) = place.attempts()
    assert (attempt["state"], attempt.get("executionId")) == ("in_doubt", None)
    event = attempt["events"][-1]
    assert (event["reopens"], event["detail"]) == (decided, "it was another's")
    assert event["by"]["actor"] == "test@example.com"
    assert event.get("letGo") == (ours if decision == "--adopt" else None)
    plan = cli.json("plan", "--full")
    assert [(one["action"], one["reason"]) for one in plan["changes"]] == [("hold", "in_doubt")]
    assert cli("apply", "--yes").code == 9
    assert cli("resolve", RUN, "--reopen", *WHY).code == 2
    assert (place.state(), sends(sandbox)) == ("in_doubt", 1)
    assert cli("lock", "verify").code == 0
    # and each way out of a doubt is open again
    assert cli("resolve", RUN, "--adopt", ours, *WHY).code == 0
    assert cli("apply", "--yes").code == 0
    assert (place.state(), sends(sandbox)) == ("succeeded", 1)
    assert cli("lock", "verify").code == 0


def test_what_was_adopted_wrongly_is_free_and_looking_doesn_t_adopt_it_again(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    """Ours never arrived; the one that looks like it is Mara's. A person said so."""
    sandbox.set_faults("drop")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults("list-lag=3600")
    maras = sandbox.add_foreign(WORKFLOW, BODY, source="PUBLIC_API")
    assert cli("resolve", RUN, "--adopt", maras, *WHY).code == 0
    assert cli("apply", "--yes").code == 0
    assert place.state() == "succeeded"
    back = cli("resolve", RUN, "--reopen", "--reason", "it is Mara's")
    assert back.code == 0
    assert "had succeeded by" in back.err
    assert f"{maras} is no attempt's execution now" in back.err
    sandbox.set_faults()
    assert cli("reconcile").code == 9
    assert cli("apply", "--yes").code == 9
    assert place.state() == "in_doubt"
    # another run may have it, and then this one can't
    place.workspace.write("runs/b.yaml", spec("b", "b"))
    place.commit("b")
    sandbox.set_faults("drop", "list-lag=3600")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults("list-lag=3600")
    assert cli("resolve", "b", "--adopt", maras, "--although-different", *WHY).code == 0
    taken = cli("resolve", RUN, "--adopt", maras, *WHY)
    assert taken.code == 2
    assert "resolve prod/b --reopen" in taken.err
    assert cli("lock", "verify").code == 0
    assert len(sandbox.executions()) == 0


def test_two_runs_of_one_request_that_were_adopted_the_wrong_way_round(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    place.workspace.remove(FILE)
    place.workspace.write("runs/a.yaml", spec("a", "same"))
    place.workspace.write("runs/b.yaml", spec("b", "same", extra="  rerun: 1\n"))
    place.commit("two of one")
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert cli("apply", "--yes", "--concurrency", "1").code == 9
    sandbox.set_faults("list-lag=3600")
    first, second = (one["id"] for one in sandbox.executions())
    assert cli("resolve", "a", "--adopt", second, *WHY).code == 0
    assert cli("resolve", "b", "--adopt", first, *WHY).code == 0
    for run in ("a", "b"):
        assert cli("resolve", run, "--reopen", *WHY).code == 0
    assert cli("resolve", "a", "--adopt", first, *WHY).code == 0
    assert cli("resolve", "b", "--adopt", second, *WHY).code == 0
    assert cli("apply", "--yes").code == 0
    assert {place.attempts(one)[0]["executionId"] for one in ("a", "b")} == {first, second}
    assert cli("lock", "verify").code == 0
    assert sends(sandbox) == 2


def test_after_the_run_was_sent_again_both_count_and_nothing_more_is_sent(
    place: Place, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    """A person said that it hadn't run; it had, and so it has run twice."""
    ours = lost(cli, sandbox)
    later(400)
    assert cli("resolve", RUN, "--absent", *WHY).code == 0
    assert cli("apply", "--yes").code == 0
    assert sends(sandbox) == 2
    back = cli("resolve", RUN, "--reopen", "--reason", "it shows now")
    assert back.code == 0
    assert "Attempt 2 sent the same request since: it had succeeded by" in back.err
    assert "Both count now" in back.err
    assert [one["state"] for one in place.attempts()] == ["in_doubt", "succeeded"]
    assert re.search(r"#1 .*\n(?:.*\n)*.*#2 ", back.out)
    assert cli("apply", "--yes").code == 9
    assert cli("apply", "--yes", "--retry", RUN).code == 2
    assert cli("status", "--exit-code").code == 9
    assert sends(sandbox) == 2
    verified = cli.json("lock", "verify")
    assert "since a person had decided" in verified["problems"][0]
    # by what a person finds then, it did, or it didn't
    assert cli("resolve", RUN, "--adopt", ours, *WHY).code == 0
    assert cli("resolve", RUN, "--reopen", *WHY).code == 0
    assert cli("resolve", RUN, "--absent", *WHY).code == 0
    assert cli("apply", "--yes").code == 0
    assert cli("lock", "verify").code == 0
    assert sends(sandbox) == 2


@pytest.mark.parametrize("place", IN_BOTH_STORES, indirect=True)
def test_the_attempt_that_is_meant_can_be_named(
    place: Place, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    for number in (1, 2):
        lost(cli, sandbox)
        later(400 * number)
        assert cli("resolve", RUN, "--absent", *WHY).code == 0
    assert cli("resolve", RUN, "--reopen", "--attempt", "1", *WHY).code == 0
    assert [one["state"] for one in place.attempts()] == ["in_doubt", "absent"]
    assert cli("resolve", RUN, "--reopen", *WHY).code == 0
    assert [one["state"] for one in place.attempts()] == ["in_doubt", "in_doubt"]
    assert cli("resolve", RUN, "--assume-ran", "--attempt", "2", *WHY).code == 0
    assert [one["state"] for one in place.attempts()] == ["in_doubt", "assumed"]
    unknown = cli.json("resolve", RUN, "--assume-ran", "--attempt", "7", *WHY)
    assert (unknown["exitCode"], unknown["reason"]) == (2, "attempt_unknown")
    assert sends(sandbox) == 2


@pytest.mark.parametrize(
    ("how", "says"),
    rows(
        (
            ("succeeded", "had succeeded by"),
            ("refused", "was refused by Qualys"),
            ("unsent", "was not sent"),
            ("found", "was found to have started"),
            ("baselined", "was declared as done"),
            ("doubt", "has been in doubt since"),
        ),
        lambda row: row[0] in ("succeeded", "found", "doubt"),
    ),
)
def test_what_a_machine_saw_or_proved_is_not_put_back(
    how: str, says: str, place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    if how == "baselined":
        assert cli("baseline", "--yes", *WHY).code == 0
    elif how in ("found", "doubt"):
        lost(cli, sandbox)
        if how == "found":
            sandbox.set_faults()
            assert cli("reconcile").code == 0
    else:
        sandbox.set_faults(*{"refused": ["400"], "unsent": ["429=0.01"]}.get(how, []))
        cli("apply", "--yes")
    before = place.record()
    done = cli("resolve", RUN, "--reopen", *WHY)
    assert done.code == 2
    assert says in done.err
    assert place.record() == before
    assert cli.json("resolve", RUN, "--reopen", *WHY)["reason"] == "nothing_decided"
    for one in commands(done.err):  # each way on that it names is one
        adopts = [WORKFLOW if word == "EXECUTION" else word for word in one]
        assert cli(*adopts).code in (0, 2, 6), one
    unknown = cli.json("resolve", "nothing", "--reopen", *WHY)
    assert (unknown["exitCode"], unknown["reason"]) == (2, "run_unknown")


def test_one_thing_at_a_time_and_with_a_reason(place: Place, cli: Cli) -> None:
    for wrong in (
        ("--reopen",),
        ("--reopen", "--absent", *WHY),
        ("--succeeded", "--failed", *WHY),
        ("--reopen", "--although-different", *WHY),
        ("--assume-ran", "--not", WORKFLOW, *WHY),
        ("--reopen", "--reason", " "),
    ):
        assert cli("resolve", RUN, *wrong).code == 2


def test_no_file_of_saved_answers_decides_anything(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    """Only a person's own command puts a decision back, or says how something ended."""
    ours = lost(cli, sandbox, "outcome=Odd")
    assert cli("resolve", RUN, "--adopt", ours, *WHY).code == 0
    assert cli("apply", "--yes").code == 1
    (attempt,) = place.attempts()
    by = {"at": "2026-01-01T00:00:00Z", "by": {"actor": "eve"}}
    before = place.record()
    for event in (
        {**by, "to": "succeeded"},
        {**by, "to": "in_doubt", "reopens": "adopted", "letGo": ours},
        {**by, "to": "ended", "reopens": "failed"},
        {"at": by["at"], "to": "in_doubt", "reopens": "adopted", "letGo": ours},
    ):
        line = {
            "rescueVersion": 1, "lineage": before["lineage"], "attempt": attempt,
            "transition": {"environment": "prod", "run": RUN, "number": 1, "event": event,
                           "opens": None, "executionId": "", "status": ""},
        }  # fmt: skip
        (place.workspace.path / "saved").write_text(json.dumps(line) + "\n")
        done = cli.json("lock", "push", str(place.workspace.path / "saved"))
        assert (done["exitCode"], done["reason"]) == (11, "rescue_form")
    assert place.record() == before


# --- an end that nobody knew ---------------------------------------------------------


def ended(cli: Cli, sandbox: SandboxServer, word: str = "Odd") -> None:
    sandbox.set_faults(f"outcome={word}")
    assert cli("apply", "--yes").code == 1
    sandbox.set_faults()


@pytest.mark.parametrize(
    ("command", "state"),
    diagonal((("apply", "--yes"), ("status", "--refresh")), ("succeeded", "failed", "cancelled")),
)
def test_a_word_that_the_settings_learn_settles_it(
    command: tuple[str, ...], state: str, place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    """By itself, without asking Qualys; a plan says so before."""
    ended(cli, sandbox)
    assert place.state() == "ended"
    place.teach(f"{{ODD: {state}}}")
    held = cli.json("plan", "--full")["changes"]
    assert len(held) == (state != "succeeded")
    assert all(f"the settings explain that word as {state}" in one["detail"] for one in held)
    before = len(sandbox.requests())
    done = cli(*command)
    assert done.code == 0, done.err
    assert len(sandbox.requests()) == before
    (attempt,) = place.attempts()
    assert (attempt["state"], attempt["status"]) == (state, "Odd")
    assert attempt["events"][-1]["detail"] == (
        f'The settings explain Qualys\' word "Odd" as {state}.'
    )
    assert cli("status", "--exit-code").code == (0 if state == "succeeded" else 1)
    record = place.record()
    cli(*command)
    assert place.record()["environments"]["prod"]["runs"] == record["environments"]["prod"]["runs"]
    assert cli("lock", "verify").code == 0


def test_a_word_of_before_it_was_gone_settles_nothing(
    place: Place, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    """How an execution ended that Qualys no longer shows is for a person to say."""
    assert cli("apply", "--yes", "--no-wait").code == 0
    sandbox.forget(sandbox.executions()[0]["id"])
    later(3700)
    assert cli("status", "--refresh").code == 0
    assert place.state() == "ended"
    place.teach("{Running: failed, Odd: failed}")
    assert cli("apply", "--yes").code == 0
    assert place.state() == "ended"
    hold = cli.json("plan", "--full")["changes"][0]
    assert "how it ended isn't known" in hold["detail"]
    assert cli("resolve", RUN, "--succeeded", *WHY).code == 0
    assert place.state() == "succeeded"


@pytest.mark.parametrize("state", rows(("succeeded", "failed"), lambda state: state == "failed"))
def test_a_person_says_how_it_ended(
    state: str, place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    """The hold names the command, it works as it stands, and can be put back."""
    ended(cli, sandbox)
    (hold,) = cli.json("plan", "--full")["changes"]
    named = [one for one in commands(hold["hint"]) if f"--{state}" in one]
    assert named == [["resolve", f"prod/{RUN}", f"--{state}", "--reason", "TEXT"]]
    asked = len(sandbox.requests())
    assert cli(*named[0]).code == 0
    assert len(sandbox.requests()) == asked
    (attempt,) = place.attempts()
    assert (attempt["state"], attempt["status"]) == (state, "Odd")
    assert attempt["executionId"] == sandbox.executions()[0]["id"]
    assert (place.last()["detail"], "by" in place.last()) == ("TEXT", True)
    known = cli.json("resolve", RUN, "--failed", *WHY)
    assert (known["exitCode"], known["reason"]) == (2, "not_ended")
    back = cli("resolve", RUN, "--reopen", *WHY)
    assert back.code == 0
    assert "is ended again" in back.err
    assert place.state() == "ended"
    assert cli("resolve", RUN, "--failed", *WHY).code == 0
    assert cli("apply", "--yes").code == 0
    assert sends(sandbox) == 1
    assert cli("apply", "--yes", "--retry", RUN).code == 0
    assert sends(sandbox) == 2
    assert cli("lock", "verify").code == 0


def test_what_was_adopted_and_then_ended_is_put_back_step_by_step(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    ours = lost(cli, sandbox, "outcome=Odd")
    assert cli("resolve", RUN, "--adopt", ours, *WHY).code == 0
    assert cli("apply", "--yes").code == 1
    assert cli("resolve", RUN, "--failed", *WHY).code == 0
    assert cli("resolve", RUN, "--reopen", *WHY).code == 0
    assert place.state() == "ended"
    assert cli("resolve", RUN, "--reopen", *WHY).code == 0
    assert (place.state(), place.last()["letGo"]) == ("in_doubt", ours)
    assert cli("resolve", RUN, "--reopen", *WHY).code == 2
    assert cli("lock", "verify").code == 0


def test_a_retry_by_name_of_what_turned_out_well_stays_whole(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    """Sent again by name while nobody knew how it had ended; then the settings learn the word."""
    ended(cli, sandbox)
    assert cli("apply", "--yes", "--retry", RUN).code == 0
    place.teach("{Odd: succeeded}")
    assert cli("apply", "--yes").code == 0
    assert [one["state"] for one in place.attempts()] == ["succeeded", "succeeded"]
    assert cli("lock", "verify").code == 0
    assert sends(sandbox) == 2


# --- all that failed -----------------------------------------------------------------

WORDS = "{Failed: failed, Cancelled: cancelled}"


def failed(place: Place, cli: Cli, sandbox: SandboxServer, *names: str) -> None:
    """Let runs fail, the first one refused, the next one cancelled, the others by Failed."""
    place.workspace.remove(FILE)
    place.teach(WORDS)
    for name, fault in zip(
        names, ("400@run", "outcome=Cancelled", *("outcome=Failed",) * len(names)), strict=False
    ):
        text = spec(name, name, metadata=f"  labels: {{team: {name}}}\n")
        place.workspace.write(f"runs/{name}.yaml", text)
        place.commit(name)
        sandbox.set_faults(fault)
        assert cli("apply", "--yes").code == 1
    sandbox.set_faults()


@nightly
def test_all_that_failed_is_retried_once_somebody_says_how_many(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    """Refused, cancelled and failed ones; never one that ended in a way that nobody knows."""
    failed(place, cli, sandbox, "a", "b", "c")
    place.workspace.write("runs/odd.yaml", spec("odd", "odd"))
    place.commit("odd")
    ended(cli, sandbox)
    before = sends(sandbox)
    asked = cli("apply", "--yes", "--retry-failed")
    assert asked.code == 2
    assert "would send 3 runs again (prod/a, prod/b, prod/c)" in asked.err
    assert sends(sandbox) == before
    (told,) = commands(asked.err)
    assert told[-6:] == ["--yes", "--retry-failed", "--ack", "retry=3", "--reason", "TEXT"]
    assert cli("apply", "--yes", "--retry-failed", "--ack", "retry=3").code == 2  # no reason
    for wrong in ("2", "4"):
        done = cli("apply", "--yes", "--retry-failed", "--ack", f"retry={wrong}", *WHY)
        assert done.code == 2
        assert "retry=3" in done.err
    alone = cli("apply", "--yes", "--ack", "retry=3", *WHY)
    assert alone.code == 2
    assert "--retry-failed" in alone.err
    assert sends(sandbox) == before
    done = cli(*told)
    assert done.code == 0, done.err
    assert sends(sandbox) == before + 3
    for run in ("a", "b", "c"):
        first, second = place.attempts(run)
        assert second["state"] == "succeeded"
        (released,) = second["evidence"]["released"]
        assert released == {
            "hold": "retry", "count": 3, "by": "test@example.com", "reason": "TEXT",
        }  # fmt: skip
        assert first["digest"] == second["digest"]
    assert place.state("odd") == "ended"
    nothing = cli("apply", "--yes", "--retry-failed")
    assert nothing.code == 0
    assert "nothing to retry" in nothing.err
    assert cli("apply", "--yes", "--retry-failed", "--ack", "retry=3", *WHY).code == 2
    assert sends(sandbox) == before + 3
    assert cli("lock", "verify").code == 0


@nightly
def test_labels_choose_what_is_retried(place: Place, cli: Cli, sandbox: SandboxServer) -> None:
    failed(place, cli, sandbox, "a", "b", "c")
    asked = cli("apply", "--yes", "--retry-failed", "-l", "team=b")
    assert "1 run again (prod/b)" in asked.err
    (told,) = commands(asked.err)
    assert cli(*told).code == 0
    assert [len(place.attempts(run)) for run in ("a", "b", "c")] == [1, 2, 1]


@nightly
def test_one_by_name_beside_all_others(place: Place, cli: Cli, sandbox: SandboxServer) -> None:
    failed(place, cli, sandbox, "a", "b", "c")
    asked = cli("apply", "--yes", "--retry", "a", "--retry-failed")
    assert "2 runs again (prod/b, prod/c)" in asked.err
    (told,) = commands(asked.err)
    assert cli(*told).code == 0
    assert [len(place.attempts(run)) for run in ("a", "b", "c")] == [2, 2, 2]
    assert place.attempts("a")[1]["evidence"]["released"][0] == {
        "hold": "retry", "by": "test@example.com", "reason": "TEXT",
    }  # fmt: skip


@nightly
def test_a_hold_that_is_left_says_what_the_next_apply_needs(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    """Not what this one used up; and all of it where nothing was sent."""
    failed(place, cli, sandbox, "a", "b", "c")
    place.workspace.write("runs/copy.yaml", spec("copy", "a"))
    place.commit("a copy")
    before = sends(sandbox)
    wanted = ["apply", "--ack", "same_request=1", "--reason", "TEXT"]
    done = cli("apply", "--yes", "--retry", "a")
    assert (done.code, sends(sandbox)) == (5, before + 1)
    assert wanted in commands(done.out)
    every = ("--retry-failed", "--ack", "retry=2", *WHY)
    frozen = cli("freeze", *WHY)
    assert frozen.code == 0
    done = cli("apply", "--yes", *every)
    asked = ["apply", "--retry-failed", "--ack", "retry=2", *wanted[1:]]
    assert (done.code, sends(sandbox)) == (5, before + 1)
    assert asked in commands(done.out)
    assert cli("unfreeze", *WHY).code == 0
    done = cli("apply", "--yes", *every)
    assert (done.code, sends(sandbox)) == (5, before + 3)
    assert wanted in commands(done.out)
    assert cli(*wanted, "--yes").code == 0
    assert sends(sandbox) == before + 4


@nightly
def test_what_is_retried_counts_for_the_policy(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    failed(place, cli, sandbox, "a", "b", "c")
    text = place.workspace.read("qflow.yaml")
    place.workspace.write("qflow.yaml", text + "  policy: {limits: {runs: 2}}\n")
    place.commit("a limit")
    again = ("apply", "--yes", "--retry-failed", "--ack", "retry=3", *WHY)
    before = sends(sandbox)
    assert cli(*again).code == 5
    assert sends(sandbox) == before
    assert cli(*again, "--ack", "limit:runs=3").code == 0
    released = place.attempts("a")[1]["evidence"]["released"]
    assert [one["hold"] for one in released] == ["retry", "limit:runs"]


def test_a_freeze_holds_what_is_retried(
    place: Place, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(place, cli, sandbox, "a", "b")
    before = sends(sandbox)
    monkeypatch.setenv("QFLOW_FREEZE", "incident 42")
    done = cli("apply", "--yes", "--retry-failed", "--ack", "retry=2", *WHY)
    assert done.code == 5
    assert "incident 42" in done.out
    assert sends(sandbox) == before


# --- how runs stand ------------------------------------------------------------------


def row(cli: Cli, run: str = RUN) -> dict[str, Any]:
    rows = cli.json("status")["runs"]
    found: dict[str, Any] = next(one for one in rows if one["name"] == run)
    return found


@pytest.mark.parametrize(
    "fault", rows(("outcome=Failed", "outcome=Odd", "400@run"), lambda fault: fault == "400@run")
)
def test_a_failed_run_without_a_spec_is_closed(
    fault: str, place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    place.teach("{Failed: failed}")
    sandbox.set_faults(fault)
    assert cli("apply", "--yes").code == 1
    sandbox.set_faults()
    assert cli("status", "--exit-code").code == 1
    place.workspace.remove(FILE)
    place.commit("given up")
    done = cli("status", "--exit-code")
    assert done.code == 0
    assert "removed: closed" in done.out
    assert row(cli)["closed"]


def test_a_doubt_without_a_spec_is_not_closed(
    place: Place, cli: Cli, sandbox: SandboxServer
) -> None:
    lost(cli, sandbox)
    place.workspace.remove(FILE)
    place.commit("given up")
    done = cli("status", "--exit-code")
    assert done.code == 9
    assert "closed" not in done.out


def test_what_can_t_be_read_closes_nothing(place: Place, cli: Cli, sandbox: SandboxServer) -> None:
    """Its spec may be in a file that has errors now, or go on under another name."""
    place.teach("{Failed: failed}")
    sandbox.set_faults("outcome=Failed")
    assert cli("apply", "--yes").code == 1
    sandbox.set_faults()
    place.workspace.write(FILE, SAMPLE + "   :\n")
    place.commit("next")
    assert cli("status", "--exit-code").code == 1
    assert not row(cli)["closed"]
    carried = SAMPLE.replace(f"name: {RUN}\n", f"name: new\n  previousName: {RUN}\n")
    place.workspace.write(FILE, carried)
    place.commit("next")
    assert cli("status", "--exit-code").code == 1
    place.workspace.write(FILE, SAMPLE.replace(RUN, "new"))
    place.commit("next")
    assert cli("status", "--exit-code").code == 0


def test_an_open_doubt_is_seen_behind_a_later_success(
    place: Place, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    lost(cli, sandbox)
    later(400)
    assert cli("resolve", RUN, "--absent", *WHY).code == 0
    assert cli("apply", "--yes").code == 0
    assert cli("status", "--exit-code").code == 0
    assert cli("resolve", RUN, "--reopen", *WHY).code == 0
    assert cli("status", "--exit-code").code == 9
    assert row(cli)["attempt"]["number"] == 1
    place.workspace.remove(FILE)
    place.commit("given up")
    assert "may have" in cli("plan", "--full").out or "in doubt" in cli("plan", "--full").out
