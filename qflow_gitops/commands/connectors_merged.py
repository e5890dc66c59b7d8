"""What a catalog of connectors becomes by what Qualys says now. Pure.

Qualys' words are brought up to date; names and labels are people's, and are never changed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from qflow_gitops.ports.qualys import SeenConnector
from qflow_gitops.specs.connector_catalogs import LONGEST_NAME, UNKNOWN, slug

ORDER = ("id", "title", "account", "state", "disabled", "labels", "gone")
"""The keys of an entry, in the order in which a pull writes them."""

Entries = Mapping[str, Mapping[str, Any]]
"""The entries of a catalog by name, as its schema has them."""

_SIGNS_OF_ID = (8, 13, 18, 23, 36)  # the beginnings of a UUID that end with a part of it


class Taken(NamedTuple):
    """What stands for other things in the environment: names, and ids with the file of each.

    `given` are names by id that the settings have.
    """

    names: frozenset[str] = frozenset()
    ids: Mapping[str, str] = {}
    given: Mapping[str, str] = {}


class Change(NamedTuple):
    """What became of a connector: added, renamed, changed, gone, back or left, and more of it."""

    what: str
    detail: str


def merged(
    cloud: str, known: Entries, seen: Iterable[SeenConnector], taken: Taken, today: str
) -> tuple[dict[str, dict[str, Any]], list[Change]]:
    """Return the entries of a cloud's catalog after a pull, and what has changed in it.

    Those that Qualys doesn't show any more are marked with `today`, none where it is "", and lose
    that when they are back. The entries that stay keep their order; a new one follows the greatest
    smaller name.
    """
    by_id = {each.id: each for each in seen if each.id not in taken.ids}
    left = [
        Change("left", f"{_called(each.title, each)}: its id stands in {taken.ids[each.id]}")
        for each in seen
        if each.id in taken.ids
    ]
    gone = {"gone": today} if today else {}
    entries: dict[str, dict[str, Any]] = {}
    changes: list[Change] = []
    for name, entry in known.items():
        now = by_id.pop(entry["id"].lower(), None)
        entries[name] = _updated(entry, now) if now else gone | dict(entry)
        entries[name] = _in_order(entries[name], entry)
        changes += _differences(name, entry, entries[name])
    named = names_of(cloud, by_id.values(), taken._replace(names=taken.names | known.keys()))
    for name in sorted(named):
        entries = _with(entries, name, _new(named[name]))
        changes.append(Change("added", _called(name, named[name])))
    return entries, [*changes, *left]


def _updated(entry: Mapping[str, Any], now: SeenConnector) -> dict[str, Any]:
    """Take over what Qualys says; of a title or an account that it doesn't tell the last stays."""
    new = {key: value for key, value in entry.items() if key != "gone"}
    words: dict[str, str | bool] = {"title": now.title, "account": now.account, "state": now.state}
    words["disabled"] = UNKNOWN if now.disabled is None else now.disabled
    for key, word in words.items():
        is_told = word not in ("", UNKNOWN)
        if is_told or (key in new and key in ("state", "disabled")):
            new[key] = word
    return new


def _new(seen: SeenConnector) -> dict[str, Any]:
    title = {"title": seen.title} if seen.title else {}
    disabled = UNKNOWN if seen.disabled is None else seen.disabled
    return {
        "id": seen.id,
        **title,
        "account": seen.account,
        "state": seen.state,
        "disabled": disabled,
    }


def _in_order(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with its own order, and what is new behind what usually comes before it."""
    keys = [key for key in old if key in new]
    for key in ORDER:
        if key in new and key not in keys:
            before = [keys.index(each) for each in ORDER[: ORDER.index(key)] if each in keys]
            keys.insert(max(before, default=-1) + 1, key)
    return {key: new[key] for key in keys}


def _with(
    entries: Mapping[str, dict[str, Any]], name: str, entry: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    smaller = max((each for each in entries if each < name), default=None)
    names = list(entries)
    names.insert(0 if smaller is None else names.index(smaller) + 1, name)
    return {each: entry if each == name else entries[each] for each in names}


def _differences(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    shown = f"{name} ({new['account']})" if new.get("account", UNKNOWN) != UNKNOWN else name
    if "gone" in new.keys() - old.keys():
        yield Change("gone", f"{shown}: Qualys doesn't show it any more")
    if "gone" in old.keys() - new.keys():
        yield Change("back", shown)
    if old.get("title") != new.get("title"):
        yield Change("renamed", f"{shown}: {old.get('title', 'no title')} → {new['title']}")
    words = [
        f"{key} {_word(old.get(key, UNKNOWN))} → {_word(new[key])}"
        for key in ("account", "state", "disabled")
        if key in new and old.get(key, UNKNOWN) != new[key]
    ]
    if words:
        yield Change("changed", f"{shown}: {', '.join(words)}")


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _called(name: str, seen: SeenConnector) -> str:
    return f"{name or seen.id} ({seen.account})" if seen.account != UNKNOWN else name or seen.id


# --- names ---------------------------------------------------------------------------


def names_of(cloud: str, new: Iterable[SeenConnector], taken: Taken) -> dict[str, SeenConnector]:
    """Give each connector a name of its own, whatever their order.

    It is what the settings call it, else made of Qualys' title. Where others have that too, each
    new one of them has the beginning of its id behind it.
    """
    wanted = {each: _wanted(cloud, each, taken) for each in sorted(new)}
    count = Counter(wanted.values())
    names = {
        name: each for each, name in wanted.items() if count[name] == 1 and name not in taken.names
    }
    for each, name in wanted.items():
        if names.get(name) != each:
            used = taken.names | names.keys()
            names[next(one for one in _suffixed(name, each.id) if one not in used)] = each
    return names


def _wanted(cloud: str, each: SeenConnector, taken: Taken) -> str:
    account = slug(each.account) if each.account != UNKNOWN else ""
    return (
        slug(taken.given.get(each.id, ""))
        or slug(each.title)
        or slug(f"{cloud}-{account or each.id[: _SIGNS_OF_ID[0]]}")
    )


def _suffixed(name: str, connector_id: str) -> Iterator[str]:
    for signs in _SIGNS_OF_ID:
        yield f"{name[: LONGEST_NAME - 1 - signs].rstrip('-')}-{connector_id[:signs]}"
    number = 2
    while True:
        yield f"{connector_id}-{number}"
        number += 1
