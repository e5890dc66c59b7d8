"""Connectors through Connector v3: another host, a name and a password, and pages by numbers."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from qflow_gitops.sandbox.connectors_v3 import connector as connector_v3
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.helpers.specs import CONNECTOR, SANDBOX_PROJECT
from tests.integration.test_connectors import AWS, EDITED, FIRST, GCP, OTHER

OCI = "connectors/prod/oci.yaml"
NAME, PASSWORD = "sandbox-ada", "canary-päss:word"
PAYMENTS = connector_v3("aws", 1, CONNECTOR, "AWS Payments (prod)", "123456789012")
LEGACY = connector_v3("aws", 2, OTHER, "AWS Legacy", "210987654321", "FINISHED_ERRORS")
PULL = ("connectors", "pull", "--api", "v3")
THIRD = OTHER.replace("b", "c")


def numbered(cloud: str, count: int, first: int = 1) -> list[dict[str, Any]]:
    return [
        connector_v3(cloud, n * 7, f"{n:08x}{CONNECTOR[8:]}", f"Account {n}", f"{n:012}")
        for n in range(first, first + count)
    ]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """An API server that is another one than the gateway, and its credentials."""
    with served() as server:
        monkeypatch.setenv("QFLOW_API_SERVER", server.url)
        monkeypatch.setenv("QFLOW_API_USERNAME", NAME)
        monkeypatch.setenv("QFLOW_API_PASSWORD", PASSWORD)
        yield server


def told(cli: Cli, *words: str, code: int = 0) -> list[tuple[str, str, str]]:
    done = cli.json(*(words or PULL))
    assert done["exitCode"] == code, done
    return [(each["what"], each["file"], each["detail"]) for each in done["files"]]


def test_a_pull_of_v3_asks_the_api_server_alone(
    project: Workspace, cli: Cli, sandbox: SandboxServer, server: SandboxServer
) -> None:
    assert told(cli)[0] == ("written", AWS, "2 connectors")
    errors = "state: FINISHED_ERRORS"
    states = FIRST.replace("state: ERROR", errors).replace(
        "state: SUCCESS", "state: FINISHED_SUCCESS"
    )
    assert project.read(AWS) == states
    for file, account in ((GCP, "gcp-qualys-demo"), (OCI, "ocid1.tenancy.oc1..sandbox")):
        assert f"account: {account}\n" in project.read(file).replace(chr(34), "")
    assert sandbox.requests() == []
    sent = server.requests()
    assert [each["path"].rpartition("/")[2] for each in sent] == [
        f"{cloud}assetdataconnector" for cloud in ("aws", "azure", "gcp", "oci")
    ]
    assert {each["headers"]["Authorization"] for each in sent} == {"Basic ***"}
    assert not {"Clientid", "Clientsecret"} & {
        name.title() for each in sent for name in each["headers"]
    }
    project.commit("catalog")
    assert cli("validate").code == 0
    done = cli(*PULL)
    assert (done.code, done.err) == (0, "")
    assert project.git("status", "--porcelain") == ""


def test_the_gateways_credentials_need_not_be_there(
    project: Workspace, cli: Cli, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QFLOW_GATEWAY", "QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    assert cli(*PULL).code == 0


def test_both_apis_name_the_same_connectors(
    project: Workspace, cli: Cli, sandbox: SandboxServer, server: SandboxServer
) -> None:
    assert cli("connectors", "pull").code == 0
    assert {what for what, file, _ in told(cli) if file != OCI} == {"changed"}  # the state's words
    assert "gone" not in project.read(AWS)
    assert server.requests(containing="/auth") == []


def test_without_being_asked_v3_is_for_the_clouds_that_v1_has_no_list_of(
    project: Workspace, cli: Cli, sandbox: SandboxServer, server: SandboxServer
) -> None:
    assert cli("connectors", "pull").code == 0
    assert server.requests() == []
    sandbox.set_connectors("gcp", None)
    server.set_connectors("gcp", [connector_v3("gcp", 4, THIRD, "New one", "demo")], v3=True)
    done = cli.json("connectors", "pull")
    assert ("added", GCP, "new-one (demo)") in [
        (each["what"], each["file"], each["detail"]) for each in done["files"]
    ]
    assert "TotalCloud has no list of gcp, so Connector v3 was asked." in done["notes"]
    assert len(server.requests()) == 1
    assert cli.json("connectors", "pull", "--api", "v1")["reason"] == "connectors_unknown"
    assert len(server.requests()) == 1


@pytest.mark.parametrize("lacking", ["QFLOW_API_USERNAME", "QFLOW_API_PASSWORD"])
def test_where_v1_has_no_list_what_to_set_and_type_is_told(
    project: Workspace, cli: Cli, sandbox: SandboxServer, server: SandboxServer,
    monkeypatch: pytest.MonkeyPatch, lacking: str,
) -> None:  # fmt: skip
    monkeypatch.delenv(lacking)
    sandbox.set_connectors("gcp", None)
    done = cli.json("connectors", "pull")
    assert (done["exitCode"], done["reason"]) == (3, "connectors_unknown")
    (note,) = (each for each in done["notes"] if "gcp" in each)
    assert "set QFLOW_API_USERNAME and QFLOW_API_PASSWORD" in note
    assert server.requests() == []
    monkeypatch.setenv(lacking, PASSWORD if "PASSWORD" in lacking else NAME)
    for said in done["notes"]:
        (command,) = re.findall(r"`qflow-gitops ([^`]*)`", said)
        assert cli(*shlex.split(command)).code == 0
    assert "gcp-demo" in project.read(GCP)


def test_pages_are_read_by_the_last_number(
    project: Workspace, cli: Cli, server: SandboxServer
) -> None:
    server.set_connectors("aws", numbered("aws", 250), v3=True)
    assert told(cli)[0] == ("written", AWS, "250 connectors")
    bodies = [each["body"] for each in server.requests(containing="aws")]
    assert ["GREATER" in body for body in bodies] == [False, True, True]
    assert '"value": "700"' in bodies[1]


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("response-code=UNAUTHORIZED", 4, "QFLOW_API_USERNAME and QFLOW_API_PASSWORD"),
        ("response-code=INSUFFICIENT_PERMISSION", 4, "a manager with full scope"),
        ("response-code=LIMIT_EXCEEDED", 12, "LIMIT_EXCEEDED"),
        ("401@connectors-v3", 4, "refused the credentials"),
        ("403@connectors-v3", 4, "doesn't permit"),
        ("400@connectors-v3", 12, "could not be asked"),
        ("redirect@connectors-v3", 12, "(307: "),
        ("html@connectors-v3", 12, "could not be asked"),
        ("empty@connectors-v3", 12, "could not be asked"),
        ("list-stuck@connectors-v3", 12, "changed while it was read"),
        ("accept-then-cut@connectors-v3", 12, "could not be asked"),
    ],
)
def test_nothing_is_written_unless_every_page_was_read(
    project: Workspace, cli: Cli, server: SandboxServer, monkeypatch: pytest.MonkeyPatch,
    fault: str, code: int, said: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    assert cli(*PULL).code == 0
    project.commit("catalog")
    server.set_connectors("gcp", numbered("gcp", 101), v3=True)
    server.set_connectors("aws", [PAYMENTS], v3=True)
    server.set_faults(fault)
    done = cli(*PULL)
    assert (done.code, "Nothing was written." in done.err, said in done.err) == (
        code, True, True,
    ), done.err  # fmt: skip
    assert PASSWORD not in done.out + done.err
    assert project.git("status", "--porcelain") == ""


def test_a_redirect_is_not_followed(project: Workspace, cli: Cli, server: SandboxServer) -> None:
    server.set_faults("redirect@connectors-v3")
    assert cli(*PULL).code == 12
    assert server.requests(containing="elsewhere") == []


def test_a_busy_server_is_asked_again(project: Workspace, cli: Cli, server: SandboxServer) -> None:
    server.set_faults("429=0@connectors-v3#1")
    assert cli(*PULL).code == 0


def test_a_list_that_is_not_there_leaves_its_file_and_is_told(
    project: Workspace, cli: Cli, server: SandboxServer
) -> None:
    assert cli(*PULL).code == 0
    before = project.read(OCI)
    server.set_connectors("oci", None, v3=True)
    server.set_connectors("aws", [PAYMENTS], v3=True)
    assert told(cli, code=3)[-1] == ("unknown", OCI, "Qualys has no list of this cloud")
    done = cli.json(*PULL)
    assert done["reason"] == "connectors_unknown"
    assert "no list of oci, or none for this user: it takes a manager" in done["notes"][0]
    assert project.read(OCI) == before
    assert "gone" in project.read(AWS)


def test_what_people_wrote_stays(project: Workspace, cli: Cli, server: SandboxServer) -> None:
    project.write(AWS, EDITED)
    renamed = connector_v3("aws", 1, CONNECTOR.upper(), "Paid: all", "123456789012", "PROCESSING")
    third = connector_v3("aws", 3, THIRD, "New one", "345678901234")
    server.set_connectors("aws", [renamed, third], v3=True)
    assert told(cli)[:5] == [
        ("changed", AWS, "3 connectors"),
        ("renamed", AWS, "payments (123456789012): AWS Payments (prod) → Paid: all"),
        ("changed", AWS, "payments (123456789012): state SUCCESS → PROCESSING"),
        ("gone", AWS, "old (210987654321): Qualys doesn't show it any more"),
        ("added", AWS, "new-one (345678901234)"),
    ]
    text = project.read(AWS)
    assert "labels: {tier: prod}   # ours, too\n" in text
    assert text.count("gone:") == 1
    server.set_connectors("aws", [LEGACY, renamed, third], v3=True)
    assert ("back", AWS, "old (210987654321)") in told(cli)


def test_names_that_clash_are_told_apart(
    project: Workspace, cli: Cli, server: SandboxServer
) -> None:
    same = [
        connector_v3("aws", 1, CONNECTOR, "Prod", "123456789012"),
        connector_v3("aws", 2, OTHER, "prod", "210987654321"),
    ]
    server.set_connectors("aws", same, v3=True)
    assert told(cli)[1:3] == [
        ("added", AWS, "prod-aa70acae (123456789012)"),
        ("added", AWS, "prod-bb81bdbf (210987654321)"),
    ]


def test_without_a_uuid_nothing_is_written_and_nothing_is_marked(
    project: Workspace, cli: Cli, server: SandboxServer
) -> None:
    """What is by hand in a catalog may be what Qualys lists without its UUID."""
    project.write(AWS, EDITED)
    bare = [connector_v3("aws", n, "", f"no id {n}", "123456789012") for n in (2, 3)]
    server.set_connectors("aws", [PAYMENTS, *bare], v3=True)
    done = cli.json(*PULL)
    assert done["exitCode"] == 0
    assert [each["detail"] for each in done["files"] if each["what"] == "left"] == [
        "no id 2: no id", "no id 3: no id",
    ]  # fmt: skip
    assert done["notes"][0].startswith("aws: 2 without a UUID, so not written.")
    text = project.read(AWS)
    assert "gone" not in text
    assert "no id" not in text
    assert "  old:" in text


def test_hostile_words_of_the_server_stay_words(
    project: Workspace, cli: Cli, server: SandboxServer
) -> None:
    title = "x\n::error::y\x1b[2J|`@team` \u202e: {a: b} # c\ud800"
    server.set_connectors("oci", [connector_v3("oci", 1, CONNECTOR, title, title, title)], v3=True)
    server.set_connectors("aws", [], v3=True)
    done = cli(*PULL)
    assert done.code == 0
    text = project.read(OCI)
    assert "state: unknown\n" in text
    for shown in (done.out, text, cli("validate").out):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert not any(line.lstrip().startswith("::") for line in shown.splitlines())


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"QFLOW_API_PASSWORD": ""}, "credentials_missing"),
        ({"QFLOW_API_USERNAME": "", "QFLOW_API_PASSWORD": ""}, "credentials_missing"),
        ({"QFLOW_API_USERNAME": "a:b"}, "credentials_form"),
        ({"QFLOW_API_PASSWORD": "canary-\n"}, "credentials_form"),
        ({"QFLOW_API_SERVER": ""}, "api_server_missing"),
        ({"QFLOW_API_SERVER": "http://192.0.2.7:8080"}, "api_server_form"),
        ({"QFLOW_API_SERVER": "http://127.0.0.1:8080/qps"}, "api_server_form"),
    ],
)
def test_what_cannot_be_used_is_not_sent(
    project: Workspace, cli: Cli, server: SandboxServer, monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str], reason: str,
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = cli.json(*PULL)
    assert done["reason"] == reason
    assert "canary" not in str(done)
    assert server.requests() == []
    assert not (project.path / "connectors").exists()


def test_a_platform_with_a_name_has_its_api_server(
    project: Workspace, cli: Cli, server: SandboxServer
) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT.replace("platform: sandbox", "platform: US1"))
    assert cli.json(*PULL)["reason"] == "api_server_not_allowed"
    assert server.requests() == []


def test_a_proxy_is_for_the_api_server_too(
    project: Workspace, cli: Cli, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.delenv("QFLOW_API_SERVER")
    monkeypatch.setenv("QFLOW_PROXY", "http://127.0.0.1:9")
    project.write("qflow.yaml", SANDBOX_PROJECT.replace("platform: sandbox", "platform: US1"))
    done = cli("-v", *PULL)
    assert (done.code, "the proxy of QFLOW_PROXY can't be reached" in done.err) == (12, True)
    assert "Connecting through the proxy http://127.0.0.1:9" in done.err
    assert "API server qualysapi.qualys.com of platform US1" in done.err
    assert PASSWORD not in done.err
