"""`rerun` changes two values in one file of the work tree, to a number that nobody has used."""

import subprocess
import sys
from pathlib import Path

import pytest

from qflow_gitops.git.repository import GitRepo
from qflow_gitops.git.worktree import GitWorkTree
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.codec import to_bytes
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.specs.spec import from_document
from qflow_gitops.yaml.parse import parse
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import CONNECTOR, SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec

FILE = "runs/aws/buckets.yaml"
RUN = "encrypt-prod-buckets"
HEAD = "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\n"
GOLDEN = Path(__file__).parent / "golden" / "rerun.txt"


def test_it_says_what_changed_and_what_to_type(
    project: Workspace, cli: Cli, request: pytest.FixtureRequest
) -> None:
    done = cli("rerun", RUN, "--reason", 'CHG0012345: the bucket "a" was missed')
    if request.config.getoption("--golden"):
        GOLDEN.write_text(done.out, encoding="utf-8")
    assert (done.code, done.err) == (0, "")
    assert done.out == GOLDEN.read_text(encoding="utf-8")


def test_json_holds_the_same(project: Workspace, cli: Cli) -> None:
    data = cli.json("rerun", RUN, "--reason", "once more")
    assert data["exitCode"] == 0
    assert [one["what"] for one in data["files"]] == ["changed", "diff"]
    assert data["files"][0]["detail"] == f"rerun of prod/{RUN}: absent → 1"
    assert "+  rerun: 1" in data["files"][1]["diff"]
    assert data["next"][0] == f"git diff -- {FILE}"


def test_a_second_time_raises_it_again_and_replaces_the_reason(
    project: Workspace, cli: Cli
) -> None:
    assert cli("rerun", RUN, "--reason", "first").code == 0
    assert cli("rerun", f"prod/{RUN}", "--reason", "second: yes").code == 0
    annotations = '  annotations:\n    rerunReason: "second: yes"\nspec:'
    assert project.read(FILE) == SAMPLE.replace("spec:", annotations) + "  rerun: 2\n"


