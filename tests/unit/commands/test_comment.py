"""One comment for each environment of a pull request: what would run, and what became of it."""

from collections.abc import Sequence

import cmarkgfm
import pytest

from qflow_gitops.commands import comment as commenting
from qflow_gitops.commands.comment import author_of, changed_lately
from qflow_gitops.errors import ExitCode, QflowError, UnreachableError, UsageProblem
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.pull_requests import Author
from qflow_gitops.results.report import Report
from qflow_gitops.results.reviews import Commented, Comments, ReviewStatus
from tests.fakes import qualys as fakes
from tests.fakes.git import FakeGit
from tests.fakes.world import project_file, raised
from tests.unit.apply.stories import Team

ELSE = Author("somebody", bot=False)
NEEDED = project_file("policy: {approvals: [{count: 2}], require: {signedCommits: true}}")


def entries(report: Report) -> Sequence[Commented]:
    assert isinstance(report.body, Comments)
    return report.body.entries


def only(report: Report) -> Commented:
    (entry,) = entries(report)
    return entry


def text(team: Team, number: int = 7) -> str:
    (body,) = team.world.github.bodies(number)
    return body


# --- how it stands -------------------------------------------------------------------


def test_before_the_merge_it_shows_what_would_run() -> None:
    team = Team()
    team.propose(7, "a")
    entry = only(team.world.comment(7))
    assert (entry.what, entry.standing) == ("created", ReviewStatus.PLANNED)
    assert "| `prod/a` | planned | `added` |" in text(team)
    team.world.github.approve(7, "bob")
    entry = only(team.world.comment(7))
    assert (entry.what, entry.standing) == ("edited", ReviewStatus.APPROVED)
    assert only(team.world.comment(7)).what == "unchanged"


def test_what_no_apply_did_of_what_was_merged_before_is_said() -> None:
    """To whoever is about to merge more, which would wait as well."""
    team = Team(project_file("lock: {store: branch}"))
    world = team.world
    world.specs("first")
    team.publish()
    world.apply()
    world.git.now = world.now
    world.specs("second")
    team.publish()
    team.propose(7, "a")
    world.clock.sleep(23 * 3600)
    world.comment(7)
    assert "no apply has got through" not in text(team)
    world.clock.sleep(2 * 3600)
    assert only(world.comment(7)).what == "edited"
    html = cmarkgfm.github_flavored_markdown_to_html(text(team))
    assert f"no apply has got through since <code>{world.git.now}</code>" in html
    assert "qflow-gitops apply -e prod" in html
    world.git.switch("main")
    world.apply()
    world.comment(7)
    assert "no apply has got through" not in text(team)


def test_what_it_lacks_is_said() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.world.github.approve(7, "bob")
    team.world.github.opened[7].signed = False
    assert only(team.world.comment(7)).standing is ReviewStatus.PLANNED
    assert "Merged without it, apply holds it" in text(team)


def test_after_the_merge_what_lacks_something_is_held() -> None:
    team = Team(NEEDED)
    team.propose(7, "a")
    team.merge(7)
    assert only(team.world.comment(7)).standing is ReviewStatus.HELD


@pytest.mark.parametrize(
    ("end", "standing"),
    [
        ("Success", ReviewStatus.DONE),
        ("Broken", ReviewStatus.DONE),
        ("", ReviewStatus.RUNNING),
        ("lost", ReviewStatus.IN_DOUBT),
        ("refused", ReviewStatus.DONE),
    ],
)
def test_after_an_apply_it_shows_what_became_of_it(end: str, standing: ReviewStatus) -> None:
    team = Team(project_file("statuses: {Broken: failed}"))
    team.propose(7, "a")
    team.merge(7)
    world = team.world
    if end in ("lost", "refused"):
        world.qualys.replies.append(fakes.refused() if end == "refused" else fakes.VANISHED)
    else:
        world.qualys.ends = end
    world.apply(wait=bool(end))
    assert only(world.comment(7)).standing is standing


