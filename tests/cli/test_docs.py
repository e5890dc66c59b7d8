"""The documentation is built without a warning, and what it shows is what the program does."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from qflow_gitops.base import site as addresses
from qflow_gitops.errors import ExitCode
from qflow_gitops.results.known_words import REASONS
from qflow_gitops.specs.fleet_file import load_fleet
from qflow_gitops.specs.rules import RULES
from qflow_gitops.yaml.parse import parse
from tests import terminal
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.helpers.sites import built
from tests.helpers.specs import CONNECTOR, OWN_WORKFLOW, SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec
from tests.picture import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(
    r"^(?P<mark> *<!-- (?P<word>[a-z ]+) -->\n)?(?P<in> *)```(?P<kind>\w+)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A block of code: its language, its lines, and what stands in a comment before it."""

    page: str
    kind: str
    text: str
    mark: str


def _blocks() -> Iterator[Block]:
    for page in PAGES:
        for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
            lines = found["text"].splitlines(keepends=True)
            text = "".join(line.removeprefix(found["in"]) for line in lines)
            name = page.relative_to(ROOT).as_posix()
            yield Block(name, found["kind"], text, found["word"] or "")


BLOCKS = tuple(_blocks())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.getbasetemp())


def test_each_rule_reason_and_exit_code_has_its_page(site: Path) -> None:
    codes = [str(int(code)) for code in ExitCode]
    for folder, words in (("rules", RULES), ("reasons", REASONS), ("exit-codes", codes)):
        found = {one.parent.name for one in (site / "reference" / folder).glob("*/index.html")}
        assert found == set(words)


def test_the_pages_that_messages_name_are_there(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "BASE", "https://docs.example.org/")
    pages = [*map(addresses.rule_page, RULES), *map(addresses.reason_page, REASONS)]
    pages += [addresses.exit_page(str(int(code))) for code in ExitCode]
    for page in pages:
        assert (site / page.removeprefix("https://docs.example.org/") / "index.html").is_file()


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"?https?:", text) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_numbered_list_goes_on_behind_what_stands_in_it(page: Path) -> None:
    """GitHub takes three spaces for it, Python-Markdown four: with fewer each number is 1."""
    assert re.findall(r"(?m)^ {1,3}```", page.read_text(encoding="utf-8")) == []


def test_the_picture_of_comment_and_terminal_is_what_they_show() -> None:
    """`python -m tests.terminal` makes it anew, to be looked at."""
    made = terminal.picture()
    assert terminal.PICTURE.read_text(encoding="utf-8") == made
    ElementTree.fromstring(made)  # HTML in SVG has to be XML, or nothing is shown


# --- YAML --------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.kind == "yaml"])
def test_yaml_is_valid(block: Block, workspace: Workspace, cli: Cli) -> None:
    """A spec, settings or a catalog, or a part of one; what others read is marked."""
    if block.mark == "not ours":
        assert not parse(block.text.encode(), "x.yaml").diagnostics
        return
    if "kind: Fleet" in block.text:
        assert load_fleet(block.text.encode(), "fleet.yaml")[1] == ()
        return
    text, file = block.text, "runs/a.yaml"
    settings = SANDBOX_PROJECT
    if "kind: ConnectorCatalog" in text:
        file = "connectors/prod/aws.yaml"
    elif text.startswith("spec:"):
        text = f"apiVersion: qflow-gitops/v1\nkind: WorkflowRun\nmetadata: {{name: a}}\n{text}"
        if "connectors: {cloud" in text:
            workspace.write("connectors/prod/aws.yaml", _CATALOG)
        if "after: [prepare-accounts]" in text:
            workspace.write("runs/prepare.yaml", spec("prepare-accounts"))
    elif not text.startswith("apiVersion:"):
        settings += "".join(f"  {line}\n" for line in text.splitlines())
        text = SAMPLE
    workspace.write("qflow.yaml", settings)
    workspace.write(file, text)
    if not file.startswith("runs/"):
        workspace.write("runs/a.yaml", SAMPLE)
    done = cli("validate")
    assert done.code == 0, done.out


