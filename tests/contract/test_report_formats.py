"""No format of the report for an audit tells what a spec calls sensitive, or a secret.

Over the registry of formats, and over each place in the lockfile and git where a person may write.
"""

import json
from typing import Any

import pytest

from qflow_gitops.audit.masking import Masking
from qflow_gitops.audit.span import Span
from qflow_gitops.commands.report import Asked, ReportServices, report
from qflow_gitops.render import html
from qflow_gitops.render.formats import FORMATS, pieces
from qflow_gitops.results.evidence import Evidence
from qflow_gitops.results.report import Report
from qflow_gitops.sources.loader import DIRECT
from tests.fakes.world import World

CANARY = "canary-4711/é"
NUMBER = 471_147_114
TOKEN = "gh" + "p_" + "a1B2" * 9
SAID = f"it was {CANARY}, {NUMBER} and {TOKEN}"


def planted(world: World) -> None:
    """Write all three wherever somebody may have: as if the lockfile had been written by hand."""
    data = json.loads(world.store.place.versions[-1])
    record = data["environments"]["prod"]
    attempt = record["runs"]["a"]["attempts"][0]
    by = {"actor": SAID, "run": f"https://ci.example/{TOKEN}?{CANARY}", "tool": SAID}
    for event in attempt["events"]:
        event |= {"by": by, "reason": SAID, "detail": SAID, "more": {SAID: [SAID, NUMBER]}}
    attempt |= {
        "status": SAID, "annotations": {"why": SAID, "token": "hunter2"}, "revision": SAID,
        "file": f"runs/{CANARY}.yaml", "gateway": SAID, "extra": {SAID: {"deep": [SAID]}},
        "evidence": {
            "planDigest": SAID, "mergedBy": SAID, "approvers": [SAID],
            "approvals": [{"by": SAID, "review": SAID, "commit": SAID}],
            "released": [{"hold": SAID, "by": SAID, "reason": SAID}],
        },
    }  # fmt: skip
    event = {"at": attempt["events"][0]["at"], "event": SAID, "reason": SAID, "by": by}
    record["runs"]["a"]["events"] = [event]
    record["events"] = [event]
    data["freeze"] = [event]
    world.store.place.versions[-1] = json.dumps(data).encode()


@pytest.fixture(scope="module")
def made() -> Report:
    """The report of a run whose every text holds what is to be masked."""
    world = World()
    extra = f"    number: {NUMBER}\n  sensitive: [/input/value, /input/number]\n"
    world.spec("a", CANARY, extra=extra)
    world.spec("b", "held")
    world.commit(f"Fix {SAID}\n\nBecause {SAID}")
    world.apply(runs=("a",))
    planted(world)
    head = world._head()
    services = ReportServices(
        world.git, head, world.store, world._settings(head), DIRECT, world.clock, world.connect
    )
    found = report(Asked((), "", Span(), live=True), services)
    assert isinstance(found.body, Evidence)
    assert found.body.runs[0].attempts[0].request is not None
    return found


def told(text: str) -> list[str]:
    """Which of the three a text tells, in any spelling that a format may give them."""
    forms: dict[str, list[Any]] = {
        "canary": [CANARY, json.dumps(CANARY)[1:-1], CANARY.replace("/", "&#47;"), "canary-4711"],
        "number": [str(NUMBER), f"{NUMBER:,}"],
        "token": [TOKEN, TOKEN[:20]],
        "named": ["hunter2"],
    }
    return [name for name, some in forms.items() if any(str(form) in text for form in some)]


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_tells_what_is_masked(name: str, made: Report) -> None:
    assert told(FORMATS[name](made)) == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_the_same_bit_by_bit(name: str, made: Report) -> None:
    found = list(pieces(name, made))
    assert "".join(found) == FORMATS[name](made)
    if name in ("json", "html", "ocsf"):
        assert len(found) > 3


def test_no_page_tells_what_is_masked(made: Report) -> None:
    for path, content in html.pages(made):
        assert told(content.decode()) == [], path


def test_what_is_told_is_masked_already(made: Report) -> None:
    """So that a format that comes later can't forget it."""
    assert told(repr(made.body)) == []


def test_a_value_is_masked_where_it_was_cut_and_names_and_ids_stay() -> None:
    masking = Masking()
    world = World()
    world.spec("a", "supersecret", extra="  sensitive: [/input/value]\n")
    world.commit()
    from qflow_gitops.sources.specs import commit_specs

    masking.learn(commit_specs(world.git, world._head(), world.project).specs.values())
    assert masking.text("it is superse…") == "it is (sensitive)…"
    assert masking.text("supersecret") == "(sensitive)"
    assert masking.text("super") == "super"
    assert masking.text("0" * 40) == "0" * 40
