"""The files that other programs read about this repository, held against those programs' rules.

The kind: a form that GitHub drops without a word, a workflow that nobody can start, a command in a
form that no longer exists. What each workflow does is actionlint's and zizmor's, in `.ci/run`.
"""

import os
import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import click
import pytest

from qflow_gitops import __version__
from qflow_gitops.cli.main import program
from qflow_gitops.yaml.parse import parse
from tests.helpers.partners import nightly, requires

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "github-actions": [ROOT / "action.yml"],
    "gitlab-ci": [
        ROOT / "examples/gitlab/.gitlab-ci.yml",
        *(ROOT / "examples/fleet/gitlab").iterdir(),
    ],
    "dependabot": [ROOT / ".github/dependabot.yml"],
    "github-issue-forms": FORMS,
    "github-issue-config": [ROOT / ".github/ISSUE_TEMPLATE/config.yml"],
    "citation-file-format": [ROOT / "CITATION.cff"],
}


def data(file: Path) -> Any:
    return parse(file.read_bytes(), file.name).documents[0].data


@requires("check-jsonschema")
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_file_is_what_its_reader_takes(schema: str) -> None:
    words = ["check-jsonschema", f"--builtin-schema=vendor.{schema}"]
    done = subprocess.run([*words, *map(str, SCHEMAS[schema])], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@requires("hadolint")
def test_the_containerfile_has_no_findings() -> None:
    words = ["hadolint", str(ROOT / ".github/Containerfile")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_containerfile_installs_what_the_action_does_and_nobody_is_root_in_it() -> None:
    text = (ROOT / ".github/Containerfile").read_text("utf-8")
    shipped = re.findall(
        r"^SHIPPED = \((.*)\)", (ROOT / ".github/install.py").read_text("utf-8"), re.MULTILINE
    )
    for one in re.findall('"(.*?)"', shipped[0]):
        assert f"COPY {one} /source/{one}\n" in text
    assert re.search(r"^USER [1-9]\d+$", text, re.MULTILINE)
    assert re.search(r"^FROM \S+:3\.\d+\.\d+-\S+$", text, re.MULTILINE)


@requires("nox")
def test_nox_lists_the_commands_of_a_contributor() -> None:
    done = subprocess.run(
        ["nox", "--list", "--noxfile", ROOT / "noxfile.py"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    names = re.findall(r"^- (\w+) -> ", done.stdout, re.MULTILINE)
    text = (ROOT / ".github/CONTRIBUTING.md").read_text("utf-8")
    assert names
    assert [one for one in names if f"`{one}`" not in text] == []
    for script in re.findall(r'"(\.ci/\w+)"', (ROOT / "noxfile.py").read_text("utf-8")):
        assert os.access(ROOT / script, os.X_OK), script


def test_what_the_forms_ask_for_can_be_typed() -> None:
    asked = {
        command
        for form in FORMS
        for command in re.findall(r"`qflow-gitops (.+?)`", form.read_text("utf-8"))
    }
    assert {"doctor --format markdown", "doctor --facts"} <= asked
    for name, *words in (one.split() for one in asked):
        command = program.get_command(click.Context(program), name)
        assert command
        options = {option for one in command.params for option in one.opts}
        assert [one for one in words if one.startswith("--") and one not in options] == []


def test_the_citation_names_this_version() -> None:
    found = data(ROOT / "CITATION.cff")
    assert found["version"] == __version__
    assert found["license"] == PROJECT["project"]["license"]


def test_the_hooks_are_what_ci_runs() -> None:
    """Of this machine, not of a host."""
    run = (ROOT / ".ci/run").read_text("utf-8")
    (repository,) = data(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        program_, *words = hook["entry"].removeprefix(".venv/bin/").split()
        assert hook["language"] == "system"
        assert program_ == "qflow-gitops" or re.search(
            rf"^{program_}\b.*{words[0] if words else ''}", run, re.MULTILINE
        )


def test_dependabot_looks_where_something_is_pinned() -> None:
    for update in data(ROOT / ".github/dependabot.yml")["updates"]:
        assert update["cooldown"]["default-days"] >= 7
        assert len(update["groups"]) == 1
        names = {"pip": ("pyproject.toml", "*.txt"), "npm": ("package.json",)}
        for folder in update["directories"]:
            where = ROOT / folder.strip("/")
            kinds = names.get(update["package-ecosystem"], ("*.yml",))
            assert any(list(where.glob(one)) for one in kinds), folder


# --- workflows -----------------------------------------------------------------------


def steps(workflow: Any) -> list[Any]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_may_do_only_what_it_says(file: Path) -> None:
    found, text = data(file), file.read_text("utf-8")
    assert found["permissions"] == {}
    assert "secrets." not in text
    for job in found["jobs"].values():
        assert job["timeout-minutes"]
        assert "permissions" in job
    for step in steps(found):
        assert "${{" not in step.get("run", "")
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
    for one in re.findall(r"uses: (.*)", text):
        assert re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)


def test_an_action_has_one_pin_wherever_it_is_used() -> None:
    others = (*(ROOT / "examples").glob("audit/*.yml"), *(ROOT / "examples").glob("fleet/*.yml"))
    shipped = [*(ROOT / "examples/github").iterdir(), *others]
    files = [*WORKFLOWS, ROOT / "action.yml", *shipped]
    pins: dict[str, set[str]] = {}
    for file in files:
        for name, pin in re.findall(r"uses: ([\w./-]+)@(.*)", file.read_text("utf-8")):
            pins.setdefault(name, set()).add(pin)
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}


def test_ci_knows_the_lowest_and_the_newest_python_that_are_promised() -> None:
    promised = [
        one.rpartition(" ")[2]
        for one in PROJECT["project"]["classifiers"]
        if re.search(r"Python :: 3\.\d+$", one)
    ]
    matrix = data(ROOT / ".github/workflows/ci.yml")["jobs"]["run"]["strategy"]["matrix"]["include"]
    linux = [one["python"] for one in matrix if one["system"].startswith("ubuntu")]
    assert linux == [promised[0], promised[-1]]
    assert f">={promised[0]}" == PROJECT["project"]["requires-python"]


def test_a_release_is_built_signed_and_published_by_jobs_of_their_own() -> None:
    jobs = data(ROOT / ".github/workflows/release.yml")["jobs"]
    rights = {name: set(job["permissions"]) for name, job in jobs.items()}
    assert rights == {
        "build": {"contents"}, "attest": {"attestations", "id-token"}, "publish": {"id-token"},
        "announce": {"contents"},
    }  # fmt: skip
    assert jobs["build"]["permissions"]["contents"] == "read"
    assert "!github.event.repository.fork" in jobs["build"]["if"]
    assert jobs["publish"]["environment"] == "release"
    assert jobs["publish"]["needs"] == ["build", "attest"]
    assert not [step for name in ("attest", "publish", "announce") for step in jobs[name]["steps"]
                if "checkout" in step.get("uses", "")]  # fmt: skip


def release(tree: Path, tag: str, docs: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", tree / ".ci/release", tree / "dist"],
        env={**os.environ, "TAG": tag, "DOCS": docs}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """This repository at the moment of a release, as far as its script reads it."""
    for name in (".ci/release", "qflow_gitops/__init__.py", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_tag_that_does_not_fit_the_version_makes_nothing(tree: Path) -> None:
    done = release(tree, "v9.9.9")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "Nothing was made: the tag is v9.9.9, and qflow_gitops/__init__.py"
    )
    done = release(tree, f"v{__version__}")
    assert (done.returncode, list((tree / "dist").glob("*.whl"))) == (1, [])
    assert done.stderr == f"Nothing was made: CHANGELOG.md has nothing under ## {__version__}.\n"


@pytest.mark.parametrize(
    "docs", ["http://docs.example.org/", "https://docs.example.org", 'https://a"/']
)
def test_a_release_names_no_odd_documentation(tree: Path, docs: str) -> None:
    done = release(tree, f"v{__version__}", docs)
    assert (done.returncode, list((tree / "dist").glob("*.whl"))) == (1, [])
    assert done.stderr == f"Nothing was made: DOCS is {docs}, which isn't https://…/.\n"


@nightly
@pytest.mark.skipif(os.environ.get("QFLOW_TESTS_INSTALL") != "required", reason="fetches packages")
def test_a_release_holds_all_that_is_shipped(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    subprocess.run(["git", "clone", "--quiet", ROOT, tree], check=True)
    changes = tree / "CHANGELOG.md"
    changes.write_text(
        changes.read_text("utf-8").replace("## Unreleased", f"## {__version__} - 2027-01-01")
    )
    done = release(tree, f"v{__version__}", "https://docs.example.org/qflow/")
    assert done.returncode == 0, done.stderr
    names = {one.name for one in (tree / "dist").iterdir()}
    assert names == {
        "NOTES.md", "qflow-gitops.cdx.json", f"qflow_gitops-{__version__}.tar.gz",
        f"qflow_gitops-{__version__}-py3-none-any.whl",
    }  # fmt: skip
    wheel = zipfile.ZipFile(next((tree / "dist").glob("*.whl")))
    check = (ROOT / "examples/audit/verify.py").read_bytes()
    assert wheel.read("qflow_gitops/examples/audit/verify.py") == check
    site = wheel.read("qflow_gitops/base/site.py").decode()
    assert '\nBASE = "https://docs.example.org/qflow/"\n' in site
    assert '\nBASE = ""\n' in (ROOT / "qflow_gitops/base/site.py").read_text("utf-8")
    listed = (tree / "dist/qflow-gitops.cdx.json").read_text("utf-8")
    for name, version in re.findall(
        r"(?m)^([\w.-]+)==(\S+)", (ROOT / ".github/requirements.txt").read_text("utf-8")
    ):
        assert f"pkg:pypi/{name}@{version}" in listed
