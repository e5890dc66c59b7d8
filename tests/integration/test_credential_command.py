"""A program that gives credentials: well-behaved ones, and all the others."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from qflow_gitops.base import program
from qflow_gitops.errors import AuthError, QflowError, UsageProblem
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import Transport
from qflow_gitops.qualys import jwt
from qflow_gitops.qualys.logins import command as commands
from qflow_gitops.qualys.logins.command import Command
from qflow_gitops.qualys.logins.login import Machine
from qflow_gitops.qualys.token import TokenSource
from qflow_gitops.sandbox import identities
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.logins import id_token
from tests.helpers.storm import PROGRAM

HOUR = 3600.0
TOKEN = id_token(time.time() + HOUR)
SECRET = "canary-only-the-program-knows"


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Make a program of some Python, and give the command for it."""

    def made(source: str) -> str:
        place = tmp_path / "tools" / "give"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!{sys.executable} -I\nimport json, os, sys, time\n{source}\n", "utf-8")
        place.chmod(0o755)
        return str(place)

    return made


def printing(*documents: object) -> str:
    return "".join(f"print({json.dumps(one)!r})\n" for one in documents)


def command(line: str, **more: str) -> Command:
    nowhere = cast(Transport, None)  # a token needs none
    return Command(line, {**os.environ, **more}, nowhere, Redactor(), Machine(Path("/")))


def refused(line: str, **more: str) -> str:
    with pytest.raises(AuthError) as problem:
        command(line, **more).fetch()
    one = problem.value
    assert one.reason == "credential_command"
    told = f"{one.message} {one.where} {one.hint}"
    assert SECRET not in told
    assert TOKEN[:12] not in told
    return one.message


# --- what it prints ------------------------------------------------------------------------------


def test_a_token_with_an_end_of_its_own(script: Callable[[str], str]) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600))
    line = script(printing({"version": 1, "token": TOKEN, "expiresAt": soon}))
    assert abs(command(line).fetch().until - time.time() - 600) < 5
    line = script(
        printing({"version": 1, "token": TOKEN, "expiresAt": "2999-01-01T00:00:00+02:00"})
    )
    assert command(line).fetch().until == jwt.expiry(TOKEN)
    line = script(printing({"version": 1, "token": "a.b.c"}))
    assert command(line).fetch().until == float("inf")


@pytest.mark.parametrize(
    "document",
    [
        None, [], 1, "x", {}, {"version": 1}, {"token": TOKEN}, {"version": "1", "token": TOKEN},
        {"version": True, "token": TOKEN}, {"version": 2, "token": TOKEN},
        {"version": 1, "token": SECRET}, {"version": 1, "token": ""}, {"version": 1, "token": None},
        {"version": 1, "token": [TOKEN]}, {"version": 1, "token": TOKEN, "extra": SECRET},
        {"version": 1, "token": TOKEN, "clientId": SECRET, "clientSecret": SECRET},
        {"version": 1, "clientId": SECRET}, {"version": 1, "clientId": SECRET, "clientSecret": ""},
        {"version": 1, "clientId": SECRET, "clientSecret": f"{SECRET}\n"},
        {"version": 1, "clientId": SECRET, "password": SECRET},
        {"version": 1, "username": 1, "password": SECRET},
        *({"version": 1, "token": TOKEN, "expiresAt": end}
          for end in ("", "soon", 5, "2026-01-31", "2026-01-31T12:00:00", "2026-13-31T12:00:00Z",
                      "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Zx",
                      "2001-01-01T00:00:00Z")),
    ],
)  # fmt: skip
def test_what_is_no_credential(script: Callable[[str], str], document: object) -> None:
    refused(script(printing(document)))


def test_what_isnt_one_document(script: Callable[[str], str]) -> None:
    good = {"version": 1, "token": TOKEN}
    assert "more than one" in refused(script(printing(good, good)))
    refused(script(""))
    refused(script("print('warning: old')\n" + printing(good)))
    refused(script(f'print(\'{{"version": 1, "token": "{TOKEN}", "token": "a.b.c"}}\')'))
    refused(script("sys.stdout.buffer.write(b'\\xff\\xfe')"))


# --- what it does --------------------------------------------------------------------------------


