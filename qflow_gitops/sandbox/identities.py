"""Who may come in: names with their secrets, tokens, and a CI's ID tokens where they are onboarded.

Nothing is signed: a token is known by what it says (docs/api.md 5).
"""

import base64
import json
import time
import uuid
from collections.abc import Iterable
from typing import Any

from qflow_gitops.errors import UsageProblem

CREDENTIALS = ("sandbox:sandbox",)
"""What it takes unless told: NAME:SECRET."""
ISSUER = "https://token.actions.example"
_CI_TOKEN = 300.0  # seconds; a CI's ID tokens are short-lived


class Identities:
    """Which names with which secrets, and which audiences of ID tokens, are let in."""

    def __init__(self, credentials: Iterable[str], onboarded: Iterable[str]) -> None:
        """Take NAME:SECRET pairs and audiences; UsageProblem for what is no pair."""
        pairs = [text.partition(":") for text in credentials]
        for name, _, secret in pairs:
            if not name or not secret:
                raise UsageProblem(
                    "Credentials of the sandbox are a name and a secret with a colon between.",
                    not_done="The sandbox was not started.",
                    hint="For instance: `qflow-gitops sandbox --credentials ada:a-secret`",
                    reason="sandbox_credentials",
                )
        self._pairs = frozenset((name, secret) for name, _, secret in pairs)
        self._onboarded = frozenset(onboarded)

    def knows(self, name: str | None, secret: str | None) -> bool:
        """Whether this is the name's secret."""
        return (name, secret) in self._pairs

    def takes(self, token: str) -> bool:
        """Whether a bearer token opens the API: one of ours, or an onboarded audience's."""
        said = claims(token)
        audience = said.get("aud")
        if audience is not None and audience not in self._onboarded:
            return False
        return _number(said.get("exp")) > time.time()

    def is_request_token(self, token: str) -> bool:
        """Whether a job of the CI asks, which has one of the secrets for that."""
        return token in {secret for _, secret in self._pairs}


def token(lifetime: float) -> str:
    """Make a token with three parts and an end, signed by nobody."""
    return _encoded({"sub": "sandbox", "exp": int(time.time() + lifetime)})


def id_token(audience: str, lifetime: float | None) -> str:
    """Make what a job of a CI gets from GitHub's endpoint, by its claims; signed by nobody."""
    now = int(time.time())
    return _encoded(
        {
            "iss": ISSUER,
            "sub": "repo:example/runs:environment:try",
            "aud": audience,
            "repository": "example/runs",
            "environment": "try",
            "ref": "refs/heads/main",
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + int(_CI_TOKEN if lifetime is None else lifetime),
        }
    )


def claims(text: str) -> dict[str, Any]:
    """Read what a token says; nothing for what is none."""
    try:
        part = text.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _encoded(payload: dict[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, payload)
    ]
    return ".".join((*parts, "sandbox"))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
