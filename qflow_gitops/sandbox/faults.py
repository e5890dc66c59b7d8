"""The faults that the sandbox can be asked for, each by a name.

A status number is one line in `FAULTS`; what another fault does is said where it strikes: in `app`
(before an endpoint), `wire` (on the wire), `endpoints` or `shapes` (in the answer).
"""

import difflib
import math
import re
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from qflow_gitops.errors import UsageProblem

TARGETS = {
    "token": "POST /auth and /auth/oidc",
    "workflow": "a workflow's details",
    "list": "the list of workflows, and that of a workflow's executions",
    "list-workflows": "the list of workflows",
    "list-executions": "the list of a workflow's executions",
    "execution": "an execution's details",
    "steps": "an execution's steps, one of them, and a step's output",
    "connectors": "TotalCloud's list of a cloud's connectors",
    "connectors-v3": "Connector v3's list of a cloud's connectors",
    "version": "the platform's versions, of the API server",
    "id-token": "the ID tokens of a CI's jobs",
    "tickets": "a ticket",
    "run": "POST run",
    "any": "all of these",
}
"""Kind of request -> what belongs to it."""

FAULTS = {
    "latency": "=SECONDS: every answer takes so long (any)",
    "400": "answer 400 (run)",
    "401": "answer 401 (run)",
    "403": "answer 403, as where the role lacks API access (run)",
    "404": "answer 404 (run)",
    "409": "answer 409 without rate headers (run)",
    "409-rate": "=SECONDS: answer 409 with rate headers and code 1965 (run)",
    "429": "=SECONDS: answer 429 with X-RateLimit-ToWait-Sec (run)",
    "500": "answer 500 and execute nothing (run)",
    "502": "answer 502 and execute nothing (run)",
    "503": "answer 503 and execute nothing (run)",
    "504": "answer 504 and execute nothing (run)",
    "redirect": "answer 307 to another place (run)",
    "html": "answer 200 with a login page and execute nothing (run)",
    "empty": "answer 200 with {} and execute nothing (run)",
    "bad-id": "execute, but answer with an id that is none (run)",
    "old-shape": "execute, and answer in the form of release 1.16 (run)",
    "drop": "close the connection after the request and execute nothing (run)",
    "late": "=SECONDS: close the connection at once, and execute only after that time (run)",
    "accept-then-drop": "execute, and close the connection without an answer (run)",
    "accept-then-cut": "execute, and cut the answer in its middle (run)",
    "accept-then-500": "execute, and answer 500 (run)",
    "drip": "=SECONDS: execute, and let the answer drip in over that time (run)",
    "hang": "=SECONDS: execute nothing, and close the connection only then (run)",
    "hidden": "answer 404, as if the execution were not shown; its steps: hidden@steps (execution)",
    "no-echo": "the output of the trigger's step answers 404 (steps)",
    "wrapped-variables": "the output shows variables as the workflow editor does (steps)",
    "list-lag": "=SECONDS: the list shows executions only after that time (list)",
    "list-shift": "[=SECONDS]: before each page another's run appears, begun so long ago (list)",
    "list-stuck": "every page is the first, as if its number were not known (list)",
    "response-code": "=CODE: refuse with that responseCode (connectors-v3)",
    "version": "[=VERSION]: QFlow has this version; without one it isn't told (version)",
    "rights": "=RIGHT,…: the role has only these of read, list, execute, or none (any)",
    "rate-headers": "=LIMIT/REMAINING/SECONDS: rate headers on each answer, counting down (any)",
    "skew": "=SECONDS: the server's clock is so far ahead, with a minus behind (any)",
    "outcome": "=STATUS or =WORKFLOWID:STATUS: how executions end (run)",
    "fail": "[=STEP]: executions fail in it: trigger, resource, filter, qualysevent (run)",
    "error-field": "=NAME: where a failed step's details tell why, a.b for b in a (steps)",
    "unknown-workflow": "=WORKFLOWID: there is no such workflow (any)",
    "expire-tokens": "=SECONDS: tokens live only so long (token)",
}
"""Name -> what it does; in brackets the kind of request that it is about unless told."""


_SECONDS = ("=SECONDS", "[=SECONDS]")
_RIGHTS = "(?:read|list|execute)"
_FORMS = {
    "fail": ("trigger|resource|filter|qualysevent", "fail=filter"),
    "rights": (f"none|{_RIGHTS}(?:,{_RIGHTS})*", "rights=read,list"),
    "rate-headers": (r"\d{1,9}/\d{1,9}/\d{1,9}", "rate-headers=300/299/3600"),
    "version": (r"[\w.-]{1,40}", "version=1.18.0"),
    "error-field": (r"\w+(?:\.\w+)*", "error-field=error.message"),
}
"""Name -> the values that it takes, and one of them."""


