"""The handful of commands that a contributor needs: `nox` lists them, `nox -s check` runs one.

Each uses the environment in `.venv`, which `.ci/run` makes; nothing is installed a second time.
"""

import nox

nox.options.sessions = []
nox.options.default_venv_backend = "none"
HERE = ".venv/bin"


@nox.session
def check(session: nox.Session) -> None:
    """Format, lint, types, import contract: what takes seconds."""
    session.run(f"{HERE}/ruff", "format", ".")
    session.run(f"{HERE}/ruff", "check", ".")
    session.run(f"{HERE}/mypy")
    session.run(f"{HERE}/lint-imports")


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests, or those that are named: `nox -s test -- tests/unit -k rollout`."""
    session.run(f"{HERE}/pytest", "-n", "auto", *session.posargs)


@nox.session
def golden(session: nox.Session) -> None:
    """Write golden files anew, to be read before they are committed: `nox -s golden -- FILE`."""
    session.run(f"{HERE}/pytest", "-p", "no:xdist", "--golden", *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """Run a fast subset of the tests with the lowest versions of all dependencies."""
    session.run("bash", ".ci/lowest")


@nox.session
def mutants(session: nox.Session) -> None:
    """Change rules one at a time and see whether a test notices: `nox -s mutants -- plan`."""
    session.run("bash", ".ci/mutants", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what things cost: `nox -s bench -- speed`."""
    session.run(f"{HERE}/python", "-m", "tests.benchmarks", *session.posargs)


@nox.session
def everything(session: nox.Session) -> None:
    """What CI runs."""
    session.run("bash", ".ci/run")
