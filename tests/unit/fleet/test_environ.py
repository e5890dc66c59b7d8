"""What a member's process and its git know: nothing that isn't theirs."""

import base64
import re
from pathlib import Path

import pytest

from qflow_gitops.base.addresses import plain
from qflow_gitops.errors import InvalidInput
from qflow_gitops.fleet.environ import OF_A_SET, Facts, environ_of, for_a_set, masked, secrets_of
from qflow_gitops.settings.fleet import FleetMember

VARIABLES = Path(__file__).parents[3] / "docs/reference/variables.md"
FACTS = Facts(
    "/fleet", "ada", "https://ci.example/42", "https://x-access-token:t@git.example.com/fleet"
)
ACME = FleetMember("acme", "https://git.example.com/acme/runs.git", credentials="ACME")
EVERYBODY = {
    "PATH": "/bin", "HOME": "/home/ada", "LC_ALL": "C", "XDG_CACHE_HOME": "/cache",
    "GITHUB_TOKEN": "canary-1", "QFLOW_CLIENT_SECRET": "canary-2", "QFLOW_TOKEN": "canary-3",
    "AWS_SECRET_ACCESS_KEY": "canary-4", "CI": "true", "GITHUB_ACTIONS": "true",
    "GITHUB_OUTPUT": "/out", "GITHUB_REPOSITORY": "fleet/fleet", "QFLOW_GATEWAY": "https://all",
    "QFLOW_PLATFORM": "US1", "SSH_AUTH_SOCK": "/agent", "GIT_DIR": "/elsewhere",
    "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader",
    "GIT_CONFIG_VALUE_0": "Authorization: canary-5", "LD_PRELOAD": "/x.so", "PYTHONSTARTUP": "/x",
}  # fmt: skip


def git_told(found: dict[str, str]) -> dict[str, str]:
    count = int(found["GIT_CONFIG_COUNT"])
    return {found[f"GIT_CONFIG_KEY_{n}"]: found[f"GIT_CONFIG_VALUE_{n}"] for n in range(count)}


def test_a_token_that_reads_all_goes_where_a_set_has_none() -> None:
    header = "http.https://git.example.com/.extraHeader"
    all_of_them = EVERYBODY | {"QFLOW_FLEET_GIT_TOKEN": "canary-all", "ACME_GIT_TOKEN": "canary-a"}

    home, nowhere = FACTS, FACTS._replace(home="")

    def token(member: FleetMember) -> str:
        told = git_told(environ_of(member, all_of_them, home))[header]
        return base64.b64decode(told.rpartition(" ")[2]).decode()

    assert token(ACME) == "x-access-token:canary-a"
    for credentials in ("", "GLOBEX"):
        member = ACME._replace(credentials=credentials)
        assert token(member) == "x-access-token:canary-all"
        found = environ_of(member, all_of_them, home)
        assert "QFLOW_FLEET_GIT_TOKEN" not in found
        assert "canary-all" not in masked("canary-all", found)
    plain_ssh = ACME._replace(repository="git@git.example.com:acme/runs.git", credentials="")
    assert header not in git_told(environ_of(plain_ssh, all_of_them, home))
    elsewhere = ACME._replace(repository="https://evil.example/acme/runs.git", credentials="")
    for member, facts in ((elsewhere, home), (ACME._replace(credentials=""), nowhere)):
        assert not [
            key for key in git_told(environ_of(member, all_of_them, facts)) if "Header" in key
        ]


@pytest.mark.parametrize(
    ("home", "address", "is_given"),
    [
        ("https://git.example.com/f", "https://git.example.com/x", True),
        ("https://GIT.example.com:443/f", "https://git.example.com/x", True),
        ("https://ci:token@git.example.com:8443/f.git", "https://git.example.com:8443/x", True),
        ("git@git.example.com:f.git", "https://git.example.com/x", True),
        ("ssh://git@git.example.com:2222/f.git", "https://git.example.com/x", True),
        ("https://git.example.com/f", "https://evil.example/x", False),
        ("https://git.example.com/f", "https://git.example.com.evil.example/x", False),
        ("https://git.example.com/f", "https://git.example.com:8443/x", False),
        ("git@git.example.com:f.git", "https://git.example.com:8443/x", False),
        ("https://evil.example@git.example.com/f", "https://evil.example/x", False),
        ("/srv/fleet.git", "https://evil.example/x", False),
        ("", "https://evil.example/x", False),
    ],
)
def test_a_token_that_reads_all_goes_to_the_fleets_own_host_alone(
    home: str, address: str, is_given: bool
) -> None:
    """A change of fleet.yaml says who is in it, and must not say who gets the token."""
    member = FleetMember("new", address)
    found = environ_of(member, {"QFLOW_FLEET_GIT_TOKEN": "canary-all"}, FACTS._replace(home=home))
    told = base64.b64encode(b"x-access-token:canary-all").decode()
    assert any(told in value for value in found.values()) is is_given