def test_an_assumption_counts_as_done() -> None:
    team = Team()
    team.propose(7, "a")
    team.merge(7)
    team.world.qualys.replies.append(fakes.VANISHED)
    team.world.apply()
    team.world.clock.sleep(600)
    team.world.resolve("prod/a", State.ASSUMED)
    assert only(team.world.comment(7)).standing is ReviewStatus.DONE


def test_some_done_and_some_waiting_is_partly_done() -> None:
    team = Team(project_file("apply: {concurrency: 1}"))
    team.propose(7, "a", "b")
    team.merge(7)
    team.world.qualys.replies.append(fakes.refused())
    team.world.apply()
    assert only(team.world.comment(7)).standing is ReviewStatus.PARTLY_DONE


def test_some_done_and_some_held_is_partly_done() -> None:
    team = Team(project_file("apply: {concurrency: 1}"))
    team.propose(7, "a", "b")
    team.merge(7)
    team.world.qualys.replies.append(fakes.refused())
    team.world.apply()
    team.world.freeze()
    assert only(team.world.comment(7)).standing is ReviewStatus.PARTLY_DONE


def test_a_spec_with_errors_is_held() -> None:
    team = Team()
    team.world.git.switch("pull-7")
    team.world.git.write("runs/bad.yaml", "kind: [\n")
    head = team.on_branch(7)
    team.world.github.open(7, head, team.base)
    team.world.git.switch("main")
    team.world.comment(7)
    assert "runs/bad.yaml" in text(team)


def test_a_run_with_errors_alone_is_held() -> None:
    team = Team()
    team.world.git.switch("pull-7")
    team.world.spec("a", extra="  unknown: 1\n")
    team.world.github.open(7, team.on_branch(7), team.base)
    team.world.git.switch("main")
    assert only(team.world.comment(7)).standing is ReviewStatus.HELD


def test_what_is_wrong_with_other_files_is_no_concern_of_it() -> None:
    team = Team()
    team.world.git.write("runs/bad.yaml", "kind: [\n")
    team.commit()
    team.propose(7, "a")
    team.world.comment(7)
    assert "runs/bad.yaml" not in text(team)


def test_what_a_catalog_breaks_in_other_files_is_its_concern() -> None:
    team = Team()
    connector = "{connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}"
    team.world.spec("old", extra=f"  connectorType: aws\n  variables: {connector}\n")
    team.commit()
    team.world.git.switch("pull-7", team.world.git.resolve("main"))
    head = "apiVersion: qflow-gitops/v1\nkind: ConnectorCatalog\n"
    team.world.git.write("connectors/prod/aws.yaml", f"{head}connectors: {{}}\n")
    team.world.github.open(7, team.on_branch(7, "a"), team.base)
    team.world.git.switch("main")
    team.world.comment(7)
    assert "connector-unknown" in text(team)
    assert "runs/old.yaml" in text(team)


def test_a_catalog_is_part_of_each_spec_that_has_something_from_it() -> None:
    team = Team()
    lines = [
        f"  {name}: {{id: aa70acae-6ea8-3acf-b504-f327855b316{end}}}\n"
        for name, end in (("payments", "a"), ("shop", "b"), ("site", "c"))
    ]

    def catalog(*some: str) -> None:
        head = "apiVersion: qflow-gitops/v1\nkind: ConnectorCatalog\nconnectors:\n"
        team.world.git.write("connectors/prod/aws.yaml", head + "".join(some))

    catalog(*lines[:2])
    selected = "  targets: {connectors: {cloud: aws}}\n"
    team.world.spec("one", extra=f"  connectorType: aws\n{selected}")
    team.world.spec("other")
    team.commit()
    team.world.apply()
    team.world.git.switch("pull-7", team.world.git.resolve("main"))
    catalog(lines[0], lines[2])
    team.world.github.open(7, team.on_branch(7), team.base)
    team.world.git.switch("main")
    assert only(team.world.comment(7)).standing is ReviewStatus.PLANNED
    assert "`prod/one/site` | planned | `added`" in text(team)
    assert "site (" not in text(team)
    assert "prod/other" not in text(team)


