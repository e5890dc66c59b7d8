"""Qualys' API server: another host than the gateway, which takes a name and a password."""

import base64
import json
import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.http.evidence import is_rate_limited
from qflow_gitops.http.messages import message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.retries import GivenUp, Retries
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.ports.qualys import ConnectorListing
from qflow_gitops.qualys import connectors_v3
from qflow_gitops.qualys.caller import BUDGET
from qflow_gitops.qualys.connector_items import NOT_DONE
from qflow_gitops.qualys.credentials import API_SERVER, Credentials
from qflow_gitops.qualys.waits import Waits

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes; an item also lists what the connector is set to."""

_CODE = re.compile("[A-Z_]{1,40}")
_NOBODY, _NO_RIGHT, _NOTHING_THERE = "UNAUTHORIZED", "INSUFFICIENT_PERMISSION", "OBJECT_NOT_FOUND"


def basic(credentials: Credentials, redact: Redactor) -> str:
    """Return what stands behind `Basic ` in a request's header (RFC 7617), a secret like others."""
    pair = ":".join(credentials.values[name].reveal() for name in API_SERVER)
    encoded = base64.b64encode(pair.encode()).decode()
    redact.learn([*credentials.secrets, pair, encoded])
    return encoded


class ApiServer:
    """One API server, as one user. Implements `ports.qualys.ConnectorLists`."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        redact: Redactor,
        *,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the edges; `chance` spreads the waits, from 0 to 1."""
        self._transport = transport
        self._redact = redact
        self._basic = basic(credentials, redact)
        waits = Waits(chance, now)
        self._retries = Retries(
            is_rate_limited,
            lambda attempt, answer: waits.pause(attempt, answer.headers if answer else {}),
            sleep,
            BUDGET,
        )

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._transport.close()

    def connectors(self, cloud: str) -> ConnectorListing | None:
        """Return the connectors of a cloud; None where Qualys shows no such list."""
        return connectors_v3.listed(self.search, cloud)

    def search(self, path: str, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Search, and return the `ServiceResponse` of success; None where there is no such thing.

        A search changes nothing, so it is sent again like a GET. Raises AuthError (401, 403, and
        the codes of either) and UnreachableError.
        """
        body = json.dumps({"ServiceRequest": request}).encode()
        answer = self._retries.ask(lambda: self._send(path, body))
        if isinstance(answer, GivenUp):
            last = answer.last
            said = last.reason if isinstance(last, NoAnswerError) else self._what(last, "")
            raise UnreachableError(
                f"Qualys' API server could not be asked: {said}.",
                not_done=NOT_DONE,
                hint="Run the command again later; nothing is lost.",
            )
        data = answer.data()
        response = data.get("ServiceResponse") if isinstance(data, dict) else None
        response = response if isinstance(response, dict) else {}
        code = response.get("responseCode")
        code = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
        if answer.status in (200, 201) and code == "SUCCESS":
            return response
        if answer.status == 404 or code == _NOTHING_THERE:
            return None
        raise self._no(answer, code)

    def _send(self, path: str, body: bytes) -> HttpAnswer:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": f"Basic {self._basic}",
        }
        return self._transport.send("POST", path, headers=headers, body=body)

    def _no(self, answer: HttpAnswer, code: str) -> AuthError | UnreachableError:
        what = self._what(answer, code)
        if answer.status == 401 or code == _NOBODY:
            return AuthError(
                f"Qualys' API server refused the credentials ({what}).",
                not_done=NOT_DONE,
                hint=f"Check {' and '.join(API_SERVER)}, and that their user may use the API.",
                reason="credentials_refused",
            )
        if answer.status == 403 or code == _NO_RIGHT:
            return AuthError(
                f"Qualys' API server doesn't permit this ({what}).",
                not_done=NOT_DONE,
                hint="Connector v3 takes a manager with full scope, whose role has API access.",
                reason="permission",
            )
        return UnreachableError(
            f"Qualys' API server could not be asked ({what}).", not_done=NOT_DONE
        )

    def _what(self, answer: HttpAnswer, code: str) -> str:
        said = self._redact(f"{code} {message_of(answer.content)}")
        return f"{answer.status}: {said}" if said else f"status {answer.status}"