def test_what_has_no_prefix_is_a_set_where_a_job_holds_no_other() -> None:
    job = EVERYBODY | {"GIT_TOKEN": "canary-git", "QFLOW_FREEZE": "no", "QFLOW_USERNAME": ""}
    found = environ_of(ACME, for_a_set("ACME", job), FACTS)
    assert found["QFLOW_CLIENT_SECRET"] == "canary-2"
    assert found["GITHUB_TOKEN"] == "canary-1"
    assert found["QFLOW_FREEZE"] == "no"
    assert "QFLOW_USERNAME" not in found
    assert "AWS_SECRET_ACCESS_KEY" not in found
    other = environ_of(ACME._replace(credentials="GLOBEX"), for_a_set("ACME", job), FACTS)
    assert "QFLOW_CLIENT_SECRET" not in other
    assert for_a_set("", job) == job


def test_only_what_is_named_reaches_a_member() -> None:
    found = environ_of(FleetMember("a", "https://git.example.com/a"), EVERYBODY, FACTS)
    config = {name for name in found if name.startswith("GIT_CONFIG_")}
    assert found.keys() - config == {
        "PATH", "HOME", "LC_ALL", "XDG_CACHE_HOME", "GIT_TERMINAL_PROMPT",
        "QFLOW_FLEET_ACTOR", "QFLOW_FLEET_RUN",
    }  # fmt: skip
    assert not [value for value in found.values() if "canary" in value]


def test_a_set_is_a_members_own() -> None:
    sets = {
        f"{name}_{variable}": f"canary-{name}-{variable}"
        for name in ("ACME", "ACME_QFLOW", "ACME_GIT", "GLOBEX", "QFLOW")
        for variable in (*OF_A_SET, "GIT_TOKEN")
    }
    for name in ("ACME", "ACME_QFLOW", "GLOBEX"):
        member = ACME._replace(credentials=name)
        found = environ_of(member, EVERYBODY | sets, FACTS)
        for variable in OF_A_SET:
            assert found[variable].endswith(f"canary-{name}-{variable}"), variable
        seen = {value for value in found.values() if "canary" in value}
        assert {value.rpartition("/")[2] for value in seen} == {
            sets[f"{name}_{variable}"] for variable in OF_A_SET
        }
        told = git_told(found)["http.https://git.example.com/.extraHeader"]
        token = base64.b64decode(told.rpartition(" ")[2]).decode()
        assert token == f"x-access-token:canary-{name}-GIT_TOKEN"


def test_every_variable_of_the_program_is_a_sets_or_left_out_for_a_reason() -> None:
    documented = set(re.findall(r"`(QFLOW_[A-Z_]+)`", VARIABLES.read_text(encoding="utf-8")))
    left_out = {
        "QFLOW_STATEMENT_KEY", "QFLOW_STATEMENT_KEY_PASSPHRASE",  # of `report`, of who has it made
        "QFLOW_PROJECT",  # of the GitLab file
        "QFLOW_FLEET_ACTOR", "QFLOW_FLEET_RUN",  # told by the fleet
        "QFLOW_FLEET_GIT_TOKEN",  # of the fleet, for git alone
        "QFLOW_FLEET_BROKER",  # between driver and workers
    }  # fmt: skip
    assert documented - left_out == {name for name in OF_A_SET if name.startswith("QFLOW_")}


def test_all_get_what_holds_all_and_the_way_out() -> None:
    all_get = {
        "QFLOW_FREEZE": "audit", "QFLOW_FREEZE_FILE": "stop", "QFLOW_CA_FILE": "/ca.pem",
        "QFLOW_PROXY": "http://proxy:3128",
    }  # fmt: skip
    own = {
        "ACME_QFLOW_FREEZE": "", "ACME_QFLOW_FREEZE_FILE": "/dev/never",
        "ACME_QFLOW_PROXY": "http://own:1", "ACME_QFLOW_TOKEN_FILE": "tokens/acme",
    }  # fmt: skip
    found = environ_of(ACME, EVERYBODY | all_get | own, FACTS)
    assert found["QFLOW_FREEZE"] == "audit"
    assert found["QFLOW_FREEZE_FILE"] == "/fleet/stop"
    assert found["QFLOW_CA_FILE"] == "/ca.pem"
    assert found["QFLOW_PROXY"] == "http://own:1"
    assert found["QFLOW_TOKEN_FILE"] == "/fleet/tokens/acme"


