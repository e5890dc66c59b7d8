"""Decisions and retries of two processes at the same moment, and of one that dies: sent once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.base.paths import RESCUE_FILE
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.partners import rows
from tests.helpers.services import Done, Runners
from tests.helpers.specs import spec

LEASE = 400.0
WHY = ("--reason", "TEXT")
RETRY = ("apply", "--yes", "--retry-failed", "--ack", "retry=2", *WHY)


class Two:
    """Two clones of one remote with the runs a and b, and what they do in each other's midst."""

    def __init__(self, remote: Remote, workspace: Workspace, sandbox: SandboxServer) -> None:
        workspace.remove("runs/aws/buckets.yaml")
        words = "  statuses: {Failed: failed}\n"
        workspace.write("qflow.yaml", BRANCH_PROJECT + words)
        for name in ("a", "b"):
            workspace.write(f"runs/{name}.yaml", spec(name, name))
        workspace.commit("two runs")
        workspace.git("push", "--quiet", "origin", "main")
        self.remote, self.sandbox = remote, sandbox
        self.one, self.two = workspace.path, remote.clone("two").path
        self.runners = Runners(sandbox)

    def __call__(self, folder: Path, *arguments: str, **script: Callable[[], object]) -> Done:
        """Run a command; `script` says what happens when it first comes to an edge."""
        steps: Any = {(edge, 1): deed for edge, deed in script.items()}
        done = self.runners.call(folder, *arguments, script=steps)
        assert "Traceback" not in done.err
        return done

    def sends(self) -> int:
        return len(self.sandbox.requests("POST", "/run"))

    def states(self, run: str) -> list[str]:
        return [one["state"] for one in self.remote.attempts(run)]

    def failed(self) -> None:
        self.sandbox.set_faults("outcome=Failed")
        assert self(self.one, "apply", "--yes", "--concurrency", "1").code == 1
        assert self(self.one, "apply", "--yes").code == 1
        self.sandbox.set_faults()
        assert [self.states(run) for run in ("a", "b")] == [["failed"]] * 2

    def lost(self) -> str:
        """Leave run a in doubt; give the execution that nobody sees."""
        self.sandbox.set_faults("accept-then-drop#1", "list-lag=100000")
        assert self(self.one, "apply", "--yes", "--concurrency", "1").code == 9
        doubtful = [run for run in ("a", "b") if self.states(run) == ["in_doubt"]]
        assert doubtful == ["a"]
        self.runners.elapse(LEASE)
        found: str = self.sandbox.executions()[0]["id"]
        return found

    def verified(self) -> int:
        return self(self.one, "lock", "verify").code


@pytest.fixture
def two(remote: Remote, workspace: Workspace, sandbox: SandboxServer) -> Iterator[Two]:
    made = Two(remote, workspace, sandbox)
    with made.runners.installed():
        yield made


@pytest.mark.parametrize("again", rows(("Success", "Failed"), lambda again: again == "Failed"))
def test_all_that_failed_is_retried_by_one_of_two(two: Two, again: str) -> None:
    """The other one finds them under way, or done; also where they have failed once more."""
    two.failed()
    two.sandbox.set_faults(f"outcome={again}")
    before = two.sends()
    done = two(two.one, *RETRY, push=lambda: two(two.two, *RETRY))
    assert done.code in (0, 6, 7)
    assert two.sends() == before + 2
    assert [len(two.states(run)) for run in ("a", "b")] == [2, 2]
    assert two.verified() == 0


def test_one_that_is_retried_meanwhile_is_left_out(two: Two) -> None:
    """Whether before the plan is held against the newest lockfile, or between two waves."""
    two.failed()
    before = two.sends()
    alone = ("apply", "--yes", "--retry", "b", *WHY)
    done = two(two.one, *RETRY, "--concurrency", "1", sent=lambda: two(two.two, *alone))
    assert done.code in (0, 6)
    assert two.sends() == before + 2
    assert [len(two.states(run)) for run in ("a", "b")] == [2, 2]
    assert two.verified() == 0


@pytest.mark.parametrize("edge", rows(("pushed", "send", "sent"), lambda edge: edge == "send"))
def test_what_a_killed_retry_began_is_a_doubt_and_no_failure(two: Two, edge: str) -> None:
    """The number that the next one needs is another; what may have been sent isn't sent again."""
    two.failed()
    two.sandbox.set_faults("list-lag=100000")
    before = two.sends()
    assert two(two.one, *RETRY, "--concurrency", "1", **{edge: two.runners.crash}).code == -9
    two.runners.elapse(LEASE)
    assert two.states("a") == ["failed", "intent"]
    refused = two(two.two, *RETRY)
    assert refused.code == 2
    assert "retry=1" in refused.err
    done = two(two.two, "apply", "--yes", "--retry-failed", "--ack", "retry=1", *WHY)
    assert done.code == 9
    assert (two.states("a"), two.states("b")) == (
        ["failed", "in_doubt"], ["failed", "succeeded"],
    )  # fmt: skip
    assert two.sends() == before + (2 if edge == "sent" else 1)


