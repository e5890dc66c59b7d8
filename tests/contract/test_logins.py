"""Every way to a bearer token keeps the same promises; one suite for all of them."""

import json
import math
import os
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from qflow_gitops.errors import AuthError, QflowError, UnreachableError
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.route import Route
from qflow_gitops.http.transport import HttpAnswer, Transport
from qflow_gitops.qualys.credentials import SETS, Secret
from qflow_gitops.qualys.logins.command import Command
from qflow_gitops.qualys.logins.exchange import LIFETIME, Exchange
from qflow_gitops.qualys.logins.github import Actions
from qflow_gitops.qualys.logins.gitlab import GitLab
from qflow_gitops.qualys.logins.given import Given
from qflow_gitops.qualys.logins.login import Login, Machine
from qflow_gitops.qualys.logins.registry import FORGES
from qflow_gitops.qualys.logins.token_file import TokenFile
from qflow_gitops.qualys.token import EARLY, TokenSource
from tests.helpers.logins import AUDIENCE, SUBJECT, Forge, id_token

BEGIN = time.time()
HOUR = 3600.0


class World(Protocol):
    """A way, and who gives the tokens."""

    asked: int
    """How often who gives them was asked."""

    def login(self, redact: Redactor, now: Callable[[], float]) -> Login: ...
    def gives(self, token: str) -> None: ...
    def is_out_of_reach(self) -> None: ...


class _Wire:
    """A gateway that gives tokens."""

    def __init__(self) -> None:
        self.answer: HttpAnswer | Exception = HttpAnswer(404, {}, b"")
        self.asked = 0

    def send(self, *_: object, **__: object) -> HttpAnswer:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class ByExchange:
    """A client's or a user's."""

    def __init__(self, *names: str) -> None:
        self._wire = _Wire()
        self._values = {name: Secret(f"canary-{name}") for name in names}

    @property
    def asked(self) -> int:
        return self._wire.asked

    def login(self, redact: Redactor, now: Callable[[], float]) -> Login:
        return Exchange(cast(Transport, self._wire), self._values, redact, now=now)

    def gives(self, token: str) -> None:
        self._wire.answer = HttpAnswer(201, {}, token.encode())

    def is_out_of_reach(self) -> None:
        self._wire.answer = HttpAnswer(503, {}, b"")


class ByGiven:
    """QFLOW_TOKEN."""

    asked = 0

    def __init__(self) -> None:
        self._token = ""

    def login(self, redact: Redactor, now: Callable[[], float]) -> Login:
        return Given(Secret(self._token))

    def gives(self, token: str) -> None:
        self._token = token


class ByForge:
    """A forge that issues ID tokens."""

    def __init__(self, name: str) -> None:
        self.forge = Forge()
        self._name = name

    @property
    def asked(self) -> int:
        return len(self.forge.asked)

    def login(self, redact: Redactor, now: Callable[[], float]) -> Login:
        return Actions(
            self.forge.environ, AUDIENCE, Route(), redact,
            forge=self._name, now=now, sleep=lambda _: None,
        )  # fmt: skip

    def gives(self, token: str) -> None:
        self.forge.gives(token)

    def is_out_of_reach(self) -> None:
        self.forge.fails(503)

    def close(self) -> None:
        self.forge.close()


class ByGitLab:
    """A variable of the job."""

    asked = 0

    def __init__(self) -> None:
        self._environ: dict[str, str] = {}

    def login(self, redact: Redactor, now: Callable[[], float]) -> Login:
        return GitLab(self._environ, AUDIENCE, redact, now=now)

    def gives(self, token: str) -> None:
        self._environ["QFLOW_ID_TOKEN"] = token


