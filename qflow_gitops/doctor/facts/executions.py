"""Facts of executions: their list, their details, their words and times (docs/api.md 1.5, 1.6)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from qflow_gitops.doctor.facts.shapes import envelope, fields, kind, words
from qflow_gitops.doctor.facts.sights import Telling, answered, data_of, fact, found
from qflow_gitops.doctor.facts.workflows import around_list, page_of
from qflow_gitops.doctor.qualys.role import id_of
from qflow_gitops.doctor.qualys.visit import Visit, rows
from qflow_gitops.ports.tenant import CALLS, Shown
from qflow_gitops.results.checks import Fact

OLD = 60
"""Days back of which a list is asked for, though 30 are documented."""
_TIMES = ("createdAt", "updatedAt", "startDate", "endDate")


def facts(visit: Visit, now: datetime) -> Iterator[Fact]:
    """Tell of the list and of one execution; `now` is the gateway's time."""
    listed = found(visit, "executions", "order", without=("endAt",))
    yield fact("list of executions: around it", "1.5", "executions", listed, around_list)
    yield fact("list of executions: fields of its items", "1.5", "executions", listed, _items)
    yield fact("list of executions: page size", "1.5", "executions", listed, page_of)
    yield _older(visit, now)
    one = found(visit, "execution", without=("includeSteps",))
    yield fact("execution: around it", "1.6", "execution", one, _around)
    yield fact("execution: its fields", "1.6", "execution", one, lambda it: fields([data_of(it)]))
    yield fact("execution: with includeSteps", "1.6", "execution",
               found(visit, "execution", "includeSteps"), _with_steps)  # fmt: skip
    known = [*_known(visit)]
    how = " and ".join(f"GET {CALLS[call]}" for call in ("executions", "execution"))
    for about, source, telling in (
        ("executions: status words", "3", _statuses(known)),
        ("executions: id and execution", "1.6", _ids(known)),
        ("executions: how times are written", "3", _times(known, now)),
    ):
        yield Fact(about, source, telling.seen if known else "", how, telling.assumed)


def _known(visit: Visit) -> Iterator[Mapping[str, Any]]:
    """Give each execution that was shown, in a list or by itself, once."""
    shown = [item for each in visit.of("executions") for item in rows(each.shown)]
    shown += [dict(data_of(each.shown)) for each in found(visit, "execution")]
    seen: set[str] = set()
    for item in shown:
        known = id_of(item)
        if item and (not known or known not in seen):
            seen.add(known)
            yield item


def _items(shown: Shown) -> str:
    some = rows(shown)
    return fields(some) if some else "no items"


def _around(shown: Shown) -> str:
    return envelope(shown.data)


def _with_steps(shown: Shown) -> str:
    names = fields([data_of(shown)])
    return f"{envelope(shown.data)}; in it: {names}"


def _older(visit: Visit, now: datetime) -> Fact:
    """Say what becomes of a `startAt` before the days that are shown."""
    about = f"list of executions: startAt {OLD} days ago"
    seen = found(visit, "executions", "startAt", "endAt")
    if not seen:
        return Fact(about, "1.5", "", f"GET {CALLS['executions']}?startAt=…")
    shown = seen[-1].shown
    if not shown.is_good:
        return Fact(about, "1.5", f"refused: {answered(shown)}", seen[-1].how)
    ages = [age for each in rows(shown) if (age := _age(each, now)) is not None]
    oldest = f"; days since the oldest: {max(ages):,.0f}" if ages else ""
    return Fact(about, "1.5", f"answered, {page_of(shown)}{oldest}", seen[-1].how)


def _age(item: Mapping[str, Any], now: datetime) -> float | None:
    value = item.get("createdAt")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 10**14:
        return None
    seconds = value / 1000 if value > 10**11 else value
    return (now.timestamp() - seconds) / 86_400


def _ended(each: Mapping[str, Any]) -> bool:
    details = each.get("details")
    inner = details.get("executionEndDate") if isinstance(details, dict) else None
    return bool(each.get("endDate") or inner)


def _statuses(known: list[Mapping[str, Any]]) -> Telling:
    ended = [each.get("status") for each in known if _ended(each)]
    going = [each.get("status") for each in known if not _ended(each)]
    told = [f"with an end date: {words(ended)}"] if ended else []
    told += [f"without one: {words(going)}"] if going else []
    odd = any(isinstance(each, str) and each.lower() == "success" for each in going)
    return Telling("; ".join(told), "an end date, where an execution has ended" if odd else "")


def _ids(known: list[Mapping[str, Any]]) -> Telling:
    both = [each for each in known if {"id", "execution"} <= each.keys()]
    same = sum(each["id"] == each["execution"] for each in both)
    told = f"both in {len(both):,} of {len(known):,}, the same in {same:,}"
    lost = [each for each in known if not {"id", "execution"} & each.keys()]
    return Telling(told, "one of them in each" if lost else "")


def _times(known: list[Mapping[str, Any]], now: datetime) -> Telling:
    values = [each[name] for each in known for name in _TIMES if each.get(name) is not None]
    units = sorted({_unit(value, now) for value in values})
    good = units in ([], ["milliseconds since 1970"])
    return Telling(", ".join(units) or "no times", "" if good else "milliseconds since 1970")


def _unit(value: Any, now: datetime) -> str:
    if isinstance(value, int) and 0 < value < 10**18:
        for factor, unit in ((1_000, "milliseconds"), (1, "seconds"), (1_000_000, "microseconds")):
            if 0.5 < value / (now.timestamp() * factor) < 2:
                return f"{unit} since 1970"
    return kind(value)
