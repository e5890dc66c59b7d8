"""Logging in without a secret: through the whole program, and against servers of a bad will."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qflow_gitops.errors import AuthError, QflowError, UnreachableError, UsageProblem
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.route import Route
from qflow_gitops.qualys.logins import github
from qflow_gitops.qualys.logins.github import Actions
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.logins import AUDIENCE, SUBJECT, Forge, id_token
from tests.helpers.partners import rows
from tests.helpers.specs import spec
from tests.helpers.waits import at_once

HOUR = 3600.0


@pytest.fixture
def forge() -> Iterator[Forge]:
    made = Forge()
    made.gives(id_token(time.time() + HOUR))
    yield made
    made.close()


@pytest.fixture
def job(sandbox: SandboxServer, forge: Forge, monkeypatch: pytest.MonkeyPatch) -> Forge:
    """A job of GitHub's that may have an ID token, and holds no secret."""
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    for name, value in forge.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QFLOW_LOGIN", "github")
    monkeypatch.setenv("QFLOW_LOGIN_AUDIENCE", AUDIENCE)
    return forge


# --- the whole program ---------------------------------------------------------------------------


def test_an_apply_with_an_id_token(
    project: Workspace, cli: Cli, sandbox: SandboxServer, job: Forge
) -> None:
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
    assert sandbox.requests("POST", "/auth") == []
    ((path, authorization),) = job.asked
    assert path == (
        "/job/1?api-version=2.0&audience=https%3A%2F%2Fqualys.example%2Fflow%3Fa%3Db%26c"
    )
    assert authorization == "Bearer canary-request-token"