class ByFile:
    """A file that somebody keeps fresh."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "token"
        self.asked = 0

    def login(self, redact: Redactor, now: Callable[[], float]) -> Login:
        world = self

        class Counted(TokenFile):
            def _read(self) -> str:
                world.asked += 1
                return super()._read()

        machine = Machine(self._file.parent)
        return Counted("token", machine, redact, now=now, sleep=lambda _: None)

    def gives(self, token: str) -> None:
        new = self._file.with_name("new")
        new.write_text(f"{token}\n", encoding="utf-8")
        new.replace(self._file)


class ByCommand:
    """A program that prints a token."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = folder / "give me"
        script = f"#!/bin/sh\necho x >> '{folder}/asked'\ncat '{folder}/printed'\n"
        self._program.write_text(script, encoding="utf-8")
        self._program.chmod(0o755)

    @property
    def asked(self) -> int:
        asked = self._folder / "asked"
        return len(asked.read_text("utf-8").split()) if asked.exists() else 0

    def login(self, redact: Redactor, now: Callable[[], float]) -> Login:
        line, wire = shlex.quote(str(self._program)), cast(Transport, _Wire())
        return Command(line, os.environ, wire, redact, Machine(self._folder), now=now)

    def gives(self, token: str) -> None:
        printed = json.dumps({"version": 1, "token": token})
        (self._folder / "printed").write_text(printed, encoding="utf-8")


WORLDS: Mapping[str, Callable[[Path], Any]] = {
    "client": lambda _: ByExchange("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"),
    "user": lambda _: ByExchange("QFLOW_USERNAME", "QFLOW_PASSWORD"),
    "given": lambda _: ByGiven(),
    "github": lambda _: ByForge("GitHub"),
    "forgejo": lambda _: ByForge("Forgejo"),
    "gitlab": lambda _: ByGitLab(),
    "file": ByFile,
    "command": ByCommand,
}
ID_TOKENS = ("github", "forgejo", "gitlab")
REMOTE = ("client", "user", "github", "forgejo")
RENEWABLE = (*REMOTE, "file", "command")
"""Those that can be asked again."""


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = BEGIN

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = WORLDS[request.param](tmp_path)
    yield made
    if hasattr(made, "close"):
        made.close()


