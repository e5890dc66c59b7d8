"""Whatever the program says to do works when it is done, and sends nothing that wasn't asked for.

A scenario leads to a refusal or a hold; then every command that it prints is typed and every
change that it names is made, each from the same state. `hints/` has what came of it, to be read;
`--golden` writes it anew. `tests/contract/test_hints.py` sees to it that no hint is left out, and
compares the texts of all with the source. `.ci/run` carries out so many scenarios that each form of
our commands is typed once (`carried.once_each`), and what is new; `.ci/nightly` all of them.
"""

from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.carried import carried_out, once_each
from tests.helpers.partners import rows
from tests.helpers.scenarios import SCENARIOS
from tests.helpers.terminal import Terminal

GOLDEN = Path(__file__).parent / "hints"


STORES = {name: store for name, (store, _) in SCENARIOS.items()}


@pytest.mark.parametrize("name", rows(sorted(SCENARIOS), once_each(GOLDEN, STORES).__contains__))
def test_what_is_said_is_done(
    name: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    store, provoke = SCENARIOS[name]
    folder = tmp_path / "team"
    folder.mkdir()
    at = Terminal(store, folder, sandbox, monkeypatch, capfd)
    command, person = provoke(at)
    with at.open:
        told = carried_out(provoke.__doc__ or "", command, at.typed(command), at, person)
    file = GOLDEN / f"{name}.txt"
    if request.config.getoption("--golden"):
        file.write_text(told, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == told


def test_no_scenario_is_told_that_isnt_there() -> None:
    assert {one.stem for one in GOLDEN.iterdir()} == set(SCENARIOS)
