"""What a program prints: a token, or credentials for one. QFLOW_CREDENTIAL_COMMAND.

Modelled on `credential_process` of the AWS CLI and on kubectl's ExecCredential: JSON on stdout,
status 0, a version, an end. It is run when a token is needed, and again before that one ends.
"""

import re
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from qflow_gitops.base import program
from qflow_gitops.errors import AuthError, UsageProblem
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import Transport
from qflow_gitops.qualys.credentials import COMMAND, Secret
from qflow_gitops.qualys.logins import printed
from qflow_gitops.qualys.logins.exchange import Exchange
from qflow_gitops.qualys.logins.id_token import identity, time_of
from qflow_gitops.qualys.logins.login import NOTHING, Machine, Token
from qflow_gitops.specs import secrets
from qflow_gitops.specs.complaints import LOOKED_AT, complaint

SECONDS = 30.0
"""How long the program may take."""


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
        # Nor what a fleet has for its members (`ACME_QFLOW_CLIENT_SECRET`).
        self._environ = {name: value for name, value in environ.items() if "QFLOW_" not in name}
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
        done = self._ended()
        try:
            token, until, given = printed.read(done.out)
        except ValueError as problem:
            raise self._unfit(str(problem), done) from None
        self._exchanged = not token
        if self._exchanged:
            values = {name: Secret(value) for name, value in given.items()}
            return Exchange(
                self._transport, values, self._redact, told_by=COMMAND, now=self._now
            ).fetch()
        self._redact.learn([token])
        if until <= self._now():
            raise self._unfit(
                f"gave a token that ended at {time_of(until)}, and by this machine's clock it is "
                f"{time_of(self._now())}"
            )
        return Token(Secret(token), until)

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
        try:
            found = program.place_of(self._words[0], self._environ)
        except LookupError as problem:
            raise _usage(f"The program of {COMMAND} {problem}.", "command_unknown") from None
        if self._machine.is_tracked(Path(found)):
            raise _usage(
                f"Git keeps the program of {COMMAND}: whoever writes to the repository would say "
                "what runs here.",
                "command_tracked",
            )
        return found

    def _unfit(self, why: str, done: program.Ended | None = None) -> AuthError:
        said = self._said(done) if done else ""
        return AuthError(
            f"{COMMAND} {why}{f': {said}' if said else ''}.",
            where=self._words[0],
            not_done=NOTHING,
            hint=printed.WANTED,
            reason="credential_command",
        )

    def _said(self, done: program.Ended) -> str:
        """Return what it complained of, cut, without what is a secret or looks like one."""
        result = done.out[:LOOKED_AT].decode(errors="replace")
        self._redact.learn(re.findall(r"[^\s\"',:{}\[\]]{8,}", result))
        return self._redact(complaint(done)).rstrip(".")


def _usage(message: str, reason: str) -> UsageProblem:
    return UsageProblem(
        message,
        not_done="Nothing was run, and nothing was sent.",
        hint=f"Let {COMMAND} begin with a program's absolute path, or its name in a folder of the "
        "PATH, and quote its words as in a shell.",
        reason=reason,
    )