def test_the_gateway_of_all_is_for_the_sandbox_alone() -> None:
    assert "QFLOW_GATEWAY" not in environ_of(ACME, EVERYBODY, FACTS)
    assert environ_of(ACME, EVERYBODY, FACTS, sandbox=True)["QFLOW_GATEWAY"] == "https://all"
    own = EVERYBODY | {"ACME_QFLOW_GATEWAY": "https://own"}
    assert environ_of(ACME, own, FACTS, sandbox=True)["QFLOW_GATEWAY"] == "https://own"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://git.example.com/acme/runs.git", "http.https://git.example.com/.extraHeader"),
        ("https://GIT.example.com:8443/a", "http.https://git.example.com:8443/.extraHeader"),
        ("https://git.example.com.evil.example/a", "http.https://git.example.com.evil.example/."),
        ("ssh://git@git.example.com/acme/runs.git", ""),
        ("git@git.example.com:acme/runs.git", ""),
        ("file:///srv/git.example.com/a", ""),
    ],
)
def test_a_git_token_is_for_the_members_own_host_by_https(address: str, key: str) -> None:
    environ = EVERYBODY | {"ACME_GIT_TOKEN": "canary-git"}
    found = environ_of(ACME._replace(repository=address), environ, FACTS)
    told = git_told(found)
    headers = [name for name in told if "extraheader" in name.lower()]
    assert [name[: len(key)] for name in headers] == ([key] if key else [])
    assert (told["http.followRedirects"], told["protocol.allow"]) == ("false", "never")
    assert told["credential.helper"] == ""
    assert ("SSH_AUTH_SOCK" in found) is ("git@" in address)
    assert told.get("protocol.file.allow") == ("always" if address.startswith("file") else None)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://github.com/acme/runs.git", {"GITHUB_REPOSITORY": "acme/runs"}),
        ("git@github.com:acme/runs.git", {"GITHUB_REPOSITORY": "acme/runs"}),
        (
            "https://ghe.example:8443/acme/runs",
            {
                "GITHUB_REPOSITORY": "acme/runs",
                "GITHUB_API_URL": "https://ghe.example:8443/api/v3",
                "GITHUB_SERVER_URL": "https://ghe.example:8443",
            },
        ),
        (
            "ssh://git@ghe.example:2222/acme/runs.git",
            {
                "GITHUB_REPOSITORY": "acme/runs",
                "GITHUB_API_URL": "https://ghe.example/api/v3",
                "GITHUB_SERVER_URL": "https://ghe.example",
            },
        ),
        ("file:///srv/acme", {}),
    ],
)
def test_a_github_token_is_for_the_members_repository(address: str, told: dict[str, str]) -> None:
    environ = EVERYBODY | {"ACME_GITHUB_TOKEN": "canary-own"}
    found = environ_of(ACME._replace(repository=address), environ, FACTS)
    assert found["GITHUB_TOKEN"] == "canary-own"
    names = ("GITHUB_REPOSITORY", "GITHUB_API_URL", "GITHUB_SERVER_URL")
    assert {name: found[name] for name in names if name in found} == told
    without = environ_of(ACME._replace(repository=address), EVERYBODY, FACTS)
    assert not [name for name in without if name.startswith("GITHUB")]


@pytest.mark.parametrize(
    "address",
    [
        "-oProxyCommand=touch x:y", "ext::sh -c 'touch x'", "git@host:-x", "ssh://-oX=y/z",
        "git@-h:x", "https://ada:canary-pw@git.example.com/a", "http://git.example.com/a",
        "ftp://git.example.com/a", "https://git.example.com/a?access_token=canary", "a/b", "",
        "https://git.example.com/a\nb", "git::https://x/y", "file://host/x", "https://x\\@y/z",
    ],
)  # fmt: skip
def test_no_other_address_gets_to_git(address: str) -> None:
    assert plain(address) is None
    with pytest.raises(InvalidInput) as told:
        environ_of(ACME._replace(repository=address), EVERYBODY, FACTS)
    assert "canary" not in f"{told.value.message} {told.value.where} {told.value.hint}"


def test_secrets_are_masked_in_each_form() -> None:
    own = {
        "ACME_GIT_TOKEN": "canary-git",
        "ACME_QFLOW_PASSWORD": "canary-pw",
        "ACME_QFLOW_TOKEN": "x",
    }
    found = environ_of(ACME, EVERYBODY | own, FACTS)
    basic = base64.b64encode(b"x-access-token:canary-git").decode()
    said = f"{basic} canary-git canary-pw https://u:pw@host/x max"
    assert masked(said, found) == "*** *** *** https://***@host/x max"
    assert secrets_of({}) == []
