"""What a program prints: a token, or credentials for one. QFLOW_CREDENTIAL_COMMAND.

Modelled on `credential_process` of the AWS CLI and on kubectl's ExecCredential: JSON on stdout,
status 0, a version, an end. It is run when a token is needed, and again before that one ends.
"""

import math
import os
import re
import shlex
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from qflow_gitops.errors import AuthError, UsageProblem
from qflow_gitops.http import jsontext
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import Transport
from qflow_gitops.qualys import jwt
from qflow_gitops.qualys.credentials import COMMAND, Secret
from qflow_gitops.qualys.logins import program
from qflow_gitops.qualys.logins.exchange import Exchange
from qflow_gitops.qualys.logins.id_token import identity, time_of
from qflow_gitops.qualys.logins.login import NOTHING, Machine, Token
from qflow_gitops.specs import secrets

SECONDS = 30.0
"""How long the program may take."""
_LOOKED_AT = 8 * 1024  # bytes of what a program wrote that gives nothing
FORMS: tuple[Mapping[str, str], ...] = (
    {"clientId": "QFLOW_CLIENT_ID", "clientSecret": "QFLOW_CLIENT_SECRET"},
    {"username": "QFLOW_USERNAME", "password": "QFLOW_PASSWORD"},
)
"""What may stand beside `version` in place of a token, and the variable that would hold it."""
WANTED = (
    'It has to print one JSON object and end with 0: {"version": 1, "token": "…", "expiresAt": '
    '"…"} (a time of RFC 3339, which may be left out), {"version": 1, "clientId": "…", '
    '"clientSecret": "…"} or {"version": 1, "username": "…", "password": "…"}.'
)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)  # RFC 3339 5.6