@dataclass(slots=True)
class Fault:
    """One fault in force. `left` counts the requests that it still strikes, None for all.

    `struck` counts those that it has struck.
    """

    name: str
    value: str
    target: str
    left: int | None = None
    struck: int = 0

    @property
    def text(self) -> str:
        """What `parse` reads it from, with the requests that are left to it."""
        value = f"={self.value}" if self.value else ""
        target = "" if self.target == usual_target(self.name) else f"@{self.target}"
        return f"{self.name}{value}{target}{'' if self.left is None else f'#{self.left}'}"

    @property
    def seconds(self) -> float:
        """The value as seconds, 1 where there is none."""
        try:
            return float(self.value or 1)
        except ValueError:
            return 1.0


def parse(text: str) -> Fault:
    """Read `NAME[=VALUE][@TARGET][#COUNT]`; UsageProblem for anything else."""
    rest, _, count = text.partition("#")
    rest, _, target = rest.partition("@")
    name, _, value = rest.partition("=")
    if name not in FAULTS:
        near = difflib.get_close_matches(name, FAULTS, n=1)
        raise UsageProblem(
            f"There is no fault `{name}`.",
            not_done="The sandbox was not started.",
            hint=(f"Did you mean {near[0]}? " if near else "")
            + f"Valid faults: {', '.join(FAULTS)}.",
            reason="fault_unknown",
        )
    if (target and target not in TARGETS) or (count and not count.isdecimal()):
        targets = "; ".join(f"{target} ({about})" for target, about in TARGETS.items())
        raise _malformed(
            f"`{text}` isn't NAME[=VALUE][@TARGET][#COUNT].", f"The targets are: {targets}."
        )
    if not value.isprintable():
        raise _malformed("A value holds a character that isn't printed.", "Leave it out.")
    if value and name in _FORMS and not re.fullmatch(_FORMS[name][0], value):
        raise _malformed(f"`{value}` can't be said of {name}.", f"For instance: {_FORMS[name][1]}")
    if value and FAULTS[name].startswith(_SECONDS) and not _is_seconds(value, name == "skew"):
        raise _malformed(f"`{value}` isn't a number of seconds.", f"For instance: {name}=1.5")
    return Fault(name, value, target or usual_target(name), int(count) if count else None)


def usual_target(name: str) -> str:
    """Name the kind of request that a fault is about unless told."""
    return FAULTS[name].rsplit("(", 1)[1].rstrip(")")


def _malformed(message: str, hint: str) -> UsageProblem:
    return UsageProblem(
        message, not_done="The sandbox was not started.", hint=hint, reason="fault_form"
    )


def _is_seconds(value: str, below_zero: bool) -> bool:
    try:
        seconds = float(value)
    except ValueError:
        return False
    return math.isfinite(seconds) and (below_zero or seconds >= 0)


class Faults:
    """Those in force, safe to change while requests run."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        """Begin with these."""
        self._faults = list(faults)
        self._lock = threading.Lock()

    def replace(self, faults: Iterable[Fault]) -> None:
        """Put others in their place."""
        with self._lock:
            self._faults = list(faults)

    def now(self) -> list[Fault]:
        """Return those in force."""
        with self._lock:
            return [*self._faults]

    def add(self, fault: Fault) -> None:
        """Put one more in force."""
        with self._lock:
            self._faults.append(fault)

    def remove(self, text: str) -> None:
        """Take the first one away whose words these are, as far as they tell its requests."""
        with self._lock:
            words = text.partition("#")[0]
            found = (one for one in self._faults if one.text.partition("#")[0] == words)
            if (first := next(found, None)) is not None:
                self._faults.remove(first)

    def standing(self, name: str) -> Fault | None:
        """Return the fault of this name, without counting it as struck."""
        with self._lock:
            return next((fault for fault in self._faults if fault.name == name), None)

    def all_standing(self, name: str) -> list[Fault]:
        """Return every fault of this name."""
        with self._lock:
            return [fault for fault in self._faults if fault.name == name]

    def strike(self, targets: Collection[str]) -> list[Fault]:
        """Return the faults that strike a request of these kinds, and count them."""
        with self._lock:
            struck = [
                fault
                for fault in self._faults
                if (fault.target in targets or fault.target == "any")
                and (fault.left is None or fault.left > 0)
            ]
            for fault in struck:
                fault.struck += 1
                if fault.left is not None:
                    fault.left -= 1
            return struck
