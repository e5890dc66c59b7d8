"""A token in a file: kept fresh by somebody else, replaced, lost, or no file at all."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.errors import AuthError
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.qualys.logins.login import Machine
from qflow_gitops.qualys.logins.token_file import MOST, TokenFile
from qflow_gitops.qualys.token import TokenSource
from qflow_gitops.sandbox import identities
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.logins import id_token
from tests.helpers.specs import spec

HOUR = 3600.0
TOKEN = id_token(time.time() + HOUR)


@pytest.fixture
def file(tmp_path: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a token that the sandbox takes, and no other credentials."""
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    made = tmp_path / "kept" / "token"
    made.parent.mkdir()
    write(made, identities.token(HOUR))
    monkeypatch.setenv("QFLOW_TOKEN_FILE", str(made))
    return made


def write(file: Path, content: str) -> None:
    """Replace a file as agents do: another one is renamed to it."""
    new = file.with_name("new")
    new.write_text(content, encoding="utf-8")
    new.chmod(0o600)
    new.replace(file)


def reader(folder: Path, **more: Any) -> TokenFile:
    machine = Machine(folder, **more)
    return TokenFile("token", machine, Redactor(), sleep=lambda _: None)


# --- what a file may be --------------------------------------------------------------------------


@pytest.mark.parametrize("content", [TOKEN, f"{TOKEN}\n", f"\ufeff{TOKEN}\r\n", f"  {TOKEN}\n\n"])
def test_a_token_on_one_line(tmp_path: Path, content: str) -> None:
    write(tmp_path / "token", content)
    assert reader(tmp_path).fetch().value.reveal() == TOKEN


@pytest.mark.parametrize(
    "content",
    ["", "\n", f"{TOKEN}\n{TOKEN}", f"Bearer {TOKEN}", '{"token": "a.b.c"}', "a.b", "ä.b.c"],
)
def test_what_is_no_token_is_refused_and_not_shown(tmp_path: Path, content: str) -> None:
    write(tmp_path / "token", content)
    with pytest.raises(AuthError, match="something else") as refused:
        reader(tmp_path).fetch()
    assert TOKEN[:12] not in refused.value.message + refused.value.hint


def test_a_file_that_is_too_long(tmp_path: Path) -> None:
    write(tmp_path / "token", "a" * (MOST - 4) + ".b.c")
    assert reader(tmp_path).fetch()
    write(tmp_path / "token", "a" * MOST + ".b.c")
    with pytest.raises(AuthError, match="too long"):
        reader(tmp_path).fetch()


def test_what_is_no_plain_file(tmp_path: Path) -> None:
    """None of them is waited for."""
    place = tmp_path / "token"
    place.mkdir()
    with pytest.raises(AuthError, match="no plain file"):
        reader(tmp_path).fetch()
    place.rmdir()
    os.mkfifo(place)
    with pytest.raises(AuthError, match="no plain file"):
        reader(tmp_path).fetch()
    place.unlink()
    for target in ("/dev/zero", "/dev/null"):
        place.symlink_to(target)
        with pytest.raises(AuthError, match="no plain file"):
            reader(tmp_path).fetch()
        place.unlink()
    place.symlink_to("token")
    with pytest.raises(AuthError, match="can't be read"):
        reader(tmp_path).fetch()
    place.unlink()
    place.symlink_to("nowhere")
    with pytest.raises(AuthError, match="isn't there"):
        reader(tmp_path).fetch()


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "/proc/self/mem", "\ud800"])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(AuthError):
        TokenFile(name, Machine(tmp_path), Redactor(), sleep=lambda _: None).fetch()


def test_a_file_that_is_just_being_written(tmp_path: Path) -> None:
    place = tmp_path / "token"
    place.write_text("")
    place.chmod(0o600)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        place.write_text(TOKEN if len(slept) == 2 else TOKEN[:20])

    found = TokenFile("token", Machine(tmp_path), Redactor(), sleep=sleep)
    assert found.fetch().value.reveal() == TOKEN
    assert len(slept) == 2


