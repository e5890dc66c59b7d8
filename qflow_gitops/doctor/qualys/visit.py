"""Looks at a tenant, one after the other, until something says that no more is to be asked."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from qflow_gitops.http.allotment import CallsSpent
from qflow_gitops.ports.tenant import CALLS, Look, Shown, Tenant, Told

MOST, SECONDS = 20, 60.0
"""So many calls, and so long, unless all is asked for."""
_SILENT = 3  # looks in a row without an answer

_PLAIN = re.compile(r"-?[A-Za-z]{1,20}|[0-9]{1,6}")
_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
AGAIN = "qflow-gitops doctor qualys --all"


class Seen(NamedTuple):
    """A look, and what it showed; `named`: with a token."""

    look: Look
    shown: Shown
    named: bool

    @property
    def how(self) -> str:
        """The call, with its parameters and without an id."""
        query = "&".join(f"{name}={_plain(value)}" for name, value in self.look.query)
        return f"GET {CALLS[self.look.call]}{'?' if query else ''}{query}"


class Visit:
    """What was seen so far. `over` says why nothing more is asked, "" while it may be."""

    def __init__(self, tenant: Tenant, again: str = AGAIN) -> None:
        """Begin without a look; `again` is the command that looks with no limit."""
        self.tenant = tenant
        self.again = again
        self.seen: list[Seen] = []
        self._known: dict[tuple[Look, bool], Shown] = {}
        self.over = ""
        self.hint = ""
        self.refused = ""
        """How Qualys refused the token, "" where it didn't."""
        self.told: Told | None = None
        """What the token says of itself, None where there is none."""
        self._silent = 0

    def ask(self, call: str, *about: str, **query: str | int) -> Shown | None:
        """Look at one thing; None where nothing more is asked. What was seen isn't asked again.

        Raises what getting a token does, and for `version` what the API server takes.
        """
        return self._ask(_look(call, about, query), named=True)

    def ask_nameless(self, call: str, **query: str | int) -> Shown | None:
        """Look at something without a token."""
        return self._ask(_look(call, (), query), named=False)

    def _ask(self, look: Look, *, named: bool) -> Shown | None:
        known = self._known.get((look, named))
        if known is not None or self.over:
            return known
        try:
            shown = self.tenant.look(look, named=named)
        except CallsSpent as problem:
            self.over = small(problem.message)
            self.hint = f"`{self.again}` makes as many calls as it takes."
            return None
        self.seen.append(Seen(look, shown, named))
        self._known[look, named] = shown
        self._note(shown, named=named and look.call != "version")
        return shown

    def of(self, *calls: str) -> list[Seen]:
        """Return what was seen by calls of these names, with a token."""
        return [each for each in self.seen if each.look.call in calls and each.named]

    @property
    def ahead(self) -> float | None:
        """By how many seconds Qualys' clock is ahead, None where nobody knows."""
        return next((each.shown.ahead for each in self.seen if each.shown.status), None)

    def without(self, ids: frozenset[str]) -> "Visit":
        """Return what was seen of anything but these."""
        other = Visit(self.tenant)
        other.seen = [each for each in self.seen if not ids & {*each.look.about}]
        other.told = self.told
        return other

    def left(self, most: int) -> int:
        """Say how many of so many calls may still be made."""
        left = self.tenant.left
        return 0 if self.over else most if left is None else min(left, most)

    def _note(self, shown: Shown, *, named: bool) -> None:
        """Decide whether this answer is a reason to ask nothing more."""
        self._silent = self._silent + 1 if shown.status == 0 else 0
        if shown.limited:
            self.over = f"Qualys refused the call before by a rate limit ({shown.status})"
            self.hint = wait(shown)
        elif shown.status == 401 and named:
            self.refused = said(shown)
            self.over = "Qualys refused the token"
        elif self._silent >= _SILENT:
            self.over = f"{_SILENT} looks in a row got no answer"
            self.hint = "Run the command again later; nothing is lost."


def _look(call: str, about: tuple[str, ...], query: Mapping[str, str | int]) -> Look:
    return Look(call, about, tuple((name, str(value)) for name, value in query.items()))


def _plain(value: str) -> str:
    """Return a parameter's value, but for times: they tell when somebody looked."""
    return value if _PLAIN.fullmatch(value) else "…"


def wait(shown: Shown) -> str:
    """Say for how long a rate limit asks to wait."""
    asked = (shown.headers.get(name, "") for name in ("x-ratelimit-towait-sec", "retry-after"))
    seconds = next((each for each in asked if each.isdecimal() and len(each) <= 6), "")
    when = f"in {seconds} s" if seconds else "later"
    return f"Run the command again {when}; nothing is lost."


def said(shown: Shown) -> str:
    """Say what came: the status, and what is told with it."""
    if not shown.status:
        return shown.said
    return f"{shown.status}: {shown.said}" if shown.said else f"status {shown.status}"


def inner(shown: Shown | None) -> dict[str, Any] | None:
    """Return the object of an answer, out of `{"data": …}` where it is in one; None for none."""
    data = shown.data if shown is not None and shown.is_good else None
    if isinstance(data, dict) and isinstance(data.get("data"), dict):
        data = data["data"]
    return data if isinstance(data, dict) else None


def items(shown: Shown | None) -> list[Any] | None:
    """Return the items of a list, None where an answer holds none."""
    found = (inner(shown) or {}).get("items")
    return found if isinstance(found, list) else None


def rows(shown: Shown | None) -> list[dict[str, Any]]:
    """Return the objects of a list, whatever it is called: to look at them, not to rely on them."""
    data = shown.data if shown is not None and shown.is_good else None
    places = [items(shown), data, *(data.values() if isinstance(data, dict) else ())]
    places += (inner(shown) or {}).values()
    found = ([each for each in place if isinstance(each, dict)] for place in places if
             isinstance(place, list))  # fmt: skip
    return next((some for some in found if some), [])


def small(sentence: str) -> str:
    """Return a sentence as it stands behind a colon: names keep their capitals, to be typed so."""
    word = sentence.partition(" ")[0]
    is_name = word[1:] != word[1:].lower() or word.startswith("Qualys")
    return f"{sentence[:1] if is_name else sentence[:1].lower()}{sentence[1:].rstrip('.')}"


def more(count: int, noun: str) -> str:
    """Say how many there are beside those that were told of."""
    return f"{count:,} {noun}{'s' if count > 1 else ''} more"


def usable(known: str) -> bool:
    """Whether an id from an answer may stand in a path."""
    return _ID.fullmatch(known) is not None


def text(value: Any) -> str:
    """Return a text, "" for anything else."""
    return value if isinstance(value, str) else ""
