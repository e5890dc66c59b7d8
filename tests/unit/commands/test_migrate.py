"""`migrate`: legacy variables become `connectorId`, and nothing else is touched."""

from pathlib import Path

import pytest

from qflow_gitops.commands.migrate import rewrite
from qflow_gitops.errors import ExitCode, InvalidInput
from qflow_gitops.results.files import Files
from qflow_gitops.results.report import Report
from tests.fakes.world import WORKFLOW, World, raised
from tests.helpers.specs import CONNECTOR


def legacy(variables: str, name: str = "a", kind: str = "WorkflowRun") -> str:
    return (
        f"apiVersion: qflow-gitops/v1\nkind: {kind}\nmetadata:\n  name: {name}\n"
        f"spec:\n  workflowId: {WORKFLOW}\n  connectorType: aws\n  variables: {variables}\n"
    )


def changes(report: Report) -> list[tuple[str, str, str]]:
    assert isinstance(report.body, Files)
    return [(change.file, change.what, change.detail) for change in report.body.changes]


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(root=tmp_path)
    made.git.write("runs/a.yaml", legacy(f"{{credentials: '@{CONNECTOR}', region: us-east-1}}"))
    made.spec("b")
    made.commit()
    made.on_disk()
    return made


def test_the_key_and_its_at_sign_are_rewritten(world: World) -> None:
    report = world.migrate()
    assert report.exit_code is ExitCode.OK
    assert changes(report) == [("runs/a.yaml", "changed", "line 8: credentials → connectorId")]
    text = world.from_disk("runs/a.yaml")
    assert text == legacy(f"{{connectorId: '{CONNECTOR}', region: us-east-1}}")
    assert world.migrate().notes == ("There is nothing to rewrite.",)


def test_a_check_changes_nothing_and_its_code_says_so(world: World) -> None:
    report = world.migrate(check=True)
    assert (report.exit_code, report.reason) == (ExitCode.PENDING, "pending")
    assert changes(report)[0][1] == "pending"
    assert "credentials" in world.from_disk("runs/a.yaml")


def test_a_difference_is_shown_and_nothing_changed(world: World) -> None:
    report = world.migrate(diff=True)
    assert isinstance(report.body, Files)
    assert "+  variables: {connectorId" in report.body.changes[0].diff
    assert report.body.next == ()
    assert "credentials" in world.from_disk("runs/a.yaml")


def test_only_the_files_that_are_named_are_rewritten(world: World) -> None:
    assert changes(world.migrate("runs/b.yaml")) == []
    assert changes(world.migrate("runs/a.yaml")) != []


def test_what_is_no_plain_file_is_left(world: World) -> None:
    world.git.write("runs/link.yaml", "a.yaml", "120000")
    found = changes(world.migrate(check=True))
    assert all(file != "runs/link.yaml" or what == "left" for file, what, _ in found)


def test_a_file_that_can_not_be_written_stays(world: World) -> None:
    (world.git.root / "runs/a.yaml").unlink()
    assert raised(InvalidInput, world.migrate).reason == "file_unwritable"


# --- one file ------------------------------------------------------------------------


OTHER = "ba70acae-6ea8-3acf-b504-f327855b316a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("credentials: [\n", "YAML errors"),
        (legacy(f"{{credentials: {CONNECTOR}}}", kind="Other"), "not a run spec"),
        (
            legacy(f"{{credentials: {CONNECTOR}, connectorId: '@{CONNECTOR.upper()}'}}"),
            "says the same already",
        ),
        (legacy(f"{{credentials: {CONNECTOR}, connectorId: other}}"), "names ANOTHER connector"),
        (
            legacy(f"{{credentials: {CONNECTOR}, credentials_azure: {CONNECTOR}}}"),
            "name two connectors",
        ),
        (legacy("{credentials: [1]}"), "isn't a single connector id"),
        (legacy(f'{{"cred\\u0065ntials": {CONNECTOR}}} # credentials'), "in an unusual way"),
    ],
)
def test_what_is_left_says_why(text: str, said: str) -> None:
    found = rewrite(text.encode(), "a.yaml")
    assert found.content is None
    assert said in found.left[0]


@pytest.mark.parametrize(
    "text", ["a: 1\n", "# credentials\na: 1\n", legacy("# credentials\n    region: x"), "\xff"]
)
def test_files_without_legacy_variables_are_passed_over(text: str) -> None:
    found = rewrite(text.encode("latin-1"), "a.yaml")
    assert found.content is None


def test_targets_are_rewritten_with_what_they_share() -> None:
    text = legacy(f"{{credentials: {CONNECTOR}}}") + (
        f"  targets:\n    - {{name: a}}\n    - {{name: b, variables: {{credentials: {OTHER}}}}}\n"
        "    - {name: c, variables: {credentials: null}}\n"
    )
    found = rewrite(text.encode(), "a.yaml")
    assert found.content is not None
    assert found.content.decode() == text.replace("credentials", "connectorId")
    assert len(found.changed) == 3


@pytest.mark.parametrize(
    ("shared", "own"),
    [
        (f"{{connectorId: {CONNECTOR}}}", f"{{credentials: {OTHER}}}"),
        (f"{{credentials: {CONNECTOR}}}", f"{{credentials_azure: {OTHER}}}"),
    ],
)
def test_a_target_whose_meaning_would_change_is_left(shared: str, own: str) -> None:
    text = legacy(shared) + f"  targets: [{{name: a, variables: {own}}}]\n"
    found = rewrite(text.encode(), "a.yaml")
    assert found.content is None
    assert found.left


def test_several_documents_are_rewritten_each_for_itself() -> None:
    text = "---\n".join(
        [
            legacy(f"\n    credentials: {CONNECTOR}"),
            legacy("[credentials]", name="b"),
            legacy(f'\n    credentials_gcp: "@{CONNECTOR}"   # kept\n', name="c"),
        ]
    )
    found = rewrite(text.encode(), "a.yaml")
    assert found.content is not None
    assert found.content.decode() == text.replace("credentials:", "connectorId:").replace(
        f'credentials_gcp: "@{CONNECTOR}"', f'connectorId: "{CONNECTOR}"'
    )
    assert len(found.changed) == 2
    assert rewrite(found.content, "a.yaml").content is None
