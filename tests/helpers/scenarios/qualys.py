"""What is refused because of Qualys: it can't be reached, or doesn't take the credentials."""

import shlex
from pathlib import Path

from qflow_gitops.sandbox import identities
from tests.helpers.carried import Person
from tests.helpers.logins import AUDIENCE, id_token
from tests.helpers.scenarios.base import APPLY, WHY, scenario
from tests.helpers.specs import spec
from tests.helpers.terminal import Terminal

IN_2100 = 4102444800.0
HOURS = 7200.0


def _over(at: Terminal) -> None:
    at.faults()


@scenario("worktree")
def qualys_away(at: Terminal) -> tuple[str, Person]:
    """Nothing answers where Qualys is to be."""
    at.specs(a=spec("a"))
    url = at.sandbox.url
    at.environ("QFLOW_GATEWAY", "http://127.0.0.1:9")
    return APPLY, Person(WHY, {"See how far it comes": lambda at: at.environ("QFLOW_GATEWAY", url)})


@scenario("worktree")
def qualys_out_of_order(at: Terminal) -> tuple[str, Person]:
    """Qualys answers with an error of its own."""
    at.specs(a=spec("a"))
    at.faults("503@workflow")
    return APPLY, Person(WHY, {"Run the command again later": _over})


@scenario("worktree")
def qualys_gives_no_token(at: Terminal) -> tuple[str, Person]:
    """Qualys answers with an error where a token is asked for."""
    at.specs(a=spec("a"))
    at.faults("503@token")
    return APPLY, Person(WHY, {"See what answers there": _over})


@scenario("worktree")
def another_server(at: Terminal) -> tuple[str, Person]:
    """Another kind of server answers where Qualys is to be."""
    at.specs(a=spec("a"))
    at.faults("html@token")
    return APPLY, Person(WHY, {"Check the platform: another kind of server": _over})


@scenario("worktree")
def credentials_refused(at: Terminal) -> tuple[str, Person]:
    """Qualys refuses the credentials."""
    at.specs(a=spec("a"))
    at.faults("401@token")
    return APPLY, Person(WHY, {"Check QFLOW_CLIENT_ID and QFLOW_CLIENT_SECRET": _over})


@scenario("worktree")
def token_refused(at: Terminal) -> tuple[str, Person]:
    """Qualys refuses a token."""
    at.specs(a=spec("a"))
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        at.environ(name, None)
    at.environ("QFLOW_TOKEN", "old")
    return APPLY, Person(WHY, {"or use QFLOW_CLIENT_ID and _SECRET": _with_credentials})


def _with_credentials(at: Terminal) -> None:
    at.environ("QFLOW_TOKEN", None)
    at.environ("QFLOW_CLIENT_ID", "test-client")
    at.environ("QFLOW_CLIENT_SECRET", "test-canary-secret")


@scenario("worktree")
def role_without_api_access(at: Terminal) -> tuple[str, Person]:
    """The role of the credentials' user lacks a right."""
    at.specs(a=spec("a"))
    at.faults("403@workflow")
    return APPLY, Person(WHY, {"Role Management → your role": _over})


@scenario("worktree")
def no_credentials(at: Terminal) -> tuple[str, Person]:
    """There are no credentials."""
    at.specs(a=spec("a"))
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        at.environ(name, None)
    return APPLY, Person(WHY, {"Set QFLOW_CLIENT_ID and QFLOW_CLIENT_SECRET": _with_credentials})


@scenario("worktree")
def two_sets_of_credentials(at: Terminal) -> tuple[str, Person]:
    """There are two sets of credentials."""
    at.specs(a=spec("a"))
    at.environ("QFLOW_TOKEN", "another")
    return APPLY, Person(WHY, {"Unset one of them": lambda at: at.environ("QFLOW_TOKEN", None)})


@scenario("worktree")
def a_credential_with_a_line_break(at: Terminal) -> tuple[str, Person]:
    """A secret was pasted with a line break."""
    at.specs(a=spec("a"))
    at.environ("QFLOW_CLIENT_SECRET", "test-canary-secret\n")
    return APPLY, Person(WHY, {"Set QFLOW_CLIENT_SECRET again": _with_credentials})


