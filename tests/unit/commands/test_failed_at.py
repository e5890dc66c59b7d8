"""Who can't ask Qualys is told by which step a run failed, as an apply saw it."""

import json
from typing import Any

import cmarkgfm
import pytest

from qflow_gitops.commands.show import Show, ShowServices, show
from qflow_gitops.errors import UsageProblem
from qflow_gitops.lockfile.inheritance import inherits
from qflow_gitops.render import json as as_json
from qflow_gitops.render import text as as_text
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import Story
from qflow_gitops.sources.loader import DIRECT
from tests.fakes import qualys as fakes
from tests.fakes.world import World, project_file
from tests.unit.apply.stories import Team
from tests.unit.apply.test_failures_kept import SETTINGS, applied, failing

HOSTILE = (
    "no `bucket` **x** @octo #1 <img src=x> | a --> [y](https://evil.example) "
    "::error::x ##[group]y \x1b[31m \u202e"
)
LINE = 'at step 2 (node-00000002-resource) "Failed": no such bucket'


def failed(**more: Any) -> World:
    world = World(SETTINGS)
    applied(world, "a", **more)
    return world


def story(world: World, *, silent: bool = True) -> Report:
    """Show the run, where nobody can ask Qualys, or somebody can."""

    def connect(platform: str) -> Any:
        if silent:
            raise UsageProblem("There are no credentials.", reason="no_credentials")
        return world.connect(platform)

    services = ShowServices(
        world.git, world._head(), world.store, world._settings(world._head()), DIRECT, connect,
        world.clock,
    )  # fmt: skip
    return show(Show("a"), services)


def proposed(said: str = "no such bucket") -> Team:
    """Merge a pull request, and apply it: its run fails."""
    team = Team(SETTINGS)
    team.propose(7, "a")
    team.merge(7)
    failing(team.world, fakes.failing(said))
    team.world.apply()
    return team


def comment(team: Team) -> str:
    asked = len(team.world.qualys.asked)
    team.world.comment(7)
    assert len(team.world.qualys.asked) == asked  # nobody asked Qualys for it
    (body,) = team.world.github.bodies(7)
    return body


def test_a_comment_names_the_step_and_what_it_says() -> None:
    body = comment(proposed())
    assert f"\n- `prod/a`: `{LINE.removeprefix('at ')}`\n" in body
    assert "in fields that aren't documented" in body


def test_a_comment_without_a_failure_says_nothing_of_it() -> None:
    team = Team(SETTINGS)
    team.propose(7, "a")
    team.merge(7)
    team.world.apply()
    assert "By which steps" not in comment(team)


def test_what_a_step_says_stays_in_code() -> None:
    body = comment(proposed(HOSTILE))
    html = cmarkgfm.github_flavored_markdown_to_html(body)
    entry = (
        html.partition("By which steps")[2]
        .partition("<code>prod/a</code>: ")[2]
        .partition("</li>")[0]
    )
    assert entry.startswith("<code>step 2")
    assert entry.endswith("</code>")
    assert entry.count("<") == 2
    assert "\x1b" not in body
    assert "\u202e" not in body
    assert "::error" not in body
    assert "##[group" not in body


def test_a_comment_tells_of_the_newest_attempt() -> None:
    team = proposed()
    failing(team.world, fakes.failing("no quota"))
    team.world.apply(retries=("a",), reason="again")
    body = comment(team)
    assert "no quota" in body
    assert "no such bucket" not in body
    team.world.qualys.ends = "Success"
    team.world.apply(retries=("a",), reason="again")
    assert "By which steps" not in comment(team)


def test_status_and_history_name_it() -> None:
    world = failed()
    for report in (world.status(), world.history("a")):
        assert f"      {LINE}\n" in as_text.render(report)
    [run] = json.loads(as_json.render(world.status()))["runs"]
    [attempt] = json.loads(as_json.render(world.history()))["attempts"]
    assert run["failedAt"] == attempt["failedAt"] == {
        "nodeId": "node-00000002-resource", "order": 2, "status": "Failed", "certain": True,
        "message": "no such bucket", "messageField": "/errorMessage",
    }  # fmt: skip


def test_runs_that_failed_alike_are_told_once() -> None:
    world = World(SETTINGS)
    world.specs("a", "b", "c")
    failing(world, fakes.failing("no such bucket"))
    world.apply()
    assert as_text.render(world.status()).count(LINE) == 1


def test_show_names_it_where_nobody_can_ask() -> None:
    text = as_text.render(story(failed()))
    assert '✗ step 2 (node-00000002-resource) "Failed"' in text
    assert "no such bucket" in text
    assert "recorded by an apply, which asked Qualys then" in text
    assert "failedAt" not in text


def test_show_prefers_what_qualys_shows_now() -> None:
    world = failed()
    world.qualys.begun[0].more = (fakes.failing("another word", 3),)
    report = story(world, silent=False)
    assert isinstance(report.body, Story)
    culprit = report.body.execution.culprit
    assert culprit is not None
    assert (culprit.step.order, culprit.recorded) == (3, False)
    assert "recorded by an apply" not in as_text.render(report)


def test_show_has_the_recorded_text_where_the_spec_is_lost() -> None:
    """It was masked by that spec when it was recorded; nothing of Qualys' texts is shown."""
    world = failed()
    world.git.blobs_at_hand = lambda ids: {}  # type: ignore[method-assign]
    text = as_text.render(story(world, silent=False))
    assert "no such bucket" in text
    assert "recorded by an apply" in text


def test_a_carried_name_keeps_it() -> None:
    world = failed()
    world.git.remove("runs/a.yaml")
    world.spec("b", "a", metadata="  previousName: a\n")
    world.commit()
    world.apply()
    assert LINE in as_text.render(world.history("b"))
    assert LINE in as_text.render(world.status())


def test_it_is_no_inheritance() -> None:
    """So a plan needn't look at every spec for it."""
    world = failed()
    assert world.store.lockfile.events("prod", "a")
    assert not inherits(world.store.lockfile, world.project, ("prod", "a"))


@pytest.mark.parametrize("settings", [SETTINGS, project_file()])
def test_hostile_words_are_safe_on_a_screen(settings: str) -> None:
    world = World(settings)
    applied(world, "a", said=HOSTILE)
    for report in (world.status(), world.history("a"), story(world)):
        text = as_text.render(report)
        assert not any(each in text for each in ("\x1b", "\u202e", "::error", "##[group"))
