"""Connect to a platform: gateway, credentials and client put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qflow_gitops.http.allotment import Allotment
    from qflow_gitops.http.redaction import Redactor
    from qflow_gitops.http.transport import Transport
    from qflow_gitops.ports.qualys import ConnectorLists, Qualys
    from qflow_gitops.qualys.credentials import Credentials
    from qflow_gitops.qualys.logins.login import Machine
    from qflow_gitops.qualys.portal import Portal
    from qflow_gitops.qualys.tenant import TenantLooks
    from qflow_gitops.qualys.token import TokenSource


def connect(platform: str, environ: Mapping[str, str], machine: Machine) -> tuple[Qualys, str]:
    """Build the client for a platform, and give its gateway's name for the lockfile.

    Sends nothing yet. Raises UsageProblem or AuthError for a platform, gateway or
    credentials that can't be used.
    """
    import qflow_gitops
    from qflow_gitops.http.redaction import Redactor
    from qflow_gitops.http.route import from_environment as route_of
    from qflow_gitops.http.transport import Transport
    from qflow_gitops.qualys.caller import Caller
    from qflow_gitops.qualys.client import QualysClient
    from qflow_gitops.qualys.credentials import from_environment
    from qflow_gitops.qualys.logins.registry import login_of
    from qflow_gitops.qualys.platforms import gateway_for
    from qflow_gitops.qualys.token import TokenSource

    gateway = gateway_for(platform, environ.get("QFLOW_GATEWAY", ""))
    credentials = from_environment(environ)
    agent = f"qflow-gitops/{qflow_gitops.__version__}"
    transport = Transport(gateway.url, user_agent=agent, route=route_of(environ))
    redact = Redactor()
    login = login_of(credentials, environ, transport, redact, machine)
    return QualysClient(Caller(transport, TokenSource(login, redact), redact)), gateway.host


def connect_to_api_server(platform: str, environ: Mapping[str, str]) -> tuple[ConnectorLists, str]:
    """Build what asks a platform's API server, and give that one's host.

    Sends nothing yet, and shares nothing with the gateway's client. Raises UsageProblem or
    AuthError for a platform, address or credentials that can't be used.
    """
    import qflow_gitops
    from qflow_gitops.http.redaction import Redactor
    from qflow_gitops.http.route import from_environment as route_of
    from qflow_gitops.http.transport import Transport
    from qflow_gitops.qualys.api_server import MAX_ANSWER, ApiServer
    from qflow_gitops.qualys.credentials import for_api_server
    from qflow_gitops.qualys.platforms import api_server_for

    custom, gateway = environ.get("QFLOW_API_SERVER", ""), environ.get("QFLOW_GATEWAY", "")
    server = api_server_for(platform, custom, gateway)
    credentials = for_api_server(environ)
    transport = Transport(
        server.url,
        user_agent=f"qflow-gitops/{qflow_gitops.__version__}",
        route=route_of(environ),
        max_answer=MAX_ANSWER,
    )
    return ApiServer(transport, credentials, Redactor()), server.host


def connect_to_look(
    platform: str,
    environ: Mapping[str, str],
    machine: Machine,
    most: int | None,
    seconds: float | None,
) -> TenantLooks:
    """Build what looks at a platform, with at most so many calls, in so many seconds.

    Sends nothing yet. Raises UsageProblem for a platform or gateway that can't be used; what
    is wrong with the credentials is said where a token is asked for.
    """
    from qflow_gitops.http.allotment import Allotment
    from qflow_gitops.http.redaction import Redactor
    from qflow_gitops.qualys import credentials, tenant
    from qflow_gitops.qualys.logins.registry import login_of
    from qflow_gitops.qualys.platforms import gateway_for
    from qflow_gitops.qualys.token import TokenSource

    gateway = gateway_for(platform, environ.get("QFLOW_GATEWAY", ""))
    allotment, redact = Allotment(most, seconds), Redactor()
    transport = _to_look(gateway.url, environ, allotment)

    def tokens() -> TokenSource:
        found = credentials.from_environment(environ)
        return TokenSource(login_of(found, environ, transport, redact, machine), redact)

    return tenant.TenantLooks(
        gateway.host,
        transport,
        tokens,
        tuple(name for names in credentials.SETS for name in names if environ.get(name)),
        redact,
        allotment,
        _portal(platform, environ, allotment, redact),
    )


def _portal(
    platform: str, environ: Mapping[str, str], allotment: Allotment, redact: Redactor
) -> Portal | None:
    """Build what asks for the versions, None where no name and password are set."""
    from qflow_gitops.qualys.credentials import API_SERVER, for_api_server
    from qflow_gitops.qualys.platforms import api_server_for
    from qflow_gitops.qualys.portal import Portal

    def made() -> tuple[Transport, Credentials]:
        custom, gateway = environ.get("QFLOW_API_SERVER", ""), environ.get("QFLOW_GATEWAY", "")
        server = api_server_for(platform, custom, gateway)
        return _to_look(server.url, environ, allotment), for_api_server(environ)

    return Portal(made, redact) if any(environ.get(name) for name in API_SERVER) else None


def _to_look(url: str, environ: Mapping[str, str], allotment: Allotment) -> Transport:
    import qflow_gitops
    from qflow_gitops.http.route import from_environment as route_of
    from qflow_gitops.http.transport import Transport
    from qflow_gitops.qualys import tenant

    return Transport(
        url,
        user_agent=f"qflow-gitops/{qflow_gitops.__version__}",
        route=route_of(environ),
        connect_timeout=tenant.CONNECT_TIMEOUT,
        read_timeout=tenant.READ_TIMEOUT,
        deadline=tenant.DEADLINE,
        max_answer=tenant.MAX_ANSWER,
        allotment=allotment,
    )
