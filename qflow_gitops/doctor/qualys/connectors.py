"""The connectors of specs and catalogs, as TotalCloud's lists show them (docs/api.md 7.1)."""

from collections.abc import Iterator, Mapping, Sequence

from qflow_gitops.doctor.qualys.role import Right, trouble
from qflow_gitops.doctor.qualys.subject import UsedConnector
from qflow_gitops.doctor.qualys.visit import Visit, inner, more
from qflow_gitops.ports.qualys import SeenConnector
from qflow_gitops.ports.tenant import Shown
from qflow_gitops.qualys.connectors import ACCOUNTS, PAGE, connector_in
from qflow_gitops.results.checks import Check, failed, left_out, ok, unknown, warning
from qflow_gitops.specs.connector_catalogs import Connector

NAME = "connector"
_SHOWN = 50  # lines about what isn't in order
_PAGES = 400
_RIGHTS = (
    "The user has to see the connectors in Qualys TotalCloud, and its role needs API access. Which "
    "right that is stands on no public page."
)
_READY = ("SUCCESS", "FINISHED_SUCCESS")


class Listed:
    """A cloud's list, as far as it was read. `whole`: nothing of it is left."""

    def __init__(self, cloud: str) -> None:
        """Begin before the first page."""
        self.cloud = cloud
        self.found: dict[str, SeenConnector] = {}
        self.pages = 0
        self._told = _PAGES
        self.whole = False
        self.wrong: Check | None = None

    @property
    def is_open(self) -> bool:
        """Whether there may be another page."""
        return not self.whole and self.wrong is None and self.pages < _PAGES

    @property
    def more(self) -> int:
        """How many pages it has yet, by what it says."""
        return max(1, self._told - self.pages) if self.is_open else 0

    def read(self, visit: Visit) -> None:
        """Ask for the next page."""
        shown = visit.ask("connectors", self.cloud, pageNo=self.pages, pageSize=PAGE)
        if shown is None:
            return
        right = Right(NAME, f"{self.cloud} connectors", "read")
        self.wrong = trouble(right, shown)
        if shown.status == 403:
            self.wrong = self.wrong and self.wrong._replace(hint=_RIGHTS)
        content = (inner(shown) or {}).get("content")
        if self.wrong is None and not isinstance(content, list):
            self.wrong = unknown(*right[:2], "the answer holds no list of connectors")
        if self.wrong is None and isinstance(content, list):
            self._take(content, shown)

    def _take(self, content: list[object], shown: Shown) -> None:
        self.pages += 1
        before = len(self.found)
        for item in content:
            seen = connector_in(item, self.cloud)
            if seen is not None:
                self.found.setdefault(seen.id, seen)
        data = inner(shown) or {}
        stuck = self.pages > 1 and len(self.found) == before
        if stuck and content:
            about = f"{self.cloud} connectors"
            self.wrong = unknown(NAME, about, "its pages don't lead on")
        self.whole = not content or data.get("last") is True
        told = data.get("totalPages")
        self._told = told if isinstance(told, int) and 0 < told < _PAGES else _PAGES


def lists_of(used: Sequence[UsedConnector]) -> dict[str, Listed]:
    """Return a list to be read for each cloud that specs use, then for those of the catalog."""
    ordered = sorted(used, key=lambda each: not each.file)
    return {each.cloud: Listed(each.cloud) for each in ordered if each.cloud in ACCOUNTS}


def checks(
    visit: Visit, used: Sequence[UsedConnector], lists: Mapping[str, Listed]
) -> Iterator[Check]:
    """Judge the connectors by what was read; those in order share a line."""
    good: list[UsedConnector] = []
    bad: list[Check] = []
    left: list[UsedConnector] = []
    for one in used:
        listed = lists.get(one.cloud)
        seen = listed.found.get(one.id) if listed else None
        if seen is not None:
            check = _judged(one, seen)
            good += [one] if check is None else []
            bad += [check] if check is not None else []
        elif listed is not None and listed.whole and listed.wrong is None:
            bad.append(_gone(one))
        elif listed is None or listed.wrong is None:
            left.append(one)
    yield from (each.wrong for each in lists.values() if each.wrong is not None)
    if good:
        yield ok(NAME, _about(good), "in order")
    yield from bad[:_SHOWN]
    if len(bad) > _SHOWN:
        yield unknown(NAME, more(len(bad) - _SHOWN, "connector"), "likewise not in order")
    yield from _left(visit, left, lists)


def _about(some: Sequence[UsedConnector]) -> str:
    return f"connector {title(some[0])}" if len(some) == 1 else f"{len(some):,} connectors"


def title(one: UsedConnector) -> str:
    """Call a connector by its name, and by its id."""
    return f"{one.name} ({one.id})" if one.name else one.id


def _judged(one: UsedConnector, seen: SeenConnector) -> Check | None:
    now = Connector(
        seen.id, one.name, one.cloud, seen.title, seen.account, seen.state, seen.disabled
    )
    about = f"connector {title(one)}"
    by = f"; {one.file} uses it" if one.file else ""
    if now.trouble and one.file:
        way = "Fix it in Qualys: TotalCloud, Configure, Connectors."
        return failed(NAME, about, f"it {now.trouble}{by}", way)
    if now.trouble:
        return warning(NAME, about, f"it {now.trouble}", "No spec uses it.")
    if seen.state not in _READY:
        return warning(NAME, about, f"its state is {seen.state[:40]}{by}", "Look at it in Qualys.")
    return None


def _gone(one: UsedConnector) -> Check:
    about, found = f"connector {title(one)}", f"Qualys' list of {one.cloud} doesn't have it"
    if one.file:
        way = "Correct the id, or let the user see it in TotalCloud."
        return failed(NAME, about, f"{found}; {one.file} uses it", way)
    return warning(NAME, about, found, "Mark it so: `qflow-gitops connectors pull`")


def _left(
    visit: Visit, left: Sequence[UsedConnector], lists: Mapping[str, Listed]
) -> Iterator[Check]:
    other = [each for each in left if each.cloud not in lists]
    rest = len(left) - len(other)
    if other:
        why = "the gateway has no list of their cloud, or nothing tells which it is"
        yield from left_out(((NAME, _about(other)),), why)
    if rest:
        why = visit.over or "their share of the calls is used up"
        hint = visit.hint or f"`{visit.again}` reads the whole lists."
        yield from left_out(((NAME, more(rest, "connector")),), why, hint)
