"""What a person reads, word by word. `python -m pytest --golden` writes it anew, to be read."""

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.broken_settings import on_github
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.github_api import Fault, GitHubApi
from tests.helpers.github_settings import environment, guarded, rule
from tests.helpers.gitlab_api import PROJECT, GitLabApi
from tests.helpers.specs import CONNECTOR, SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec

GOLDEN = Path(__file__).parent / "golden"
FILE = "runs/aws/buckets.yaml"
FAILING = "0ffaf046-768b-79fc-83f6-aa25be52c2a1"
MADE_UP = (
    (r"v1:sha256:[0-9a-f]{64}", "v1:sha256:<digest>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"(execution `?|--adopt )[0-9a-f-]{36}", r"\1<execution>"),
    (r"(commit |with |with `|From commit `?|applying )[0-9a-f]{10}\b", r"\1<commit>"),
    (r"((?:head=|/commit/|/blob/))[0-9a-f]{40}", r"\1<commit>"),
    (r"(?<= as `)[0-9a-f]{8}(?=`)", "<short>"),
    (r"(?<=[ `])[0-9a-f]{10}(?=[ ,`])", "<commit>"),
    (r"(as `)[0-9a-f-]{36}", r"\1<execution>"),
    (rf"{re.escape(tempfile.gettempdir())}/\S+", "<path>"),
    (r"(prod/\w+  )[0-9a-f-]{36}", r"\1<execution>"),
    (r"(closed  |\n)[0-9a-f-]{36}", r"\1<execution>"),
    (r"(Success|Failed)( +)<time>( +)[0-9a-f-]{36}", r"\1\2<time>\3<execution>"),
)


Golden = Callable[[str, Done], None]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    def check(name: str, done: Done) -> None:
        text = f"exit {done.code}\n--- stdout\n{done.out}--- stderr\n{done.err}"
        for pattern, word in MADE_UP:
            text = re.sub(pattern, word, text)
        file = GOLDEN / f"{name}.txt"
        if request.config.getoption("--golden"):
            file.write_text(text, encoding="utf-8")
        assert file.read_text(encoding="utf-8") == text

    return check


def test_a_first_plan(project: Workspace, cli: Cli, golden: Golden) -> None:
    golden("plan-first", cli("plan"))
    golden("plan-first-markdown", cli("plan", "--format", "markdown"))


def test_a_later_plan(project: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden) -> None:
    """One changed, one moved, one removed, one new, one failed, one renamed."""
    for name in ("moved", "removed", "renamed"):
        project.write(f"runs/{name}.yaml", spec(name, name))
    project.commit("four")
    assert cli("apply", "--yes").code == 0
    sandbox.set_faults("outcome=Exploded")
    project.write("runs/failed.yaml", spec("failed", "failed"))
    project.commit("one that fails")
    assert cli("apply", "--yes").code == 1
    project.write(FILE, SAMPLE.replace("maha2", "maha3") + "  sensitive: [/variables/name]\n")
    project.move("runs/moved.yaml", "runs/elsewhere/moved.yaml")
    project.remove("runs/removed.yaml")
    project.write("runs/renamed.yaml", spec("new-name", "renamed"))
    project.write("runs/new.yaml", spec("new", {"a": [1, None, True]}))
    project.commit("many things")
    golden("plan-later", cli("plan"))
    golden("plan-later-markdown", cli("plan", "--format", "markdown"))
    sandbox.set_faults()
    golden("apply-later", cli("-q", "apply", "--yes"))
    golden("history", cli("history", "encrypt-prod-buckets"))


def test_what_a_policy_holds(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden
) -> None:
    """What is held for one reason is said once; what it would send is shown all the same."""
    rules = "{limits: {runs: 2}, require: {annotations: {ticket: 'CHG[0-9]{7}'}}}"
    workspace.write("qflow.yaml", SANDBOX_PROJECT + f"  policy: {rules}\n")
    for number in range(3):
        ticket = f"  annotations: {{ticket: CHG000000{number}}}\n"
        workspace.write(f"runs/{number}.yaml", spec(f"run-{number}", number, metadata=ticket))
    for name in ("no-ticket", "none-either"):
        workspace.write(f"runs/{name}.yaml", spec(name, name))
    workspace.commit("five")
    golden("plan-held", cli("plan"))
    golden("plan-held-markdown", cli("plan", "--format", "markdown"))
    golden("apply-held", cli("-q", "apply", "--yes"))


def test_frozen(
    project: Workspace, cli: Cli, golden: Golden, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the lockfile, the variable and a file: said first, each with its way on."""
    golden("freeze", cli("freeze", "--reason", "incident 42"))
    golden("freeze-again", cli("freeze", "--reason", "incident 42"))
    golden("plan-frozen", cli("plan"))
    golden("plan-frozen-markdown", cli("plan", "--format", "markdown"))
    golden("status-frozen", cli("status"))
    monkeypatch.setenv("QFLOW_FREEZE", "the audit")
    monkeypatch.setenv("QFLOW_FREEZE_FILE", str(tmp_path))
    golden("apply-frozen", cli("-q", "apply", "--yes"))
    golden("unfreeze", cli("unfreeze", "--reason", "it is over"))
    monkeypatch.delenv("QFLOW_FREEZE")
    monkeypatch.delenv("QFLOW_FREEZE_FILE")
    golden("unfreeze-again", cli("unfreeze", "--reason", "it is over"))


def test_what_a_history_refuses_and_asks(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden
) -> None:
    """Rewritten, unmerged, and emptied: what a person reads first."""
    assert cli("apply", "--yes").code == 0
    workspace.git("remote", "set-head", "origin", "main")
    workspace.git("switch", "--quiet", "--create", "hotfix")
    workspace.write("runs/b.yaml", spec("b", "b"))
    workspace.commit("hotfix")
    golden("plan-unmerged", cli("plan"))
    golden("plan-unmerged-markdown", cli("plan", "--format", "markdown"))
    golden("apply-unmerged", cli("apply", "--yes"))
    workspace.git("switch", "--quiet", "main")
    workspace.write("runs/README.md", "words")
    workspace.remove(FILE)
    workspace.publish("gone")
    golden("plan-empty", cli("plan"))
    golden("plan-empty-markdown", cli("plan", "--format", "markdown"))
    golden("apply-empty", cli("apply", "--yes"))
    golden("apply-empty-released", cli("apply", "--yes", "--ack", "empty=1", "--reason", "sold"))
    workspace.git("reset", "--quiet", "--hard", "HEAD~1")
    workspace.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten")
    workspace.git("push", "--quiet", "--force", "origin", "main")
    golden("plan-rewritten", cli("plan"))
    golden("plan-rewritten-markdown", cli("plan", "--format", "markdown"))
    golden("apply-rewritten", cli("apply", "--yes"))


def test_findings(project: Workspace, cli: Cli, golden: Golden) -> None:
    project.write(FILE, SAMPLE.replace("region:", "regoin:"))
    project.write("runs/dup.yaml", spec("a") + "---\n" + spec("a"))
    project.write("runs/broken.yaml", "a: [\n")
    golden("validate", cli("validate"))


def test_doubt(project: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden) -> None:
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    golden("apply-in-doubt", cli("apply", "--yes"))
    golden("apply-still-in-doubt", cli("apply", "--yes"))
    sandbox.set_faults()
    golden("reconcile", cli("reconcile"))


def test_an_earlier_failure_is_only_held(
    project: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden
) -> None:
    sandbox.set_faults("outcome=Exploded")
    assert cli("apply", "--yes").code == 1
    golden("apply-only-held", cli("apply", "--yes"))
    assert cli("status", "-e", "prod", "--exit-code").code == 1


def test_several_doubts(
    project: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden
) -> None:
    """What is the same of several is said once: what was found, what to look for, the way on."""
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    project.write("runs/more.yaml", spec("more", "x"))
    project.commit("two")
    assert cli("apply", "--yes", "encrypt-prod-buckets").code == 9
    project.write("runs/third.yaml", spec("third", "y"))
    project.commit("a third")
    golden("apply-several-doubts", cli("-q", "apply", "--yes"))
    golden("reconcile-several-doubts", cli("reconcile"))


def test_decisions(project: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden) -> None:
    """Another's execution, refused and adopted all the same; put back; one without an end."""
    project.write(FILE, SAMPLE + "  sensitive: [/input/bucketName]\n")
    project.write("runs/odd.yaml", spec("odd"))
    project.commit("sensitive")
    sandbox.set_faults("accept-then-drop#1", "list-lag=3600", "outcome=Odd")
    assert cli("apply", "--yes", "--concurrency", "1").code == 9
    body = {"input": {"bucketName": "theirs", "totalBucketCount": 5}}
    foreign = sandbox.add_foreign(WORKFLOW, body)
    run, why = ("resolve", "encrypt-prod-buckets"), ("--reason", "seen in Qualys")
    golden("resolve-different", cli(*run, "--adopt", foreign, *why))
    golden("resolve-anyway", cli(*run, "--adopt", foreign, "--although-different", *why))
    golden("resolve-reopen", cli(*run, "--reopen", "--reason", "it is Mara's"))
    golden("resolve-nothing", cli("resolve", "odd", "--reopen", *why))
    golden("resolve-failed", cli("resolve", "odd", "--failed", *why))
    golden("apply-retry-failed", cli("apply", "--yes", "--retry-failed"))
    project.remove("runs/odd.yaml")
    project.commit("given up")
    golden("status-closed", cli("status"))


def test_repairs(project: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden) -> None:
    golden("baseline", cli("baseline", "--yes", "--reason", "ran by hand before"))
    golden("lock-verify", cli("lock", "verify"))


def test_errors(project: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden) -> None:
    golden("error-revision", cli("plan", "--to", "nowhere"))
    golden("error-not-confirmed", cli("apply"))
    sandbox.set_faults("403@workflow")
    golden("error-permission", cli("apply", "--yes"))
    project.write("qflow.lock", "{")
    golden("error-lockfile", cli("apply", "--yes"))


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubApi]:
    with GitHubApi() as api:
        for name, value in {**api.environ, "GITHUB_RUN_ID": "77"}.items():
            monkeypatch.setenv(name, value)
        yield api


def test_comments(
    remote: Remote,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    github: GitHubApi,
    golden: Golden,
) -> None:
    """A pull request with one changed, one new, one moved and one that is held; then merged."""
    workspace.write("runs/moved.yaml", spec("moved", "moved"))
    workspace.write("runs/failed.yaml", spec("failed", 1).replace(WORKFLOW, FAILING))
    workspace.commit("two more")
    workspace.git("push", "--quiet", "origin", "main")
    sandbox.set_faults(f"outcome={FAILING}:Failed")
    assert cli("apply", "--yes", "--keep-going").code == 1
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write(FILE, SAMPLE.replace("maha2", "maha3"))
    workspace.write("runs/new.yaml", spec("new", {"a": [1, None, True]}).replace(WORKFLOW, FAILING))
    workspace.move("runs/moved.yaml", "runs/elsewhere/moved.yaml")
    workspace.write("runs/failed.yaml", "# a remark\n" + workspace.read("runs/failed.yaml"))
    head = workspace.commit("many things")
    workspace.git("push", "--quiet", "origin", "HEAD:refs/pull/1/head")
    github.open(1, head, workspace.git("rev-parse", "main"))
    golden("comment-planned", cli("comment", "--pull-request", "1", "--dry-run"))
    workspace.git("switch", "--quiet", "main")
    workspace.git("merge", "--quiet", "--squash", head)
    github.merge(1, workspace.commit("squashed"))
    workspace.git("push", "--quiet", "origin", "main")
    golden("comment-merged", cli("comment", "--pull-request", "1", "--dry-run"))
    assert cli("apply", "--yes").code == 1
    golden("comment-done", cli("comment", "--pull-request", "1", "--dry-run"))
    golden("comment-posted", cli("comment", "--pull-request", "1"))


def many_targets(number: int, reason: str = "quarterly", extra: str = "") -> str:
    """A spec with so many targets, each with a connector and a region."""
    regions = ("us-east-1", "eu-west-1", "eu-central-1", "ap-south-1", "us-west-2")
    targets = "".join(
        f"    - {{name: payments-{n:03}, variables: {{connectorId: {CONNECTOR[:-3]}{n:03}, "
        f"region: {regions[n % 5]}}}}}\n"
        for n in range(number)
    )
    return (
        SAMPLE.split("  variables:")[0]
        + f"  variables: {{severity: high}}\n  input: {{reason: {reason}, token: t0ken}}\n"
        + f"  notSecret: [/input/token]\n{extra}  targets:\n{targets}"
    )


def test_targets(project: Workspace, cli: Cli, sandbox: SandboxServer, golden: Golden) -> None:
    """What all have alike is said once; one is sensitive, so nobody's is shown; some fail."""
    few = many_targets(12).replace("payments-001, ", "payments-001, sensitive: [/input/token], ")
    project.write(FILE, few)
    project.write("runs/last.yaml", spec("last"))
    rules = "  apply: {onFailure: continue}\n  statuses: {Failed: failed}\n"
    project.write("qflow.yaml", SANDBOX_PROJECT + rules)
    project.commit("twelve")
    golden("targets-first", cli("plan"))
    golden("targets-first-markdown", cli("plan", "--format", "markdown"))
    golden(
        "targets-of-two", cli("plan", *(f"encrypt-prod-buckets/payments-{n:03}" for n in (0, 2)))
    )
    assert "t0ken" not in cli("-v", "plan").out
    sandbox.set_faults("outcome=Failed#3", "400@run#1")
    golden("targets-apply", cli("-q", "apply", "--yes", "--concurrency", "1"))
    golden("targets-status", cli("status"))
    golden("targets-failed", cli("plan"))
    golden("targets-failed-markdown", cli("plan", "--format", "markdown"))
    sandbox.set_faults()
    golden("targets-retry-one", cli("-q", "apply", "--yes", "--retry", "last"))
    golden("targets-retry-all", cli("apply", "--yes", "--retry", "*"))
    golden("targets-retry", cli("-q", "apply", "--yes", "--retry", "encrypt-prod-buckets"))
    golden("targets-history", cli("history", "encrypt-prod-buckets"))
    changed = few.replace("quarterly", "yearly").replace("name: payments-011", "name: new")
    project.write(FILE, changed.replace("{severity: high}", "{severity: low}", 1))
    project.commit("changed")
    golden("targets-changed", cli("plan"))
    golden("targets-changed-markdown", cli("plan", "--format", "markdown"))
    project.write("qflow.yaml", SANDBOX_PROJECT + rules + "  policy: {limits: {runs: 3}}\n")
    project.write("runs/last.yaml", spec("last", 2))
    project.commit("limited")
    golden("targets-limit", cli("plan"))
    golden("targets-limit-markdown", cli("plan", "--format", "markdown"))


def test_a_comment_on_a_thousand_runs(
    remote: Remote, workspace: Workspace, cli: Cli, github: GitHubApi, golden: Golden
) -> None:
    """Its shape: rows and requests are cut short, the rest is as a person reads it."""
    workspace.git("switch", "--quiet", "-c", "feature")
    for file in range(10):
        text = "---\n".join(spec(f"run-{file}-{n:02}", 100 * file + n) for n in range(100))
        workspace.write(f"runs/{file}.yaml", text)
    head = workspace.commit("a thousand")
    workspace.git("push", "--quiet", "origin", "HEAD:refs/pull/1/head")
    github.open(1, head, workspace.git("rev-parse", "main"))
    done = cli("comment", "--pull-request", "1", "--dry-run")
    assert len(done.out.encode()) <= 65_536
    rows = re.findall(r"(?m)^\| `prod/.*\n", done.out)
    assert len(rows) > 200
    short = done.out.replace("".join(rows[2:]), "[more rows]\n")
    golden("comment-thousand", Done(done.code, short, done.err))


def test_a_comment_on_a_thousand_targets(
    remote: Remote, workspace: Workspace, cli: Cli, github: GitHubApi, golden: Golden
) -> None:
    """A person reads it: what all have alike once, which they are, one new and one changed."""
    limits = "  policy: {limits: {runs: 2000}}\n"
    workspace.write("qflow.yaml", workspace.read("qflow.yaml") + limits)
    workspace.publish("more at a time")
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write("runs/many.yaml", many_targets(1000).replace("encrypt-prod", "encrypt-all"))
    head = workspace.commit("a thousand")
    workspace.git("push", "--quiet", "origin", "HEAD:refs/pull/1/head")
    github.open(1, head, workspace.git("rev-parse", "main"))
    done = cli("comment", "--pull-request", "1", "--dry-run")
    assert done.out.count("\n") <= 30
    assert len(done.out) < 3_000
    golden("comment-targets", done)


def test_a_comment_on_targets_that_ran(
    remote: Remote,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    github: GitHubApi,
    golden: Golden,
) -> None:
    """Those that succeeded in one line, the one that failed in its own."""
    rules = "  apply: {onFailure: continue}\n  statuses: {Failed: failed}\n"
    workspace.write("qflow.yaml", workspace.read("qflow.yaml") + rules)
    workspace.publish("settings")
    assert cli("apply", "--yes").code == 0
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write("runs/many.yaml", many_targets(12).replace("encrypt-prod", "encrypt-all"))
    head = workspace.commit("twelve")
    workspace.git("push", "--quiet", "origin", "HEAD:refs/pull/1/head")
    github.open(1, head, workspace.git("rev-parse", "main"))
    workspace.git("switch", "--quiet", "main")
    workspace.git("merge", "--quiet", "--squash", head)
    github.merge(1, workspace.commit("squashed"))
    workspace.git("push", "--quiet", "origin", "main")
    sandbox.set_faults("400@run#1")
    assert cli("apply", "--yes", "--concurrency", "1").code == 1
    golden("comment-targets-done", cli("comment", "--pull-request", "1", "--dry-run"))


def test_what_doctor_says_of_a_code_host(
    workspace: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    """As it should be; and with rules that are missing, for a token that isn't shown all."""
    on_github(workspace, cli)
    with GitHubApi() as api:
        api.settings = guarded()
        for name, value in api.environ.items():
            monkeypatch.setenv(name, value)
        golden("doctor-ci", cli("doctor", "ci"))
        api.settings |= {
            "rules/branches/main": [], "rules/branches/qflow-lock": [rule("deletion")],
            "actions/variables/QFLOW_FREEZE": {"value": "incident 42"},
            "actions/workflows/qflow.yml": {"state": "disabled_inactivity"},
            "environments/production-approval": environment(),
            "environments/production": environment(),
        }  # fmt: skip
        refused = "Resource not accessible by integration"
        api.faults = [Fault("GET", "/actions/permissions|/secrets", 403, message=refused)]
        golden("doctor-ci-broken", cli("doctor", "ci"))
        golden("doctor-ci-broken-markdown", cli("doctor", "ci", "--format", "markdown"))


def test_what_doctor_says_of_gitlab(
    workspace: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    text = (Path(__file__).parents[2] / "examples/gitlab/.gitlab-ci.yml").read_text("utf-8")
    own = text.replace("PROJECT: your-group/your-project", f"PROJECT: {PROJECT}")
    workspace.write(".gitlab-ci.yml", own)
    workspace.write("qflow.yaml", BRANCH_PROJECT)
    workspace.commit()
    with GitLabApi() as api:
        for name, value in api.environ.items():
            monkeypatch.setenv(name, value)
        for premium in ("approval_rules", "approvals", "protected_environments"):
            del api.settings[premium]
        golden("doctor-gitlab", cli("doctor", "ci"))
