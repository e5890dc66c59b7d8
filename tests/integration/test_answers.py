"""Whatever a server answers: what it carried out isn't sent again, nor called unsent.

A raw server carries a request out, or doesn't, and answers with anything: digits of rate codes
everywhere, JSON and XML, cut and not. Held against it: how often was sent, and what is recorded.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import Transport
from qflow_gitops.ports.qualys import Answer, AnswerKind
from qflow_gitops.qualys import workflows
from qflow_gitops.qualys.caller import Caller
from tests.helpers import matrix
from tests.helpers.answers import Answering, Drawn, drawn
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.logins import tokens_of
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT, WORKFLOW

waits = matrix.waits

REFUSED = (400, 401, 403, 404, 405, 413, 415, 422, 307, 308)
BODY = b'{"input": {"a": 1}}'


@pytest.fixture(scope="module")
def qualys() -> Iterator[Answering]:
    server = Answering()
    yield server
    server.close()


def client(server: Answering) -> Caller:
    transport = Transport(server.url, connect_timeout=5, read_timeout=5, deadline=10)
    environ = {"QFLOW_CLIENT_ID": "test-client", "QFLOW_CLIENT_SECRET": "test-canary-secret"}
    redact = Redactor()
    tokens = tokens_of(transport, environ, redact)
    return Caller(transport, tokens, redact, sleep=lambda _: None, chance=lambda: 0)


def sent(server: Answering, script: list[Drawn]) -> Answer:
    server.begin(script)
    return workflows.run(client(server), WORKFLOW, BODY, lambda: True)


def plain(status: int, body: bytes = b"", **parts: object) -> Drawn:
    """A whole answer that was carried out, though it doesn't look so."""
    usual = {
        "left": (), "wait": (), "more": (), "frame": "length", "hints": 0, "codes": (),
        "names": False, "challenges": False, "readable": True, "executes": True,
    }  # fmt: skip
    return Drawn(status=status, body=body, **{**usual, **parts})  # type: ignore[arg-type]


TRACE = b'{"message": "Conflict", "traceId": "1965f0c1-1960-4a1b-8c2d-1959196619601"}'


@settings(max_examples=150)
@given(script=st.lists(drawn(), min_size=1, max_size=3))
@example(script=[plain(409, TRACE)])
@example(script=[plain(409, b"{}", left=("299",), more=(("X-RateLimit-Limit", "300"),))])
@example(script=[plain(409, b'{"errorCode": "1920"}', left=("0",), codes=("1920",))])
@example(script=[plain(429, b'{"executionId": "@EXECUTION@"}', names=True)])
@example(script=[plain(401, b'{"executionId": "@EXECUTION@"}', names=True)])
@example(script=[plain(401, b'{"message": "refused by the connector"}')])
@example(script=[plain(429, b"", frame="head")])
@example(script=[plain(200, b"{}", hints=2)])
def test_what_was_carried_out_is_not_sent_again(qualys: Answering, script: list[Drawn]) -> None:
    answer = sent(qualys, script)
    before_the_last, last = qualys.answered[:-1], qualys.answered[-1]
    assert all(one.proves_nothing_ran for one in before_the_last), "sent again without proof"
    if any(qualys.posts):
        assert qualys.posts.index(True) == len(qualys.posts) - 1
        assert answer.kind is not AnswerKind.UNSENT
    if answer.kind is AnswerKind.UNSENT:
        assert last.proves_nothing_ran
    if answer.kind is AnswerKind.REFUSED:
        assert last.is_clean
        assert last.status in REFUSED
    if answer.kind is AnswerKind.ACCEPTED:
        assert [one.id for one in qualys.executions] == [answer.execution_id] or not last.executes
    assert len(qualys.posts) <= workflows.SENDS * 2
    assert "test-canary-secret" not in answer.detail


def test_a_limit_that_says_so_is_waited_for(qualys: Answering) -> None:
    """And nothing else of the kind is in the way of it."""
    limits = [
        plain(429, executes=False),
        plain(409, b'{"errorCode": "1965"}', wait=("1",), executes=False),
    ]
    assert sent(qualys, limits).kind is AnswerKind.ACCEPTED
    assert qualys.posts == [False, False, True]
    again = sent(qualys, [*limits, limits[0]])
    assert (again.kind, qualys.posts) == (AnswerKind.UNSENT, [False, False, False])


# --- the whole apply -----------------------------------------------------------------


@pytest.fixture(scope="module")
def repository(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers") / "template"
    shutil.copytree(template, folder)
    made = Workspace(folder)
    made.write("qflow.yaml", SANDBOX_PROJECT)
    made.write("runs/aws/buckets.yaml", SAMPLE)
    made.commit("the release note's sample")
    return folder


@settings(max_examples=15)
@given(script=st.lists(drawn(), min_size=1, max_size=2))
@example(script=[plain(409, TRACE, left=("299",))])
@example(script=[plain(401, b'{"data": {"executionId": "@EXECUTION@"}}', names=True)])
@example(
    script=[plain(429, executes=False), plain(409, b'{"code": 1920}', left=("0",), codes=("1920",))]
)
def test_an_apply_records_what_was_carried_out(
    script: list[Drawn],
    qualys: Answering,
    repository: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    waits: list[float],
) -> None:
    """And the next apply sends nothing that may have run, whatever the first one was told."""
    folder = tmp_path_factory.mktemp("apply") / "repository"
    shutil.copytree(repository, folder)
    monkeypatch.setenv("QFLOW_GATEWAY", qualys.url)
    monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
    monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
    qualys.begin(script)
    cli = Cli(folder, capfd)
    first = cli("apply", "--yes")
    ran, state = sum(qualys.posts), _state(folder)
    assert ran <= 1
    assert not ran or state not in ("unsent", "absent", "nothing"), first.err
    assert state != "unsent" or all(one.proves_nothing_ran for one in qualys.answered)
    qualys.script.clear()
    posts = len(qualys.posts)
    second = cli("apply", "--yes")
    due = state == "unsent"
    assert (len(qualys.posts) - posts, sum(qualys.posts)) == (due, ran + due), second.err
    if ran and state == "in_doubt":
        assert _state(folder) == "succeeded", "found by looking"
    assert "Traceback" not in first.err + second.err


def _state(folder: Path) -> str:
    file = folder / "qflow.lock"
    if not file.exists():
        return "nothing"
    runs = json.loads(file.read_bytes())["environments"]["prod"]["runs"]
    return str(runs[matrix.RUN]["attempts"][-1]["state"])
