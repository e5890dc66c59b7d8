"""What a doctor needs of Qualys: single looks at what is there, each answer as it came."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol


class Look(NamedTuple):
    """A GET of docs/api.md: `call` is its name in `CALLS`, `about` what stands in its path.

    `query` are its parameters. There is none that starts anything.
    """

    call: str
    about: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()


CALLS: Mapping[str, str] = {
    "workflows": "/qflowapi/v1/workflows",
    "workflow": "/qflowapi/v1/workflows/{workflowId}",
    "executions": "/qflowapi/v1/workflows/{workflowId}/executions",
    "execution": "/qflowapi/v1/executions/{executionId}",
    "steps": "/qflowapi/v1/executions/{executionId}/steps",
    "step": "/qflowapi/v1/executions/{executionId}/steps/{nodeId}",
    "output": "/qflowapi/v1/executions/{executionId}/steps/{nodeId}/output",
    "connectors": "/cloudview-api/rest/v1/{cloud}/connectors",
    "version": "/qps/rest/portal/version",
}
"""What can be looked at (docs/api.md 1.1, 7.1, 5.6), the last on the API server."""


class Shown(NamedTuple):
    """One answer. `status` is 0 where none came, and `step` then how far the request came.

    `step` is `name`, `connection`, `proxy`, `tls` or `answer`. `form` is `json`, `html`, `xml`,
    `text`, `empty` or `""` for no answer; `data` is the JSON value, None for none. `limited`: a
    rate limit refused it. `said` is a refusal's message or why there was no answer, without
    secrets and in one line. `ahead` is by how many seconds the server's clock is ahead, None where
    it doesn't say. Header names are in lower case.
    """

    status: int
    form: str = ""
    data: Any = None
    headers: Mapping[str, str] = {}
    said: str = ""
    step: str = ""
    seconds: float = 0.0
    ahead: float | None = None
    limited: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it is a whole answer of success."""
        return 200 <= self.status < 300 and self.status != 206


class Told(NamedTuple):
    """What a token says of itself, which nobody verified.

    `claims` are texts of those that are known to be harmless, `others` the names of the rest; both
    are empty for a token that can't be read. Times are seconds since 1970, None where it tells
    none. `given` are the variables that it was got by.
    """

    given: tuple[str, ...]
    claims: Mapping[str, str] = {}
    others: tuple[str, ...] = ()
    issued: float | None = None
    expires: float | None = None


class Tenant(Protocol):
    """One platform, looked at as one user. Every look ends within its deadline; none is repeated.

    Calls are counted: where none is left, they raise CallsSpent, an UnreachableError.
    """

    @property
    def host(self) -> str:
        """The gateway's host."""

    @property
    def given(self) -> tuple[str, ...]:
        """The variables of credentials that are set, whole or not."""

    @property
    def has_portal(self) -> bool:
        """Whether there is what the API server takes."""

    @property
    def made(self) -> int:
        """How many calls were made."""

    @property
    def left(self) -> int | None:
        """How many more may be made, None for any number."""

    def token(self) -> Told:
        """Get a token, once. Raises AuthError, UsageProblem or UnreachableError."""

    def advice(self) -> str:
        """Say what to do where Qualys doesn't take the token."""

    def look(self, what: Look, *, named: bool = True) -> Shown:
        """Look at one thing; with `named` False without a token. Raises what `token` does."""
