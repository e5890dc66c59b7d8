"""A doctor changes nothing, runs nothing of a repository's, and stands wherever it is called."""

import re
from collections.abc import Mapping
from pathlib import Path

import cmarkgfm
import pytest

from qflow_gitops.cli.doctor_repository import PATIENCE
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import BRANCH
from tests.helpers.scenarios.doctor import healthy, spec
from tests.helpers.terminal import Terminal
from tests.helpers.typed import commands

GOLDEN = Path(__file__).parent / "doctor.txt"
MADE_UP = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"\b[0-9a-f]{10}\b", "<commit>"),
    (r"\b[0-9a-f]{32}\b", "<lineage>"),
    (r"CPython [\d.]+", "CPython <version>"),
    (r"git: [\d.]+.*", "git: <version>"),
    (r"rules of \d{4}[a-z]", "rules of <version>"),
    (r"version \d+, ", "version <n>, "),
    (r"usual ones.*", "usual ones"),
)
OWN = ("qflow-gitops", "refs/qflow-gitops", "logs/refs/qflow-gitops", "objects")
"""What looking commands keep of what they saw, in the git directory."""


@pytest.fixture
def at(
    tmp_path: Path,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    store: str,
) -> Terminal:
    folder = tmp_path / "team"
    folder.mkdir()
    made = Terminal(store, folder, sandbox, monkeypatch, capfd)
    healthy(made)
    return made


@pytest.fixture
def store() -> str:
    return "branch"


