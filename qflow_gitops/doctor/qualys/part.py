"""In which order a platform is looked at, so that what matters most is asked first."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from qflow_gitops.doctor.qualys import connectors, gateway, limits, role, version, workflows
from qflow_gitops.doctor.qualys.subject import Subject
from qflow_gitops.doctor.qualys.token import Tokens
from qflow_gitops.doctor.qualys.visit import Visit
from qflow_gitops.results.checks import Check, Verdict, left_out

_WORKFLOWS = (workflows.NAME, "workflows of specs")
_REST = (
    *role.NAMES,
    version.NAME,
    _WORKFLOWS,
    (connectors.NAME, "connectors"),
    limits.NAME,
)


def server_time(visit: Visit, now: datetime) -> datetime:
    """Return the time by Qualys' clock, as far as one is known."""
    return now + timedelta(seconds=visit.ahead or 0.0)


def checks(
    visit: Visit,
    subject: Subject,
    now: datetime,
    more: Callable[[role.Role], object] | None = None,
) -> Iterator[Check]:
    """Look at a platform; `now` is this machine's time.

    `more` looks at what else is wanted, and then what the specs use isn't looked at.
    """
    found = list(gateway.checks(visit, subject.platform))
    yield from found
    if any(each.name == "gateway" and each.verdict is not Verdict.OK for each in found):
        yield from left_out((("credentials", "credentials"), *_REST), "the gateway has to answer")
        return
    tokens = Tokens(visit, now)
    yield from tokens.credentials()
    if visit.told is None:
        yield from left_out((("token", "token"), *_REST), "it takes a token")
        return
    of_role = role.Role(visit, subject, server_time(visit, now))
    permitted = list(of_role.checks())
    if more is not None:
        more(of_role)
    yield from tokens.checks()
    if visit.refused:
        yield from left_out(_REST, "Qualys refused the token")
        return
    yield from permitted
    yield from version.checks(visit, subject)
    if more is not None or any(each.name == "api-access" for each in permitted):
        return
    yield from _used(visit, subject, readable=of_role.readable)
    yield from limits.checks(visit, subject)


def _used(visit: Visit, subject: Subject, *, readable: bool) -> Iterator[Check]:
    """Look at what the specs use: a page of each cloud's list, then what is left, in halves."""
    lists = connectors.lists_of(subject.connectors)
    for each in lists.values():
        each.read(visit)
    asked = {each.look.about[0] for each in visit.of("workflow")}
    wanted = [each for each in subject.workflows if readable and each.id not in asked]
    pages = sum(each.more for each in lists.values())
    room = visit.left(len(wanted) + pages)
    share = min(len(wanted), max(room - pages, room - room // 2))
    if readable:
        yield from workflows.checks(visit, subject.workflows, share)
    else:
        yield from left_out([_WORKFLOWS], "reading one doesn't work")
    wanted_ids = {each.id for each in subject.connectors}
    for each in lists.values():
        while each.is_open and not visit.over and not wanted_ids <= each.found.keys():
            each.read(visit)
    yield from connectors.checks(visit, subject.connectors, lists)
