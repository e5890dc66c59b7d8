"""What looks like a secret, and what doesn't. Every secret here is made up when a test runs."""

import re
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qflow_gitops.specs import load, secrets
from tests.helpers.specs import spec
from tests.helpers.tokens import SAMPLES, Make
from tests.unit.test_cases import SETTINGS

MADE = [
    pytest.param(kind, make, id=f"{kind} {n}")
    for kind in SAMPLES
    for n, make in enumerate(SAMPLES[kind])
]
AROUND = (
    "{}",
    "see {} there",
    "x={}&y=1",
    '{{"a": "{}"}}',
    "\u4ee4\u724c{}\u3002",
    "\u00fc{}\u00fc",
    "({})",
    "`{}`",
    "{}\n",
)


def test_every_shape_has_samples() -> None:
    assert set(SAMPLES) == set(secrets.SHAPES)


@pytest.mark.parametrize(("kind", "make"), MADE)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_each_shape_is_found_alone_and_within_a_text(kind: str, make: Make, seed: int) -> None:
    """By what it is, and as a whole: nothing but a name or a host before it is shown of it."""
    token = make(Random(seed))
    assert secrets.kind_of(token) == kind
    for text in AROUND:
        line = text.format(token)
        assert secrets.kind_of(line) != ""
        for start, end in sorted(secrets.spans(line), reverse=True):
            line = f"{line[:start]}\0{line[end:]}"
        assert not pieces_in(line, token)


PUBLIC = re.compile(
    r".*[Aa]uthorization\W+|.*_authToken=|.*/(?:p|c|[TAB]\w+|\d+)/|.*(?:[Kk]ey|KEY|Secret|sig)\W+|.{6}|"
)
"""A name before a secret, or the host and path of its address."""


def pieces_in(text: str, token: str) -> list[str]:
    """The pieces of what is secret in a token that a text shows."""
    part = token.partition("/n/")[0]
    part = part.rpartition("@")[0] or part
    before = PUBLIC.match(part)
    part = part[before.end() if before else 0 :]
    return [part[at : at + 8] for at in range(len(part) - 7) if part[at : at + 8] in text]


@pytest.mark.parametrize(("kind", "make"), MADE)
def test_a_spec_that_holds_one_is_refused_wherever_it_stands(kind: str, make: Make) -> None:
    """In what is sent and in what is only recorded; and no finding shows it."""
    token = make(Random(kind))
    for text in (
        spec("a", f"see {token}"),
        spec("a", metadata=f"  annotations: {{note: {yaml(token)}}}\n"),
        spec("a", extra=f"  variables: {{note: [{yaml(token)}], odd: yes}}\n"),
    ):
        found = load.load({"a.yaml": text.encode()}, SETTINGS).diagnostics
        assert "secret-literal" in {one.rule for one in found}, text
        said = "".join(f"{one.message}{one.hint}{one.excerpt}" for one in found)
        assert not pieces_in(said, token)


def yaml(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def test_a_secret_is_hidden_however_it_is_written() -> None:
    """An escape in the middle of it makes it no less one, and a line no help to see it."""
    token = SAMPLES["a GitHub token"][0](Random(1))
    escaped = f"{token[:9]}\\x{ord(token[9]):02x}{token[10:]}"
    text = spec("a", extra=f'  variables: {{note: "{escaped}", odd: yes}}\n')
    found = load.load({"a.yaml": text.encode()}, SETTINGS).diagnostics
    assert {one.rule for one in found} >= {"secret-literal", "yaml-word"}
    assert not pieces_in("".join(f"{one.excerpt}" for one in found), token)


@pytest.mark.parametrize(
    "value",
    [
        "6cad21c8-4405-4517-beb9-7372feafb5b4", "us-east-1", "ocid1.compartment.oc1..aaaaaaaadrz",
        "arn:aws:iam::123456789012:role/AKIA", "https://example.com/a:b", "user@example.com",
        "a" * 64, "ghp_short", "bearer", "Bearer of bad news", "sk_liver", "pypi", "eyJ.eyJ.",
        "git@github.com:org/repo.git", "https://user@example.com/",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "ghs_is a prefix", "weighs_" + "a" * 10, "glossary-of-all-the-words-in-here", "xapp-deploy",
        "glide-over-the-hills-and-far-away", "ASIA", "ASIAPACIFIC", "FAQ.", "v1.Alpha.1", "0.A.1",
        "https://example.com/p/1/n/2/b/3", "secretName: key", "the secret key is kept elsewhere",
        "authorization: needed", "Authorization: see the wiki", "basic internationalisation",
        "https://host:8443/path@1", "ftp://host:21/", "AccountKey=", "?sig=short", "eyJhbGciOi.x.y",
        "https://hooks.slack.com/help", "npm_config_cache", "k_live_", "bedrock-api-key-rotation",
        "ocid1.vaultsecret.oc1..aaaaaaaadrxxxxxxxxx", "AIza", "1//0", "GOCSPX-", "pypi-AgEIcHlwaS",
        "arn:aws:iam::123456789012:role/ASIAPACIFICNORTHEASTERN", "q~Q~q", "APIM+ASt+AEh",
    ],
)  # fmt: skip
def test_what_is_no_secret_passes(value: str) -> None:
    assert secrets.kind_of(value) == ""


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
    assert secrets.names_a_secret(key) is is_one


REPEATED = (
    "a", "A", "-", ".", "://", "a://x:", "eyJ", "-eyJ", "a.eyJ", "-eyJaaaaaaaa.", "ewo",
    "-----BEGIN ", "ghs_a.", "glrt-a", "xoxb-", "?sig=%", "aaa8Q~", "0.A-", "AQ.", "/p/a",
    "Bearer ", "secret_key=", "token='", "AccountKey=", "+ASt", "JQQJ9", "ABSK", "a@",
    "authorization: basic ", "hooks.slack.com/services/", "LS0tLS1CRUdJTiBQUklWQVRF",
)  # fmt: skip


@pytest.mark.parametrize("piece", REPEATED)
def test_nothing_takes_long(piece: str) -> None:
    """Whatever repeats itself: in time that grows as its length does, not as its square."""
    for text in ((piece * 40_000)[:40_000], (f"{piece} {piece}." * 40_000)[:40_000]):
        begun = time.process_time()
        secrets.kind_of(text)
        secrets.spans(text)
        assert time.process_time() - begun < 2


def test_what_is_shown_of_anybodys_request_holds_no_secret() -> None:
    """By its shape anywhere, by the name of its key; all else stays as it is."""
    secret = "ghp_" + "a1B2" * 9
    shown = secrets.masked(
        {"a": [secret, {"password": "hunter2", "passwordPolicy": "long"}], "count": 4, "on": True}
    )
    assert shown == {
        "a": [
            "(not shown: a GitHub token)",
            {"password": "(not shown: named like a secret)", "passwordPolicy": "long"},
        ],
        "count": 4,
        "on": True,
    }
    assert secrets.masked(secret) == "(not shown: a GitHub token)"
    assert secrets.masked("hunter2", "apiKey") == "(not shown: named like a secret)"
    assert secrets.masked("hunter2", "name") == "hunter2"