def test_what_it_says_to_type_works_and_the_request_is_due_once_more(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Also for a file that git doesn't know yet, with a name that a shell would take apart."""
    project.write("runs/it's $new.yaml", spec("new", 7))
    assert cli("apply", "--yes").code == 0
    (_, commit, _) = cli.json("rerun", "new", "--reason", "again")["next"]
    project.write("staged.txt", "x")
    project.git("add", "staged.txt")
    subprocess.run(["sh", "-ec", commit], cwd=project.path, check=True, capture_output=True)
    assert project.git("show", "--format=%s", "--name-only", "HEAD").splitlines() == [
        "Rerun prod/new", "", "runs/it's $new.yaml",
    ]  # fmt: skip
    cli("rerun", RUN, "--reason", "again")
    project.git("commit", "-qam", "rerun")
    reasons = {one["name"]: one["reason"] for one in cli.json("plan")["changes"]}
    assert reasons == {RUN: "rerun", "new": "added"}


WAYS = {
    "in braces": """\
metadata: {name: x}
spec: {workflowId: W}
=>
metadata: {name: x, annotations: {rerunReason: "it failed"}}
spec: {workflowId: W, rerun: 1}
""",
    "empty braces, and a number": """\
metadata:
  name: x
  annotations: {}
spec:
  rerun: 1   # why
  workflowId: W
=>
metadata:
  name: x
  annotations: {rerunReason: "it failed"}
spec:
  rerun: 2   # why
  workflowId: W
""",
    "comments and wide indentation": """\
metadata:
    name: x
    # who

spec:
    workflowId: W

# the end
=>
metadata:
    name: x
    # who
    annotations:
        rerunReason: "it failed"

spec:
    workflowId: W
    rerun: 1

# the end
""",
    "a folded reason before": """\
metadata:
  annotations:
    rerunReason: >-
      long
      ago
    other: 'no'
  name: x
spec: # what
  workflowId: 'W'
=>
metadata:
  annotations:
    rerunReason: "it failed"
    other: 'no'
  name: x
spec: # what
  workflowId: 'W'
  rerun: 1
""",
    "annotations without any": """\
metadata:
  name: x
  annotations: {
    # none yet
   }
spec: {
  "workflowId": "W",
 }
=>
metadata:
  name: x
  annotations: {rerunReason: "it failed"
    # none yet
   }
spec: {
  "workflowId": "W", "rerun": 1,
 }
""",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_way_to_write_a_spec_is_kept(
    project: Workspace, cli: Cli, way: str, end: str, mark: str
) -> None:
    """Also without a line break at the file's end, which stays without one."""
    for cut in ("", "\n"):
        before, after = (
            (mark + HEAD + part.removesuffix(cut).replace("W", WORKFLOW))
            .replace("\n", end)
            .encode()
            for part in way.split("=>\n")
        )
        path = project.write("runs/x.yaml", before)
        path.chmod(0o640)
        assert cli("rerun", "x", "--reason", "it failed").code == 0
        assert path.read_bytes() == after
        assert path.stat().st_mode & 0o777 == 0o640
        assert cli("validate", "runs/x.yaml").code == 0


def test_only_the_named_document_of_a_file_changes(project: Workspace, cli: Cli) -> None:
    first, second, third = spec("a"), "# second\n" + spec("b") + "# end of it\n", spec("c")
    project.write("runs/x.yaml", "---\n".join((first, second, third)))
    assert cli("rerun", "b", "--reason", "word").code == 0
    now = project.read("runs/x.yaml").split("---\n")
    assert (now[0], now[2]) == (first, third)
    assert "  rerun: 1\n# end of it\n" in now[1]
    assert "    rerunReason: word\nspec:\n" in now[1]


def test_the_lockfile_is_only_read_and_nothing_is_sent(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    before, asked = project.read("qflow.lock"), len(sandbox.requests())
    assert cli("rerun", RUN, "--reason", "x y").code == 0
    assert (project.read("qflow.lock"), len(sandbox.requests())) == (before, asked)
    assert project.git("status", "--porcelain", "--untracked-files=no") == f"M {FILE}"


@pytest.mark.parametrize("content", ["{", None])
def test_a_lockfile_that_cant_be_read_is_no_reason_to_guess(
    project: Workspace, cli: Cli, content: str | None
) -> None:
    """Broken, or pinned and not there: a number may be spent that nobody can see."""
    project.write("qflow.yaml", SANDBOX_PROJECT + "  lock: {store: worktree, lineage: 0b6f3c}\n")
    if content:
        project.write("qflow.lock", content)
    done = cli("rerun", RUN, "--reason", "x y")
    assert done.code == 11
    assert "qflow.lock" in done.err
    assert "No file was changed." in done.err
    assert project.read(FILE) == SAMPLE


# --- the number ----------------------------------------------------------------------


def spent(project: Workspace, *runs: tuple[str, str, Attempt]) -> None:
    """Write a lockfile with these (environment, run, attempt)."""
    environments: dict[str, EnvironmentRecord] = {}
    for environment, run, one in runs:
        known = environments.get(environment, EnvironmentRecord())
        before = known.runs.get(run, ())
        numbered = one._replace(number=len(before) + 1)
        runs_now = {**known.runs, run: (*before, numbered)}
        environments[environment] = known._replace(runs=runs_now)
    project.write("qflow.lock", to_bytes(Lockfile("0b6f3c", 1, environments)))


def attempt(number: int, *states: State, text: str = SAMPLE, **facts: str) -> Attempt:
    """An attempt that sent a spec's request under this `rerun`."""
    (document,) = parse(text.encode(), FILE).documents
    (digest,) = from_document(document, "prod").digests((number,))
    life = states or (State.BASELINED,)
    events = tuple(Event("2026-01-01T00:00:00Z", one) for one in life)
    return Attempt(1, life[-1], digest, events, facts={"platform": "sandbox", **facts})


def raised(project: Workspace, cli: Cli) -> int:
    done = cli("rerun", RUN, "--reason", "x")
    assert done.code == 0, done.err
    return int(project.read(FILE).rpartition("  rerun: ")[2])


def test_it_is_above_the_highest_that_any_run_on_the_platform_has_used(
    project: Workspace, cli: Cli
) -> None:
    """Gaps don't count, nor does it who sent it: a renamed run, one of an environment long gone."""
    spent(
        project,
        ("prod", RUN, attempt(0)),
        ("prod", "older", attempt(3, State.INTENT, State.IN_DOUBT)),
        ("gone", "other", attempt(1)),
        ("gone", "other", attempt(7, State.INTENT, State.REFUSED)),
    )
    done = cli("rerun", RUN, "--reason", "x")
    assert "rerun of prod/encrypt-prod-buckets: absent → 8" in done.out
    assert (
        "The number 7 of the same request is spent on platform sandbox: gone/other, attempt 2."
        in done.out + done.err
    )
    assert raised(project, cli) == 9


@pytest.mark.parametrize(
    ("other", "number"),
    [
        (attempt(5), 6),
        (attempt(5, platform=""), 6),
        (attempt(5, platform="EU2"), 1),
        (attempt(5, State.INTENT, State.UNSENT), 1),
        (attempt(5, State.INTENT, State.IN_DOUBT, State.ABSENT), 1),
        (attempt(5, text=SAMPLE.replace("maha2", "maha3")), 1),
        (attempt(5, text=SAMPLE.replace("connectorId:", "credentials:")), 6),
        (attempt(5, text=SAMPLE.replace(CONNECTOR, CONNECTOR.upper())), 6),
        (attempt(5, text=SAMPLE.replace(WORKFLOW, WORKFLOW.upper()), workflowId=WORKFLOW), 6),
        (attempt(5, workflowId=WORKFLOW.upper()), 6),
        (attempt(99_999), 100_000),
    ],
)
def test_what_is_spent_is_the_meaning_on_a_platform(
    project: Workspace, cli: Cli, other: Attempt, number: int
) -> None:
    """An attempt without a platform may be of any; one that was never sent used nothing."""
    spent(project, ("dev", "other", other))
    assert raised(project, cli) == number


def test_where_the_platform_isnt_known_yet_all_of_them_count(
    workspace: Workspace, cli: Cli
) -> None:
    workspace.write(FILE, SAMPLE)
    spent(workspace, ("eu", "other", attempt(5, platform="EU2")))
    done = cli("rerun", RUN, "--reason", "x")
    assert "absent → 6" in done.out
    assert (
        "The number 5 of the same request is spent on platform EU2: eu/other" in done.out + done.err
    )


def test_another_spec_of_the_same_request_keeps_its_number(project: Workspace, cli: Cli) -> None:
    """Two that are raised one after the other don't meet: one of them would be held."""
    more = "    eu: {platform: EU2}\n    dev: {platform: sandbox}\n  defaultEnvironment: prod\n"
    project.write("qflow.yaml", SANDBOX_PROJECT + more)
    for name, environment, number in (
        ("a", "dev", 1), ("b", "prod", 2), ("c", "eu", 3), ("d", "prod", 4),
    ):  # fmt: skip
        text = SAMPLE.replace(f"  name: {RUN}", f"  name: {name}\n  environment: {environment}")
        project.write(f"runs/{name}.yaml", f"{text}  rerun: {number}\n")
    done = cli("rerun", RUN, "--reason", "x")
    assert "absent → 3" in done.out
    said = "The number 1 of the same request is asked for by dev/a, and 1 after it by others."
    assert said in done.out + done.err
    assert raised(project, cli) == 5


def test_where_a_platform_isnt_known_yet_a_number_asked_for_there_counts(
    workspace: Workspace, cli: Cli
) -> None:
    environments = "  environments: {prod: {}, dev: {platform: sandbox}}\n"
    kind = HEAD.replace("WorkflowRun", "Project")
    workspace.write("qflow.yaml", f"{kind}spec:\n{environments}  defaultEnvironment: prod\n")
    other = SAMPLE.replace(f"  name: {RUN}", "  name: a\n  environment: dev")
    workspace.write("runs/a.yaml", f"{other}  rerun: 1\n")
    workspace.write(FILE, SAMPLE)
    assert "absent → 2" in cli("rerun", RUN, "--reason", "x").out


def test_where_the_last_number_is_spent_it_says_by_whom(project: Workspace, cli: Cli) -> None:
    spent(project, ("prod", "other", attempt(100_000)))
    done = cli("rerun", RUN, "--reason", "x")
    assert done.code == 3
    assert "can't be raised any more: prod/other, attempt 1, had 100000." in done.err
    assert project.read(FILE) == SAMPLE


def test_other_invalid_files_are_no_obstacle(project: Workspace, cli: Cli) -> None:
    project.write("runs/broken.yaml", "a: [\n")
    assert cli("rerun", RUN, "--reason", "x").code == 0


def test_what_is_sensitive_is_masked_in_the_difference(project: Workspace, cli: Cli) -> None:
    project.write(FILE, SAMPLE + "  sensitive: [/input/bucketName, /input/totalBucketCount]\n")
    done = cli("rerun", RUN, "--reason", "x")
    assert "totalBucketCount: (sensitive)" in done.out
    assert "bucket-1" not in done.out


UNSEEN = "The reason holds characters that aren't seen, or isn't UTF-8."


@pytest.mark.parametrize(
    ("reason", "word", "said"),
    [
        ("", "reason_empty", "The reason is empty."),
        (" \t\n", "reason_empty", "The reason is empty."),
        ("one\ntwo", "reason_lines", "The reason has several lines."),
        ("one\u2028two", "reason_lines", "The reason has several lines."),
        ("a\x1b[1m", "reason_control", UNSEEN),
        ("a\udcff", "reason_control", UNSEEN),
        ("a\u202eb", "reason_control", UNSEEN),  # it turns the direction of what follows
        ("x" * 501, "reason_long", "The reason has 501 characters."),
        (f"ghp_{'a1' * 18}", "reason_secret", "The reason holds what looks like a GitHub token."),
    ],
)
def test_a_reason_that_cant_be_kept_is_refused(
    project: Workspace, cli: Cli, reason: str, word: str, said: str
) -> None:
    done = cli("rerun", RUN, "--reason", reason)
    assert done.code == 2
    assert done.err.splitlines()[0] == f"Error: --reason: {said}"
    assert "No file was changed." in done.err
    assert cli.json("rerun", RUN, "--reason", reason)["reason"] == word
    assert project.read(FILE) == SAMPLE


def test_the_longest_reason_is_kept(project: Workspace, cli: Cli) -> None:
    assert cli("rerun", RUN, "--reason", "é" * 500).code == 0
    assert f'rerunReason: "{"é" * 500}"' in project.read(FILE)


@pytest.mark.parametrize(
    ("run", "hint"),
    [
        ("encrypt-prod-bucket", f"Did you mean `prod/{RUN}`?"),
        (f"dev/{RUN}", f"Did you mean `prod/{RUN}`?"),
        ("zzz", "`qflow-gitops status` lists the runs."),
        ("", "`qflow-gitops status` lists the runs."),
    ],
)
def test_an_unknown_run_is_refused(project: Workspace, cli: Cli, run: str, hint: str) -> None:
    done = cli("rerun", run, "--reason", "x")
    assert done.code == 2
    assert "There is no run `" in done.err
    explained = "Explained: `qflow-gitops rules run_unknown`"
    assert done.err.endswith(f"  No file was changed.\n  → {hint}\n{explained}\n")
    assert cli.json("rerun", run, "--reason", "x")["reason"] == "run_unknown"


def test_where_the_run_may_be_hidden_by_an_error_it_says_so(project: Workspace, cli: Cli) -> None:
    project.write("runs/broken.yaml", "a: [\n")
    assert (
        "in the work tree; files with errors may hold it."
        in cli("rerun", "hidden", "--reason", "x").err
    )


def test_a_name_without_an_environment_needs_a_default_one(project: Workspace, cli: Cli) -> None:
    environments = "  environments: {prod: {platform: sandbox}, dev: {platform: sandbox}}\n"
    project.write("qflow.yaml", HEAD.replace("WorkflowRun", "Project") + "spec:\n" + environments)
    project.write(FILE, SAMPLE.replace("  name: enc", "  environment: dev\n  name: enc"))
    done = cli("rerun", RUN, "--reason", "x")
    assert done.code == 2
    assert f"The run `{RUN}` names no environment, and there is no default one." in done.err
    assert f"Did you mean `dev/{RUN}`?" in done.err
    assert cli("rerun", f"dev/{RUN}", "--reason", "x").code == 0


def test_an_invalid_spec_is_shown_and_left_alone(project: Workspace, cli: Cli) -> None:
    broken = SAMPLE.replace("connectorType: aws", "connectorType: azure")
    project.write(FILE, broken)
    project.write("runs/other.yaml", "a: [\n")
    done = cli("rerun", RUN, "--reason", "x")
    assert done.code == 3
    assert f"{FILE}:10:5: error [connector-variable]" in done.out
    assert "other.yaml" not in done.out
    assert "No file was changed." in done.err
    assert project.read(FILE) == broken


def test_the_highest_number_is_not_passed(project: Workspace, cli: Cli) -> None:
    project.write(FILE, SAMPLE + "  rerun: 99999\n")
    assert cli("rerun", RUN, "--reason", "x").code == 0
    before = project.read(FILE)
    done = cli("rerun", RUN, "--reason", "x")
    assert done.code == 3
    assert f"{FILE}: `rerun` of prod/{RUN} can't be raised any more: it is 100000." in done.err
    assert cli.json("rerun", RUN, "--reason", "x")["reason"] == "rerun_maximum"
    assert project.read(FILE) == before


def test_a_file_that_cant_be_edited_safely_is_left_alone(project: Workspace, cli: Cli) -> None:
    text = spec("odd", 1).replace("    value: 1\n", "    value: |\n      x")
    project.write("runs/odd.yaml", text)
    done = cli("rerun", "odd", "--reason", "x")
    assert done.code == 3
    assert "yaml-last-line" in done.out
    assert "No file was changed." in done.err
    assert project.read("runs/odd.yaml") == text


def test_a_file_that_cant_be_written_stays(project: Workspace, cli: Cli) -> None:
    """The new content is first written beside it, under a longer name: this has no room for one."""
    name = f"runs/{'x' * 245}.yaml"
    project.write(name, spec("long"))
    done = cli("rerun", "long", "--reason", "x")
    assert done.code == 3
    assert "The file can't be written: File name too long." in done.err
    assert "It stays as it was." in done.err
    assert project.read(name) == spec("long")


def test_a_link_is_not_followed(project: Workspace, cli: Cli) -> None:
    target = project.write("elsewhere.yaml", spec("linked"))
    (project.path / "runs/linked.yaml").symlink_to(target)
    assert cli("rerun", "linked", "--reason", "x").code == 2
    assert project.read("elsewhere.yaml") == spec("linked")


def test_a_change_at_the_same_time_is_noticed(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = GitRepo.worktree

    def changed(self: GitRepo, folders: list[str]) -> GitWorkTree:
        if folders == [FILE]:
            project.write(FILE, SAMPLE.replace("maha2", "maha3"))
        return look(self, folders)

    monkeypatch.setattr(GitRepo, "worktree", changed)
    done = cli("rerun", RUN, "--reason", "x")
    assert done.code == 3
    assert "changed by somebody else at the same time" in done.err
    assert project.read(FILE) == SAMPLE.replace("maha2", "maha3")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no such names")
def test_a_file_name_is_no_pattern(project: Workspace, cli: Cli) -> None:
    project.write("runs/[a].yaml", spec("one"))
    project.write("runs/a.yaml", spec("two"))
    assert cli("rerun", "one", "--reason", "x").code == 0
    assert "rerun: 1" in project.read("runs/[a].yaml")
    assert project.read("runs/a.yaml") == spec("two")


def test_without_a_reason_it_is_a_slip_of_the_command_line(project: Workspace, cli: Cli) -> None:
    done = cli("rerun", RUN)
    assert done.code == 2
    assert "Missing option '--reason'" in done.err
