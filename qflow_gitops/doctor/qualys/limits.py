"""The limits that answers really named, and whether `apply` fits into them (docs/api.md 4.3)."""

from collections.abc import Iterator, Mapping

from qflow_gitops.apply.polling import LAST_POLL
from qflow_gitops.doctor.qualys.subject import Subject
from qflow_gitops.doctor.qualys.visit import Visit
from qflow_gitops.http.evidence import number
from qflow_gitops.results.checks import Check, ok, unknown, warning

NAME = ("rate_limit", "limit of calls")
_AT_ONCE = ("concurrency", "limit of calls at once")
KNOWN = (
    "x-ratelimit-limit",
    "x-ratelimit-window-sec",
    "x-ratelimit-remaining",
    "x-ratelimit-towait-sec",
    "x-concurrency-limit-limit",
    "x-concurrencylimit-limit",
    "x-concurrency-limit-running",
    "retry-after",
)
"""Headers of limits, documented or seen of other modules; one page spells one differently."""


def checks(visit: Visit, subject: Subject) -> Iterator[Check]:
    """Say which headers came, and whether `apply.concurrency` and its looks fit."""
    headers: dict[str, str] = {}
    for each in visit.of("workflows", "workflow", "executions", "execution", "steps"):
        headers |= {name: each.shown.headers[name] for name in KNOWN if name in each.shown.headers}
    if not headers:
        if visit.of("workflows"):
            yield unknown(*NAME, "no answer names one, which doesn't mean that there is none")
        return
    yield _rate(headers, subject.concurrency)
    yield from _concurrency(headers, subject.concurrency)


def _rate(headers: Mapping[str, str], concurrency: int) -> Check:
    limit, window, left = (number(headers.get(name, "")) for name in KNOWN[:3])
    if not limit or not window:
        some = ", ".join(f"{name}: {headers[name][:20]}" for name in headers)
        return unknown(*NAME, f"the headers don't tell a limit and its time: {some}")
    found = f"{limit:,} calls in {window:,} s" + (f", {left:,} left" if left is not None else "")
    fits = int(limit * LAST_POLL / window)
    if concurrency <= fits:
        return ok(*NAME, found)
    found += (
        f"; to look at {concurrency} executions every {LAST_POLL:.0f} s takes "
        f"{concurrency * window / LAST_POLL:,.0f}: `apply` would wait more often"
    )
    return warning(
        *NAME, found, hint=f"Set `apply: {{concurrency: {max(1, fits)}}}` in qflow.yaml."
    )


def _concurrency(headers: Mapping[str, str], concurrency: int) -> Iterator[Check]:
    names = KNOWN[4:6]
    most = next((found for name in names if (found := number(headers.get(name, "")))), None)
    if most is None:
        return
    if concurrency <= most:
        yield ok(*_AT_ONCE, f"{most:,} at once")
        return
    way = f"Set `apply: {{concurrency: {most}}}` in qflow.yaml."
    yield warning(*_AT_ONCE, f"{most:,} at once, and apply.concurrency is {concurrency}", hint=way)
