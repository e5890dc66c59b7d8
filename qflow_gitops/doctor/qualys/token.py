"""Credentials, and what the token that they get says of itself."""

from collections.abc import Iterator
from datetime import UTC, datetime

from qflow_gitops.base.times import stamp
from qflow_gitops.doctor.qualys.visit import Visit, small
from qflow_gitops.errors import QflowError
from qflow_gitops.ports.tenant import Told
from qflow_gitops.results.checks import Check, failed, ok, unknown, warning

_SOON = 1800.0  # seconds; `apply` waits as long by default
_GIVEN = "QFLOW_TOKEN"
_USER_LEVEL = (
    "QFLOW_CLIENT_ID has to be of a client of the user level: profile menu → Auth ID Client "
    "Management → User Level."
)


class Tokens:
    """The token, as far as there is one."""

    def __init__(self, visit: Visit, now: datetime) -> None:
        """Nothing is asked for yet."""
        self._visit = visit
        self._now = now

    def credentials(self) -> Iterator[Check]:
        """Get a token, and say by what, or why not."""
        given, about = self._visit.tenant.given, "credentials"
        try:
            self._visit.told = self._visit.tenant.token()
        except QflowError as problem:
            if not given and problem.reason == "credentials_missing":
                yield unknown("credentials", about, "there are none here", problem.hint)
            else:
                yield failed("credentials", about, small(problem.message), problem.hint)
            return
        yield ok("credentials", about, f"{' and '.join(given)} got a token")

    def checks(self) -> Iterator[Check]:
        """Judge the token, where there is one."""
        told, refused = self._visit.told, self._visit.refused
        if told is None:
            return
        if refused:
            yield failed(
                "token", "token", f"Qualys refused it ({refused})", self._visit.tenant.advice()
            )
        else:
            yield self._lasts(told, self._visit.ahead)
        yield from _whose(told)

    def _lasts(self, told: Told, ahead: float | None) -> Check:
        if told.expires is None:
            return unknown("token", "token", "it doesn't say when it ends; 4 hours are assumed")
        left = told.expires - self._now.timestamp()
        until = f"until {_time(told.expires)}"
        if left <= 0 and ahead is not None and left - ahead > 0:
            found = f"by this machine's clock it is over, by the gateway's it lasts {until}"
            return warning("token", "token", found, "Set this machine's clock, by NTP.")
        if left <= 0:
            over = f"it ended at {_time(told.expires)}"
            return failed("token", "token", over, self._visit.tenant.advice())
        found = f"it lasts {left / 60:,.0f} minutes, {until}"
        if left < _SOON and _GIVEN in told.given:
            way = "Set a newer one: `apply` may need longer."
            return warning("token", "token", found, way)
        return ok("token", "token", found)


def _whose(told: Told) -> Iterator[Check]:
    """Say whose it is, where it tells; a client of the subscription has no user (5.1)."""
    about = "whose token it is"
    if not (told.claims or told.others):
        yield unknown("identity", about, "it doesn't tell")
        return
    names = {name.lower() for name in (*told.claims, *told.others)}
    claims = "; ".join(f"{name} {value}" for name, value in told.claims.items())
    rest = f"{'; ' if claims else ''}and {', '.join(told.others)}" if told.others else ""
    found = f"it says {claims}{rest}"
    if names & {"sub", "login"} or any("user" in name for name in names):
        yield ok("identity", about, found)
    elif any("subscription" in name or "customer" in name for name in names):
        yield warning(
            "identity", about, f"{found}, and no user; perhaps it is a subscription's", _USER_LEVEL
        )
    else:
        yield unknown("identity", about, found)


def _time(seconds: float) -> str:
    try:
        return stamp(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return "a time that no calendar has"
