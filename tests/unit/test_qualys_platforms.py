"""Which host is whose: a platform's gateway and its API server, and no other."""

import pytest

from qflow_gitops.errors import UsageProblem
from qflow_gitops.qualys.platforms import API_HOSTS, HOSTS, api_server_for, gateway_for

LOCAL = "http://127.0.0.1:8080"
PRIVATE = "https://qualysapi.example.com"


def test_every_platform_with_a_gateway_has_an_api_server_of_its_own() -> None:
    assert list(API_HOSTS) == list(HOSTS)
    assert len({*API_HOSTS.values(), *HOSTS.values()}) == 2 * len(HOSTS)
    for name, host in API_HOSTS.items():
        assert api_server_for(name, "", "").url == f"https://{host}"
        assert host.startswith("qualysapi.")
        assert host.rpartition(".")[2] == HOSTS[name].rpartition(".")[2]


@pytest.mark.parametrize(
    ("platform", "custom"),
    [("private", PRIVATE), ("sandbox", LOCAL), ("sandbox", "http://[::1]:1")],
)
def test_an_address_of_ones_own(platform: str, custom: str) -> None:
    assert api_server_for(platform, custom, LOCAL).url == custom


@pytest.mark.parametrize(
    ("platform", "custom", "reason"),
    [
        ("US1", "https://qualysapi.qualys.com", "not_allowed"),
        ("EU1", PRIVATE, "not_allowed"),
        ("private", "", "missing"),
        ("sandbox", "", "missing"),
        ("private", "http://qualysapi.example.com", "form"),
        ("private", f"{PRIVATE}/qps", "form"),
        ("private", f"{PRIVATE}:8443", "form"),
        ("private", "https://ada:secret@qualysapi.example.com", "form"),
        ("private", LOCAL, "form"),
        ("sandbox", PRIVATE, "form"),
        ("sandbox", "http://192.0.2.1:8080", "form"),
        ("sandbox", "https://127.0.0.1:8080", "form"),
        ("private", "https://qualysapi.qg2.apps.qualys.eu", "not_allowed"),
        ("private", "https://gateway.qg2.apps.qualys.eu", "not_allowed"),
    ],
)
def test_an_address_that_does_not_go_with_the_platform(
    platform: str, custom: str, reason: str
) -> None:
    with pytest.raises(UsageProblem) as refused:
        api_server_for(platform, custom, "")
    assert refused.value.reason == f"api_server_{reason}"
    assert "QFLOW_API_SERVER" in refused.value.message
    assert "secret" not in refused.value.message + refused.value.hint


def test_a_private_gateway_is_no_api_server_nor_the_other_way_round() -> None:
    with pytest.raises(UsageProblem, match="QFLOW_API_SERVER is what QFLOW_GATEWAY is"):
        api_server_for("private", PRIVATE, PRIVATE)
    with pytest.raises(UsageProblem, match="QFLOW_GATEWAY is the API server of EU1"):
        gateway_for("private", "https://qualysapi.qualys.eu")
