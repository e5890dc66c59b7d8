"""`validate`: every finding of the work tree, or of some files; what is known isn't looked at."""

from qflow_gitops.errors import ExitCode
from qflow_gitops.results.report import Report, Validated
from tests.fakes.world import World


def rules(report: Report) -> set[tuple[str, str]]:
    return {(finding.file, finding.rule) for finding in report.diagnostics}


def counted(report: Report) -> tuple[int, int]:
    assert isinstance(report.body, Validated)
    return report.body.files, report.body.runs


def project() -> World:
    world = World()
    world.specs("a", "b")
    return world


def test_sound_files_are_counted() -> None:
    world = project()
    report = world.validate()
    assert (report.exit_code, counted(report), report.diagnostics) == (ExitCode.OK, (2, 2), ())


def test_an_error_is_found_where_it_stands() -> None:
    world = project()
    world.git.write("runs/bad.yaml", "kind: [\n")
    report = world.validate()
    assert report.exit_code is ExitCode.INVALID
    assert {file for file, _ in rules(report)} == {"runs/bad.yaml"}


def test_a_warning_counts_only_where_it_is_asked_to() -> None:
    world = project()
    world.git.write("qflow.yml", "a: 1\n")
    assert world.validate().exit_code is ExitCode.OK
    report = world.validate(strict=True)
    assert (report.exit_code, report.reason) == (ExitCode.INVALID, "warnings")
    assert rules(report) == {("qflow.yml", "settings-twice")}


def test_the_same_answer_comes_from_what_is_known() -> None:
    world = project()
    first = world.validate()
    assert world.validate() == first
    world.spec("c")
    assert counted(world.validate()) == (3, 3)
    world.spec("a", extra="  unknown: 1\n")
    assert world.validate().exit_code is ExitCode.INVALID
    world.spec("a")
    assert world.validate().exit_code is ExitCode.OK


def test_an_answer_that_can_not_be_read_is_found_anew() -> None:
    world = project()
    world.validate()
    world.cache.spoil({"odd": 1})
    assert counted(world.validate()) == (2, 2)


def test_settings_with_errors_are_the_only_finding() -> None:
    world = project()
    world.git.write("qflow.yaml", "apiVersion: qflow-gitops/v1\nkind: Project\nspec: {odd: 1}\n")
    report = world.validate()
    assert (report.exit_code, counted(report)) == (ExitCode.INVALID, (1, 0))
    assert {file for file, _ in rules(report)} == {"qflow.yaml"}


def test_a_folder_of_specs_that_is_missing_is_a_finding() -> None:
    world = World()
    world.git.remove("runs/README.md")
    world.commit()
    assert ("qflow.yaml", "runs-missing") in rules(world.validate())


# --- some files ----------------------------------------------------------------------


def test_only_what_is_named_is_reported_on() -> None:
    world = project()
    world.git.write("runs/bad.yaml", "kind: [\n")
    assert world.validate("runs/a.yaml").exit_code is ExitCode.OK
    assert counted(world.validate("runs/a.yaml"))[1] == 1
    assert world.validate("runs").exit_code is ExitCode.INVALID


def test_a_name_that_stands_twice_is_found_in_either_file() -> None:
    world = project()
    world.git.write("runs/again.yaml", world.git.files_on_disk[b"runs/a.yaml"].content)
    assert world.validate("runs/again.yaml").exit_code is ExitCode.INVALID


def test_with_the_settings_among_them_all_that_they_break_is_reported() -> None:
    world = project()
    world.git.write("runs/bad.yaml", "kind: [\n")
    assert world.validate("qflow.yaml").exit_code is ExitCode.INVALID


def test_a_path_that_is_none_of_the_projects_is_a_finding() -> None:
    world = project()
    world.git.write("elsewhere/x.yaml", "a: 1\n")
    report = world.validate("elsewhere/x.yaml")
    assert {file for file, _ in rules(report)} == {"elsewhere/x.yaml"}


# --- a hook --------------------------------------------------------------------------


def test_a_hook_passes_over_what_is_none_of_a_project() -> None:
    world = project()
    world.git.write("README.md", "words\n")
    report = world.validate("README.md", hook=True)
    assert (report.exit_code, report.diagnostics) == (ExitCode.OK, ())


def test_a_hook_sees_only_what_git_knows_and_what_it_was_given() -> None:
    world = project()
    world.git.write("runs/bad.yaml", "kind: [\n")
    assert world.validate("runs/a.yaml", hook=True).exit_code is ExitCode.OK
    assert world.validate("runs/bad.yaml", hook=True).exit_code is ExitCode.INVALID


def test_a_hook_looks_at_each_project_that_holds_some_of_it() -> None:
    world = World(project="")
    for team in ("x", "y"):
        world.git.write(
            f"{team}/qflow.yaml", "apiVersion: qflow-gitops/v1\nkind: Project\nspec: {}\n"
        )
        world.spec("a")
        world.git.write(f"{team}/runs/a.yaml", world.git.files_on_disk.pop(b"runs/a.yaml").content)
    world.commit()
    report = world.validate("x/runs/a.yaml", "y/runs/a.yaml", hook=True)
    assert (report.exit_code, counted(report)) == (ExitCode.OK, (2, 2))
