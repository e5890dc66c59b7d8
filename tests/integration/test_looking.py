"""Only what has changed is looked at, and what is said is what a look at everything says."""

import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.cache import looking
from qflow_gitops.cache.database import FILE
from qflow_gitops.git import listings
from qflow_gitops.git.listings import Listings
from qflow_gitops.git.worktree import GitWorkTree
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.partners import rows
from tests.helpers.specs import SANDBOX_PROJECT, spec

WARNED = "  connectorType: aws\n  variables: {credentials: aa70acae-6ea8-3acf-b504-f327855b316a}\n"
SPECS = 12


def file_of(number: int) -> str:
    return f"runs/{'ab'[number % 2]}/{number:02}.yaml"


@pytest.fixture
def known(project: Workspace, cli: Cli) -> Workspace:
    """A project of which everything was looked at."""
    for path in (project.path / "runs").rglob("*.yaml"):
        path.unlink()
    project.write("qflow.yaml", SANDBOX_PROJECT)
    for number in range(SPECS):
        extra = WARNED if number % 5 == 0 else ""
        project.write(file_of(number), spec(f"run-{number}", extra=extra))
    project.commit()
    assert cli("validate").code == 0
    return project


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The files of the work tree whose content was read."""
    found: set[str] = set()
    read = GitWorkTree.read

    def noted(tree: GitWorkTree, path: bytes) -> bytes | None:
        found.add(path.decode())
        return read(tree, path)

    monkeypatch.setattr(GitWorkTree, "read", noted)
    return found


def test_only_what_has_changed_is_read(known: Workspace, cli: Cli, reads: set[str]) -> None:
    known.write(file_of(3), spec("run-3", 2))
    assert "1 valid run in 12 files" in cli("validate", file_of(3)).out
    assert reads == {"qflow.yaml", file_of(3)}
    known.write("runs/new.yaml", spec("new"))
    known.remove(file_of(4))
    reads.clear()
    assert "12 valid runs in 12 files" in cli("validate").out
    assert reads <= {"qflow.yaml", file_of(3), file_of(4), "runs/new.yaml"}


def test_a_name_that_stands_in_a_file_that_has_not_changed(known: Workspace, cli: Cli) -> None:
    known.write("runs/new.yaml", spec("run-3"))
    said = cli("validate", "runs/new.yaml")
    assert said.code == 3
    assert f"{file_of(3)}:4" in said.out


AFTER = "  after: [run-4]\n"


def test_what_a_spec_comes_after_stands_in_a_file_that_has_not_changed(
    known: Workspace, cli: Cli
) -> None:
    known.write(file_of(3), spec("run-3", extra=AFTER))
    assert cli("validate").code == 0
    assert cli("validate", file_of(3)).code == 0
    known.write(file_of(4), spec("run-4", 2, extra="  after: [run-3]\n"))
    assert cli("validate").out.count("[after-cycle]") == 2


def test_what_a_spec_that_has_not_changed_comes_after_is_gone(known: Workspace, cli: Cli) -> None:
    known.write(file_of(3), spec("run-3", extra=AFTER))
    known.commit()
    (known.path / ".git/qflow-gitops/verdicts" / FILE).unlink()
    assert cli("validate").code == 0
    known.remove(file_of(4))
    assert "[after-unknown]" in cli("validate").out


def test_a_file_that_only_case_tells_from_one_that_has_not_changed(
    known: Workspace, cli: Cli
) -> None:
    known.write("runs/A/00.yaml", spec("other"))
    assert "[file-collision]" in cli("validate", "runs/A").out


def test_a_git_that_gives_no_details_is_asked_for_everything(
    known: Workspace, cli: Cli, reads: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = {**listings.COMMANDS, "detailed": listings.COMMANDS["indexed"]}
    monkeypatch.setattr(listings, "COMMANDS", commands)
    for content, code in ((spec("run-3", 2), 0), ("nonsense\n", 3)):
        known.write(file_of(3), content)
        for _ in range(2):
            assert cli("validate").code == code
            assert cli("validate", file_of(2)).code == 0


@pytest.mark.parametrize(
    "form",
    [
        lambda text: text.replace(b"  mtime:", b"  modified:"),
        lambda text: re.sub(rb"  size: [0-9]+\t", b"  ", text),
        lambda text: text.replace(b"\n  dev:", b" dev:"),
        lambda text: text + b"  checked: 1\n" if b"  mtime:" in text else text,
    ],
)
def test_details_in_another_form_are_not_trusted(
    form: Callable[[bytes], bytes], known: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git promises none for `--debug`: what isn't as it was is looked at, all of it."""
    ask, since = Listings.outputs, GitWorkTree.changed_since
    refused: list[str] = []

    def told(listed: Listings, *names: str) -> tuple[bytes, ...]:
        return tuple(map(form, ask(listed, *names)))

    def noted(tree: GitWorkTree, state: Any) -> frozenset[bytes]:
        try:
            return since(tree, state)
        except ValueError as problem:
            refused.append(str(problem))
            raise

    monkeypatch.setattr(Listings, "outputs", told)
    monkeypatch.setattr(GitWorkTree, "changed_since", noted)
    for content, code in ((spec("run-3", 2), 0), ("nonsense\n", 3)):
        known.write(file_of(3), content)
        assert cli("validate", file_of(3)).code == code
    assert set(refused) == {"git doesn't give the details of its index as it did"}


