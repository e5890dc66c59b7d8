"""Every command in every environment: as on an ordinary machine, or a sentence with a way on.

The kind: a command that meets two things at once which each alone are in order (a partial clone
and an old policy, a full device and a result), and then ends as a bug, or green without having
looked. What was found is `docs/environments.md`; `--golden` (without xdist) writes anew what runs.

`.ci/run` runs one command that reads and one that applies in an environment of each kind, and all
of them in those of `cells.WHOLE`; `.ci/nightly` runs each in each.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click
import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from qflow_gitops.cli.main import program
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers import envtable
from tests.helpers.cells import (
    LIKE_ANOTHER,
    THOROUGH,
    Cell,
    Ordinary,
    Place,
    at_the_start,
    build,
    calls,
    gone,
    judge,
    restored,
    stored,
)  # fmt: skip
from tests.helpers.environments import CALLS, ENVIRONMENTS, ORDINARY, Environment
from tests.helpers.forks import Forks
from tests.helpers.github_api import GitHubApi
from tests.helpers.partners import rows
from tests.helpers.sandboxes import served

DOCUMENT = Path(__file__).parents[2] / "docs/environments.md"
Placed = Callable[[str], AbstractContextManager[Place]]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all workers, with the repositories that environments are made of."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "environments"
    folder.mkdir(exist_ok=True)
    with (folder / "mutex").open("w") as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        for object_format in ("sha1", "sha256"):
            if not (folder / object_format / "world/rescued").exists():
                (folder / object_format).mkdir()
                build(folder / object_format, object_format)
    return folder


@pytest.fixture(scope="module")
def forked() -> Iterator[Callable[[Environment, Mapping[str, str]], Forks]]:
    """A process for what is read when a program starts, begun when it is first needed."""
    begun: dict[object, Forks] = {}

    def fork(environment: Environment, environ: Mapping[str, str]) -> Forks:
        start = at_the_start(environ)
        how = {"weak": environment.weak, "terminal": environment.terminal}
        key = (*how.values(), *sorted(start.items()))
        if key not in begun:
            begun[key] = Forks({**environ, **start}, **how)
        return begun[key]

    yield fork
    for one in begun.values():
        one.close()


@pytest.fixture(scope="module")
def placed(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, forked: Callable[..., Forks]
) -> Iterator[Placed]:
    """Make an environment."""
    folder = tmp_path_factory.mktemp("places")
    servers: dict[str, SandboxServer] = {}
    with GitHubApi() as github:

        @contextmanager
        def place(name: str) -> Iterator[Place]:
            environment = ENVIRONMENTS[name]
            which = environment.object_format
            if which not in servers:
                data = folder / f"{which}.sqlite"
                shutil.copy(shared / which / "sandbox.sqlite", data)
                servers[which] = served(data=data, duration=0).start()
            at = folder / "place"
            try:
                yield Place(environment, at, shared, forked, servers[which], github)
            finally:
                gone(at)

        yield place
        for one in servers.values():
            one.stop()


@pytest.fixture(scope="module")
def ordinary(shared: Path, placed: Placed) -> Callable[[str], Ordinary]:
    """What commands answer on an ordinary machine: those that an environment is about."""
    file = shared / "ordinary.json"

    def known(environment: str) -> Ordinary:
        wanted = {"status", *(name for name, _ in calls(ENVIRONMENTS[environment]))}
        with (shared / "mutex").open("w") as mutex:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            found = {**restored(file.read_text("utf-8"))} if file.exists() else {}
            missing = wanted & {name for name, _ in calls(ENVIRONMENTS[ORDINARY])} - {*found}
            if missing:
                with placed(ORDINARY) as place:
                    for name in sorted(missing):
                        place.fresh()
                        found[name] = place(CALLS[name])
                file.write_text(stored(found), "utf-8")
        return found

    return known


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[envtable.Table]:
    """What the document says; with `--golden` it is written from what is put there."""
    found = envtable.read(DOCUMENT.read_text("utf-8")) if DOCUMENT.exists() else {}
    yield found
    if request.config.getoption("--golden"):
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(envtable.written(found), "utf-8")


@pytest.mark.parametrize("name", rows(ENVIRONMENTS, lambda name: name not in LIKE_ANOTHER))
def test_it_is_as_on_an_ordinary_machine_or_says_how_it_becomes_so(
    name: str,
    placed: Placed,
    ordinary: Callable[[str], Ordinary],
    table: envtable.Table,
    request: pytest.FixtureRequest,
) -> None:
    found, wrong = {}, {}
    usual = ordinary(name)
    with placed(name) as place:
        for command, call in calls(place.environment):
            if name == ORDINARY:
                found[command] = Cell("✓")
                continue
            try:
                found[command] = judge(place, command, call, usual)
            except AssertionError as problem:
                wrong[command] = str(problem)
    assert wrong == {}
    if request.config.getoption("--golden"):
        table[name] = found if THOROUGH else table.get(name, {}) | found
    unshown = {command for command in found if command not in table[name]}
    assert unshown == set() or ENVIRONMENTS[name].only
    shown = table[name] | dict.fromkeys(unshown, Cell("✓"))
    assert found == (shown if THOROUGH else {command: shown[command] for command in found})


def test_each_command_has_a_column() -> None:
    """A new one fails this until it stands in `CALLS`."""
    context = click.Context(program)
    leaves = set()
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        if isinstance(command, click.Group):
            leaves |= {f"{name} {one}" for one in command.commands}
        if not isinstance(command, click.Group) or command.invoke_without_command:
            leaves.add(name)
    assert {name.partition(" --")[0] for name in CALLS} == leaves


def test_the_document_is_what_the_tests_make_of_it(table: envtable.Table) -> None:
    """Nothing is added or changed by hand, and cmark-gfm reads every table and note."""
    text = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else envtable.written(table)
    found = envtable.read(text)
    assert [*found] == [*ENVIRONMENTS]
    assert text == envtable.written(found)
    html = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_FOOTNOTES)
    assert html.count("<table>") == len(envtable.KINDS)
    assert html.count("<tr>") == sum(1 for line in text.splitlines() if line[:1] == "|") - len(
        envtable.KINDS
    )
    assert "[^" not in html