def test_others_who_may_read_it_are_told_of_once(tmp_path: Path) -> None:
    told: list[str] = []
    write(tmp_path / "token", TOKEN)
    found = reader(tmp_path, tell=told.append)
    found.fetch()
    assert told == []
    (tmp_path / "token").chmod(0o640)
    found.fetch()
    found.fetch()
    assert told == ["Others than its owner may read the file of QFLOW_TOKEN_FILE (mode 640)."]


def test_a_link_that_is_turned_is_noticed(tmp_path: Path) -> None:
    """As Kubernetes does: the file is a link into a folder that is a link."""
    tokens = [id_token(time.time() + HOUR, mark=str(number)) for number in range(3)]
    for number, token in enumerate(tokens):
        (tmp_path / f"..{number}").mkdir()
        write(tmp_path / f"..{number}" / "token", token)
    (tmp_path / "token").symlink_to("..data/token")
    (tmp_path / "..data").symlink_to("..0")
    source = TokenSource(reader(tmp_path), Redactor())
    assert source.get().reveal() == tokens[0]
    for number in (1, 2, 0):
        (tmp_path / "..turned").symlink_to(f"..{number}")
        (tmp_path / "..turned").replace(tmp_path / "..data")
        assert source.get().reveal() == tokens[number]
    (tmp_path / "..data").unlink()
    with pytest.raises(AuthError, match="isn't there"):
        source.get()


# --- the whole program ---------------------------------------------------------------------------


def test_an_apply_with_a_file(
    project: Workspace, cli: Cli, sandbox: SandboxServer, file: Path
) -> None:
    done = cli("apply", "--yes")
    assert (done.code, "mode" in done.err) == (0, False)
    assert sandbox.requests("POST", "/auth") == []
    assert len(sandbox.executions()) == 1


def test_a_file_that_git_keeps_is_refused(
    project: Workspace, cli: Cli, sandbox: SandboxServer, file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One that it doesn't keep isn't, though it lies beside the others."""
    inside = project.path / "secret-token"
    write(inside, identities.token(HOUR))
    monkeypatch.setenv("QFLOW_TOKEN_FILE", "secret-token")  # begins at -C
    assert cli("workflows", "pull").code == 0
    project.git("add", "secret-token")
    linked = file.with_name("link")
    linked.symlink_to(inside)
    (project.path / "other").symlink_to(file)
    project.git("add", "other")
    for name in ("secret-token", str(inside), str(linked), "other"):
        monkeypatch.setenv("QFLOW_TOKEN_FILE", name)
        done = cli.json("apply", "--yes")
        assert (done["exitCode"], done["reason"]) == (4, "token_file_tracked"), name
    assert sandbox.executions() == []


def test_a_file_is_replaced_and_lost_amid_an_apply(
    project: Workspace, cli: Cli, sandbox: SandboxServer, file: Path
) -> None:
    """The next request has the new token; without one nothing more is sent, and nothing twice."""
    project.write("runs/more.yaml", "---\n".join(spec(f"more-{number}") for number in range(6)))
    project.commit()

    def meddle() -> None:
        while not sandbox.executions():
            time.sleep(0.002)
        write(file, identities.token(2 * HOUR))
        while len(sandbox.executions()) < 3:
            time.sleep(0.002)
        file.unlink()

    meddler = threading.Thread(target=meddle, daemon=True)
    meddler.start()
    done = cli("apply", "--yes", "--concurrency", "1")
    meddler.join(5)
    sent = len(sandbox.executions())
    assert done.code != 0
    assert "isn't there" in done.err + done.out
    assert 0 < sent < 7
    write(file, identities.token(HOUR))
    assert cli("apply", "--yes", "--concurrency", "4").code == 0
    assert len(sandbox.executions()) == 7
