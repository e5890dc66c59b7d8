"""What tokens say of themselves, and what programs print: nothing of it ends in anything else."""

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.errors import AuthError, UsageProblem
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.qualys import jwt
from qflow_gitops.qualys.credentials import SETS, Secret, from_environment
from qflow_gitops.qualys.logins import id_token, printed
from tests.helpers import logins

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("version", "token", "expiresAt", "clientId", "clientSecret", "username", "password")
SOME = JSON | st.sampled_from(
    [1, "a.b.c", "2026-01-31T12:00:00Z", "0001-01-01T00:00:00+23:59", "x", "9999-12-31T23:59:60Z"]
)


@given(claims=st.fixed_dictionaries({}, optional=dict.fromkeys(("exp", "aud", "iss", "sub"), JSON)))
def test_whatever_an_id_token_claims_it_is_taken_or_refused(claims: dict[str, Any]) -> None:
    token = logins.id_token(**{"until": 5e9, **{
        {"exp": "until", "aud": "audience"}.get(name, name): value for name, value in claims.items()
    }})  # fmt: skip
    redact = Redactor()
    with contextlib.suppress(AuthError):
        taken = id_token.checked(token, logins.AUDIENCE, 1e9, redact, issuer="GitHub")
        assert taken.until > 1e9
        assert math.isfinite(taken.until)
    assert "canary-signature" not in id_token.advice(Secret(token), redact)


@given(st.text() | st.text("ab.=_-").map(lambda text: f"{text}.e30.x"))
def test_whatever_is_given_for_a_token(text: str) -> None:
    assert isinstance(jwt.claims(text), dict)
    assert jwt.expiry(text) is None
    assert jwt.audiences(text) == ()


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(), SOME))
def test_whatever_a_program_prints_is_credentials_or_not(document: dict[str, Any]) -> None:
    with contextlib.suppress(ValueError):
        found = printed.read(json.dumps(document).encode())
        assert bool(found.token) != bool(found.values)


@given(st.binary())
def test_whatever_bytes_a_program_prints(content: bytes) -> None:
    with pytest.raises(ValueError, match="printed"):
        printed.read(content)


@pytest.mark.parametrize("one", SETS)
@pytest.mark.parametrize("other", SETS)
def test_any_two_ways_are_one_too_many(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    environ = dict.fromkeys((*one, *other), "a.b.c")
    if one == other:
        assert set(from_environment(environ).values) == set(one)
        return
    for names in ((*one, *other), (one[0], other[-1])):
        with pytest.raises(UsageProblem) as refused:
            from_environment({name: environ[name] for name in names})
        assert refused.value.reason == "credentials_twice"
        assert all(name in refused.value.message for name in names)


def test_names_of_files_programs_and_forges_are_no_secrets() -> None:
    for names in SETS[3:]:
        assert from_environment(dict.fromkeys(names, "github")).secrets == ()