@scenario("worktree")
def a_gateway_with_a_path(at: Terminal) -> tuple[str, Person]:
    """The sandbox's address has a path."""
    at.specs(a=spec("a"))
    url = at.sandbox.url
    at.environ("QFLOW_GATEWAY", f"{url}/qflowapi")
    return APPLY, Person(WHY, {", without a path": lambda at: at.environ("QFLOW_GATEWAY", url)})


@scenario("worktree")
def token_not_taken(at: Terminal) -> tuple[str, Person]:
    """Qualys gives a token and doesn't take it."""
    at.specs(a=spec("a"))
    at.faults("401@workflow")
    return APPLY, Person(WHY, {"Check the credentials": _over})


@scenario("worktree")
def an_authority_that_isnt_there(at: Terminal) -> tuple[str, Person]:
    """The file of an authority of one's own isn't there."""
    at.specs(a=spec("a"))
    at.environ("QFLOW_CA_FILE", "/nowhere/authority.pem")
    return APPLY, Person(WHY)


@scenario("worktree")
def a_proxy_that_is_none(at: Terminal) -> tuple[str, Person]:
    """A proxy's address has another form."""
    at.specs(a=spec("a"))
    at.environ("QFLOW_PROXY", "proxy.example.com")
    return APPLY, Person(WHY)


PULL_V3 = "qflow-gitops connectors pull --api v3"


def _with_a_password(at: Terminal) -> None:
    at.environ("QFLOW_API_USERNAME", "test-user")
    at.environ("QFLOW_API_PASSWORD", "test-canary-secret")


def _api_server(at: Terminal) -> None:
    at.specs(a=spec("a"))
    at.environ("QFLOW_API_SERVER", at.sandbox.url)
    _with_a_password(at)


@scenario("worktree")
def no_password_for_the_api_server(at: Terminal) -> tuple[str, Person]:
    """Connector v3 is to be asked, and there is no password for it."""
    _api_server(at)
    at.environ("QFLOW_API_PASSWORD", None)
    return PULL_V3, Person(
        WHY, {"Set QFLOW_API_USERNAME and QFLOW_API_PASSWORD": _with_a_password}, applies=(PULL_V3,)
    )


@scenario("worktree")
def a_password_that_is_refused(at: Terminal) -> tuple[str, Person]:
    """Qualys' API server refuses the name and the password."""
    _api_server(at)
    at.faults("response-code=UNAUTHORIZED")
    return PULL_V3, Person(
        WHY, {"Check QFLOW_API_USERNAME and QFLOW_API_PASSWORD": _over}, applies=(PULL_V3,)
    )


@scenario("worktree")
def connectors_that_take_a_manager(at: Terminal) -> tuple[str, Person]:
    """Qualys' API server doesn't show the connectors to this user."""
    _api_server(at)
    at.faults("response-code=INSUFFICIENT_PERMISSION")
    return PULL_V3, Person(WHY, {"takes a manager with full scope": _over}, applies=(PULL_V3,))


@scenario("worktree")
def no_api_server(at: Terminal) -> tuple[str, Person]:
    """The sandbox's address as an API server isn't set."""
    _api_server(at)
    at.environ("QFLOW_API_SERVER", None)
    return PULL_V3, Person(WHY, applies=(PULL_V3,))


def _login(at: Terminal, **variables: str) -> None:
    """Log in with a CI's ID token instead of the credentials."""
    at.specs(a=spec("a"))
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        at.environ(name, None)
    for name, value in variables.items():
        at.environ(name, value)


@scenario("worktree")
def a_login_without_an_audience(at: Terminal) -> tuple[str, Person]:
    """QFLOW_LOGIN is set, and not for which audience."""
    _login(at, QFLOW_LOGIN="gitlab", QFLOW_ID_TOKEN=id_token(IN_2100))
    return APPLY, Person(
        WHY,
        {"Set QFLOW_LOGIN_AUDIENCE to": lambda at: at.environ("QFLOW_LOGIN_AUDIENCE", AUDIENCE)},
    )


