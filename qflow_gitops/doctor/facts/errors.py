"""Facts of refusals, limits, tokens, versions and connectors (docs/api.md 4, 5, 7)."""

import re
from collections.abc import Iterator
from datetime import datetime

from qflow_gitops.doctor.facts.shapes import fields, is_count, is_name, words
from qflow_gitops.doctor.facts.sights import answered, data_of, fact
from qflow_gitops.doctor.qualys.limits import KNOWN
from qflow_gitops.doctor.qualys.version import version_in
from qflow_gitops.doctor.qualys.visit import Seen, Visit
from qflow_gitops.http.evidence import number
from qflow_gitops.ports.tenant import CALLS, Shown, Told
from qflow_gitops.qualys.connectors import PAGE
from qflow_gitops.results.checks import Fact

_LIFETIME = 4 * 3600
_ALL = "all of these calls"
_NAMED = (*KNOWN, "ratelimit", "ratelimit-policy", "ratelimit-limit", "ratelimit-remaining",
          "ratelimit-reset")  # fmt: skip
"""Of Qualys' other modules, and of the IETF's drafts; any other may be somebody's own."""
_OF_LIMITS = re.compile("rate-?limit|concurrency|retry-after|quota", re.IGNORECASE)


def facts(visit: Visit, unknown: frozenset[str], now: datetime) -> Iterator[Fact]:
    """Tell of what was refused; `unknown` are ids that were made up to be refused."""
    nameless = [each for each in visit.seen if not each.named]
    yield _refusal("refusal without a token", nameless, "workflows")
    for call, what in (("execution", "an unknown execution"), ("workflow", "an unknown workflow")):
        made_up = [each for each in visit.of(call) if unknown & {*each.look.about}]
        yield _refusal(f"refusal of {what}", made_up, call)
    forbidden = [each for each in visit.of(*CALLS) if each.shown.status == 403]
    yield _refusal("refusal of what the role doesn't permit", forbidden, "workflows")
    yield _limits(visit)
    yield from _token(visit.told, now)
    yield fact("QFlow's version", "5.6", "version", visit.of("version"), _version)
    yield from _connectors(visit)


def _refusal(about: str, seen: list[Seen], call: str) -> Fact:
    how = seen[0].how if seen else f"GET {CALLS[call]}"
    return Fact(about, "4.2", answered(seen[0].shown) if seen else "", how)


def _limits(visit: Visit) -> Fact:
    headers: dict[str, str] = {}
    for each in visit.seen:
        headers |= {name: text for name, text in each.shown.headers.items() if _is_limit(name)}
    told = [f"{name} {_number(headers[name])}" for name in _NAMED if name in headers]
    odd = len(headers) - len(told)
    told += [f"{odd} of other names"] if odd else []
    return Fact("headers of limits", "4.3", ", ".join(told) or ("none" if visit.seen else ""), _ALL)


def _is_limit(name: str) -> bool:
    return _OF_LIMITS.search(name) is not None


def _number(value: str) -> str:
    found = number(value)
    return str(found) if found is not None else "(no number)"


def _token(told: Told | None, now: datetime) -> Iterator[Fact]:
    how = "the token"
    if told is None:
        yield Fact("token: how long it lasts", "5.2", "", how)
        yield Fact("token: names of its claims", "5.1", "", how)
        return
    times = [name for name, at in (("exp", told.expires), ("iat", told.issued)) if at]
    begun = now.timestamp() if told.issued is None else told.issued
    lasts = (told.expires or 0) - begun
    seen, assumed = "it doesn't say", ""
    if told.issued is None and "QFLOW_TOKEN" not in told.given:
        lasts = 60 * round(lasts / 60)  # it was got a moment ago
    if 0 < lasts < 10**8 and (told.issued or "QFLOW_TOKEN" not in told.given):
        seen = f"{lasts:,.0f} s"
        assumed = "" if abs(lasts - _LIFETIME) < 60 else "4 hours"
    yield Fact("token: how long it lasts", "5.2", seen, how, assumed)
    names = [name for name in (*told.claims, *told.others, *times) if is_name(name)]
    yield Fact("token: names of its claims", "5.1", ", ".join(sorted(names)) or "none", how)


def _version(shown: Shown) -> str:
    return version_in(shown.data) or "none that looks like a version"


def _connectors(visit: Visit) -> Iterator[Fact]:
    seen = visit.of("connectors")
    how = f"GET {CALLS['connectors']}"
    pages = "; ".join(f"{each.look.about[0]}: {_page(each.shown)}" for each in seen)
    yield Fact("lists of connectors: around them, page size", "7.1", pages, how)
    some = [item for each in seen for item in _content(each.shown) or [] if isinstance(item, dict)]
    named = all(isinstance(item.get("connectorId"), str) for item in some)
    assumed = "" if named else "a connectorId in each"
    yield Fact("connectors: fields", "7.1", fields(some) if some else "", how, assumed)
    states = words((item.get("state") for item in some), constant=True)
    yield Fact("connectors: states", "7.1", states, how)


def _content(shown: Shown) -> list[object] | None:
    content = data_of(shown).get("content")
    return content if isinstance(content, list) else None


def _page(shown: Shown) -> str:
    content = _content(shown)
    if content is None:
        return answered(shown) if not shown.is_good else "no list in `content`"
    total = data_of(shown).get("totalElements")
    told = f" of {total:,}" if is_count(total) else ""
    return f"asked for {PAGE:,}, got {len(content):,}{told}"
