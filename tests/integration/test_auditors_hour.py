"""An auditor's hour: the questions of docs/guides/audit.md, asked in a company's fresh clone.

What happened there from September to November, tests/helpers/audited_company.py tells.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.audited_company import Company, founded, rewritten
from tests.helpers.audits import audited
from tests.helpers.cli import Cli, Done
from tests.helpers.github_api import GitHubApi
from tests.helpers.partners import nightly, requires
from tests.helpers.typed import commands
from tests.picture import ROOT

pytestmark = requires("cc", "openssl")
GUIDE = (ROOT / "docs/guides/audit.md").read_text("utf-8").partition("\n## ")[0]
UNAPPROVED = (
    "✗ unapproved  prod/open-firewall #1: the policy asked for 1 approval, and none is recorded."
)


def answering(question: str) -> str:
    """The command of the guide's row for a question; "the same command" is the row's above."""
    found = ""
    for row in re.findall(r"(?m)^\| (.+\?) \| (.+) \|$", GUIDE):
        found = next(iter(commands(row[1])), found)
        if question in row[0]:
            return found
    raise AssertionError(f"no row of the guide asks: {question}")


@pytest.fixture
def lived(
    tmp_path: Path, api: GitHubApi, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Company]:  # fmt: skip
    """The company on 29 November."""

    def program(folder: Path, words: tuple[str, ...]) -> int:
        return Cli(folder, capfd)(*words).code

    with founded(tmp_path, api, sandbox, program, monkeypatch) as made:
        made.live()
        yield made


class Auditor:
    """Somebody with a fresh clone, and without any variable but those of a shell."""

    def __init__(self, company: Company, name: str, capfd: pytest.CaptureFixture[str]) -> None:
        self._patch = company.monkeypatch
        self.clone = company.remote.clone(name).path
        self._cli = Cli(self.clone, capfd)

    def ask(self, question: str, x: str = "X", *, credentials: bool = False) -> Done:
        """Type the guide's command, to the letter; `x` stands in the place of its X."""
        program, *words = shlex.split(answering(question))
        assert program == "qflow-gitops"
        with self._patch.context() as shell:
            for name in ("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_TOKEN"):
                shell.delenv(name)
            for name in ("QFLOW_GATEWAY", "QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
                if not credentials:
                    shell.delenv(name)
            return self._cli(*(x if word == "X" else word for word in words))


def part(done: Done, title: str) -> list[str]:
    """The lines below a title of the report."""
    (found,) = re.findall(rf"(?m)^{title} \(.*\n(?:  .*\n)*", done.out)
    return [line.strip() for line in found.splitlines()]


def test_an_auditors_hour(lived: Company, capfd: pytest.CaptureFixture[str]) -> None:
    """Each question has its answer, by the guide's command."""
    auditor = Auditor(lived, "auditor", capfd)
    who_approved(auditor, lived)
    what_october_says(auditor)
    what_qualys_says(auditor, lived)
    whole = auditor.ask("anchor of 1 November")
    assert whole.code == 0
    assert "✓ what stood there by 1 of 1 anchor stands there now, as of 2026-11-01T" in whole.out
    counted = r": (\d+) commits, up to version \d+; 12 attempts; 0 problems\n"
    (commits,) = re.findall(counted, whole.out)
    at = r"tsa\.pem at commit [0-9a-f]{10}, as the settings of that commit say: CN=\S"
    assert re.search(rf"· 1 time stamp checked against {at}", whole.out)
    own = audited(auditor.clone)
    assert own.stdout == f"{commits} commits, 12 runs, 12 attempts, 1 anchor, 0 problems\n"
    assert audited(auditor.clone, "--branch", "origin/qflow-lock").stdout == own.stdout
    nowhere = audited(auditor.clone, "--branch", "elsewhere")
    why, last = nowhere.stdout.splitlines()
    assert why == "It can't be checked: there is no branch elsewhere in this clone"
    assert last == "0 commits, 0 runs, 0 attempts, 0 anchors, 1 problem"
    assert nowhere.returncode == 1


@nightly
def test_who_writes_the_history_anew_is_seen_by_the_anchor(
    lived: Company, capfd: pytest.CaptureFixture[str]
) -> None:
    rewritten(lived.remote.clone("mallory-too"), "vera", "paul")
    another = Auditor(lived, "another", capfd)
    told = another.ask("who approved it", lived.executions["logs-again"])
    assert re.search(r"\n  approved by +paul on ", told.out)  # ids, serials and digests all fit
    whole = another.ask("anchor of 1 November")
    assert whole.code == 11
    (problem,) = (line for line in whole.out.splitlines() if line.startswith("  ✗"))
    assert re.match(r"  ✗ anchors/\d+\.json: .*isn't in the history any more", problem)
    assert re.search(r"anchors/\d+\.json: ", audited(another.clone).stdout)


def who_approved(auditor: Auditor, lived: Company) -> None:
    told = auditor.ask("who approved it", lived.executions["close-ports"])
    assert told.code == 0
    assert re.search(r"\n  asked for by +Ada, the author of commit [0-9a-f]{10}\n", told.out)
    assert re.search(r"\n  approved by +joao on [0-9a-f]{10} \(review \d+\)\n", told.out)
    assert "\n  merged by     ada\n" in told.out
    assert "\n  sent by       ben@example.com, " in told.out
    assert "Events of the lockfile itself" not in told.out
    assert "\nprod/close-ports #1  succeeded\n" in told.out
    told = auditor.ask("who approved it", lived.executions["quarantine"])
    assert re.search(r"\n  approved by +mara on ", told.out)
    assert "\nprod/quarantine #1  failed\n" in told.out
    told = auditor.ask("who approved it", lived.executions["snapshots"][:8])
    doubt = r"since 2026-10-27T09:\S+Z, adopted 2026-10-27T11:\S+Z by ben@example\.com: "
    assert re.search(rf"\n  doubt         {doubt}seen in Qualys' list\n", told.out)


def what_october_says(auditor: Auditor) -> None:
    october = auditor.ask("October were released by hand")
    assert october.code == 0
    title, first, second = part(october, "Released by hand")
    assert title == "Released by hand (2)"
    day, words = r"window \(1 run held\) at 2026-10-10T09:\S+Z", "INC-4711: ports stand open"
    assert re.fullmatch(rf"prod/close-ports #1  {day} by ben@example\.com: {words}", first)
    day, words = r"same_request \(1 run held\) at 2026-10-21T09:\S+Z", "CHG-0815: logs were lost"
    assert re.fullmatch(rf"prod/logs-again #1  {day} by cleo@example\.com: {words}", second)
    assert part(october, "In doubt")[0] == "In doubt (0 still open, 1 settled)"
    assert re.match(r"prod/snapshots #1  .* by ben@example\.com: ", part(october, "In doubt")[1])
    assert october.err == "Explained: `qflow-gitops rules unapproved window same_request`\n"
    assert auditor.ask("nobody approved") == october
    assert part(october, "Approved") == [
        "Approved (6 of 7 that were sent)",
        "✗ 1 attempt without what the policy asked for",
    ]
    assert part(october, "Differences") == ["Differences (1)", UNAPPROVED]


def what_qualys_says(auditor: Auditor, lived: Company) -> None:
    live = auditor.ask("isn't in the lockfile", credentials=True)
    assert live.code == 0
    first, *found = part(live, "Differences")
    assert (first, found[0]) == ("Differences (2)", UNAPPROVED)
    assert f"Qualys shows execution {lived.by_hand} of workflow" in found[1]
    through = r"started through WORKFLOW_TRIGGER \(another workflow; who isn't told\), "
    assert re.search(rf"begun at 2026-11-18T22:\S+Z, {through}", found[1])
    assert "those before 2026-10-30T" in found[2]