def test_an_attempt_that_names_another_pull_request_is_that_ones() -> None:
    team = Team()
    team.propose(7, "a")
    team.merge(7)
    team.world.evidence = {"pullRequest": 8}
    team.world.apply()
    assert only(team.world.comment(7)).standing is ReviewStatus.NOTHING
    mine = Team()
    mine.propose(7, "a")
    mine.merge(7)
    mine.world.evidence = {"pullRequest": 7}
    mine.world.apply()
    assert only(mine.world.comment(7)).standing is ReviewStatus.DONE


def test_why_a_run_started_is_told_as_the_plan_before_told_it() -> None:
    team = Team(project_file("statuses: {Broken: failed}"))
    team.direct("a")
    team.world.qualys.ends = "Broken"
    team.world.apply()
    team.propose(7, "a", value="changed")
    team.merge(7)
    team.world.apply()
    team.world.comment(7)
    assert "| `modified` |" in text(team)
    team.world.qualys.ends = "Success"
    team.world.evidence = {"pullRequest": 7}
    team.world.apply(retries=("a",), reason="fixed")
    team.world.comment(7)
    assert "| `retry` |" in text(team)


def test_a_run_that_is_raised_is_a_rerun() -> None:
    team = Team()
    team.direct("a")
    team.world.apply()
    team.world.git.switch("pull-7", team.world.git.resolve("main"))
    team.world.spec("a", extra="  rerun: 1\n")
    head = team.on_branch(7)
    team.world.github.open(7, head, team.world.git.resolve("main"))
    team.world.git.switch("main")
    team.merge(7)
    team.world.apply()
    team.world.comment(7)
    assert "| `rerun` |" in text(team)


def test_the_ci_run_of_this_server_is_linked() -> None:
    team = Team()
    team.propose(7, "a")
    team.merge(7)
    team.world.author = {"actor": "ada", "run": "https://github.example/octo/runs/actions/1"}
    team.world.apply()
    team.world.comment(7, server="https://github.example")
    assert "https://github.example/octo/runs/actions/1" in text(team)
    team.world.comment(7, server="https://elsewhere.example")
    assert "octo/runs/actions/1" not in text(team)
    team.world.comment(7)
    assert "octo/runs/actions/1" not in text(team)


# --- which commits -------------------------------------------------------------------


def test_another_commit_can_be_looked_at_which_nobody_approved() -> None:
    team = Team()
    first = team.propose(7, "a")
    team.push(7, "b")
    team.world.github.approve(7, "bob")
    entry = only(team.world.comment(7, revision=first))
    assert entry.standing is ReviewStatus.PLANNED
    assert "prod/b" not in text(team)


def test_a_runner_fetches_what_it_lacks() -> None:
    team = Team()
    runner = FakeGit.clone(team.world.git.remotes["origin"])
    team.propose(7, "a")
    team.merge(7)
    team.world.git = runner
    assert only(team.world.comment(7)).what == "created"


def test_where_the_target_is_not_known_its_commit_is_fetched() -> None:
    team = Team()
    team.propose(7, "a")
    del team.world.git.refs["refs/remotes/origin/main"]
    assert only(team.world.comment(7)).what == "created"


@pytest.mark.parametrize("what", ["head", "merge", "target", "ancestor"])
def test_a_commit_that_is_nowhere_is_named(what: str) -> None:
    team = Team()
    team.propose(7, "a")
    git, hub = team.world.git, team.world.github
    match what:
        case "head":
            hub.change(7, head="9" * 40)
        case "merge":
            hub.change(7, merged=True, merge_commit="9" * 40)
        case "target":
            del git.refs["refs/remotes/origin/main"]
            hub.change(7, base_commit="9" * 40)
        case "ancestor":
            stranger = FakeGit()
            stranger.files_on_disk.update(git.files_on_disk)
            orphan = stranger.commit("of another repository")
            git.remotes["origin"].take(stranger.commits, "refs/pull/7/head", orphan)
            hub.change(7, head=orphan)
    problem = raised(UsageProblem, lambda: team.world.comment(7))
    assert problem.reason == "pull_request_commit"
    assert what in problem.message
    assert hub.bodies(7) == []


