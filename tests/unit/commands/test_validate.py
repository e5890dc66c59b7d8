"""`validate`: every finding of the work tree, or of some files; what is known isn't looked at."""

import pytest

from qflow_gitops.errors import ExitCode, InvalidInput
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


# --- a fleet -------------------------------------------------------------------------

FLEET = """\
apiVersion: qflow-gitops/v1
kind: Fleet
spec:
  members:
    - {name: acme, repository: /srv/acme.git}
    - {name: globex, repository: /srv/globex.git}
"""
TWICE = FLEET.replace("globex,", "acme,")
BUNDLE = "defaultNamespace: shop\nhelm: {chart: ./chart, releaseName: shop}\n"
"""What another program calls fleet.yaml."""


def only_a_fleet(text: str = FLEET) -> World:
    world = World(project="")
    world.git.remove("runs/README.md")
    world.git.write("fleet.yaml", text)
    world.commit()
    return world


def members(report: Report) -> int | None:
    assert isinstance(report.body, Validated)
    return report.body.members


def test_a_fleet_is_looked_at_beside_the_specs() -> None:
    world = project()
    assert members(world.validate()) is None
    world.git.write("fleet.yaml", FLEET)
    for _ in range(2):  # the specs' answer is kept, the fleet's isn't
        report = world.validate()
        assert (report.exit_code, counted(report), members(report)) == (ExitCode.OK, (2, 2), 2)
    world.git.write("fleet.yaml", TWICE)
    report = world.validate()
    (found,) = report.diagnostics
    assert (report.exit_code, found.rule) == (ExitCode.INVALID, "fleet-member-twice")
    assert (found.file, found.range.start) == ("fleet.yaml", (6, 14))
    assert members(report) == 0


def test_where_there_is_nothing_but_a_fleet_no_folder_of_specs_is_missed() -> None:
    report = only_a_fleet().validate()
    assert (report.exit_code, counted(report), members(report)) == (ExitCode.OK, (0, 0), 2)
    assert only_a_fleet(TWICE).validate().exit_code is ExitCode.INVALID
    bundle = only_a_fleet(BUNDLE).validate()
    assert ("qflow.yaml", "runs-missing") in rules(bundle), "it is another program's"
    assert members(bundle) is None


def test_where_runs_were_sent_their_folder_is_missed_in_spite_of_a_fleet() -> None:
    world = World(project="")
    world.spec("a")
    world.commit()
    world.apply()
    for file in ("runs/a.yaml", "runs/README.md"):
        world.git.remove(file)
    world.git.write("fleet.yaml", FLEET)
    world.commit()
    assert ("qflow.yaml", "runs-missing") in rules(world.validate())


def test_in_a_clone_that_is_cut_off_a_fleet_is_looked_at_all_the_same() -> None:
    world = only_a_fleet()
    world.git.commits.cut.add(world.git.resolve("HEAD"))
    assert members(world.validate()) == 2
    world.git.write("runs/a.yaml", "kind: [\n")
    with pytest.raises(InvalidInput, match="this clone is shallow"):
        world.validate()


def test_a_fleet_is_reported_on_where_it_is_named() -> None:
    world = project()
    world.git.write("eu/fleet.yaml", TWICE)
    assert world.validate("runs/a.yaml").exit_code is ExitCode.OK
    assert world.validate().exit_code is ExitCode.OK, "it is that of another folder"
    for path in ("eu/fleet.yaml", "eu"):
        assert rules(world.validate(path)) == {("eu/fleet.yaml", "fleet-member-twice")}
    world.git.write("eu/fleet.yaml", FLEET)
    for path in ("eu/fleet.yaml", "eu"):
        assert (world.validate(path).diagnostics, members(world.validate(path))) == ((), 2)
    world.git.write("eu/fleet.yaml", BUNDLE)
    assert rules(world.validate("eu/fleet.yaml")) == {("eu/fleet.yaml", "path-no-spec")}


def test_a_hook_looks_at_a_fleet_that_is_staged() -> None:
    world = project()
    world.git.write("fleet.yaml", TWICE)
    assert world.validate("runs/a.yaml", hook=True).exit_code is ExitCode.OK
    report = world.validate("runs/a.yaml", "fleet.yaml", hook=True)
    assert rules(report) == {("fleet.yaml", "fleet-member-twice")}
    world.git.remove("fleet.yaml")
    assert world.validate("fleet.yaml", hook=True).exit_code is ExitCode.OK, "the commit removes it"
    report = only_a_fleet(TWICE).validate("fleet.yaml", hook=True)
    assert rules(report) == {("fleet.yaml", "fleet-member-twice")}


def test_two_fleets_of_one_repository_are_refused() -> None:
    world = only_a_fleet()
    world.git.write("eu/fleet.yaml", FLEET)
    world.commit()
    with pytest.raises(InvalidInput, match="several fleets"):
        world.validate()
    with pytest.raises(InvalidInput, match="several fleets"):
        world.validate("eu/fleet.yaml", hook=True)


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
