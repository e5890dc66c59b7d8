"""The catalogs of connectors: pulled over HTTP, and what becomes of files that people edit."""

import json
import subprocess
from typing import Any

import pytest

from qflow_gitops.sandbox.connectors import connector
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import CONNECTOR, SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec

AWS, AZURE, GCP = (f"connectors/prod/{cloud}.yaml" for cloud in ("aws", "azure", "gcp"))
OTHER = "bb81bdbf-7fb9-4bd0-8615-0438966c427b"
PAYMENTS = connector("aws", CONNECTOR, "AWS Payments (prod)", "123456789012")
LEGACY = connector("aws", OTHER, "AWS Legacy", "210987654321", "ERROR")
FIRST = f"""\
# What Qualys knows of the connectors of `prod`, written by `qflow-gitops connectors pull`.
# Names and labels are yours: a pull never changes them.
apiVersion: qflow-gitops/v1
kind: ConnectorCatalog
connectors:
  aws-legacy:
    id: {OTHER}
    title: "AWS Legacy"
    account: "210987654321"
    state: ERROR
    disabled: false
  aws-payments-prod:
    id: {CONNECTOR}
    title: "AWS Payments (prod)"
    account: "123456789012"
    state: SUCCESS
    disabled: false
"""
EDITED = f"""\
# ours
apiVersion: qflow-gitops/v1
kind: ConnectorCatalog
connectors:
  payments:   # the crown jewels
    id: {CONNECTOR}
    title: 'AWS Payments (prod)'
    account: "123456789012"
    state: SUCCESS   # as of today
    disabled: false
    labels: {{tier: prod}}   # ours, too

  # nobody knows
  old: {{id: {OTHER}, account: '210987654321'}}
"""


@pytest.fixture
def pulled(project: Workspace, cli: Cli, sandbox: SandboxServer) -> Workspace:
    """The sample's repository with its connectors in the catalog."""
    assert cli("connectors", "pull").code == 0
    project.commit("catalog")
    return project


def told(cli: Cli, code: int = 0) -> list[tuple[str, str, str]]:
    """Pull, and give what is told of each file and connector."""
    done = cli.json("connectors", "pull")
    assert done["exitCode"] == code
    return [(each["what"], each["file"], each["detail"]) for each in done["files"]]


