"""What looks like a secret, and what doesn't. Every secret here is made up or documented."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qflow_gitops import leaks

MADE_UP = {
    "a private key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nb3Blbn",
    "an AWS access key": "AKIAIOSFODNN7EXAMPLE",  # from AWS' documentation
    "an Azure storage key": "AccountKey=" + "a" * 86 + "==",
    "an Azure shared access signature": "https://x.blob.core.windows.net/?sv=1&sig=" + "a" * 43
    + "%3D",
    "an Azure client secret": "abc8Q~" + "a" * 34,
    "a Google API key": "AIza" + "a" * 35,
    "a Google OAuth token": "ya29." + "a" * 30,
    "a GitHub token": "ghp_" + "a" * 36,
    "a GitLab token": "glpat-" + "a" * 20,
    "a Slack token": "xoxb-" + "1" * 12,
    "a Slack webhook": "https://hooks.slack.com/services/" + "T0/B0/" + "a" * 20,
    "a Stripe key": "sk_live_" + "a" * 20,
    "an npm token": "npm_" + "a" * 36,
    "a PyPI token": "pypi-AgEIcHlwaS" + "a" * 60,
    "a JSON Web Token": "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20,
    "a bearer token": "Authorization: Bearer " + "a" * 30,
    "an address with a password": "postgres://app:hunter2@db.example.com/",
}  # fmt: skip


@pytest.mark.parametrize("kind", leaks.SHAPES)
def test_each_shape_is_found_alone_and_within_a_text(kind: str) -> None:
    assert leaks.kind_of(MADE_UP[kind]) == kind
    assert leaks.kind_of(f"see {MADE_UP[kind]} there") == kind
    ((start, end), *_) = leaks.spans(f"xx {MADE_UP[kind].splitlines()[0]}")
    assert start >= 3
    assert end > start


@pytest.mark.parametrize("kind", leaks.SHAPES)
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_has_a_shape_is_looked_at(kind: str, data: st.DataObject) -> None:
    """The quick look that comes first leaves nothing out."""
    assert leaks.kind_of(data.draw(st.from_regex(leaks.SHAPES[kind]))) != ""


@pytest.mark.parametrize(
    "value",
    [
        "6cad21c8-4405-4517-beb9-7372feafb5b4", "us-east-1", "ocid1.compartment.oc1..aaaaaaaadrz",
        "arn:aws:iam::123456789012:role/AKIA", "https://example.com/a:b", "user@example.com",
        "a" * 64, "ghp_short", "bearer", "Bearer of bad news", "sk_liver", "pypi", "eyJ.eyJ.",
        "git@github.com:org/repo.git", "https://user@example.com/",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)  # fmt: skip
def test_what_is_no_secret_passes(value: str) -> None:
    assert leaks.kind_of(value) == ""


@pytest.mark.parametrize(
    ("key", "is_one"),
    [
        ("password", True), ("dbPassword", True), ("DB_PASSWORD", True), ("db-passwd", True),
        ("apiKey", True), ("API_KEY", True), ("clientSecret", True), ("authToken", True),
        ("secretAccessKey", True), ("privateKey", True), ("passphrase", True), ("TOKEN", True),
        ("passwordPolicy", False), ("tokenType", False), ("secretName", False),
        ("keyName", False), ("publicKey", False), ("bucketKey", False), ("tokens", False),
        ("secretArn", False), ("", False), ("1", False), ("monkey", False), ("compass", False),
    ],
)  # fmt: skip
def test_a_name_that_says_secret(key: str, is_one: bool) -> None:
    assert leaks.names_a_secret(key) is is_one


def test_nothing_takes_long() -> None:
    for text in ("a" * 200_000, "://" * 60_000, "eyJ" + "a.eyJ" * 40_000, "-----BEGIN " * 20_000):
        leaks.kind_of(text)
        leaks.spans(text)
