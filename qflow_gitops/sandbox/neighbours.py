"""What answers beside Qualys Flow: who gives tokens, the API server, a CI, a change management."""

from flask import Response, g, jsonify, request

from qflow_gitops.sandbox import connectors_v3, identities, shapes
from qflow_gitops.sandbox.faults import Faults
from qflow_gitops.sandbox.tickets import Tickets
from qflow_gitops.sandbox.wire import bearer, no

VERSION = "1.24.0"
"""QFlow's version, unless a fault says another."""


class Neighbours:
    """Their endpoints."""

    def __init__(
        self, faults: Faults, known: identities.Identities, version: str = VERSION
    ) -> None:
        """Take who is known, and which version QFlow has."""
        self._faults = faults
        self._known = known
        self._version = version
        self._tickets = Tickets()

    # --- tokens ----------------------------------------------------------------------

    def _lifetime(self) -> float | None:
        fault = self._faults.standing("expire-tokens")
        return fault.seconds if fault else None

    def _token(self, status: int, name: str | None, secret: str | None) -> Response:
        if not self._known.knows(name, secret):
            answer: Response = jsonify(shapes.no_such_user())
            answer.status_code = 401
            return answer
        lifetime = self._lifetime()
        token = identities.token(4 * 3600 if lifetime is None else lifetime)
        return Response(token, status, content_type="text/plain")

    def token_for_client(self) -> Response:
        """Return a token to a user-level client."""
        return self._token(
            200, request.headers.get("clientId"), request.headers.get("clientSecret")
        )

    def token_for_user(self) -> Response:
        """Return a token for a name and a password."""
        return self._token(201, request.form.get("username"), request.form.get("password"))

    def id_token(self) -> Response:
        """Return an ID token, as GitHub's endpoint does for a job that may have one.

        The bearer token is what GitHub puts into ACTIONS_ID_TOKEN_REQUEST_TOKEN, here the
        secret of any credentials.
        """
        if not self._known.is_request_token(bearer()):
            return no(401)
        audience = request.args.get("audience") or "https://github.com/example"
        token = identities.id_token(audience, self._lifetime())
        return jsonify({"count": len(token), "value": token})

    # --- the API server, and tickets ---------------------------------------------------

    def version(self) -> Response:
        """Return which versions the platform's parts have (docs/api.md 5.6 [C])."""
        if "response-code" in g.struck:
            return connectors_v3.refused(g.struck["response-code"].value)
        told = g.struck.get("version")
        return jsonify(shapes.versions(told.value if told else self._version))

    def ticket(self, ticket_id: str) -> Response:
        """Return a ticket, in a form of our own."""
        found = self._tickets.of(ticket_id)
        return jsonify(found) if found else no(404)

    def set_ticket(self, ticket_id: str) -> Response:
        """Change a ticket by what the body holds."""
        if not self._tickets.put(ticket_id, request.get_json(silent=True)):
            return no(400)
        return self.ticket(ticket_id)

    def note_ticket(self, ticket_id: str) -> Response:
        """Add a note to a ticket."""
        if not self._tickets.note(ticket_id, request.get_json(silent=True)):
            return no(400)
        return self.ticket(ticket_id)