def test_an_environment_that_was_renamed_after_the_merge_starts_under_its_new_name() -> None:
    team = Team()
    team.propose(7, "a")
    team.world.comment(7)
    team.merge(7)
    renamed = (
        project_file()
        .replace("prod: {platform: sandbox}", "live: {platform: sandbox, previousNames: [prod]}")
        .replace("defaultEnvironment: prod", "defaultEnvironment: live")
    )
    team.world.git.write("qflow.yaml", renamed)
    team.commit()
    (entry,) = entries(team.world.comment(7))
    assert (entry.key.environment, entry.what) == ("prod", "edited")
    assert "`live`" in text(team)


def test_after_the_merge_settings_that_can_not_be_read_leave_it_at_its_own() -> None:
    team = Team()
    team.propose(7, "a")
    team.merge(7)
    team.world.git.write("qflow.yaml", "kind: [\n")
    team.commit()
    assert only(team.world.comment(7)).key.environment == "prod"


# --- the comment that stays ----------------------------------------------------------


def test_nothing_is_said_where_nothing_is_selected() -> None:
    team = Team()
    team.propose(7)
    assert only(team.world.comment(7)).what == "none"
    assert team.world.github.bodies(7) == []
    assert only(team.world.comment(7, always=True)).what == "created"


def test_a_dry_run_posts_nothing() -> None:
    team = Team()
    team.propose(7, "a")
    entry = only(team.world.comment(7, dry_run=True))
    assert entry.what == "shown"
    assert entry.text.startswith("<!-- qflow-gitops")
    assert team.world.github.bodies(7) == []


def test_comments_of_others_are_left_alone_whatever_they_say() -> None:
    team = Team()
    team.propose(7, "a")
    marker = "<!-- qflow-gitops v1 environment=prod -->\nmine\n"
    team.world.github.say(7, marker, ELSE)
    team.world.comment(7)
    assert team.world.github.bodies(7)[0] == marker
    assert len(team.world.github.bodies(7)) == 2


def test_of_several_comments_the_oldest_stays() -> None:
    team = Team()
    team.propose(7, "a")
    hub = team.world.github
    marker = "<!-- qflow-gitops v1 environment=prod -->\nold\n"
    hub.say(7, marker, hub.me)
    hub.say(7, marker, hub.me)
    entry = only(team.world.comment(7))
    assert (entry.what, entry.removed) == ("edited", 1)
    assert len(hub.bodies(7)) == 1


def test_two_at_once_leave_one_comment() -> None:
    team = Team()
    team.propose(7, "a")
    hub = team.world.github
    marker = "<!-- qflow-gitops v1 environment=prod -->\nof the other one\n"

    def faster() -> None:
        hub.before_create = lambda: None
        hub.say(7, marker, hub.me)

    hub.before_create = faster
    entry = only(team.world.comment(7))
    assert (entry.what, entry.removed) == ("created", 1)
    assert len(hub.bodies(7)) == 1


def test_who_it_is_may_only_be_told_by_the_answer() -> None:
    team = Team()
    team.propose(7, "a")
    team.world.github.me = Author("my-app", bot=True)
    assert only(team.world.comment(7)).what == "created"
    assert only(team.world.comment(7)).what == "unchanged"


def test_a_comment_that_is_removed_meanwhile_is_written_again() -> None:
    team = Team()
    team.propose(7, "a")
    hub = team.world.github
    team.world.comment(7)
    hub.approve(7, "bob")

    def remove() -> None:
        hub.before_edit = lambda: None
        hub.said[7].clear()

    hub.before_edit = remove
    assert only(team.world.comment(7)).what == "created"