@scenario("worktree")
def an_audience_without_a_login(at: Terminal) -> tuple[str, Person]:
    """QFLOW_LOGIN_AUDIENCE is set, and no login."""
    _login(at, QFLOW_LOGIN_AUDIENCE=AUDIENCE, QFLOW_ID_TOKEN=id_token(IN_2100))
    return APPLY, Person(
        WHY, {"Set QFLOW_LOGIN to `github`": lambda at: at.environ("QFLOW_LOGIN", "gitlab")}
    )


@scenario("worktree")
def a_login_that_nobody_knows(at: Terminal) -> tuple[str, Person]:
    """QFLOW_LOGIN says something else."""
    _login(at, QFLOW_LOGIN="GitLab", QFLOW_LOGIN_AUDIENCE=AUDIENCE)
    at.environ("QFLOW_ID_TOKEN", id_token(IN_2100))
    return APPLY, Person(
        WHY, {"Did you mean gitlab": lambda at: at.environ("QFLOW_LOGIN", "gitlab")}
    )


@scenario("worktree")
def a_job_without_an_id_token(at: Terminal) -> tuple[str, Person]:
    """A job of GitLab names no ID token."""
    _login(at, QFLOW_LOGIN="gitlab", QFLOW_LOGIN_AUDIENCE=AUDIENCE)
    return APPLY, Person(
        WHY, {"Give the job": lambda at: at.environ("QFLOW_ID_TOKEN", id_token(IN_2100))}
    )


@scenario("worktree")
def an_id_token_that_is_refused(at: Terminal) -> tuple[str, Person]:
    """Qualys refuses a CI's ID token."""
    _login(at, QFLOW_LOGIN="gitlab", QFLOW_LOGIN_AUDIENCE=AUDIENCE)
    at.environ("QFLOW_ID_TOKEN", id_token(IN_2100))
    at.faults("401@workflow")
    return APPLY, Person(WHY, {"Have Support onboard the issuer": _over})


@scenario("worktree")
def a_token_file_that_isnt_there(at: Terminal) -> tuple[str, Person]:
    """The file of a token isn't there."""
    file = at.folder / "token"
    _login(at, QFLOW_TOKEN_FILE=str(file))
    return APPLY, Person(WHY, {"a file that holds a token": lambda _: _write(file, HOURS)})


@scenario("worktree")
def a_token_file_that_is_over(at: Terminal) -> tuple[str, Person]:
    """The token of a file has ended."""
    file = at.folder / "token"
    _login(at, QFLOW_TOKEN_FILE=str(file))
    _write(file, -HOURS)
    return APPLY, Person(WHY, {"See that what writes the file": lambda _: _write(file, HOURS)})


@scenario("worktree")
def a_token_file_in_git(at: Terminal) -> tuple[str, Person]:
    """The file of a token is in the repository."""
    inside, file = at.clone.path / "token", at.folder / "token"
    _login(at, QFLOW_TOKEN_FILE=str(inside))
    _write(inside, HOURS)
    _write(file, HOURS)
    at.clone.git("add", "token")
    return APPLY, Person(
        WHY, {"a file that is in no commit": lambda at: at.environ("QFLOW_TOKEN_FILE", str(file))}
    )


def _write(file: Path, seconds: float) -> None:
    file.write_text(identities.token(seconds), encoding="utf-8")
    file.chmod(0o600)


GIVES = """echo '{"version": 1, "clientId": "test-client", "clientSecret": "test-canary-secret"}'"""


@scenario("worktree")
def a_command_that_fails(at: Terminal) -> tuple[str, Person]:
    """The program that gives credentials fails."""
    _login(at, QFLOW_CREDENTIAL_COMMAND="sh -c 'echo no role >&2; exit 3'")
    right = f"sh -c {shlex.quote(GIVES)}"
    return APPLY, Person(
        WHY, {"print one JSON object": lambda at: at.environ("QFLOW_CREDENTIAL_COMMAND", right)}
    )


@scenario("worktree")
def a_command_by_a_relative_path(at: Terminal) -> tuple[str, Person]:
    """The program that gives credentials is named by a relative path."""
    _login(at, QFLOW_CREDENTIAL_COMMAND="bin/sh")
    right = f"/bin/sh -c {shlex.quote(GIVES)}"
    return APPLY, Person(
        WHY, {"absolute path": lambda at: at.environ("QFLOW_CREDENTIAL_COMMAND", right)}
    )
