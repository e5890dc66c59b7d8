"""Whatever a tenant answers, in status, headers and shape, a doctor says something of it."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.commands.doctor import doctor, observed
from qflow_gitops.doctor.checklist import Part
from qflow_gitops.doctor.facts import looks, table
from qflow_gitops.doctor.qualys import part
from qflow_gitops.doctor.qualys.subject import Sent, Subject, UsedConnector, UsedWorkflow
from qflow_gitops.doctor.qualys.visit import MOST, Visit
from qflow_gitops.http.allotment import Allotment
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError
from qflow_gitops.qualys.credentials import Credentials, Secret
from qflow_gitops.qualys.logins.given import Given
from qflow_gitops.qualys.portal import Portal
from qflow_gitops.qualys.tenant import TenantLooks
from qflow_gitops.qualys.token import TokenSource
from qflow_gitops.render.formats import FORMATS
from tests.helpers.specs import CONNECTOR, WORKFLOW
from tests.helpers.tenants import Served, Tenant
from tests.helpers.tenants_known import TENANTS

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
EXECUTION = "497d0fe7-0000-4a0b-8d1b-3d90e904d1c5"
NAMES = (
    "data", "items", "total", "id", "execution", "workflow", "status", "createdAt", "endDate",
    "details", "definition", "variables", "key", "value", "revision", "content", "last", "state",
    "totalPages", "totalElements", "connectorId", "isDisabled", "nodeId", "nodeType", "message",
    "overrideVariables", "forceRun", "source", "ServiceResponse", "QFLOW-VERSION", "errors",
)  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([WORKFLOW, CONNECTOR, EXECUTION, "Success", "..", "1.19", 1e308, 10**400,
                       '{"variables": [7]}', "@", 1_700_000_000_000])
)  # fmt: skip
names = st.sampled_from(NAMES) | st.text(max_size=10)
shapes = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=25,
)
bodies = shapes.map(lambda each: json.dumps(each).encode()) | st.binary(max_size=60)
headers = st.dictionaries(
    st.sampled_from(
        ["x-ratelimit-limit", "x-ratelimit-window-sec", "x-ratelimit-remaining", "retry-after",
         "x-ratelimit-towait-sec", "x-concurrency-limit-limit", "date", "age", "content-length"]
    ),
    st.sampled_from(["0", "1", "300", "3600", "-1", "ten", "Sun, 29 Nov 2026 12:00:00 GMT", ""])
    | st.text(max_size=8),
    max_size=5,
)  # fmt: skip
statuses = st.sampled_from([200, 200, 200, 200, 201, 204, 206, 302, 400, 401, 403, 404, 409, 429,
                            500, 503])  # fmt: skip
answers = st.builds(HttpAnswer, statuses, headers, bodies) | st.just(
    NoAnswerError("no answer in time", sent=True)
)


class Odd:
    """Answers each request with the next of some answers, over and over; takes only GETs."""

    def __init__(self, some: list[Any], allotment: Allotment) -> None:
        self._some = some
        self._allotment = allotment
        self._sent = 0

    def send(self, method: str, path: str, **_more: Any) -> HttpAnswer:
        assert method == "GET"
        assert "/run" not in path
        self._allotment.take()
        self._sent += 1
        if self._sent == 1:  # somebody is there
            return HttpAnswer(401, {}, b"{}")
        answer = self._some[self._sent % len(self._some)]
        if isinstance(answer, NoAnswerError):
            raise answer
        assert isinstance(answer, HttpAnswer)
        return answer


SUBJECT = Subject(
    "prod",
    "EU2",
    (UsedWorkflow(WORKFLOW, "runs/a.yaml", ("region", "nmae")), UsedWorkflow(EXECUTION, "b", ())),
    (UsedConnector(CONNECTOR, "aws", "payments", "runs/a.yaml"), UsedConnector(WORKFLOW, "oci")),
    (Sent("a", EXECUTION, "2026-11-28T00:00:00Z"),),
    files={"connectorId": "runs/a.yaml", "legacy": "runs/b.yaml", "variables": "runs/a.yaml"},
)


def visit(some: list[Any], token: str) -> Visit:
    redact, allotment = Redactor(), Allotment(MOST)
    transport: Any = Odd(some, allotment)
    pair = {name: Secret("canary-secret") for name in ("QFLOW_API_USERNAME", "QFLOW_API_PASSWORD")}
    portal = Portal(lambda: (transport, Credentials(pair)), redact)
    return Visit(
        TenantLooks(
            "gateway.example",
            transport,
            lambda: TokenSource(Given(Secret(token)), redact),
            ("QFLOW_TOKEN",),
            redact,
            allotment,
            portal,
        )
    )


def rendered(report: Any) -> None:
    for form in ("text", "markdown", "json"):
        assert FORMATS[form](report)


@given(st.lists(answers, min_size=1, max_size=8), st.sampled_from(["a.e30.c", "", "a.bnVsbA.c"]))
def test_a_doctor_says_something_of_every_answer(some: list[Any], token: str) -> None:
    looked = visit(some, token)
    report = doctor([Part("Qualys", lambda: part.checks(looked, SUBJECT, NOW))])
    assert looked.tenant.made <= MOST
    rendered(report)


@given(st.lists(answers, min_size=1, max_size=8))
def test_facts_are_told_of_every_answer(some: list[Any]) -> None:
    looked = visit(some, "a.e30.c")
    made_up: set[str] = set()
    checks = list(
        part.checks(looked, SUBJECT, NOW, lambda role: made_up.update(looks.ask(looked, role)))
    )
    told = table.facts(looked, frozenset(made_up), part.server_time(looked, NOW))
    assert looked.tenant.made <= MOST
    assert {each.about for each in told} == FACTS
    rendered(observed(checks, told, "EU2", looked.tenant.made))


FACTS = {each.about for each in table.facts(visit([], ""), frozenset(), NOW)}


# --- almost as documented ------------------------------------------------------------


class Almost(Odd):
    """Answers as a stand-in does, but for some values of each answer."""

    def __init__(self, tenant: Tenant, made: Random, odd: list[Any], allotment: Allotment) -> None:
        super().__init__([], allotment)
        self._tenant = tenant
        self._made = made
        self._odd = odd

    def send(self, method: str, path: str, **more: Any) -> HttpAnswer:
        self._allotment.take()
        assert method == "GET"
        if "Authorization" not in more["headers"]:
            return HttpAnswer(401, {}, b"{}")
        reply = Served.reply_of(self._tenant, path)
        body = reply.body
        if not isinstance(body, bytes):
            body = json.dumps(self._changed(body)).encode()
        return HttpAnswer(reply.status, {}, body)

    def _changed(self, value: Any) -> Any:
        if self._made.random() < 0.04:
            return self._made.choice(self._odd)
        if isinstance(value, dict):
            kept = {name: each for name, each in value.items() if self._made.random() > 0.02}
            return {name: self._changed(each) for name, each in kept.items()}
        if isinstance(value, list):
            return [self._changed(each) for each in value]
        return value


@given(
    st.sampled_from(sorted(TENANTS)),
    st.randoms(use_true_random=False),
    st.lists(shapes, min_size=3, max_size=8),
)
def test_nothing_stumbles_over_a_value_that_is_another(
    name: str, made: Random, odd: list[Any]
) -> None:
    allotment, redact = Allotment(None), Redactor()
    transport: Any = Almost(TENANTS[name], made, odd, allotment)
    tenant = TenantLooks(
        "gateway.example", transport, lambda: TokenSource(Given(Secret("a.e30.c")), redact),
        ("QFLOW_TOKEN",), redact, allotment,
    )  # fmt: skip
    looked = Visit(tenant)
    rendered(doctor([Part("Qualys", lambda: part.checks(looked, SUBJECT, NOW))]))
    looked = Visit(tenant)
    checks = list(part.checks(looked, SUBJECT, NOW, lambda role: looks.ask(looked, role)))
    rendered(observed(checks, table.facts(looked, frozenset(), NOW), "EU2", allotment.made))
