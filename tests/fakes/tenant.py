"""A tenant that shows what a test's story says."""

from collections.abc import Callable
from dataclasses import dataclass, field

from qflow_gitops.errors import QflowError
from qflow_gitops.http.allotment import CallsSpent
from qflow_gitops.ports.tenant import Look, Shown, Told

REFUSED = Shown(401, "json", {"status": 401, "error": "Unauthorized"}, said="Unauthorized")
NOT_THERE = Shown(404, "json", {"message": "Not Found"}, said="Not Found")


@dataclass
class FakeTenant:
    """Implements `ports.tenant.Tenant`. `shows` answers each look that comes with a token.

    `problem` is what asking for a token raises; `most` calls may be made.
    """

    shows: Callable[[Look], Shown]
    told: Told = field(default_factory=lambda: Told(("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET")))
    problem: QflowError | None = None
    nameless: Shown = REFUSED
    most: int | None = 20
    host: str = "gateway.example"
    has_portal: bool = True
    made: int = 0
    asked: list[Look] = field(default_factory=list)
    _has_token: bool = False

    @property
    def given(self) -> tuple[str, ...]:
        return self.told.given

    @property
    def left(self) -> int | None:
        return None if self.most is None else self.most - self.made

    def token(self) -> Told:
        if not self._has_token:
            self._count()
            if self.problem is not None:
                raise self.problem
            self._has_token = True
        return self.told

    def advice(self) -> str:
        return "Check the credentials."

    def look(self, what: Look, *, named: bool = True) -> Shown:
        if named and what.call != "version":
            self.token()
        self._count()
        self.asked.append(what)
        return self.shows(what) if named else self.nameless

    def _count(self) -> None:
        if self.left == 0:
            raise CallsSpent("All calls that were allowed are made.")
        self.made += 1