def only(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("world", names, indirect=True)


def begin(world: World, clock: Clock) -> tuple[TokenSource, Redactor]:
    redact = Redactor()
    return TokenSource(world.login(redact, clock), redact, now=clock), redact


def test_every_way_is_here() -> None:
    assert len(WORLDS) == len(SETS) - 1 + len(FORGES)


def test_a_token_is_fetched_when_it_is_asked_for_and_kept(world: World, clock: Clock) -> None:
    token = id_token(BEGIN + HOUR)
    world.gives(token)
    source, redact = begin(world, clock)
    assert world.asked == 0
    assert source.get().reveal() == token
    assert source.get() is source.get()
    assert world.asked <= 1
    for piece in (token, token[:40], token[-24:], token.upper()):
        assert piece not in redact(f"it says {piece} here")


@only(*REMOTE, "command")
def test_it_is_renewed_before_it_ends(world: World, clock: Clock) -> None:
    world.gives(id_token(BEGIN + HOUR, mark="1"))
    source, _ = begin(world, clock)
    first = source.get()
    second = id_token(BEGIN + 2 * HOUR, mark="2")
    world.gives(second)
    clock.time += HOUR - EARLY - 1
    assert source.get() is first
    clock.time += 2
    assert source.get().reveal() == second
    assert world.asked == 2


@only(*RENEWABLE)
def test_one_that_lives_shortly_is_got_each_time(world: World, clock: Clock) -> None:
    world.gives(id_token(BEGIN + 20))
    source, _ = begin(world, clock)
    for asked in (1, 2, 3):
        clock.time += 1
        source.get()
        assert world.asked == asked


@only(*REMOTE)
def test_who_is_out_of_reach_for_a_while_ends_nothing(world: World, clock: Clock) -> None:
    """The token that is there goes on, until its own end."""
    world.gives(id_token(BEGIN + HOUR))
    source, _ = begin(world, clock)
    first = source.get()
    world.is_out_of_reach()
    clock.time += HOUR - 30
    assert source.get() is first
    asked = world.asked
    assert source.get() is first
    assert world.asked == asked  # not with every request
    clock.time += 27
    with pytest.raises(UnreachableError):
        source.get()
    world.gives(id_token(BEGIN + 2 * HOUR, mark="2"))
    assert source.get() is not first


@only(*RENEWABLE)
def test_a_refused_token_is_replaced(world: World, clock: Clock) -> None:
    world.gives(id_token(BEGIN + HOUR, mark="1"))
    source, _ = begin(world, clock)
    first = source.get()
    assert source.renewable
    world.gives(id_token(BEGIN + HOUR, mark="2"))
    source.drop(first)
    second = source.get()
    source.drop(first)  # by a thread that comes late
    assert source.get() is second
    assert world.asked == 2


@only("given", "gitlab")
def test_what_has_no_other_isnt_asked_for_one(world: World, clock: Clock) -> None:
    world.gives(id_token(BEGIN + HOUR))
    assert not begin(world, clock)[0].renewable


def test_many_threads_ask_and_one_fetches(world: World, clock: Clock) -> None:
    world.gives(id_token(BEGIN + HOUR))
    source, _ = begin(world, clock)
    source.begin()
    found: list[Secret] = []
    threads = [threading.Thread(target=lambda: found.append(source.get())) for _ in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 20
    assert len({id(one) for one in found}) == 1
    assert world.asked <= 1


@pytest.mark.parametrize("bad", ["", "canary-no-token", "canary.x", "a.b.c\na.b.c", "<html>canary"])
@only("client", "user", "file", "command", *ID_TOKENS)
def test_what_is_no_token_is_refused_and_not_shown(world: World, clock: Clock, bad: str) -> None:
    world.gives(bad)
    source, _ = begin(world, clock)
    with pytest.raises(QflowError) as refused:
        source.get()
    assert refused.value.hint
    assert "canary" not in shown(refused.value)


def shown(problem: QflowError) -> str:
    return " ".join((problem.message, problem.where, problem.not_done, problem.hint))


@only("file", "command", *ID_TOKENS)
def test_a_token_that_is_over_is_refused(world: World, clock: Clock) -> None:
    for until in (BEGIN - 1, 0, -1e300):
        world.gives(id_token(until))
        with pytest.raises(AuthError, match="clock") as refused:
            begin(world, clock)[0].get()
        assert refused.value.hint


@pytest.mark.parametrize("until", [None, "soon", math.nan, math.inf, 10**400, [], True])
@only(*ID_TOKENS)
def test_an_id_token_without_an_end_is_none(world: World, clock: Clock, until: Any) -> None:
    world.gives(id_token(until))
    with pytest.raises(AuthError):
        begin(world, clock)[0].get()


@pytest.mark.parametrize("audience", [None, "another", [], ["another"], {}, AUDIENCE + "/"])
@only(*ID_TOKENS)
def test_an_id_token_for_somebody_else_is_refused(
    world: World, clock: Clock, audience: object
) -> None:
    world.gives(id_token(BEGIN + HOUR, audience=audience))
    with pytest.raises(AuthError, match="which isn't that of"):
        begin(world, clock)[0].get()
    world.gives(id_token(BEGIN + HOUR, audience=["another", AUDIENCE]))
    assert begin(world, clock)[0].get()


@only(*ID_TOKENS)
def test_what_qualys_has_to_know_is_said_and_the_token_isnt(world: World, clock: Clock) -> None:
    token = id_token(BEGIN + HOUR)
    world.gives(token)
    source, _ = begin(world, clock)
    source.drop(source.get())
    told = source.advice()
    for fact in ("https://forge.example", AUDIENCE, SUBJECT, "Support", "QFLOW_CLIENT_ID"):
        assert fact in told
    assert not any(token[at : at + 12] in told for at in range(len(token) - 12))
    assert not source.is_documented


def test_a_token_of_qualys_that_doesnt_say_its_end_lives_as_documented(clock: Clock) -> None:
    world = ByExchange("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET")
    world.gives("a.b.c")
    assert world.login(Redactor(), clock).fetch().until == BEGIN + LIFETIME


def test_no_way_shows_what_it_holds(world: World, clock: Clock) -> None:
    world.gives(id_token(BEGIN + HOUR))
    login = world.login(Redactor(), clock)
    assert "canary" not in repr(login) + repr(login.fetch()) + str(login.fetch())
