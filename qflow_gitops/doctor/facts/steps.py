"""Facts of steps: their list, one of them, and what the trigger put out (docs/api.md 1.7, 1.8)."""

from collections.abc import Iterator, Mapping
from typing import Any

from qflow_gitops.doctor.facts.shapes import envelope, fields, kind, words
from qflow_gitops.doctor.facts.sights import Telling, data_of, fact, found
from qflow_gitops.doctor.facts.workflows import around_list, system_variables
from qflow_gitops.doctor.qualys.visit import Visit, rows
from qflow_gitops.ports.tenant import CALLS, Shown
from qflow_gitops.results.checks import Fact

_DOCUMENTED = frozenset(
    (
        "id", "nodeId", "nodeType", "eventOrder", "status", "execution", "customerId", "tags",
        "createdAt", "updatedAt", "parDateKey", "input", "output",
    )
)  # fmt: skip
_CONTENT = frozenset(("input", "output"))


def facts(visit: Visit) -> Iterator[Fact]:
    """Tell of the lists of steps, of one step, and of the trigger's output."""
    lists = found(visit, "steps")
    yield fact("list of steps: around it", "1.7", "steps", lists, around_list)
    yield fact("list of steps: fields of its items", "1.7", "steps", lists, _items)
    steps = [step for each in lists for step in rows(each.shown)]
    one = [data_of(each.shown) for each in found(visit, "step") if each.shown.is_good]
    how = f"GET {CALLS['steps']}"
    yield Fact("steps: status words", "1.7", words(each.get("status") for each in steps), how)
    yield Fact("steps: types of nodes", "1.7", _types(steps), how)
    bad = [each for each in (*steps, *one) if _went_wrong(each)]
    about = "steps that didn't succeed: fields beside the documented ones"
    yield Fact(about, "1.7", _errors(bad) if bad else "", f"{how} and GET {CALLS['step']}")
    yield fact("step: around it", "1.7", "step", found(visit, "step"), _step)
    put_out = found(visit, "output")
    for about, tell in (
        ("output of the trigger: around it", _around),
        ("output of the trigger: source and forceRun", _source),
        ("output of the trigger: overrideVariables", _variables),
    ):
        yield fact(about, "1.8", "output", put_out, tell)


def _items(shown: Shown) -> str:
    some = rows(shown)
    return fields(some) if some else "no items"


def _types(steps: list[dict[str, Any]]) -> str:
    return words((each.get("nodeType") for each in steps), constant=True)


def _went_wrong(step: Mapping[str, Any]) -> bool:
    status = step.get("status")
    return isinstance(status, str) and status.lower() not in ("success", "running", "queued")


def _errors(bad: list[Mapping[str, Any]]) -> str:
    """Name what such steps have, and one level of the rows in it."""
    told = [fields(bad, _DOCUMENTED)]
    for name in sorted({name for each in bad for name in each.keys() - _CONTENT}):
        inside = [each[name] for each in bad if isinstance(each.get(name), dict)]
        if inside and fields([{name: {}}]) != "none" and len(told) < 6:
            told.append(f"in {name}: {fields(inside)}")
    return "; ".join(told)


def _step(shown: Shown) -> Telling:
    data = shown.data
    bare = isinstance(data, dict) and "nodeId" in data
    return Telling(envelope(data), "" if bare else "nothing around it")


def _around(shown: Shown) -> Telling:
    data = shown.data
    assumed = "" if isinstance(data, list) else "an array"
    some = [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []
    inside = f"; in it: {fields(some)}" if some else ""
    return Telling(envelope(data) + inside, assumed)


def _outputs(shown: Shown) -> list[dict[str, Any]]:
    data = shown.data
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


def _source(shown: Shown) -> str:
    some = _outputs(shown)
    forced = sorted(
        {
            str(each["forceRun"]).lower()
            if isinstance(each["forceRun"], bool)
            else kind(each["forceRun"])
            for each in some
            if "forceRun" in each
        }
    )
    sources = words((each["source"] for each in some if "source" in each), constant=True)
    return f"source {sources or 'not there'}; forceRun {' or '.join(forced) or 'not there'}"


def _variables(shown: Shown) -> Telling:
    lists = [each.get("overrideVariables") for each in _outputs(shown)]
    some = [one for each in lists if isinstance(each, list) for one in each]
    found = [each for each in some if isinstance(each, dict)]
    if not some:
        return Telling(f"none ({' or '.join(sorted({kind(each) for each in lists})) or 'nothing'})")
    readable = len(found) == len(some) and all(isinstance(one.get("key"), str) for one in found)
    types = words((each.get("type") for each in found), constant=True)
    told = f"{fields(found)}; type {types}; of the system's: {system_variables(found)}"
    return Telling(told, "" if readable else '{"key", "value", "type"}')