_CATALOG = f"""\
apiVersion: qflow-gitops/v1
kind: ConnectorCatalog
connectors:
  payments-prod: {{id: {CONNECTOR}, title: Payments, account: "123456789012", state: SUCCESS,
    disabled: false, labels: {{tier: prod}}}}
  legacy: {{id: bb81bdbf-7fb9-4bd0-8615-0438966c427b, title: Legacy, account: "210987654321",
    state: SUCCESS, disabled: false, labels: {{tier: prod}}}}
"""

# --- shell -------------------------------------------------------------------------------

LEGACY = (
    "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\nmetadata: {name: old}\nspec:\n"
    f"  workflowId: {WORKFLOW}\n  connectorType: aws\n  variables: {{credentials: {CONNECTOR}}}\n"
)
OWN = SAMPLE.replace(WORKFLOW, OWN_WORKFLOW).replace(CONNECTOR, OWN_WORKFLOW)
SHELL: dict[str, list[str]] = {}
for _block in BLOCKS:
    if _block.kind == "sh" and _block.mark != "needs a host":
        SHELL.setdefault(_block.page, []).append(_block.text)
SETS = ("ACME", "GLOBEX", "INITECH")
EMPTY = {"docs/guides/first-hour.md", "docs/guides/fleet-sandbox.md"}
"""Begun in an empty folder."""
HERE = {"README.md", "docs/guides/fleet.md"}
"""Told block by block elsewhere: `test_quickstart.py`, `test_fleet_guide.py`."""


def _begin(page: str, work: Workspace, cli: Cli) -> None:
    """Make what a page takes for granted."""
    if page in EMPTY:
        return
    settings = SANDBOX_PROJECT
    if page in ("docs/concepts/lockfile.md", "docs/guides/watch.md"):
        remote = work.path.parent / "remote.git"
        work.git("init", "--quiet", "--bare", str(remote))
        work.git("remote", "add", "origin", str(remote))
        settings += "  lock: {store: branch}\n"
    work.write("qflow.yaml", settings)
    work.write("runs/old.yaml" if "migrating" in page else "runs/a.yaml",
               LEGACY if "migrating" in page else SAMPLE)  # fmt: skip
    work.commit()
    if "watch" in page:
        work.git("push", "--quiet", "origin", "HEAD:main")
    assert cli("apply", "--yes").code == 0


@pytest.mark.parametrize("page", sorted(SHELL.keys() - HERE))
def test_the_commands_of_a_page_work(
    page: str, workspace: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One after the other, as they stand, in a real shell."""
    with served(duration=0.1) as sandbox:
        for name, value in (
            ("QFLOW_GATEWAY", sandbox.url),
            ("QFLOW_CLIENT_ID", "sandbox"),
            ("QFLOW_CLIENT_SECRET", "sandbox"),
            *((f"{name}_QFLOW_CLIENT_ID", "sandbox") for name in SETS),
            *((f"{name}_QFLOW_CLIENT_SECRET", "sandbox") for name in SETS),
        ):
            monkeypatch.setenv(name, value)
        _begin(page, workspace, cli)
        folder = tmp_path / "empty" if page in EMPTY else workspace.path
        folder.mkdir(exist_ok=True)
        program = tmp_path / "bin" / "qflow-gitops"
        program.parent.mkdir()
        program.write_text(
            f"#!{sys.executable}\nfrom qflow_gitops.cli.main import main\nmain()\n", "utf-8"
        )
        program.chmod(0o755)
        environ = {
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        for script in SHELL[page]:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=folder,
                env=environ,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            if "first-hour" in page:  # what a person writes, after the first block
                (folder / "runs/buckets.yaml").write_text(OWN, "utf-8")


def test_what_needs_a_host_is_a_few_blocks() -> None:
    marked = [one.page for one in BLOCKS if one.mark == "needs a host"]
    assert set(marked) == {
        "docs/concepts/lockfile.md", "docs/guides/github.md", "docs/guides/first-hour.md",
        "docs/guides/audit.md", "docs/verify.md",  # typed by test_anchors.py
        "docs/guides/gitlab.md", "docs/guides/fleet-ci.md",
    }  # fmt: skip