def test_a_pull_writes_a_file_for_each_cloud_and_starts_nothing(
    pulled: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert pulled.read(AWS) == FIRST
    assert "gcp-qualys-demo" in pulled.read(GCP)
    assert not (pulled.path / "connectors/prod/oci.yaml").exists()
    assert cli("validate").code == 0
    assert {each["method"] for each in sandbox.requests() if "/auth" not in each["path"]} == {"GET"}
    assert sandbox.executions() == []


def test_pulling_again_changes_no_byte(pulled: Workspace, cli: Cli) -> None:
    done = cli("connectors", "pull")
    assert done.code == 0
    assert done.out.splitlines() == [
        f"    kept  {AWS}  2 connectors",
        f"    kept  {AZURE}  1 connector",
        f"    kept  {GCP}  1 connector",
    ]
    assert "OCI's connectors weren't asked for" in done.err
    assert pulled.git("status", "--porcelain") == ""


def test_what_people_wrote_stays(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    project.write(AWS, EDITED)
    third = connector("aws", OTHER.replace("b", "c"), "New one", "345678901234")
    sandbox.set_connectors("aws", [third, PAYMENTS | {"state": "ERROR", "name": "Paid: all"}])
    assert told(cli)[:5] == [
        ("changed", AWS, "3 connectors"),
        ("renamed", AWS, "payments (123456789012): AWS Payments (prod) → Paid: all"),
        ("changed", AWS, "payments (123456789012): state SUCCESS → ERROR"),
        ("gone", AWS, "old (210987654321): Qualys doesn't show it any more"),
        ("added", AWS, "new-one (345678901234)"),
    ]
    text = project.read(AWS)
    for kept in ("# ours\n", "  payments:   # the crown jewels\n",
                 "    state: ERROR   # as of today\n",
                 '    title: "Paid: all"\n', "    labels: {tier: prod}   # ours, too\n",
                 "\n  # nobody knows\n  old:\n"):  # fmt: skip
        assert kept in text
    assert text.index("  payments:") < text.index("  old:")
    assert text.index("  new-one:") < text.index("  payments:")
    assert cli("validate").code == 0


def test_one_that_is_gone_is_marked_and_loses_the_mark_when_it_is_back(
    pulled: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_connectors("aws", [PAYMENTS])
    assert [what for what, _, _ in told(cli)][:2] == ["changed", "gone"]
    (line,) = [line for line in pulled.read(AWS).splitlines() if "gone" in line]
    marked = pulled.read(AWS)
    assert told(cli)[0][0] == "kept"
    assert pulled.read(AWS) == marked
    pulled.write(AWS, marked.replace(line, f"{line}   # sold"))
    sandbox.set_connectors("aws", [LEGACY, PAYMENTS])
    assert [what for what, _, _ in told(cli)][:2] == ["changed", "back"]
    assert pulled.read(AWS) == FIRST.replace(
        "state: ERROR\n    disabled: false\n", "state: ERROR\n    disabled: false\n    # sold\n"
    )


def test_names_that_clash_are_told_apart(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    same = [each | {"name": "Prod"} for each in (PAYMENTS, LEGACY)]
    sandbox.set_connectors("aws", same)
    sandbox.set_connectors("gcp", [connector("gcp", OTHER.replace("b", "c"), "prod", "demo")])
    assert told(cli)[1:3] == [
        ("added", AWS, "prod-aa70acae (123456789012)"),
        ("added", AWS, "prod-bb81bdbf (210987654321)"),
    ]
    assert "  prod:\n" in project.read(GCP)
    assert cli("validate").code == 0


def test_the_settings_names_are_taken(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    listed = f"{{platform: sandbox, connectors: {{{CONNECTOR}: Our payments}}}}"
    project.write("qflow.yaml", SANDBOX_PROJECT.replace("{platform: sandbox}", listed))
    assert ("added", AWS, "our-payments (123456789012)") in told(cli)
    assert cli("validate").code == 0


def test_pages_are_read_to_the_last_one(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    many = [
        connector("aws", f"{n:08x}{CONNECTOR[8:]}", f"Account {n}", f"{n:012}")
        for n in range(1, 121)
    ]
    sandbox.set_connectors("aws", many)
    assert told(cli)[0] == ("written", AWS, "120 connectors")
    pages = [each["path"] for each in sandbox.requests("GET", "/aws/connectors")]
    assert [page.partition("pageNo=")[2] for page in pages] == [
        f"{number}&pageSize=50" for number in range(3)
    ]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("401@connectors", 4), ("403@connectors", 4), ("400@connectors", 12),
        ("html@connectors", 12), ("empty@connectors", 12), ("list-stuck@connectors", 12),
        ("accept-then-cut@connectors", 12), ("redirect@connectors", 12),
    ],
)  # fmt: skip
def test_nothing_is_written_unless_every_page_was_read(
    pulled: Workspace, cli: Cli, sandbox: SandboxServer, fault: str, code: int
) -> None:
    many = [
        connector("gcp", f"{n:08x}{CONNECTOR[8:]}", f"Project {n}", f"p-{n}") for n in range(1, 61)
    ]
    sandbox.set_connectors("aws", [PAYMENTS])
    sandbox.set_connectors("gcp", many)
    sandbox.set_faults(fault)
    done = cli("connectors", "pull")
    assert (done.code, "Nothing was written." in done.err) == (code, True), done.err
    assert pulled.git("status", "--porcelain") == ""


def test_a_busy_server_is_asked_again(pulled: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    sandbox.set_faults("429=0@connectors#1")
    assert cli("connectors", "pull").code == 0


def test_a_list_that_is_not_there_leaves_its_file_and_is_told(
    pulled: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_connectors("gcp", None)
    sandbox.set_connectors("aws", [PAYMENTS])
    before = pulled.read(GCP)
    assert told(cli, 3)[-1] == ("unknown", GCP, "Qualys has no list of this cloud")
    assert cli.json("connectors", "pull")["reason"] == "connectors_unknown"
    assert pulled.read(GCP) == before
    assert "gone" in pulled.read(AWS)


def test_a_cloud_without_connectors_has_no_file(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_connectors("gcp", [])
    assert told(cli)[-1] == ("none", GCP, "Qualys shows no connectors")
    assert not (project.path / GCP).exists()


@pytest.mark.parametrize("odd", [{"name": "no id"}, {"connectorId": "7", "name": "no id"}])
def test_an_item_without_an_id_is_told_and_not_written(
    project: Workspace, cli: Cli, sandbox: SandboxServer, odd: dict[str, Any]
) -> None:
    sandbox.set_connectors("aws", [PAYMENTS, odd])
    assert ("left", AWS, "no id: no id") in told(cli)
    assert "no id" not in project.read(AWS)


def test_hostile_words_of_the_server_stay_words(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    title = "x\n::error::y\x1b[2J|`@team` \u202e: {a: b} # c\ud800"
    odd = {"name": title, "awsAccountId": f"{title}", "state": title}
    sandbox.set_connectors("aws", [PAYMENTS | odd])
    done = cli("connectors", "pull")
    assert done.code == 0
    text = project.read(AWS)
    for shown in (done.out, text, cli("validate").out):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    assert cli("validate").code == 0
    assert cli("connectors", "pull").out.startswith("    kept")


# --- specs against the catalog -----------------------------------------------------------


UNKNOWN = "11111111-80ca-4ce1-9726-1549a77d5381"
SPEC = "runs/aws/buckets.yaml"


@pytest.fixture
def offline(pulled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """No way to Qualys, once the catalog is there."""
    for name in ("QFLOW_GATEWAY", "QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("offline")
def test_an_unknown_connector_is_named_offline(pulled: Workspace, cli: Cli) -> None:
    assert cli("validate", "--strict").code == 0
    pulled.write(SPEC, SAMPLE.replace(CONNECTOR, UNKNOWN))
    done = cli("validate")
    assert (done.code, f"{SPEC}:9:18: error [connector-unknown]" in done.out) == (3, True)
    assert "`qflow-gitops connectors pull -e prod`" in done.out


@pytest.mark.usefixtures("offline")
def test_a_change_of_the_catalog_alone_is_seen_at_once(pulled: Workspace, cli: Cli) -> None:
    """Also by what is kept between commands: verdicts, and the answer of the whole."""
    assert cli("validate").code == 0
    assert cli("validate").code == 0
    pulled.write(AWS, FIRST.replace("state: SUCCESS", "state: ERROR"))
    done = cli("validate")
    assert (done.code, "[connector-unusable]" in done.out) == (0, True)
    assert "`aws-payments-prod (123456789012)` is in error (ERROR)" in done.out
    assert cli("validate", "--strict").code == 3
    pulled.write(AWS, FIRST.partition("  aws-payments-prod")[0])
    assert "[connector-unknown]" in cli("validate").out
    pulled.remove(AWS)
    assert cli("validate", "--strict").code == 0
    pulled.write(AWS, FIRST)
    assert cli("validate", "--strict").code == 0


@pytest.mark.usefixtures("offline")
def test_a_plan_from_a_diff_sees_what_a_catalog_forgets(pulled: Workspace, cli: Cli) -> None:
    pulled.write(AWS, FIRST.partition("  aws-payments-prod")[0])
    pulled.commit()
    for extra in ((), ("--full",), ("--worktree",)):
        data = cli.json("plan", *extra)
        assert data["exitCode"] == 3
        assert {one["reason"] for one in data["changes"]} == {"invalid"}


def test_an_apply_refuses_what_the_catalog_does_not_know(
    pulled: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    pulled.write(SPEC, SAMPLE.replace(CONNECTOR, UNKNOWN))
    pulled.commit()
    assert cli("apply", "--yes").code == 3
    assert len(sandbox.executions()) == 1


@pytest.mark.usefixtures("offline")
def test_plans_show_name_and_account_before_the_id(pulled: Workspace, cli: Cli) -> None:
    shown = "connector aws-payments-prod (123456789012), "
    assert shown + CONNECTOR in cli("plan").out
    assert f"{shown}{CONNECTOR[:8]} · " in cli("plan", "--format", "markdown").out
    (change,) = cli.json("plan")["changes"]
    assert change["connectors"] == [
        {"id": CONNECTOR, "name": "aws-payments-prod", "account": "123456789012"}
    ]


def test_the_names_of_the_settings_are_shown_alike(project: Workspace, cli: Cli) -> None:
    listed = f"{{platform: sandbox, connectors: {{{CONNECTOR}: Our payments}}}}"
    project.write("qflow.yaml", SANDBOX_PROJECT.replace("{platform: sandbox}", listed))
    project.commit()
    assert f"connector Our payments, {CONNECTOR}" in cli("plan").out
    (change,) = cli.json("plan")["changes"]
    assert change["connectors"] == [{"id": CONNECTOR, "name": "Our payments", "account": ""}]


@pytest.mark.usefixtures("offline")
def test_hostile_words_of_a_pull_request_stay_words(pulled: Workspace, cli: Cli) -> None:
    words = json.dumps("x\n::error::y\x1b[2J|`@team` \u202e")
    text = FIRST.replace('"123456789012"', words).replace("state: SUCCESS", f"state: {words}")
    pulled.write(AWS, text)
    pulled.commit()
    for arguments in (("plan",), ("plan", "--format", "markdown"), ("validate", "--strict")):
        out = cli(*arguments).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert not any(line.lstrip().startswith("::") for line in out.splitlines())


@pytest.mark.usefixtures("offline")
def test_paths_of_the_catalog_may_be_named(pulled: Workspace, cli: Cli) -> None:
    for path in ("connectors", "connectors/prod", AWS):
        assert cli("validate", path).code == 0
    pulled.write("connectors/prod/notes.txt", "ours")
    assert cli("validate", "connectors/prod/notes.txt").code == 3
    pulled.write(AWS, FIRST.partition("  aws-payments-prod")[0])
    pulled.git("add", "-A")
    for arguments in ((AWS,), ("--hook", AWS)):
        done = cli("validate", *arguments)
        assert (done.code, SPEC in done.out) == (3, True)


@pytest.mark.usefixtures("offline")
def test_catalogs_are_no_specs_where_the_whole_project_is_looked_through(
    pulled: Workspace, cli: Cli
) -> None:
    pulled.write("qflow.yaml", f"{SANDBOX_PROJECT}  runs: [.]\n")
    pulled.commit()
    assert cli("validate").code == 0
    assert cli.json("plan")["exitCode"] == 0


@pytest.mark.usefixtures("offline")
def test_a_link_in_the_catalogs_place_is_an_error(pulled: Workspace, cli: Cli) -> None:
    pulled.move(AWS, "elsewhere.yaml")
    (pulled.path / AWS).symlink_to("../../elsewhere.yaml")
    pulled.commit()
    for arguments in (("validate",), ("plan",)):
        done = cli(*arguments)
        assert (done.code, "[file-kind]" in done.out) == (3, True)


# --- files that are in the way -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("connectors: [", "yaml-"),
        (FIRST.replace("id: bb", "id: xx"), "schema-value"),
        (FIRST + "---\n" + FIRST, "connectors-documents"),
    ],
)
def test_a_catalog_with_errors_is_left_alone_and_qualys_is_not_asked(
    project: Workspace, cli: Cli, sandbox: SandboxServer, text: str, said: str
) -> None:
    project.write(AWS, text)
    done = cli("connectors", "pull")
    assert (done.code, said in done.out + done.err) == (3, True), done.err
    assert project.read(AWS) == text
    assert sandbox.requests() == []


def test_a_comment_in_braces_is_not_lost(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    text = f"{FIRST.partition('  aws')[0]}  old: {{ # why\n    id: {OTHER}}}\n"
    project.write(AWS, text)
    done = cli("connectors", "pull")
    assert (done.code, "with a comment in them" in done.err) == (3, True)
    assert project.read(AWS) == text
    assert not (project.path / GCP).exists()


@pytest.mark.parametrize("link", ["connectors", "connectors/prod", AWS])
def test_nothing_is_written_through_a_link(
    project: Workspace, cli: Cli, sandbox: SandboxServer, link: str
) -> None:
    outside = project.path.parent / "outside"
    outside.mkdir()
    (project.path / link).parent.mkdir(parents=True, exist_ok=True)
    (project.path / link).symlink_to(outside)
    done = cli("connectors", "pull")
    assert (done.code, "symbolic link" in done.err) == (3, True)
    assert list(outside.iterdir()) == []
    assert sandbox.requests() == []


def test_a_folder_that_cannot_be_written(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("connectors", "a file")
    done = cli("connectors", "pull")
    assert (done.code, "can't be" in done.err) == (3, True)


def test_a_file_that_could_not_be_read_any_more_is_not_written(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    many = [
        connector("aws", f"{n:08x}{CONNECTOR[8:]}", f"{n} {'x' * 240}", f"{n:012}")
        for n in range(1, 700)
    ]
    sandbox.set_connectors("aws", many)
    done = cli("connectors", "pull")
    assert (done.code, "256 KiB" in done.err) == (3, True)
    assert not (project.path / "connectors").exists()


def test_a_project_in_a_folder_has_its_catalogs_there(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("team/qflow.yaml", SANDBOX_PROJECT)
    project.write("team/runs/README.md", "specs")
    done = cli("-C", str(project.path / "team"), "connectors", "pull")
    assert done.code == 0
    assert project.read("team/connectors/prod/aws.yaml") == FIRST
    assert not (project.path / "connectors").exists()
    assert "add team/connectors && git" in done.out


def test_of_several_environments_one_is_named(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT + "    dev: {platform: sandbox}\n")
    assert cli.json("connectors", "pull")["reason"] == "environment_needed"
    assert cli("connectors", "pull", "-e", "dev").code == 0
    assert (project.path / "connectors/dev/aws.yaml").exists()
    assert not (project.path / "connectors/prod").exists()


def test_what_a_sparse_checkout_left_out_is_not_absent(
    pulled: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    pulled.git("sparse-checkout", "set", "--no-cone", "/*", "!/connectors/")
    assert not (pulled.path / AWS).exists()
    done = cli("connectors", "pull")
    assert (done.code, "This work tree is sparse" in done.err) == (3, True)
    assert not (pulled.path / AWS).exists()


def test_the_worktrees_catalog_counts_though_git_ignores_it(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write(".gitignore", "connectors/\n")
    project.write(AWS, EDITED)
    assert cli("connectors", "pull").code == 0
    assert "labels: {tier: prod}" in project.read(AWS)


def test_other_readers_read_the_same(pulled: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    """The file is plain YAML: PyYAML and ruamel agree on what it says."""
    import yaml
    from ruamel.yaml import YAML

    text = pulled.read(AWS)
    data = yaml.safe_load(text)
    assert data == YAML(typ="safe", pure=True).load(text)
    assert data["connectors"]["aws-payments-prod"]["id"] == CONNECTOR
    assert json.loads(json.dumps(data)) == data
    assert subprocess.run(["git", "diff", "--quiet"], cwd=pulled.path, check=False).returncode == 0


# --- what specs have from a catalog ---------------------------------------------------

SELECTED = """\
  connectorType: aws
  targets:
    connectors: {cloud: aws}
    regions: [us-east-1]
"""


def selected(cli: Cli, *options: str) -> dict[str, str]:
    changes = cli.json("plan", *options)["changes"]
    return {each["name"]: each["reason"] for each in changes}


def test_a_new_account_is_a_change_of_the_catalog(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Pulled, reviewed, merged: each account and request once, from whichever clone."""
    workspace.remove("runs/aws/buckets.yaml")
    assert cli("connectors", "pull").code == 0
    workspace.write("runs/one.yaml", spec("one", extra=SELECTED))
    by_name = "  connectorType: aws\n  connector: aws-payments-prod\n"
    workspace.write("runs/two.yaml", spec("two", extra=by_name))
    workspace.publish("specs")
    assert "`aws-legacy` is in error" in cli("validate").out
    assert cli("apply", "--yes").code == 0
    assert "  aws-payments-prod (123456789012)  " in cli("status", "two").out
    (row,) = cli.json("status", "two")["runs"]
    assert row["connectors"] == [
        {"id": CONNECTOR, "name": "aws-payments-prod", "account": "123456789012"}
    ]
    assert len(sandbox.executions()) == 2
    new = connector("aws", OTHER.replace("b", "c"), "New one", "345678901234")
    sandbox.set_connectors("aws", [PAYMENTS, LEGACY | {"state": "SUCCESS"}, new])
    assert cli("connectors", "pull").code == 0
    workspace.publish("pulled")
    wanted = {
        "one/aws-legacy.us-east-1": "added",
        "one/aws-payments-prod.us-east-1": "already_ran",
        "one/new-one.us-east-1": "added",
        "two": "already_ran",
    }
    assert selected(cli) == wanted
    assert selected(cli, "--from", "HEAD~1") == wanted
    due = {name for name, reason in wanted.items() if reason == "added"}
    full = cli.json("plan", "--full")
    assert {each["name"] for each in full["changes"] if each["action"] == "run"} == due
    assert cli.json("plan")["digest"] == full["digest"]
    fresh = Cli(remote.clone("fresh").path, cli._capfd)
    assert fresh("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 4
    assert fresh.json("plan")["counts"]["run"] == 0
    assert fresh("lock", "verify").code == 0
    sandbox.set_connectors("aws", [PAYMENTS, new])
    assert cli("connectors", "pull").code == 0
    workspace.publish("gone")
    assert selected(cli)["one/aws-legacy.us-east-1"] == "removed"
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 4


def test_what_was_sent_by_a_name_is_verified_with_the_catalog_of_its_commit(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("connectors", "pull").code == 0
    by_name = "  connectorType: aws\n  connector: aws-payments-prod\n"
    workspace.write("runs/two.yaml", spec("two", extra=by_name))
    workspace.publish("specs")
    assert cli("apply", "--yes").code == 0
    name = workspace.read(AWS).replace("aws-payments-prod", "payments")
    workspace.write(AWS, name)
    workspace.write(
        "runs/two.yaml", spec("two", extra=by_name.replace("aws-payments-prod", "payments"))
    )
    workspace.publish("renamed")
    assert cli.json("plan", "--full")["counts"]["run"] == 0
    verified = cli.json("lock", "verify")
    assert verified["exitCode"] == 0
    workspace.write(AWS, f"# another time\n{name}")
    workspace.publish("said")
    lacking = Cli(remote.clone("lacking", "--depth", "1").path, cli._capfd)
    assert lacking("lock", "verify").code == 0
    assert lacking.json("plan", "--full")["counts"]["run"] == 0


def test_rerun_and_migrate_of_what_is_selected(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.remove("runs/aws/buckets.yaml")
    assert cli("connectors", "pull").code == 0
    legacy = f"  variables: {{credentials: {CONNECTOR}}}\n"
    project.write("runs/one.yaml", spec("one", extra=legacy + SELECTED))
    by_name = "  connectorType: aws\n  connector: aws-payments-prod\n"
    project.write("runs/two.yaml", spec("two", extra=by_name + legacy))
    project.commit("specs")
    assert cli("workflows", "pull").code == 0
    assert (project.path / f"workflows/{WORKFLOW}.json").exists()
    done = cli("migrate")
    assert "`connector` names the account, and Qualys ignores credentials" in done.out
    assert f"connectorId: {CONNECTOR}" in project.read("runs/one.yaml")
    project.commit("migrated")
    assert cli("validate").code == 0
    assert cli("rerun", "one/aws-payments-prod.us-east-1", "--reason", "again").code == 0
    assert (
        '    overrides:\n      "aws-payments-prod.us-east-1":\n        rerun: 1\n'
        in project.read("runs/one.yaml")
    )
    assert cli("validate").code == 0