def test_it_gets_no_input_no_secret_of_ours_and_not_the_repository(
    script: Callable[[str], str], tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    line = script(
        "kept = {n: v for n, v in os.environ.items()}\n"
        f"json.dump([os.getcwd(), sys.stdin.read(), kept], open({str(seen)!r}, 'w'))\n"
        + printing({"version": 1, "token": TOKEN})
    )
    ours = {"QFLOW_CLIENT_SECRET": SECRET, "ACME_QFLOW_CLIENT_SECRET": SECRET}
    command(line, VAULT_TOKEN="kept", **ours).fetch()
    folder, given, environ = json.loads(seen.read_text())
    assert (folder, given) == ("/", "")
    assert environ["VAULT_TOKEN"] == "kept"
    assert not [name for name in environ if "QFLOW_" in name]


def test_words_are_words_and_no_shell_reads_them(
    script: Callable[[str], str], tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    line = script(
        f"json.dump(sys.argv[1:], open({str(seen)!r}, 'w'))\n"
        + printing({"version": 1, "token": TOKEN})
    )
    command(f"{line} 'a b' \"c;d\" $HOME `id` > x | y &&\n --last").fetch()
    assert json.loads(seen.read_text()) == [
        "a b", "c;d", "$HOME", "`id`", ">", "x", "|", "y", "&&", "--last",
    ]  # fmt: skip


def test_one_that_hangs_is_ended_with_what_it_started(
    script: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "SECONDS", 0.7)
    alive = tmp_path / "alive"
    line = script(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"if os.fork() == 0:\n    time.sleep(3)\n    open({str(alive)!r}, 'w')\n"
        "time.sleep(60)"
    )
    begun = time.monotonic()
    assert "took too long" in refused(line)
    assert time.monotonic() - begun < 2.5
    time.sleep(2.5)
    assert not alive.exists()


def test_one_that_never_stops_printing_is_ended(script: Callable[[str], str]) -> None:
    begun = time.monotonic()
    assert "more than 64 KiB" in refused(script("while True: print('x' * 100_000)"))
    assert time.monotonic() - begun < 5
    line = script(
        "for _ in range(300): sys.stderr.write('x' * 100_000)\n"
        + printing({"version": 1, "token": TOKEN})
    )
    assert command(line).fetch()  # what it complains of may be long, and is let go


def test_what_it_leaves_running_isnt_waited_for(script: Callable[[str], str]) -> None:
    """As an agent that a program starts, which holds its output open."""
    line = script(
        "if os.fork() == 0:\n    time.sleep(8)\n    os._exit(0)\n"
        + printing({"version": 1, "token": TOKEN})
    )
    begun = time.monotonic()
    assert command(line).fetch()
    assert time.monotonic() - begun < 4


def test_one_that_fails_says_why_without_its_secrets(script: Callable[[str], str]) -> None:
    said = (
        f"print({json.dumps({'version': 1, 'token': SECRET})!r})\n"
        f"sys.stderr.write('warn: old\\nno role for {TOKEN}, {SECRET[2:]}, "
        "ghp_0123456789abcdefghijklmnopqrstuvwxyzABCD, canary-of-the-vault' + '!' * 9999)\n"
        "sys.exit(3)"
    )
    told = refused(script(said), VAULT_TOKEN="canary-of-the-vault")
    assert told.startswith("QFLOW_CREDENTIAL_COMMAND ended with 3: warn: old no role for ***")
    assert "canary" not in told
    assert "ghp_" not in told
    assert len(told) < 300
    told = refused(script("sys.stderr.write('\\x1b[31mred\\x07\\u202e\\n' * 3)\nsys.exit(1)"))
    assert not {"\x1b", "\x07", "\n"} & {*told}
    assert "ended with -9" in refused(script("os.kill(os.getpid(), 9)"))


def test_a_private_key_in_what_it_says(script: Callable[[str], str]) -> None:
    key = "-----BEGIN RSA " + "PRIVATE KEY-----\\nMIIEcanarycanarycanary\\ncanarycanarycanary"
    assert "canary" not in refused(script(f"sys.stderr.write('{key}')\nsys.exit(1)"))


@pytest.mark.parametrize("line", ["", " ", "'unclosed", 'a "b', "\\", "# only a remark"])
def test_a_line_that_is_no_command(line: str) -> None:
    with pytest.raises(UsageProblem):
        command(line).fetch()


def test_a_program_that_a_repository_could_bring(
    script: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a relative path, nor what a relative folder of the PATH holds, nor what git keeps."""
    place = Path(script(printing({"version": 1, "token": TOKEN})))
    monkeypatch.chdir(place.parent)
    for line, path in (
        ("./give", ""), ("tools/give", ""), ("../tools/give", ""), ("~/give", ""),
        ("give", "."), ("give", ":"), ("give", ""), ("give", "tools:./:../tools"),
        ("give-it", str(place.parent)),
    ):  # fmt: skip
        with pytest.raises(UsageProblem) as problem:
            command(line, PATH=path).fetch()
        assert problem.value.reason == "command_unknown"
    assert command("give", PATH=f".:{place.parent}").fetch()
    (tmp_path / "dir" / "give").mkdir(parents=True)
    assert command("give", PATH=f"{tmp_path / 'dir'}:{place.parent}").fetch()
    kept = Command(
        str(place),
        os.environ,
        cast(Transport, None),
        Redactor(),
        Machine(Path("/"), lambda _: True),
    )
    with pytest.raises(UsageProblem, match="Git keeps"):
        kept.fetch()


def test_a_program_that_cant_be_run(tmp_path: Path) -> None:
    place = tmp_path / "give"
    place.write_text("no program\n")
    assert "can't be run" in refused(str(place))
    place.chmod(0o755)
    assert "can't be run" in refused(str(place))  # an exec format error
    assert "can't be run" in refused(str(tmp_path))
    assert "can't be run" in refused(str(tmp_path / "nowhere"))


def test_no_descriptor_is_left_open(script: Callable[[str], str]) -> None:
    line = script(printing({"version": 1, "token": TOKEN}))
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(5):
        program.run([line], os.environ, 5, lambda: 5)
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_threads_share_one_run(script: Callable[[str], str], tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    line = script(
        f"open({str(asked)!r}, 'a').write('x')\ntime.sleep(0.3)\n"
        + printing({"version": 1, "token": TOKEN})
    )
    source = TokenSource(command(line), Redactor())
    threads = [threading.Thread(target=source.get) for _ in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert asked.read_text() == "x"


def test_threads_share_a_run_that_fails(script: Callable[[str], str], tmp_path: Path) -> None:
    """Else each would wait for one that hangs, one after the other."""
    asked = tmp_path / "asked"
    line = script(f"open({str(asked)!r}, 'a').write('x')\ntime.sleep(0.5)\nsys.exit(1)")
    source = TokenSource(command(line), Redactor())
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(AuthError) as problem:
            source.get()
        told.append(problem.value.message)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(told), len(set(told)), asked.read_text()) == (10, 1, "x")
    ask()
    assert asked.read_text() == "xx"  # who asks later is worth another try


# --- the whole program ---------------------------------------------------------------------------


@pytest.fixture
def bare(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """The sandbox, without credentials."""
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    return sandbox


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"clientId": "test-client", "clientSecret": "test-canary-secret"}, "/auth/oidc"),
        ({"username": "test-user", "password": "test-canary-secret"}, "/auth"),
        ({"token": identities.token(2 * HOUR)}, ""),
    ],
)
def test_an_apply_with_a_command(
    project: Workspace, cli: Cli, bare: SandboxServer, script: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], path: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("QFLOW_CREDENTIAL_COMMAND", script(printing({"version": 1, **given})))
    done = cli("-v", "apply", "--yes")
    assert done.code == 0, done
    assert len(bare.executions()) == 1
    assert [one["path"] for one in bare.requests("POST", "/auth")] == ([path] if path else [])
    assert not any(value in done.out + done.err for value in given.values() if len(value) > 12)


def test_credentials_of_a_command_that_qualys_refuses(
    project: Workspace, cli: Cli, bare: SandboxServer, script: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    wrong = {"version": 1, "clientId": "test-client", "clientSecret": SECRET}
    monkeypatch.setenv("QFLOW_CREDENTIAL_COMMAND", script(printing(wrong)))
    done = cli("apply", "--yes")
    assert done.code == 4
    assert "Check QFLOW_CREDENTIAL_COMMAND" in done.err
    assert bare.executions() == []


def test_a_token_of_a_command_that_qualys_refuses(
    project: Workspace, cli: Cli, bare: SandboxServer, script: Callable[[str], str],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It is run once more, and the message says whose token it was."""
    asked = tmp_path / "asked"
    token = id_token(time.time() + HOUR, audience="nobody")
    line = script(
        f"open({str(asked)!r}, 'a').write('x')\n" + printing({"version": 1, "token": token})
    )
    monkeypatch.setenv("QFLOW_CREDENTIAL_COMMAND", line)
    done = cli("apply", "--yes")
    assert done.code == 4
    assert asked.read_text() == "xx"
    assert "its issuer is https://forge.example" in " ".join(done.err.split())
    assert token[:20] not in done.err


def test_a_command_in_the_repository_is_run_only_where_git_doesnt_keep_it(
    project: Workspace, cli: Cli, bare: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = project.path / "give"
    place.write_text(
        f"#!/bin/sh\necho '{json.dumps({'version': 1, 'token': identities.token(HOUR)})}'\n"
    )
    place.chmod(0o755)
    monkeypatch.setenv("QFLOW_CREDENTIAL_COMMAND", str(place))
    assert cli("workflows", "pull").code == 0
    project.git("add", "give")
    assert cli.json("apply", "--yes")["reason"] == "command_tracked"
    monkeypatch.setenv("QFLOW_CREDENTIAL_COMMAND", "./give")
    assert cli.json("apply", "--yes")["reason"] == "command_unknown"
    assert bare.executions() == []


@pytest.mark.parametrize(
    "other", ["QFLOW_TOKEN", "QFLOW_TOKEN_FILE", "QFLOW_LOGIN", "QFLOW_PASSWORD"]
)
def test_two_ways_are_one_too_many(
    project: Workspace, cli: Cli, bare: SandboxServer, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.setenv("QFLOW_CREDENTIAL_COMMAND", "/bin/false")
    monkeypatch.setenv(other, "x")
    done = cli("apply", "--yes")
    assert done.code == 2
    assert other in done.err
    assert "QFLOW_CREDENTIAL_COMMAND" in done.err


def test_looking_runs_nothing(
    project: Workspace, cli: Cli, bare: SandboxServer, tmp_path: Path,
    script: Callable[[str], str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked = tmp_path / "asked"
    monkeypatch.setenv("QFLOW_CREDENTIAL_COMMAND", script(f"open({str(asked)!r}, 'w')"))
    for words in (("validate",), ("plan",), ("status",), ("history",)):
        assert cli(*words).code == 0
    assert not asked.exists()


def test_an_interruption_leaves_no_program(
    script: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = tmp_path / "alive"
    line = script(f"time.sleep(1)\nopen({str(alive)!r}, 'w')")

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "_listen", interrupted)
    with pytest.raises((KeyboardInterrupt, QflowError)):
        command(line).fetch()
    time.sleep(1.3)
    assert not alive.exists()


def test_a_signal_ends_an_apply_and_the_program_that_it_waits_for(
    project: Workspace, bare: SandboxServer, script: Callable[[str], str], tmp_path: Path
) -> None:
    begun, alive = tmp_path / "begun", tmp_path / "alive"
    line = script(f"open({str(begun)!r}, 'w')\ntime.sleep(9)\nopen({str(alive)!r}, 'w')")
    process = subprocess.Popen(
        [*PROGRAM, "apply", "--yes"],
        cwd=project.path, env={**os.environ, "QFLOW_CREDENTIAL_COMMAND": line},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not begun.exists():
        time.sleep(0.02)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert time.monotonic() - started < 8
    time.sleep(max(0.0, 9.5 - (time.monotonic() - started)))
    assert not alive.exists()
    assert bare.executions() == []


@pytest.mark.parametrize(
    "said",
    ["> authorization: bearer {}", "called as curl -u ada:{}", "tool --client-secret {}: no",
     "tool --token={}", "basic {}"],
)  # fmt: skip
def test_how_it_was_called_is_told_without_what_it_was_given(
    script: Callable[[str], str], said: str
) -> None:
    told = refused(script(f"sys.exit({said.format('hidden1')!r})"))
    assert "ended with 1: " in told
    assert "hidden1" not in told