def content(folder: Path, but: tuple[str, ...] = ()) -> Mapping[str, bytes]:
    """Every file of a folder, by its path from there."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: text for name, text in files.items() if not name.startswith(but or ("\0",))}


def alarm(at: Terminal, name: str, folder: str) -> Path:
    """Put a hook in place that leaves a trace."""
    trace = at.folder / f"ran-{name}"
    hook = at.folder / folder / name
    hook.parent.mkdir(exist_ok=True, parents=True)
    hook.write_text(f'#!/bin/sh\ntouch "{trace}"\n')
    hook.chmod(0o755)
    return trace


@pytest.mark.parametrize("store", ["branch", "worktree"])
@pytest.mark.parametrize("words", [(), ("--offline",)])
def test_nothing_changes_and_no_hook_runs(at: Terminal, words: tuple[str, ...]) -> None:
    traces = [alarm(at, name, "clone/.git/hooks") for name in ("pre-push", "pre-commit")]
    if at.store == "branch":
        traces += [alarm(at, name, "remote.git/hooks") for name in ("pre-receive", "update")]
    clone, remote = at.folder / "clone", at.folder / "remote.git"
    before = content(clone, tuple(f".git/{name}" for name in OWN)), content(remote)
    assert at("doctor", "machine", "repository", *words).code == 0
    after = content(clone, tuple(f".git/{name}" for name in OWN)), content(remote)
    assert after == before
    assert [trace for trace in traces if trace.exists()] == []
    assert at.sandbox.requests("POST", "/run")[1:] == []


def verdicts(at: Terminal, *words: str) -> Mapping[str, str]:
    done = at("doctor", "repository", *words, "--format", "json")
    assert done.code in (0, 1)
    return {check["name"]: check["result"] for check in done.data["checks"]}


def red(at: Terminal, *words: str) -> list[str]:
    return [name for name, result in verdicts(at, *words).items() if result == "failed"]


def test_a_detached_head_and_a_tag_are_no_harm(at: Terminal) -> None:
    at.clone.git("checkout", "--quiet", "--detach")
    assert red(at) == []


def test_a_clone_without_a_work_tree(at: Terminal) -> None:
    at.clone.git("clone", "--quiet", "--bare", ".", "../bare.git")
    assert red(at, "-e", "prod") == []
    done = at("-C", "../bare.git", "doctor", "repository")
    assert done.code == 1
    assert done.out.count("✗") == 1


def test_a_repository_without_a_commit(at: Terminal) -> None:
    at.clone.git("init", "--quiet", "../fresh")
    fresh = at.folder / "fresh"
    done = at("-C", str(fresh), "doctor", "repository")
    assert "✗ settings" in done.out
    assert done.out.count("✗") == 1
    assert at("-C", str(fresh), "init", "--platform", "EU2").code == 0
    done = at("-C", str(fresh), "doctor", "repository")
    assert done.code == 0
    assert "! commit: none yet" in done.out


def test_several_projects_in_one_repository(at: Terminal) -> None:
    at.clone.write("teams/pay/qflow.yaml", "apiVersion: qflow-gitops/v1\nkind: Project\nspec:\n"
                   "  environments:\n    prod: {platform: sandbox}\n"
                   "  lock: {store: branch, branch: qflow-lock-pay}\n")  # fmt: skip
    at.clone.write("teams/pay/runs/b.yaml", spec("b"))
    at.merge()
    assert red(at) == []
    done = at("-C", "teams/pay", "doctor", "repository")
    assert done.code == 0
    assert "teams/pay/qflow.yaml" in done.out
    assert "qflow-lock-pay" in done.out


def test_an_environment_that_is_not_there_is_a_usage_error(at: Terminal) -> None:
    done = at("doctor", "repository", "-e", "moon")
    assert done.code == 2
    assert "There is no environment `moon`" in done.err


def test_a_host_that_never_answers_is_given_up(at: Terminal) -> None:
    """In less time than all that is asked of it has; and what needs no network is told."""
    host = at.clone.write("../host", "#!/bin/sh\nsleep 300\n")
    host.chmod(0o755)
    at.clone.git("config", "remote.origin.uploadpack", str(host))
    import qflow_gitops.cli.doctor_repository as looking

    looking.PATIENCE = 3.0
    try:
        assert red(at) == ["lock-branch"]
    finally:
        looking.PATIENCE = PATIENCE


def test_a_name_that_would_move_the_cursor_is_shown_as_it_is(at: Terminal) -> None:
    at.clone.write("runs/\x1b[2Jb.yaml", "kind: [\n")
    at.merge()
    done = at("doctor", "repository")
    assert "\x1b" not in done.out
    assert done.code == 1


def test_it_is_read_in_a_narrow_terminal(at: Terminal, request: pytest.FixtureRequest) -> None:
    """As it stands in the golden file, with one thing that was broken."""
    at.clone.git("sparse-checkout", "set", "docs")
    text = at("doctor", "machine", "repository").out
    for pattern, word in MADE_UP:
        text = re.sub(pattern, word, text.replace(str(at.folder), "<folder>"))
    if request.config.getoption("--golden"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_the_page_is_read_as_it_is_meant(at: Terminal) -> None:
    at.clone.git("push", "--quiet", "origin", f":{BRANCH}")
    done = at("doctor", "machine", "repository", "--format", "markdown")
    html = cmarkgfm.github_flavored_markdown_to_html(done.out)
    assert html.count("<table>") == 2
    assert html.count("<tr>") == done.out.count("\n| ")  # a title's row, and one for each check
    assert "git push origin" in html
    text = at("doctor", "machine", "repository").out
    lines, _, first = text.rpartition("Begin with lockfile: ")
    assert [*commands(first)]
    long = [line for line in lines.splitlines() if len(line) > 80 and "→" not in line]
    words = (str(at.folder), "The lockfile's branch is gone")  # no fault of the line's
    assert [line for line in long if not any(word in line for word in words)] == []


def test_status_says_what_no_apply_did(at: Terminal) -> None:
    assert "no apply has got through" not in at("status").out
    at.specs(a=spec("a"), b=spec("b"))
    at.clone.git("fetch", "--quiet", "origin")
    at.later(hours=23)
    shown = at("status")
    assert "no apply has got through" not in shown.out + shown.err
    at.later(hours=2)
    shown = at("status")
    assert "prod: no apply has got through since" in shown.out + shown.err
    (note,) = at("status", "--format", "json").data["notes"]
    (command,) = commands(note)
    assert at.typed(f"{command} --yes").code == 0
    shown = at("status")
    assert "no apply has got through" not in shown.out + shown.err