def test_what_is_put_back_while_it_is_about_to_be_sent_is_not_sent(two: Two) -> None:
    """One decided that it hadn't run, and takes that back while another runner has it in hand."""
    two.lost()
    assert two(two.one, "resolve", "a", "--absent", *WHY).code == 0
    before = two.sends()
    back = ("resolve", "a", "--reopen", *WHY)
    two(two.one, "apply", "--yes", push=lambda: two(two.two, *back))
    assert two.states("a") == ["in_doubt"]
    assert two.sends() == before + (len(two.states("b")) - 1)
    assert two(two.one, "apply", "--yes").code == 9
    assert two.states("a") == ["in_doubt"]


def test_what_was_sent_while_it_was_put_back_is_shown(two: Two) -> None:
    two.lost()
    assert two(two.one, "resolve", "a", "--absent", *WHY).code == 0
    back = ("resolve", "a", "--reopen", *WHY)
    done = two(two.two, *back, push=lambda: two(two.one, "apply", "--yes"))
    assert done.code == 0, done.err
    assert two.states("a") == ["in_doubt", "succeeded"]
    assert "Attempt 2 sent the same request since" in done.err
    sent = two.sends()
    assert two(two.one, "apply", "--yes").code == 9
    assert two.sends() == sent


def test_what_is_seen_of_an_execution_that_was_put_away_is_passed_over(two: Two) -> None:
    """A runner waits for it, and its end comes after a person said that it isn't ours."""
    ours = two.lost()
    assert two(two.one, "resolve", "a", "--adopt", ours, *WHY).code == 0
    back = ("resolve", "a", "--reopen", *WHY)
    done = two(two.one, "apply", "--yes", push=lambda: two(two.two, *back))
    assert done.code == 9, done.err
    (attempt,) = two.remote.attempts("a")
    assert attempt["state"] == "in_doubt"
    assert "executionId" not in attempt
    assert not (two.one / RESCUE_FILE).exists()
    assert two.verified() == 0


@pytest.mark.parametrize(("edge", "code"), [("push", 9), ("pushed", 0)])
def test_an_apply_answers_for_the_lockfile_as_it_wrote_it_last(
    two: Two, edge: str, code: int
) -> None:
    """What is put back after that is the next one's doubt, and already known to who did it."""
    two.lost()
    assert two(two.one, "resolve", "a", "--absent", *WHY).code == 0
    assert two(two.one, "apply", "--yes", "--no-wait").code == 0
    two.sandbox.elapse(60)
    back = ("resolve", "a", "--reopen", *WHY)
    done = two(two.one, "apply", "--yes", **{edge: lambda: two(two.two, *back)})
    assert done.code == code, done.err
    assert two.states("a") == ["in_doubt", "succeeded"]
    sent = two.sends()
    assert two(two.one, "apply", "--yes").code == 9
    assert two.sends() == sent


def test_two_persons_put_back_one_decision(two: Two) -> None:
    ours = two.lost()
    assert two(two.one, "resolve", "a", "--adopt", ours, *WHY).code == 0
    back = ("resolve", "a", "--reopen", *WHY)
    done = two(two.one, *back, push=lambda: two(two.two, *back))
    assert done.code == 2
    assert "no decision of a person to put back" in done.err
    (attempt,) = two.remote.attempts("a")
    assert [one["to"] for one in attempt["events"]][-2:] == ["adopted", "in_doubt"]
    told = two.remote.git("log", "-1", "--format=%B", "qflow-lock")
    assert f"prod/a #1: in_doubt, lets go of execution {ours}" in told


def test_a_decision_that_dies_before_its_push_leaves_all_as_it_was(two: Two) -> None:
    ours = two.lost()
    assert two(two.one, "resolve", "a", "--adopt", ours, *WHY).code == 0
    back = ("resolve", "a", "--reopen", *WHY)
    assert two(two.one, *back, push=two.runners.crash).code == -9
    assert two.states("a") == ["adopted"]
    assert two(two.one, *back, pushed=two.runners.crash).code == -9
    assert two.states("a") == ["in_doubt"]
    assert two.verified() == 0


def test_the_sender_s_own_answer_comes_after_a_decision_was_put_back(two: Two) -> None:
    """It was saved where the lockfile couldn't be written; it is certain, and ends the doubt."""
    refuse = 'while read o n ref; do case "$ref" in *qflow-lock) exit 1;; esac; done\n'
    hook = lambda: two.remote.hook("pre-receive", refuse)  # noqa: E731
    assert two(two.one, "apply", "--yes", "--concurrency", "1", sent=hook).code == 11
    (two.remote.path / "hooks/pre-receive").unlink()
    assert (two.one / RESCUE_FILE).exists()
    two.runners.elapse(LEASE)
    ours = two.sandbox.executions()[0]["id"]
    two.sandbox.set_faults("list-lag=100000")
    run = two.sandbox.executions()[0]["body"]["input"]["value"]
    assert two(two.two, "resolve", run, "--assume-ran", *WHY).code == 0
    assert two(two.two, "resolve", run, "--reopen", *WHY).code == 0
    assert two(two.one, "lock", "push").code == 0
    (attempt,) = two.remote.attempts(run)
    assert (attempt["events"][-1]["to"] in ("adopted", "succeeded"), attempt["executionId"]) == (
        True, ours,
    )  # fmt: skip
    assert two(two.one, "resolve", run, "--reopen", *WHY).code == 2  # nobody decided that
