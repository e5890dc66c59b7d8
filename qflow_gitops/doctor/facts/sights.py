"""From looks to facts: which look tells of what, and what is said where none was possible."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from qflow_gitops.doctor.facts.shapes import envelope
from qflow_gitops.doctor.qualys.visit import Seen, Visit, inner
from qflow_gitops.ports.tenant import CALLS, Shown
from qflow_gitops.results.checks import Fact

Tell = Callable[[Shown], "str | Telling"]
"""Says what an answer of success shows."""


class Telling(NamedTuple):
    """What was seen, and what this program assumes instead ("" where it agrees)."""

    seen: str
    assumed: str = ""


def found(visit: Visit, call: str, *names: str, without: tuple[str, ...] = ()) -> list[Seen]:
    """Return what was seen by a call that had these parameters, and lacked others."""
    return [
        each
        for each in visit.of(call)
        if {*names} <= dict(each.look.query).keys()
        and not {*without} & dict(each.look.query).keys()
    ]


def fact(about: str, source: str, call: str, seen: list[Seen], tell: Tell) -> Fact:
    """Tell of the first answer of success; else of the last one what its status was."""
    good = next((each for each in seen if each.shown.is_good), None)
    if good is not None:
        said = tell(good.shown)
        telling = Telling(said) if isinstance(said, str) else said
        return Fact(about, source, telling.seen, good.how, telling.assumed)
    if seen:
        return Fact(about, source, answered(seen[-1].shown), seen[-1].how)
    return Fact(about, source, "", f"GET {CALLS[call]}")


def answered(shown: Shown) -> str:
    """Say how Qualys refused: by status and shape, without its text."""
    if not shown.status:
        return "no answer"
    if shown.form != "json":
        return f"{shown.status}, {shown.form}"
    return f"{shown.status}, {envelope(shown.data)}"


def data_of(shown: Shown) -> Mapping[str, Any]:
    """Return the object of an answer, an empty one for none."""
    return inner(shown) or {}
