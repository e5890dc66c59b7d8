"""Secrets that were never any: put together when a test runs, in the shapes of real ones."""

import base64
import json
import string
from collections.abc import Callable, Iterable, Mapping
from random import Random

ALNUM = string.ascii_letters + string.digits
ADDRESS = ALNUM + "_-"
B64 = ALNUM + "+/"
Make = Callable[[Random], str]


def jwt(made: Random, header: Iterable[str] = ("alg", "typ", "kid"), payload: int = 200) -> str:
    """A JSON Web Token that nobody signed."""
    head = {name: _some(made, ADDRESS, 8) for name in header}
    body = {"iss": "gateway", "exp": made.randrange(10**10), "x": _some(made, ALNUM, payload)}
    parts = [_encoded(json.dumps(one).encode()) for one in (head, body)]
    return ".".join((*parts, _some(made, ADDRESS, 86)))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _some(made: Random, of: str, size: int) -> str:
    return "".join(made.choices(of, k=size))


def after(prefix: str, of: str, size: int, end: str = "") -> Make:
    return lambda made: prefix + _some(made, of, size) + end


def around(before: int, of: str, mark: str, size: int, end: str = "") -> Make:
    return lambda made: _some(made, of, before) + mark + _some(made, of, size) + end


_PEM = "-----BEGIN {}PRIVATE KEY-----"
_BASE32 = string.ascii_uppercase + "234567"
_GITLAB = (
    "pat",
    "oas",
    "dt",
    "rt",
    "rtr",
    "cbt",
    "ptt",
    "ft",
    "imt",
    "agent",
    "wt",
    "soat",
    "ffct",
)