def test_a_comment_that_is_removed_again_and_again_is_given_up() -> None:
    team = Team()
    team.propose(7, "a")
    hub = team.world.github
    marker = "<!-- qflow-gitops v1 environment=prod -->\nold\n"

    def remove() -> None:
        hub.said[7].clear()
        hub.say(7, marker, hub.me)

    hub.say(7, marker, hub.me)
    hub.before_edit = remove
    problem = raised(UnreachableError, lambda: team.world.comment(7))
    assert problem.reason == "comment_contended"


def test_an_environment_that_is_gone_promises_nothing() -> None:
    team = Team(project_file("  dev: {platform: sandbox}"))
    team.propose(7, "a")
    team.world.comment(7, always=True)
    assert len(team.world.github.bodies(7)) == 2
    team.world.git.switch("pull-7")
    team.world.git.write("qflow.yaml", project_file())
    head = team.on_branch(7)
    team.world.github.push(7, head)
    team.world.git.switch("main")
    what = {entry.key.environment: entry.what for entry in entries(team.world.comment(7))}
    assert what["dev"] == "edited"
    assert "no environment any more" in team.world.github.bodies(7)[0]


# --- after an apply ------------------------------------------------------------------


def test_pull_requests_whose_runs_changed_lately_are_looked_at() -> None:
    team = Team()
    world = team.world
    for number, name in ((7, "a"), (8, "b")):
        team.propose(number, name)
        team.merge(number)
        world.evidence = {"pullRequest": number}
        world.apply()
        world.clock.sleep(86_400 * 20)
    assert [entry.pull_request for entry in entries(world.comment_on_merged())] == [8]
    assert changed_lately(world.store.lockfile, "2026-01-01T00:00:00Z") == [8, 7]


def test_what_is_not_settled_is_looked_at_however_old() -> None:
    team = Team()
    world = team.world
    team.propose(7, "a")
    team.merge(7)
    world.evidence = {"pullRequest": 7}
    world.qualys.ends = ""
    world.apply(wait=False)
    world.clock.sleep(86_400 * 60)
    assert only(world.comment_on_merged()).standing is ReviewStatus.RUNNING


def test_no_more_than_the_newest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commenting, "MOST", 1)
    team = Team()
    world = team.world
    for number, name in ((7, "a"), (8, "b")):
        team.propose(number, name)
        team.merge(number)
        world.evidence = {"pullRequest": number}
        world.apply()
        world.clock.sleep(60)
    report = world.comment_on_merged()
    assert [entry.pull_request for entry in entries(report)] == [8]
    assert "2 pull requests changed lately; 1 are looked at" in report.notes[0]


def test_one_that_can_not_be_read_keeps_no_other_from_its_comment() -> None:
    team = Team()
    world = team.world
    for number, name in ((7, "a"), (8, "b")):
        team.propose(number, name)
        team.merge(number)
        world.evidence = {"pullRequest": number}
        world.apply()
    del world.github.opened[8]
    report = world.comment_on_merged()
    assert report.exit_code is ExitCode.USAGE
    assert isinstance(report.error, QflowError)
    assert report.error.where == "pull request 8"
    assert [entry.pull_request for entry in entries(report)] == [7]


# --- as whom -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "login", "actions", "author"),
    [
        (ELSE, "", "true", ELSE),
        (ELSE, "my-app[bot]", "true", Author("my-app", bot=True)),
        (None, "ada", "", Author("ada", bot=False)),
        (None, "", "true", Author("github-actions", bot=True)),
        (None, "", "", None),
    ],
)
def test_as_whom_comments_are_looked_for(
    found: Author | None, login: str, actions: str, author: Author | None
) -> None:
    assert author_of(found, login, {"GITHUB_ACTIONS": actions}) == author