class Command:
    """Runs the program, and exchanges what it gives where that is no token."""

    is_documented = renewable = True

    def __init__(
        self,
        line: str,
        environ: Mapping[str, str],
        transport: Transport,
        redact: Redactor,
        machine: Machine,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the command's line; raises UsageProblem where it can't be split into words."""
        try:
            self._words = shlex.split(line)
        except ValueError:
            self._words = []
        if not self._words:
            raise _usage(
                f"{COMMAND} is no command: a quote isn't closed, or there is no word in it.",
                "command_form",
            )
        self._environ = {
            name: value for name, value in environ.items() if not name.startswith("QFLOW_")
        }
        self._transport = transport
        self._redact = redact
        self._machine = machine
        self._now = now
        self._exchanged = False
        redact.learn(value for name, value in self._environ.items() if secrets.names_a_secret(name))

    @property
    def noun(self) -> str:
        """What was refused."""
        return "the token" if self._exchanged else f"the token of {COMMAND}"

    def fetch(self) -> Token:
        """Run the program. Raises UsageProblem, AuthError or UnreachableError."""
        data = self._data(self._ended())
        given = {name: value for name, value in data.items() if name != "version"}
        self._redact.learn(value for value in given.values() if isinstance(value, str))
        self._exchanged = "token" not in given
        if not self._exchanged:
            return self._token(given)
        form = next((form for form in FORMS if form.keys() == given.keys()), None)
        if form is None or not all(_is_credential(name, given[name]) for name in form):
            raise self._unfit("printed something else than credentials")
        values = {variable: Secret(given[name]) for name, variable in form.items()}
        exchange = Exchange(self._transport, values, self._redact, told_by=COMMAND, now=self._now)
        return exchange.fetch()

    def has_changed(self) -> bool:
        """Nothing tells."""
        return False

    def advice(self, token: Secret) -> str:
        """Say what to check, or what the token is by what it says of itself."""
        if self._exchanged:
            return "Check the credentials, and that their user may use Qualys Flow's API."
        return identity(token, self._redact)

    def _ended(self) -> program.Ended:
        try:
            done = program.run(
                [self._program(), *self._words[1:]], self._environ, SECONDS, self._machine.time_left
            )
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", "") or "one of its words can't be given to it"
            raise self._unfit(f"can't be run: {why}") from None
        if done.why == "late":
            raise self._unfit(f"took too long ({SECONDS:.0f} s at most) and was ended", done)
        if done.why == "long":
            raise self._unfit("printed more than 64 KiB and was ended", done)
        if done.status:
            raise self._unfit(f"ended with {done.status}", done)
        return done

    def _program(self) -> str:
        """Return where the program is: an absolute path, or in an absolute folder of the PATH."""
        name = self._words[0]
        if os.sep in name:
            found = name if Path(name).is_absolute() else ""
            why = "is named by a relative path, which a repository could fill"
        else:
            folders = self._environ.get("PATH", "").split(os.pathsep)
            places = (Path(each) / name for each in folders if Path(each).is_absolute())
            found = next((str(each) for each in places if _is_program(each)), "")
            why = "is in no folder of the PATH"
        if not found:
            raise _usage(f"The program of {COMMAND} {why}.", "command_unknown")
        if self._machine.is_tracked(Path(found)):
            raise _usage(
                f"Git keeps the program of {COMMAND}: whoever writes to the repository would say "
                "what runs here.",
                "command_tracked",
            )
        return found

    def _data(self, done: program.Ended) -> dict[str, Any]:
        data = jsontext.read(done.out)
        if not isinstance(data, dict):
            raise self._unfit("printed no JSON object, or more than one", done)
        version = data.get("version")
        if type(version) is not int or version != 1:
            raise self._unfit("printed JSON whose `version` isn't 1", done)
        return data

    def _token(self, given: Mapping[str, Any]) -> Token:
        text, end = given["token"], given.get("expiresAt")
        if not given.keys() <= {"token", "expiresAt"} or not isinstance(text, str):
            raise self._unfit("printed something else than credentials")
        if not jwt.is_token(text):
            raise self._unfit("printed a `token` that is none")
        says = jwt.expiry(text)
        until = min(math.inf if says is None else says, self._end(end))
        if until <= self._now():
            raise self._unfit(
                f"gave a token that ended at {time_of(until)}, and by this machine's clock it is "
                f"{time_of(self._now())}"
            )
        return Token(Secret(text), until)

    def _end(self, text: Any) -> float:
        if text is None:
            return math.inf
        end = _seconds(text) if isinstance(text, str) else None
        if end is None:
            raise self._unfit("printed an `expiresAt` that is no time of RFC 3339")
        return end

    def _unfit(self, why: str, done: program.Ended | None = None) -> AuthError:
        said = self._said(done) if done else ""
        return AuthError(
            f"{COMMAND} {why}{f': {said}' if said else ''}.",
            where=self._words[0],
            not_done=NOTHING,
            hint=WANTED,
            reason="credential_command",
        )

    def _said(self, done: program.Ended) -> str:
        """Return what it complained of, cut, without what is a secret or looks like one."""
        printed = done.out[:_LOOKED_AT].decode(errors="replace")
        self._redact.learn(re.findall(r"[^\s\"',:{}\[\]]{8,}", printed))
        text = " ".join(done.err[:_LOOKED_AT].decode(errors="replace").split())
        for start, end in sorted(secrets.spans(text), reverse=True):
            text = f"{text[:start]}***{text[end:]}"
        return self._redact(text).rstrip(".")


def _seconds(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text.upper()).timestamp() if _TIME.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def _is_credential(name: str, value: Any) -> bool:
    """Whether a value can be one (as of the variables: `credentials`)."""
    if not isinstance(value, str) or not value or not value.isprintable():
        return False
    return value == value.strip() and (value.isascii() or name == "password")


def _is_program(place: Path) -> bool:
    return place.is_file() and os.access(place, os.X_OK)


def _usage(message: str, reason: str) -> UsageProblem:
    return UsageProblem(
        message,
        not_done="Nothing was run, and nothing was sent.",
        hint=f"Let {COMMAND} begin with a program's absolute path, or its name in a folder of the "
        "PATH, and quote its words as in a shell.",
        reason=reason,
    )