SAMPLES: Mapping[str, tuple[Make, ...]] = {
    "a private key": (
        *(
            lambda _, kind=kind: _PEM.format(kind)
            for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA ")
        ),
        lambda _: "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----",
        lambda _: "---- BEGIN SSH2 ENCRYPTED " + "PRIVATE KEY ----",
        lambda _: "PuTTY-User-" + "Key-File-3: ssh-ed25519",
        lambda made: _PEM.format("RSA ") + "\\n" + _some(made, B64, 64) + "\\n",
        *(
            lambda _, kind=kind: base64.b64encode(_PEM.format(kind).encode()).decode()
            for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ")
        ),
    ),
    "an AWS access key": tuple(after(one, _BASE32, 16) for one in ("AKIA", "ASIA", "ABIA", "ACCA")),
    "an AWS secret key": tuple(
        after(one, B64, 40)
        for one in ("aws_secret_access_key=", "AWS_SECRET_ACCESS_KEY: ", "secretAccessKey = '",
                    '"SecretAccessKey":"', "secret key: ", "aws key='", "AWS_PROD_KEY=")
    ),
    "an AWS session token": tuple(
        after(one, B64, 300) for one in ("IQoJb3JpZ2lu" + "X2Vj", "FwoGZXIvYXdz" + "EJ", "AQoDYXdz")
    ),
    "an AWS Bedrock key": (
        after("ABSK" + "QmVkcm9ja0FQSUtleS1", B64, 108, "="),
        after("bedrock-api-key-" + "YmVkcm9jay5hbWF6b25hd3MuY29t", B64, 60),
    ),
    "an Azure storage key": (
        after("AccountName=x;AccountKey=", B64, 86, "=="),
        after("SharedAccessKey=", B64, 43, "="),
        after("Endpoint=https://x.azconfig.io;Id=ab-cd:ef;Secret=", B64, 43, "="),
    ),
    "an Azure key": (
        *(around(76, B64, one, 5, "g==") for one in ("+ASt", "ACDb", "+ABa", "+AMC", "APIM")),
        *(
            around(33, B64, f"{one}A", 5, "=")
            for one in ("+ARm", "+AEh", "+ASb", "AIoT", "AzCa", "AZEG")
        ),
        around(42, B64, "+ACRA", 5),
        around(42, ALNUM, "AzSeB", 5),
        around(44, ADDRESS, "AzFu", 5, "Q=="),
        *(
            lambda made, mark=mark: (
                _some(made, ALNUM, 52) + f"JQQJ9{mark}BD" + _some(made, ALNUM, 12)
                + "AAABACOG" + _some(made, ALNUM, 4)
            )
            for mark in "9DH"
        ),
    ),
    "an Azure shared access signature": (
        after("https://x.blob.core.windows.net/c?sv=2024-11-04&sr=c&sig=", ALNUM, 43, "%3D"),
        after("?sig=", B64, 43, "="),
    ),
    "an Azure client secret": (
        around(3, ALNUM, "8Q~", 34), around(3, ALNUM + "_", "7Q~", 31),
    ),
    "an Azure refresh token": (
        lambda made: f"1.A{_some(made, ADDRESS, 60)}.Ag{_some(made, ADDRESS, 400)}",
        lambda made: f"0.A{_some(made, ADDRESS, 60)}.1.Ag{_some(made, ADDRESS, 400)}",
    ),
    "a Google API key": (after("AIza" + "Sy", ADDRESS, 33), after("AQ." + "Ab8", ADDRESS, 47)),
    "a Google OAuth token": (
        after("ya29." + "a0", ADDRESS, 150), after("GOCSPX-", ADDRESS, 28),
        after("1//0" + "3", ADDRESS, 90),
    ),
    "an OCI pre-authenticated address": (
        after("https://objectstorage.eu-frankfurt-1.oraclecloud.com/p/", ADDRESS, 64,
              "/n/namespace/b/bucket/o/file"),
        after("https://ns.objectstorage.us-phoenix-1.oci.customer-oci.com/p/", ADDRESS, 64,
              "/n/ns/b/bucket/o/"),
    ),
    "a GitHub token": (
        *(after(f"gh{one}_", ALNUM, 36) for one in "pousr"),
        after("token%3Dghp_", ALNUM, 36), after("\\nghs_", ALNUM, 36),
        after("ghr_", ALNUM, 76),
        lambda made: f"ghs_{made.randrange(10**6, 10**7)}_{jwt(made, payload=250)}",
        lambda made: f"ghu_{made.randrange(10**6, 10**7)}_{jwt(made, ['alg'])}",
        lambda made: f"github_pat_11{_some(made, ALNUM, 20)}_{_some(made, ALNUM, 59)}",
    ),
    "a GitLab token": (
        *(after(f"gl{one}-", ADDRESS, 20) for one in _GITLAB),
        after("glcbt-64_", ADDRESS, 20), after("glrt-t1_", ADDRESS, 27, ".01.0w1abcdef"),
        after("glpat-", ADDRESS, 60, ".0w1abcdef"), after("GR1348941", ADDRESS, 20),
        after("_gitlab_session=", "0123456789abcdef", 32), after("SIE-glpat-", ADDRESS, 20),
    ),
    "a Slack token": (
        *(
            lambda made, kind=kind: (
                f"{kind}-{made.randrange(10**11, 10**12)}-{made.randrange(10**11, 10**12)}-"
                + _some(made, ALNUM, 24)
            )
            for kind in ("xoxb", "xoxp", "xoxa", "xoxr", "xoxs", "xoxo", "xoxc")
        ),
        after("xoxe.xoxp-1-", ALNUM, 164), after("xoxe-1-", ALNUM, 146),
        after("xoxd-", ALNUM, 60, "%2Bx%3D"), after("xapp-1-A05V64V7F2B-5062360157732-", ALNUM, 64),
        after("xwfp-1-", ALNUM, 60),
    ),
    "a Slack webhook": (
        after("https://hooks.slack.com/services/T0DCUJB1Q/B0DD08H5G/", ALNUM, 24),
        after("https://hooks.slack.com/workflows/T016M3G1GHZ/A04J3BAF7AA/4426/", ALNUM, 24),
        after("hooks.slack.com/triggers/", ALNUM, 56),
        after("https://hooks.slack-gov.com/services/T0DCUJB1Q/B0DD08H5G/", ALNUM, 24),
    ),
    "a Stripe key": tuple(
        after(one, ALNUM, 24) for one in ("sk_live" + "_", "rk_test" + "_", "sk_prod" + "_")
    ),
    "an npm token": (
        after("npm_", ALNUM, 36), after("//npm.example.com/:_authToken=", "0123456789abcdef-", 36),
    ),
    "a PyPI token": (
        after("pypi-Ag" + "EIcHlwaS5vcmc", ADDRESS, 140),
        after("pypi-Ag" + "ENdGVzdC5weXBpLm9yZw", ADDRESS, 140),
    ),
    "a JSON Web Token": (
        jwt,
        lambda made: jwt(made, ["alg"], 20),
        lambda made: jwt(made).rpartition(".")[0] + ".",
        lambda _: _encoded(b'{\n "alg": "RS256"}') + "." + _encoded(b'{\n  "a": 12345678}') + ".x",
        lambda made: _encoded(b'{"alg":"RSA-OAEP","enc":"A256GCM"}')
        + "".join("." + _some(made, ADDRESS, 40) for _ in range(4)),
        lambda made: base64.b64encode(_compact(made).encode()).decode(),
        lambda made: "ST$" + jwt(made),
        lambda made: "my-" + jwt(made),
        lambda made: "token_" + jwt(made),
    ),
    "a bearer token": (after("bearer ", ALNUM, 30), after("Bearer  ", ADDRESS, 40)),
    "an Authorization header": (
        after("Authorization: Basic ", B64, 24, "=="), after('"authorization": "token ', ALNUM, 20),
    ),
    "an address with a password": (
        after("postgres://app:", ALNUM, 12, "@db.example.com/"), after("redis://:", ALNUM, 9, "@x"),
        after("HTTPS://me:pass:", ALNUM, 5, "@example.com/"),
    ),
}  # fmt: skip
"""Kind, as `secrets.SHAPES` calls it -> what makes one."""


def _compact(made: Random) -> str:
    """One whose header begins as most do, so that its own base64 does as well."""
    head = _encoded(b'{"alg":"RS256","typ":"JWT"}')
    return ".".join((head, _encoded(b'{"sub":"x"}'), _some(made, ADDRESS, 43)))