def test_the_sandbox_issues_and_takes_one(
    project: Workspace, cli: Cli, sandbox: SandboxServer, job: Forge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    address = f"{sandbox.url}/_sandbox/id-token?api-version=2.0"
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", address)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "test-canary-secret")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
    monkeypatch.setenv("QFLOW_LOGIN_AUDIENCE", "another")
    done = cli("status", "--refresh")
    assert done.code == 0, done
    done = cli("workflows", "pull")
    assert done.code == 4
    assert "with the audience another" in " ".join(done.err.split())


WAYS = ("github", "gitlab", "file", "command: token", "command: client", "command: user")


def log_in(way: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Set one of the ways up, with secrets that are known to nobody else; what they are."""
    token = id_token(time.time() + HOUR)
    given = {
        "command: token": {"token": token},
        "command: client": {"clientId": "test-client", "clientSecret": "test-canary-secret"},
        "command: user": {"username": "test-user", "password": "test-canary-secret"},
    }
    if way == "github":
        return [token, "canary-request-token"]  # the job's
    monkeypatch.delenv("QFLOW_LOGIN")
    if way == "gitlab":
        monkeypatch.setenv("QFLOW_LOGIN", "gitlab")
        monkeypatch.setenv("QFLOW_ID_TOKEN", token)
        return [token]
    monkeypatch.delenv("QFLOW_LOGIN_AUDIENCE")
    if way == "file":
        (folder / "token").write_text(token)
        monkeypatch.setenv("QFLOW_TOKEN_FILE", str(folder / "token"))
        return [token]
    (folder / "printed").write_text(json.dumps({"version": 1, **given[way]}))
    monkeypatch.setenv("QFLOW_CREDENTIAL_COMMAND", f"cat {folder / 'printed'}")
    return [token, "test-canary-secret"]


@pytest.mark.parametrize("way", rows(WAYS, ("github", "command: client").__contains__))
def test_nothing_of_a_login_is_in_anything_that_is_written(
    project: Workspace, cli: Cli, sandbox: SandboxServer, job: Forge,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str,
) -> None:  # fmt: skip
    secrets = log_in(way, tmp_path, monkeypatch)
    job.gives(secrets[0])
    at_once(monkeypatch)
    sandbox.set_faults("401@steps")
    told = [
        cli("-v", "apply", "--yes", "--report", "markdown=told.md", "--report", "json=told.json"),
        cli("-v", "status", "--refresh"),
        cli("-v", "workflows", "pull"),
    ]
    assert told[0].code == 0
    for fault in ("401@workflow", "403@workflow", "401@token", "500@token"):
        sandbox.set_faults(fault)
        project.write("runs/more.yaml", spec(f"more-{fault[:3]}"))
        project.commit()
        told += [cli("-v", "apply", "--yes"), cli("-v", "apply", "--yes", "--format", "json")]
    written = "".join(one.out + one.err for one in told)
    for file in project.path.rglob("*"):
        if file.is_file():
            written += file.read_bytes().decode("latin-1")
    for secret in [part for one in secrets for part in (one, *one.split("."))]:
        assert not any(secret[at : at + 16] in written for at in range(len(secret) - 15))


def test_a_refused_id_token_says_what_is_open(
    project: Workspace, cli: Cli, sandbox: SandboxServer, job: Forge
) -> None:
    sandbox.set_faults("401@workflow")
    done = cli("apply", "--yes")
    assert done.code == 4
    told = " ".join(done.err.split())
    assert "Qualys refused GitHub's ID token" in told
    assert "Qualys documents ID tokens for its platform, and not for Qualys Flow" in told
    assert f"this token's sub: {SUBJECT}" in told
    assert len(job.asked) == 2  # one more, since the first was refused
    sandbox.set_faults("403@workflow")
    done = cli("apply", "--yes")
    told = " ".join(done.err.split())
    assert "Role Management" in told
    assert f"this token's sub: {SUBJECT}" in told
    assert sandbox.requests("POST", "/run") == []


def test_a_new_id_token_in_place_of_one_that_was_refused(
    project: Workspace, cli: Cli, sandbox: SandboxServer, job: Forge
) -> None:
    sandbox.set_faults("401@workflow#1")
    assert cli("apply", "--yes").code == 0
    assert len(job.asked) == 2


def test_a_job_that_may_have_none(
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    job: Forge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_URL")
    done = cli("apply", "--yes")
    assert done.code == 4
    assert "permissions: {id-token: write}" in done.err
    monkeypatch.setenv("QFLOW_LOGIN", "forgejo")
    assert "enable-openid-connect: true" in cli("apply", "--yes").err
    assert (sandbox.requests(), job.asked) == ([], [])
    assert not (project.path / "qflow.lock").exists()


@pytest.mark.parametrize(
    ("name", "value", "code", "reason"),
    [
        ("QFLOW_LOGIN_AUDIENCE", "", 2, "login_incomplete"),
        ("QFLOW_LOGIN_AUDIENCE", "a\nb", 2, "login_audience"),
        ("QFLOW_LOGIN_AUDIENCE", " a", 2, "login_audience"),
        ("QFLOW_LOGIN_AUDIENCE", "ä", 2, "login_audience"),
        ("QFLOW_LOGIN", "", 2, "login_incomplete"),
        ("QFLOW_LOGIN", "githb", 2, "login_unknown"),
        ("QFLOW_TOKEN", "a.b.c", 2, "credentials_twice"),
        ("QFLOW_USERNAME", "ada", 2, "credentials_twice"),
    ],
)
def test_what_contradicts_itself_is_a_mistake_of_usage(
    project: Workspace, cli: Cli, sandbox: SandboxServer, job: Forge,
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, code: int, reason: str,
) -> None:  # fmt: skip
    monkeypatch.setenv(name, value)
    done = cli.json("apply", "--yes")
    assert (done["exitCode"], done["reason"]) == (code, reason)
    assert (sandbox.requests(), job.asked) == ([], [])


def test_looking_reads_none_of_it(
    project: Workspace, cli: Cli, job: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("validate", "plan"):
        assert cli(command).code == 0
        monkeypatch.setenv("QFLOW_LOGIN", "nonsense")
        assert cli(command).code == 0
    assert job.asked == []


def test_nothing_in_a_repository_logs_in(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither settings nor files that other programs take variables from."""
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    said = "QFLOW_LOGIN=gitlab\nQFLOW_LOGIN_AUDIENCE=a\nQFLOW_TOKEN=a.b.c\nQFLOW_CLIENT_ID=a\n"
    for file in (".env", ".envrc", "QFLOW_LOGIN", "QFLOW_TOKEN", "qflow.env", ".netrc"):
        project.write(file, said)
    project.commit()
    assert cli.json("apply", "--yes")["reason"] == "credentials_missing"
    settings = project.read("qflow.yaml")
    for key in ("login: gitlab", "token: a.b.c", "tokenFile: t", "credentialCommand: x"):
        project.write("qflow.yaml", f"{settings}  {key}\n")
        project.commit()
        assert cli("apply", "--yes").code == 3
    assert sandbox.requests() == []


# --- the forge's server --------------------------------------------------------------------------


def actions(forge: Forge, **environ: str) -> Actions:
    return Actions(forge.environ | environ, AUDIENCE, Route(), Redactor(), sleep=lambda _: None)


@pytest.mark.parametrize(
    "address",
    [
        "http://forge.example/x",
        "http://127.0.0.1.evil.example/x",
        "http://127.0.0.1@evil.example/x",
        "https://user:password@forge.example/x",
        "https://forge.example/x#y",
        "https://forge.example/x y",
        "https://forge.example/x\r\nHost: evil",
        "https://forge.example:99999/",
        "https://forge.exämple/",
        "https://",
        "ftp://forge.example/",
        "file:///etc/passwd",
        "//forge.example/x",
        "https://forge.example/" + "x" * 3000,
    ],
)
def test_an_address_that_isnt_asked(forge: Forge, address: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        actions(forge, ACTIONS_ID_TOKEN_REQUEST_URL=address).fetch()
    assert "canary" not in refused.value.message + refused.value.hint
    assert forge.asked == []


def test_an_address_without_parameters(forge: Forge) -> None:
    assert actions(forge, ACTIONS_ID_TOKEN_REQUEST_URL=f"{forge.url}").fetch()
    assert forge.asked[-1][0].startswith("/?audience=https%3A")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_isnt_followed(forge: Forge, status: int) -> None:
    other = Forge()
    other.gives(id_token(time.time() + HOUR))
    forge.fails(status, Location=other.url)
    with pytest.raises(AuthError, match="wasn't followed"):
        actions(forge).fetch()
    assert other.asked == []
    other.close()


def test_a_forge_that_stumbles_is_asked_again(forge: Forge) -> None:
    good = forge.answer
    left = [500, 503, 429]
    forge.answer = lambda path: (left.pop(), {"Retry-After": "1"}, b"") if left else good(path)
    assert actions(forge).fetch()
    assert len(forge.asked) == 4
    forge.fails(500)
    with pytest.raises(UnreachableError, match="status 500"):
        actions(forge).fetch()
    assert len(forge.asked) == 8


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_forge_that_says_no_is_asked_once(forge: Forge, status: int) -> None:
    forge.fails(status, b'{"message": "echo canary-request-token"}')
    with pytest.raises(AuthError) as refused:
        actions(forge).fetch()
    assert str(status) in refused.value.message
    assert "canary" not in refused.value.message
    assert len(forge.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b'{"value": null}', b'{"value": 1}', b'{"value": ["a.b.c"]}',
        b'{"value": "a.b.c"}', b'{"value": "a", "value": "b"}', b"x" * 100_000, b"<html>", b"\xff",
    ],
)  # fmt: skip
def test_an_answer_that_is_no_token(forge: Forge, body: bytes) -> None:
    forge.fails(200, body)
    with pytest.raises(QflowError) as refused:
        actions(forge).fetch()
    assert refused.value.exit_code in (4, 12)


def test_a_forge_that_drips_isnt_waited_for(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github, "DEADLINE", 0.2)

    def slow(_path: str) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.5)
        return 200, {}, b"{}"

    forge.answer = slow
    begun = time.monotonic()
    with pytest.raises(UnreachableError):
        actions(forge).fetch()
    assert time.monotonic() - begun < 10


def test_the_request_goes_where_the_address_says_and_nowhere_else(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert actions(forge).fetch()
    assert re.fullmatch(r"/job/1\?api-version=2\.0&audience=.*", forge.asked[0][0])


# --- a long apply --------------------------------------------------------------------------------


def several(project: Workspace, count: int) -> None:
    project.write("runs/more.yaml", "---\n".join(spec(f"more-{n}") for n in range(count)))
    project.commit()


def test_id_tokens_that_end_amid_an_apply_are_asked_for_anew(
    project: Workspace, cli: Cli, sandbox: SandboxServer, job: Forge
) -> None:
    several(project, 8)
    number = iter(range(1000))

    def fresh(_path: str) -> tuple[int, dict[str, str], bytes]:
        token = id_token(time.time() + 1, mark=str(next(number)))
        return 200, {}, json.dumps({"value": token}).encode()

    job.answer = fresh
    assert cli("apply", "--yes", "--concurrency", "3").code == 0
    assert len(sandbox.executions()) == 9
    assert len(job.asked) > 9


def test_a_forge_that_goes_away_amid_an_apply_loses_nothing(
    project: Workspace, cli: Cli, sandbox: SandboxServer, job: Forge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    several(project, 6)
    monkeypatch.setattr(github, "BUDGET", 0.0)
    left = list(range(6))

    def answer(_path: str) -> tuple[int, dict[str, str], bytes]:
        if not left:
            return 500, {}, b""
        token = id_token(time.time() + 1, mark=str(left.pop()))
        return 200, {}, json.dumps({"value": token}).encode()

    job.answer = answer
    done = cli("apply", "--yes", "--concurrency", "1", "--timeout", "3s")
    sent = len(sandbox.executions())
    assert done.code != 0
    assert 0 < sent < 7
    job.gives(id_token(time.time() + HOUR))
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 7


def test_gitlabs_token_ends_amid_an_apply(
    project: Workspace, cli: Cli, sandbox: SandboxServer, job: Forge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What was sent is recorded, what wasn't is due, and the next job goes on."""
    several(project, 12)
    monkeypatch.setenv("QFLOW_LOGIN", "gitlab")
    monkeypatch.setenv("QFLOW_ID_TOKEN", id_token(time.time() + 1))
    sandbox.set_faults("latency=0.1")
    done = cli("apply", "--yes", "--concurrency", "1")
    assert done.code != 0
    # either we see that it is over, or Qualys does
    assert "lasts as long as the job's timeout" in done.err or "Status 401" in done.err
    sandbox.set_faults()
    sent = len(sandbox.executions())
    assert sent < 13
    monkeypatch.setenv("QFLOW_ID_TOKEN", id_token(time.time() + HOUR))
    refused = _refused(cli)  # where the token ended on its way: a no of Qualys' is a no
    assert len(refused) <= 1
    assert cli("apply", "--yes", *(word for one in refused for word in ("--retry", one))).code == 0
    assert len(sandbox.executions()) == 13


def _refused(cli: Cli) -> list[str]:
    rows = [(row["name"], row["attempt"]) for row in cli.json("status")["runs"]]
    return [name for name, attempt in rows if attempt and attempt["state"] == "refused"]