def test_where_git_knows_no_file_yet(workspace: Workspace, cli: Cli) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    for number in range(3):
        workspace.write(file_of(number), spec(f"run-{number}"))
    for _ in range(2):
        assert "3 valid runs in 3 files" in cli("validate").out
    workspace.write(file_of(1), "nonsense\n")
    assert cli("validate").code == 3


def test_where_much_has_changed_everything_is_looked_at(
    known: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MOST_CHANGED", 3)
    for number in range(6):
        known.write(file_of(number), spec(f"changed-{number}", number))
    for _ in range(2):
        assert cli("validate", file_of(0)).code == 0
        assert "6 valid runs in 12 files" in cli("validate", "runs/a").out


def test_a_name_that_is_only_shown_like_another(known: Workspace, cli: Cli) -> None:
    known.write(r"runs/\x01.yaml", spec("backslash"))
    known.commit()
    assert cli("validate").code == 0
    known.write("runs/\x01.yaml", spec("control"))
    said = cli("validate")
    assert "[file-name]" in said.out
    assert "13 valid runs in 13 files" in said.out


def test_a_name_that_ends_like_an_entry_of_another(known: Workspace, cli: Cli) -> None:
    known.git("rm", "--cached", "--quiet", file_of(0))
    known.write(".gitignore", file_of(0))
    known.write(f"runs/x\truns/{file_of(0)[5:]}", spec("odd"))
    known.git("add", "runs")
    assert "11 valid runs in 11 files" in cli("validate").out


def test_what_changes_between_two_looks_of_git_is_seen_the_next_time(
    known: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index moves on while it is listed, and neither size nor git shows it later."""
    good = known.read(file_of(3))
    bad = good.replace("kind: W", "kond: W")
    with monkeypatch.context() as patched:  # the verdicts are known, and no survey
        patched.setattr(looking, "MOST_CHANGED", -1)
        (known.path / ".git/qflow-gitops/verdicts" / FILE).unlink()
        assert cli("validate").code == 0
    known.write("runs/new.yaml", spec("new"))
    ask = Listings.ask

    def meanwhile(listed: Listings, *names: str) -> None:
        for name in names:
            if not listed._asked:
                known.write(file_of(3), good)
                known.git("add", file_of(3))
            if name not in listed._asked:
                ask(listed, name)
                listed._asked[name]()
            if known.read(file_of(3)) != bad:
                known.write(file_of(3), bad)
                known.git("add", file_of(3))

    with monkeypatch.context() as patched:
        patched.setattr(Listings, "ask", meanwhile)
        cli("validate")
    for _ in range(2):
        assert cli("validate", file_of(3)).code == 3
        assert cli("validate").code == 3


def test_what_git_could_not_look_at_is_looked_at(
    known: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git leaves out the files of a folder that it may not enter, and only complains."""
    monkeypatch.setattr(Listings, "is_partly_hidden", True)
    read = GitWorkTree.read
    monkeypatch.setattr(GitWorkTree, "size", lambda *_: -1)
    monkeypatch.setattr(
        GitWorkTree, "read", lambda tree, path: None if b"/a/" in path else read(tree, path)
    )
    for asked in (("validate",), ("validate", file_of(2))):
        said = cli(*asked)
        assert said.code == 3
        assert f"{file_of(2)}:1:1: error [file-unreadable]" in said.out
    assert "[file-unreadable]" in cli("plan", "--worktree").out


# --- any history ---------------------------------------------------------------------

Step = Callable[[Workspace, random.Random], object]


def any_file(known: Workspace, chance: random.Random) -> Path:
    files = sorted((known.path / "runs").rglob("*.yaml"))
    return chance.choice(files) if files else known.write("runs/only.yaml", spec("only"))


def same_size_and_time(known: Workspace, chance: random.Random) -> None:
    """An edit that only the file's change time shows."""
    path = any_file(known, chance)
    if path.is_symlink():
        return
    times = path.stat()
    path.write_bytes(path.read_bytes().replace(b"value: 1", b"valve: 1"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def moved(known: Workspace, chance: random.Random) -> None:
    path = any_file(known, chance)
    path.rename(path.with_name(f"moved-{chance.randrange(9)}.yaml"))


def linked(known: Workspace, chance: random.Random) -> None:
    link = known.path / f"runs/link-{chance.randrange(3)}.yaml"
    link.unlink(missing_ok=True)
    link.symlink_to(any_file(known, chance).name)


def settled(known: Workspace, chance: random.Random) -> None:
    known.git("add", "--all")
    known.git("commit", "--quiet", "--allow-empty", "-m", "x")


STEPS: dict[str, Step] = {
    "edit": lambda known, chance: any_file(known, chance).write_text(
        spec(f"run-{chance.randrange(SPECS)}", chance.randrange(99_999))
    ),
    "warned": lambda known, chance: any_file(known, chance).write_text(
        spec(f"run-{chance.randrange(99)}", extra=WARNED)
    ),
    "after": lambda known, chance: any_file(known, chance).write_text(
        spec(f"run-{chance.randrange(SPECS)}", extra=f"  after: [run-{chance.randrange(SPECS)}]\n")
    ),
    "bad": lambda known, chance: any_file(known, chance).write_text("nonsense\n"),
    "two documents": lambda known, chance: any_file(known, chance).write_text(
        spec(f"run-{chance.randrange(99)}") + "---\n" + spec(f"run-{chance.randrange(99)}")
    ),
    "new": lambda known, chance: known.write(
        f"runs/c/{chance.choice(['New', 'new', 'ü', 'a b', 'e'])}.yaml",
        spec(f"run-{chance.randrange(30)}"),
    ),
    "away": lambda known, chance: any_file(known, chance).unlink(),
    "moved": moved,
    "linked": linked,
    "same size and time": same_size_and_time,
    "staged": lambda known, chance: known.git("add", "--all"),
    "committed": settled,
    "as it was": lambda known, chance: known.git("reset", "--quiet", "--hard"),
    "one back": lambda known, chance: known.git("checkout", "--quiet", "-f", "HEAD~0", "--", "."),
    "looked at by git": lambda known, chance: known.git("status", "--porcelain"),
    "ignored": lambda known, chance: known.write(".gitignore", "runs/c/\n"),
    "not ignored": lambda known, chance: (known.path / ".gitignore").unlink(missing_ok=True),
    "no longer watched": lambda known, chance: known.git(
        "rm", "--cached", "--quiet", "--ignore-unmatch", "-r", "runs/a"
    ),
    "assumed unchanged": lambda known, chance: os.system(
        f"cd '{known.path}' && git ls-files -z runs/b | git update-index -z --assume-unchanged"
        " --stdin"
    ),
    "settings": lambda known, chance: known.write(
        "qflow.yaml",
        SANDBOX_PROJECT + chance.choice(["", "  runs: [runs]\n", "  runs: [runs/a, runs/c]\n"]),
    ),
    "catalog": lambda known, chance: known.write(
        "workflows/6cad21c8-4405-4517-beb9-7372feafb5b0.json",
        '{"apiVersion": "qflow-gitops/v1", "kind": "Workflow",'
        f' "id": "6cad21c8-4405-4517-beb9-7372feafb5b{chance.randrange(2)}"}}',
    ),
    "no catalog": lambda known, chance: (
        known.path / "workflows/6cad21c8-4405-4517-beb9-7372feafb5b0.json"
    ).unlink(missing_ok=True),
}


def questions(known: Workspace) -> Iterator[tuple[str, ...]]:
    yield ("validate", "--format", "json")
    for path in ("runs", "runs/c", file_of(2)):
        if (known.path / path).exists():
            yield ("validate", path, "--format", "json")


@pytest.mark.parametrize("seed", rows(range(8), lambda seed: seed < 2))
def test_after_any_history_it_says_what_a_look_at_everything_says(
    known: Workspace, cli: Cli, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MOST_CHANGED", 6)
    chance = random.Random(seed)
    kept = known.path / ".git/qflow-gitops/verdicts" / FILE
    done: list[str] = []
    for _ in range(10):
        done.append(chance.choice(list(STEPS)))
        STEPS[done[-1]](known, chance)
        for asked in questions(known):
            warm = cli(*asked)
            aside = kept.rename(kept.with_name("aside")) if kept.exists() else None
            cold = cli(*asked)
            assert (warm.code, warm.out) == (cold.code, cold.out), (asked, done)
            if aside and chance.randrange(3):
                aside.rename(kept)
