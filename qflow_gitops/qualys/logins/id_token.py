"""A CI's ID token as the bearer token: what has to hold of it, and what Qualys has to know.

Qualys documents for its platform that an identity provider's token is taken once Support has
onboarded its issuer; of QFlow nobody says it (docs/api.md 5.4).
"""

from datetime import UTC, datetime

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import AuthError
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.qualys import jwt
from qflow_gitops.qualys.credentials import Secret
from qflow_gitops.qualys.logins.login import NOTHING, Token


def checked(
    text: str, audience: str, now: float, redact: Redactor, *, issuer: str, once: str = ""
) -> Token:
    """Read an ID token for this audience, which isn't over yet, without verifying it.

    `issuer` is who gave it, `once` what to say where it is over and there is no other. Raises
    AuthError.
    """
    redact.learn([text])
    if not jwt.claims(text):
        raise _unfit(f"What {issuer} gave is no ID token.", "Check who answers there.")
    until = jwt.expiry(text)
    if until is None:
        raise _unfit(f"{issuer}'s ID token doesn't say when it ends.", "Check who answers there.")
    if until <= now:
        raise _unfit(
            f"{issuer}'s ID token ended at {time_of(until)}, and by this machine's clock it is "
            f"{time_of(now)}.",
            once or "Set the clock right, then run the command again.",
        )
    found = jwt.audiences(text)
    if audience not in found:
        said = _shown(", ".join(found), redact)
        raise _unfit(
            f"{issuer}'s ID token is for the audience {said}, which isn't that of "
            "QFLOW_LOGIN_AUDIENCE.",
            "Set both to the same, which Qualys Support was told of for this login.",
        )
    return Token(Secret(text), until)


def advice(token: Secret, redact: Redactor) -> str:
    """Say what Qualys has to know of this token, by what it says of itself; never the token."""
    said = jwt.claims(token.reveal())
    issuer, subject = (_shown(said.get(name), redact) for name in ("iss", "sub"))
    audience = _shown(", ".join(jwt.audiences(token.reveal())), redact)
    return (
        "Qualys documents ID tokens for its platform, and not for Qualys Flow. Have Support "
        f"onboard the issuer {issuer} (its keys: jwks_uri in {issuer}/.well-known/"
        f"openid-configuration) with the audience {audience}, and a user whose External ID is this "
        f"token's sub: {subject}. Until then: QFLOW_CLIENT_ID and QFLOW_CLIENT_SECRET, or "
        "QFLOW_CREDENTIAL_COMMAND."
    )


def _shown(value: object, redact: Redactor) -> str:
    return redact(value) if isinstance(value, str) and value else "(none)"


def identity(token: Secret, redact: Redactor) -> str:
    """Say whose a token is that isn't known to be an ID token, by what it says of itself."""
    said = jwt.claims(token.reveal())
    issuer, subject = (_shown(said.get(name), redact) for name in ("iss", "sub"))
    return (
        "See that it is a token of Qualys, of a user who may use Qualys Flow's API: it says that "
        f"its issuer is {issuer} and its sub is {subject}."
    )


def time_of(seconds: float) -> str:
    """Write a time of a token for a person."""
    try:
        return stamp(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return "a time that no calendar has"


def _unfit(message: str, hint: str) -> AuthError:
    return AuthError(message, not_done=NOTHING, hint=hint, reason="id_token")
