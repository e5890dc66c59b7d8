"""What a server sends back of our own secrets is hidden, in whatever form and piece."""

import base64
import html
import json
import re
import string
import time
from collections.abc import Callable
from functools import partial
from random import Random
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qflow_gitops.http.messages import message_of
from qflow_gitops.http.redaction import Redactor

ADDRESS = string.ascii_letters + string.digits + "_-"
ANY = "".join(chr(one) for one in range(33, 0x180) if chr(one).isprintable())


def jwt(seed: int) -> str:
    made = Random(seed)
    header, payload, signature = ("".join(made.choices(ADDRESS, k=k)) for k in (40, 300, 150))
    return f"eyJ{header}.eyJ{payload}.{signature}"


def _drawn(letters: str, seed: int) -> str:
    """Return forty of the letters, by their seed."""
    return "".join(Random(seed).choices(letters, k=40))


JWT = st.integers(0, 2**32).map(jwt)
TOKENS = st.one_of(
    JWT,
    JWT.map(lambda one: f"ghs_1234567_{one}"),
    *(st.integers(0, 2**32).map(partial(_drawn, letters)) for letters in (ADDRESS, ANY)),
)


def capitals(text: str) -> str:
    return "".join(one.upper() if one.isascii() else one for one in text)


WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": capitals,
    "in small letters": str.lower,
    "for an address": lambda one: quote(one, safe=""),
    "for a form": quote_plus,
    "for an address, in small letters": lambda one: quote(one, safe="").lower(),
    "each byte for an address": lambda one: "".join(f"%{byte:02x}" for byte in one.encode()),
    "each byte for an address, in capitals": lambda one: "".join(
        f"%{byte:02X}" for byte in one.encode()
    ),
    "in JSON": lambda one: json.dumps(one)[1:-1],
    "in JSON, with slashes escaped": lambda one: json.dumps(one)[1:-1].replace("/", "\\/"),
    "each letter in JSON": lambda one: "".join(f"\\u{ord(char):04x}" for char in one),
    "in HTML": html.escape,
    "each letter in HTML": lambda one: "".join(f"&#{ord(char)};" for char in one),
    "as base64": lambda one: base64.b64encode(one.encode()).decode(),
    "as base64 for addresses": lambda one: base64.urlsafe_b64encode(one.encode()).decode(),
    "within base64": lambda one: base64.b64encode(f"id:{one}".encode()).decode(),
    "within other base64": lambda one: base64.b64encode(f"x:{one}!".encode()).decode(),
    "in lines": lambda one: "\r\n  ".join(re.findall(".{1,20}", one)),
    "in JSON's lines": lambda one: "\\n".join(re.findall(".{1,20}", one)),
    "in lines of base64": lambda one: base64.encodebytes(one.encode()).decode(),
    "letter by letter": " ".join,
    "with marks for breaks": "\u200b".join,
    "shortened": lambda one: f"{one[:12]}…{one[-12:]}",
    "cut": lambda one: one[: len(one) * 2 // 3],
    "without its beginning": lambda one: one[len(one) // 3 :],
    "after a word": lambda one: f"Bearer {one}",
}


@pytest.mark.parametrize("form", WRITTEN)
@settings(max_examples=15)
@example(secret='ab12cd34\\"ef56gh78%22ij90kl12&quot;', before="")
@given(secret=TOKENS, before=st.sampled_from(("", "token ", "x", "&t=")))
def test_a_secret_is_hidden_in_every_form(form: str, secret: str, before: str) -> None:
    redact = Redactor()
    redact.learn([secret])
    written = WRITTEN[form](secret)
    shown = redact(f"{before}{written} (is no token)")
    assert "***" in shown
    assert shown.endswith("is no token)")  # ` (` may be how a secret that was cut goes on
    pieces = {written[at : at + 10] for at in range(len(written) - 9)}
    assert not [one for one in pieces if one in shown]


@given(st.sampled_from((1990, 1994, 1999, 2000)), JWT)
@settings(max_examples=20)
def test_a_token_that_is_cut_where_a_text_is_read_to_stays_hidden(at: int, token: str) -> None:
    """An error's text is read to its 2,000th character; what is shown of it is less."""
    redact = Redactor()
    redact.learn([token])
    shown = redact(message_of(b" " * (at - 300) + token.encode() * 3))
    assert not [one for one in range(len(token) - 9) if token[one : one + 10] in shown]


def test_what_is_no_secret_stays() -> None:
    redact = Redactor()
    redact.learn(["canary-secret", "abcde", "ab"])
    assert redact("the canary sang: abcd, cab") == "the canary sang: abcd, cab"
    assert redact("x ABCDE y") == "x *** y"
    assert redact("a\x1b[2J\nb" + "c" * 300).startswith("a [2J b")
    assert len(redact("c" * 300)) == 200
    assert redact("\ud800x\u00e9").encode() == "x\u00e9".encode()


def test_a_long_answer_takes_no_longer() -> None:
    redact = Redactor()
    redact.learn(["a1" * 2_000])
    begun = time.process_time()
    for text in (
        "a" * 1_000_000,
        "a1" * 500_000,
        "%61" * 300_000,
        "&#97;" * 200_000,
        "&" * 1_000_000,
    ):
        assert len(redact(text)) <= 200
    assert time.process_time() - begun < 5
