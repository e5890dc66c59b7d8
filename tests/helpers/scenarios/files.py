"""What is refused because of a repository's files, or of what its clone lacks."""

import os
import shutil
import subprocess

import pytest

from tests.helpers.carried import Person
from tests.helpers.clones import BRANCH
from tests.helpers.damage import loose
from tests.helpers.git import Workspace
from tests.helpers.scenarios.base import APPLY, WHY, applied, scenario
from tests.helpers.specs import CONNECTOR, SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec
from tests.helpers.terminal import Terminal

OTHER = "7cad21c8-4405-4517-beb9-7372feafb5b4"


# --- specs -------------------------------------------------------------------------------


@scenario("worktree")
def invalid_specs(at: Terminal) -> tuple[str, Person]:
    """An apply of files with errors."""
    at.specs(a=spec("a"), b=spec("b") + "  rerum: 1\n")
    meant = "Did you mean `rerun`?"
    return APPLY, Person(WHY, {meant: lambda at: at.edit("runs/b.yaml", "rerum", "rerun")})


@scenario("worktree")
def unknown_to_the_catalog(at: Terminal) -> tuple[str, Person]:
    """A workflow that the catalog doesn't have."""
    at.specs(a=spec("a"))
    assert at("workflows", "pull").code == 0
    at.edit("runs/a.yaml", WORKFLOW, OTHER)
    at.merge()
    return "qflow-gitops validate", Person(
        WHY, {"Correct the id": lambda at: at.edit("runs/a.yaml", OTHER, WORKFLOW)}
    )


@scenario("worktree")
def misnamed_in_the_catalog(at: Terminal) -> tuple[str, Person]:
    """A workflow's file has another name than its id."""
    at.specs(a=spec("a"))
    assert at("workflows", "pull").code == 0
    old, new = f"workflows/{WORKFLOW}.json", f"workflows/{OTHER}.json"
    at.clone.move(old, new)
    at.merge()

    def pulled(at: Terminal) -> None:
        at.clone.remove(new)
        at("workflows", "pull", WORKFLOW)

    return "qflow-gitops validate", Person(
        WHY,
        {
            "Rename it to": lambda at: at.clone.move(new, old),
            "or remove it and pull": pulled,
        },
    )


@scenario("worktree")
def unknown_connector(at: Terminal) -> tuple[str, Person]:
    """A connector that the environment's catalog doesn't have."""
    at.specs(a=SAMPLE)
    assert at("connectors", "pull").code == 0
    at.edit("runs/a.yaml", CONNECTOR, OTHER)
    at.merge()
    return "qflow-gitops validate", Person(
        WHY, {"Correct the id": lambda at: at.edit("runs/a.yaml", OTHER, CONNECTOR)}
    )


@scenario("worktree")
def unknown_connector_name(at: Terminal) -> tuple[str, Person]:
    """A connector is named before its catalog was pulled."""
    by_name = "  connector: aws-payments-prod\n"
    at.specs(a=spec("a", extra=f"  connectorType: aws\n{by_name}"))
    at.merge()

    def by_id(at: Terminal) -> None:
        at.edit("runs/a.yaml", by_name, f"  variables: {{connectorId: {CONNECTOR}}}\n")

    return "qflow-gitops validate", Person(WHY, {"Correct the name": by_id})


@scenario("worktree")
def connectors_of_no_catalog(at: Terminal) -> tuple[str, Person]:
    """Connectors are selected before their catalog was pulled."""
    selected = "  targets: {connectors: {cloud: aws, exclude: [aws-legacy]}}\n"
    at.specs(a=spec("a", extra=f"  connectorType: aws\n{selected}"))
    at.merge()
    return "qflow-gitops validate", Person(WHY)


@scenario("worktree")
def a_selected_connector_in_error(at: Terminal) -> tuple[str, Person]:
    """One of the connectors that are selected was in error when the catalog was pulled."""
    assert at("connectors", "pull").code == 0
    at.specs(a=spec("a", extra="  connectorType: aws\n  targets: {connectors: {cloud: aws}}\n"))
    at.merge()
    whole, rest = "{cloud: aws}", "{cloud: aws, exclude: [aws-legacy]}"
    return "qflow-gitops validate --strict", Person(
        WHY, {"Exclude it": lambda at: at.edit("runs/a.yaml", whole, rest)}
    )


@scenario("worktree")
def a_connector_in_error(at: Terminal) -> tuple[str, Person]:
    """A connector was in error when the catalog was pulled."""
    at.specs(a=SAMPLE)
    assert at("connectors", "pull").code == 0
    at.edit("connectors/prod/aws.yaml", "state: SUCCESS", "state: ERROR")
    at.merge()
    return "qflow-gitops validate --strict", Person(WHY)


@scenario("worktree")
def a_comment_in_braces(at: Terminal) -> tuple[str, Person]:
    """A catalog of connectors holds a comment that a pull would lose."""
    at.specs(a=spec("a"))
    head = "apiVersion: qflow-gitops/v1\nkind: ConnectorCatalog\nconnectors:\n"
    braces = f"  old: {{ # why\n    id: {OTHER}}}\n"
    at.clone.write("connectors/prod/aws.yaml", head + braces)
    at.merge()

    def rewritten(at: Terminal) -> None:
        at.edit("connectors/prod/aws.yaml", braces, f"  old: # why\n    id: {OTHER}\n")

    return "qflow-gitops connectors pull", Person(WHY, {"Write it without braces": rewritten})


@scenario("worktree")
def connectors_in_the_wrong_place(at: Terminal) -> tuple[str, Person]:
    """A catalog of connectors lies where no environment's do."""
    at.specs(a=spec("a"))
    assert at("connectors", "pull").code == 0
    at.clone.move("connectors/prod/aws.yaml", "connectors/aws.yaml")
    at.merge()

    def back(at: Terminal) -> None:
        at.clone.move("connectors/aws.yaml", "connectors/prod/aws.yaml")

    return "qflow-gitops validate", Person(WHY, {"Move it": back})


@scenario("worktree")
def a_key_of_ours(at: Terminal) -> tuple[str, Person]:
    """A spec has a value where the key goes that tells its execution."""
    at.settings(more="  apply: {correlationKey: ours}\n")
    at.specs(a=spec("a", {"x": 1}).replace("value:", "ours:"))
    other = "Choose another name under apply.correlationKey in qflow.yaml"
    return APPLY, Person(WHY, {other: lambda at: at.edit("qflow.yaml", "ours", "theirs")})


# --- settings ----------------------------------------------------------------------------


@scenario("worktree")
def settings_called_otherwise(at: Terminal) -> tuple[str, Person]:
    """The settings are called qflow.yml, in a commit."""
    at.clone.move("qflow.yaml", "qflow.yml")
    at.specs(a=spec("a"))
    return APPLY, Person(WHY)


@scenario("worktree")
def settings_called_otherwise_on_disk(at: Terminal) -> tuple[str, Person]:
    """The settings are called qflow.yml, in the work tree."""
    at.clone.move("qflow.yaml", "qflow.yml")
    at.clone.write("runs/a.yaml", spec("a"))
    return "qflow-gitops validate", Person(WHY)


@scenario("worktree")
def settings_twice(at: Terminal) -> tuple[str, Person]:
    """Beside the settings is another file that may be taken for them."""
    at.clone.write("qflow.yml", SANDBOX_PROJECT)
    at.specs(a=spec("a"))
    return "qflow-gitops validate", Person(
        WHY, {"Remove it": lambda at: at.clone.remove("qflow.yml")}
    )


@scenario("worktree")
def settings_in_another_case(at: Terminal) -> tuple[str, Person]:
    """Beside the settings is the same name in capitals."""
    at.clone.write("Qflow.yaml", SANDBOX_PROJECT)
    at.specs(a=spec("a"))
    return APPLY, Person(WHY, {"Remove one of them": lambda at: at.clone.remove("Qflow.yaml")})


@scenario("worktree")
def settings_gone(at: Terminal) -> tuple[str, Person]:
    """A commit took the settings away."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.remove("qflow.yaml")
    at.merge()
    return APPLY, Person(WHY)


@scenario("worktree")
def settings_moved(at: Terminal) -> tuple[str, Person]:
    """A commit moved the whole project into a folder."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.move("qflow.yaml", "team/qflow.yaml")
    at.clone.move("runs/a.yaml", "team/runs/a.yaml")
    at.clone.move("qflow.lock", "team/qflow.lock")
    at.merge()
    return APPLY, Person(WHY, applies=("qflow-gitops -C team apply --yes",))


@scenario("worktree")
def settings_not_committed(at: Terminal) -> tuple[str, Person]:
    """The settings aren't committed yet."""
    text = at.clone.read("qflow.yaml")
    at.clone.remove("qflow.yaml")
    at.specs(a=spec("a"))
    at.clone.write("qflow.yaml", text)
    return APPLY, Person(WHY)


@scenario("branch")
def settings_perhaps_never_there(at: Terminal) -> tuple[str, Person]:
    """There are no settings, and a shallow clone can't tell whether there were any."""
    at.clone.remove("qflow.yaml")
    at.specs(a=spec("a"))
    at.specs(a=spec("a", 2))
    _clone(at, "--depth=1")
    return "qflow-gitops plan", Person(WHY, first=_on_the_sandbox)


def _on_the_sandbox(at: Terminal) -> None:
    at.environ("QFLOW_PLATFORM", "sandbox")


def _clone(at: Terminal, *options: str) -> None:
    address = at.clone.git("remote", "get-url", "origin")
    words = ["git", "clone", "-q", *options, address, "clone"]
    for command in (["rm", "-rf", "clone"], words):
        subprocess.run(command, cwd=at.folder, check=True)
    os.chdir(at.clone.path)


@scenario("branch")
def lockfile_of_two_projects(at: Terminal) -> tuple[str, Person]:
    """Two projects keep their lockfile on the same branch."""
    at.clone.write("team/qflow.yaml", SANDBOX_PROJECT + "  lock: {store: branch}\n")
    at.clone.write("team/runs/b.yaml", spec("b"))
    at.specs(a=spec("a"))
    other = "Give each a branch of its own"
    return APPLY, Person(
        WHY,
        {other: lambda at: at.edit("team/qflow.yaml", "branch}", "branch, branch: qflow-lock-2}")},
    )


@scenario("worktree")
def a_project_in_anothers_specs(at: Terminal) -> tuple[str, Person]:
    """A project lies in a folder from which another one takes its specs."""
    at.specs(a=spec("a"))
    at.clone.write("runs/team/qflow.yaml", SANDBOX_PROJECT)
    at.clone.write("runs/team/runs/b.yaml", spec("b"))
    at.merge()
    return "qflow-gitops -C runs/team plan", Person(
        WHY,
        {
            "Move the folder": lambda at: (at.clone.path / "runs/team").rename(
                at.clone.path / "team"
            ),
            "or name others under `runs:` in qflow.yaml": _other_runs,
        },
    )


def _other_runs(at: Terminal) -> None:
    at.settings(more="  runs: [specs]\n")
    at.clone.move("runs/a.yaml", "specs/a.yaml")


# --- folders and paths -------------------------------------------------------------------


@scenario("worktree")
def no_folder_of_specs(at: Terminal) -> tuple[str, Person]:
    """The folder of specs isn't there yet."""
    at.merge()

    def named(at: Terminal) -> None:
        at.settings(more="  runs: [specs]\n")
        at.clone.write("specs/a.yaml", spec("a"))

    return APPLY, Person(WHY, {"Name the right one under `runs:` in qflow.yaml": named})


@scenario("worktree")
def folder_of_specs_gone(at: Terminal) -> tuple[str, Person]:
    """The folder is gone from which runs were sent."""
    at.settings(more="  runs: [runs, more]\n")
    at.clone.write("more/b.yaml", spec("b"))
    at.specs(a=spec("a"))
    applied(at)
    at.clone.remove("more/b.yaml")
    at.merge()
    return APPLY, Person(WHY, {"take it out under `runs:` in qflow.yaml": lambda at: at.settings()})


@scenario("worktree")
def an_unused_folder(at: Terminal) -> tuple[str, Person]:
    """One of the folders that the settings name isn't there."""
    at.settings(more="  runs: [runs, more]\n")
    at.specs(a=spec("a"))
    return "qflow-gitops validate", Person(
        WHY,
        {
            "Name the right one under `runs:` in qflow.yaml": lambda at: at.edit(
                "qflow.yaml", ", more", ""
            )
        },
    )


@scenario("worktree")
def paths_that_are_no_specs(at: Terminal) -> tuple[str, Person]:
    """Paths to look at that hold no spec of this project, each for another reason."""
    at.clone.write(".gitignore", "draft.yaml\n")
    at.clone.write("other/x.yaml", spec("x"))
    at.clone.write("runs/notes.txt", "x\n")
    at.clone.write("runs/draft.yaml", spec("draft"))
    at.clone.write("docs/x.md", "x\n")
    at.clone.write("team/qflow.yaml", SANDBOX_PROJECT)
    at.clone.write("team/runs/b.yaml", spec("b"))
    at.clone.path.joinpath("runs").mkdir(exist_ok=True)
    at.clone.write("runs/a.yaml", spec("a"))
    at.merge()
    applied(at)
    paths = "qflow.lock other/x.yaml docs runs/notes.txt runs/draft.yaml team/runs/b.yaml"
    return f"qflow-gitops validate {paths}", Person(
        WHY,
        {
            "Put it there": lambda at: at.clone.move("other/x.yaml", "runs/x.yaml"),
            "Leave it out": lambda at: at("validate", "runs"),
        },
    )


@scenario("worktree")
def a_project_that_was_moved(at: Terminal) -> tuple[str, Person]:
    """A project was moved, and what this clone remembers of its lockfile wasn't."""
    settings_moved(at)
    return "qflow-gitops -C team plan", Person(WHY, applies=("qflow-gitops -C team apply --yes",))


@scenario("worktree")
def a_project_that_was_moved_without_its_lockfile(at: Terminal) -> tuple[str, Person]:
    """A clone that never applied it; its lockfile stayed where the project was."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.move("qflow.yaml", "team/qflow.yaml")
    at.clone.move("runs/a.yaml", "team/runs/a.yaml")
    at.merge()
    shutil.rmtree(at.clone.path / ".git/qflow-gitops")
    applies = ("qflow-gitops -C team apply --yes",)
    return "qflow-gitops -C team plan", Person(WHY, applies=applies)


@scenario("worktree")
def a_project_that_was_copied(at: Terminal) -> tuple[str, Person]:
    """A project was copied, with its lockfile."""
    at.specs(a=spec("a"))
    applied(at)
    for name in ("qflow.yaml", "runs/a.yaml", "qflow.lock"):
        at.clone.write(f"team/{name}", at.clone.read(name))
    at.merge()
    copy = "Take `lineage` out of the copy's team/qflow.yaml and remove its lockfile"
    return "qflow-gitops -C team plan", Person(
        WHY, {copy: _without_lineage}, applies=("qflow-gitops -C team apply --yes",)
    )


def _without_lineage(at: Terminal) -> None:
    at.clone.remove("team/qflow.lock")
    at.merge()
    assert at.typed("qflow-gitops -C team baseline --reason copied --yes").code == 0


# --- what a clone lacks ------------------------------------------------------------------


@scenario("worktree")
def a_damaged_repository(at: Terminal) -> tuple[str, Person]:
    """An object of the repository is gone, and there is no remote."""
    at.specs(a=spec("a"))
    loose(at.clone, "HEAD:runs/a.yaml").unlink()
    return APPLY, Person(WHY)


@scenario("branch")
def a_damaged_clone(at: Terminal) -> tuple[str, Person]:
    """An object of the clone is gone."""
    at.specs(a=spec("a"))
    loose(at.clone, "HEAD:runs/a.yaml").unlink()
    return APPLY, Person(WHY)


@scenario("branch")
def a_partial_clone(at: Terminal) -> tuple[str, Person]:
    """A clone without contents."""
    at.specs(a=spec("a"))
    remote = Workspace(at.folder / "remote.git")
    remote.git("config", "uploadpack.allowFilter", "true")
    remote.git("config", "uploadpack.allowAnySHA1InWant", "true")
    _clone(at, "--filter=blob:none", "--no-checkout")
    return APPLY, Person(WHY)


@scenario("branch")
def a_shallow_clone(at: Terminal) -> tuple[str, Person]:
    """A plan in a shallow clone, which lacks the commit up to which all was applied."""
    at.specs(a=spec("a"))
    applied(at)
    at.specs(a=spec("a"), b=spec("b"))
    at.specs(a=spec("a"), b=spec("b"), c=spec("c"))
    _clone(at, "--depth=1")
    return "qflow-gitops plan", Person(WHY)


# --- commits ---------------------------------------------------------------------------------


@scenario("branch")
def unmerged(at: Terminal) -> tuple[str, Person]:
    """A branch is applied that nobody merged."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("fetch", "--quiet", "origin")
    at.clone.git("remote", "set-head", "origin", "main")
    at.clone.git("switch", "--quiet", "-c", "hotfix")
    at.clone.write("runs/b.yaml", spec("b"))
    at.clone.commit()
    return f"{APPLY} --yes", Person(
        WHY,
        {
            "Have it merged into main of origin first": lambda at: at.merge(),
            "list them in qflow.yaml: `branches: [NAME]`": _listed,
        },
    )


def _listed(at: Terminal) -> None:
    """Settings are read at both ends, so they come first, from the main branch."""
    git = at.clone.git
    git("switch", "--quiet", "main")
    at.edit("qflow.yaml", "{platform: sandbox}", "{platform: sandbox, branches: [main, hotfix]}")
    at.merge()
    applied(at)
    git("switch", "--quiet", "hotfix")
    git("merge", "--quiet", "-m", "settings", "main")
    git("push", "--quiet", "origin", "hotfix")


@scenario("branch")
def unpushed(at: Terminal) -> tuple[str, Person]:
    """The main branch is applied before it is pushed."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("fetch", "--quiet", "origin")
    at.clone.git("remote", "set-head", "origin", "main")
    at.clone.write("runs/b.yaml", spec("b"))
    at.clone.commit()
    return f"{APPLY} --yes", Person(WHY)


@scenario("worktree", "branch")
def emptied(at: Terminal) -> tuple[str, Person]:
    """All specs of an environment are gone."""
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    at.clone.write("runs/README.md", "# Runs\n")
    at.specs()
    return APPLY, Person(WHY)


@scenario("worktree")
def emptied_into_another_folder(at: Terminal) -> tuple[str, Person]:
    """All specs of an environment were moved to where nobody looks."""
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    at.clone.move("runs/a.yaml", "jobs/a.yaml")
    at.clone.move("runs/b.yaml", "jobs/b.yaml")
    at.clone.write("runs/README.md", "# Runs\n")
    at.merge()
    named = "Then name it under `runs:` in qflow.yaml"
    return APPLY, Person(WHY, {named: lambda at: at.settings(more="  runs: [runs, jobs]\n")})


@scenario("branch")
def superseded(at: Terminal) -> tuple[str, Person]:
    """An old job is run again."""
    at.specs(a=spec("a"))
    applied(at)
    old = at.clone.git("rev-parse", "HEAD")
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    return f"{APPLY} --to {old}", Person(WHY)


@scenario("worktree", "branch")
def aside(at: Terminal) -> tuple[str, Person]:
    """A branch is applied that went another way than the commit applied last."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("switch", "--quiet", "-c", "other")
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    at.clone.git("switch", "--quiet", "main")
    if at.store == "branch":
        at.clone.git("push", "--quiet", "origin", "other")
    at.specs(a=spec("a"), c=spec("c"))
    return APPLY, Person(WHY)


@scenario("worktree", "branch")
def rewritten(at: Terminal) -> tuple[str, Person]:
    """The history was rewritten."""
    _rewritten(at)
    return APPLY, Person(WHY)


@scenario("branch")
def rewritten_as_planned(at: Terminal) -> tuple[str, Person]:
    """The history was rewritten, and another clone plans."""
    _rewritten(at)
    _clone(at)
    return "qflow-gitops plan", Person(WHY)


def _rewritten(at: Terminal) -> None:
    at.specs(a=spec("a"))
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    at.clone.git("commit", "--quiet", "--amend", "-m", "rewritten")
    at.specs(a=spec("a"), b=spec("b"), c=spec("c"))


@scenario("branch")
def perhaps_rewritten(at: Terminal) -> tuple[str, Person]:
    """The history was rewritten, and the remote doesn't give its branches."""
    _rewritten(at)
    (at.folder / "remote.git").rename(at.folder / "away.git")
    return "qflow-gitops plan", Person(WHY)


@scenario("branch")
def released_already(at: Terminal) -> tuple[str, Person]:
    """A release of a rewritten history that wasn't."""
    at.specs(a=spec("a"))
    applied(at)
    return f"{APPLY} --ack rewritten=1 --reason x", Person(
        WHY, {"Leave it out": lambda at: at("apply")}
    )


def _remote(at: Terminal, name: str) -> None:
    """Give a repository with a lockfile in its work tree a remote, which may not be there."""
    at.clone.git("remote", "add", "origin", (at.folder / name).as_uri())


@scenario("worktree")
def perhaps_unmerged(at: Terminal) -> tuple[str, Person]:
    """A branch is applied, and the remote doesn't give its branches."""
    at.settings("    prod: {platform: sandbox, branches: [release]}\n")
    at.specs(a=spec("a"))
    _remote(at, "away.git")
    return f"{APPLY} --yes", Person(WHY)


@scenario("worktree")
def perhaps_rewritten_it_says(at: Terminal) -> tuple[str, Person]:
    """The history was rewritten, and the remote doesn't give its branches."""
    _rewritten(at)
    _remote(at, "away.git")
    return APPLY, Person(WHY)


@scenario("worktree")
def nothing_pushed_yet(at: Terminal) -> tuple[str, Person]:
    """The history was rewritten, and the remote has no branch yet."""
    _rewritten(at)
    subprocess.run(["git", "init", "-q", "--bare", "remote.git"], cwd=at.folder, check=True)
    _remote(at, "remote.git")
    return APPLY, Person(WHY)


@scenario("worktree")
def cut_off(at: Terminal) -> tuple[str, Person]:
    """A shallow clone, which can't fetch the rest of its history, lacks the commit applied last."""
    at.specs(a=spec("a"))
    applied(at)
    lockfile = at.clone.read("qflow.lock")
    at.specs(a=spec("a"), b=spec("b"))
    at.specs(a=spec("a"), b=spec("b"), c=spec("c"))
    at.clone.path.rename(at.folder / "remote.git")
    address = (at.folder / "remote.git").as_uri()
    words = ["git", "clone", "-q", "--depth=1", address, "clone"]
    subprocess.run(words, cwd=at.folder, check=True)
    os.chdir(at.clone.path)
    at.clone.write("qflow.lock", lockfile)
    at.clone.git("remote", "set-url", "origin", (at.folder / "away.git").as_uri())
    return APPLY, Person(WHY)


@scenario("worktree")
def an_older_branch_by_name(at: Terminal) -> tuple[str, Person]:
    """A branch is applied by name that went another way than the commit applied last."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("branch", "old")
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    at.clone.git("switch", "--quiet", "old")
    at.specs(a=spec("a"), c=spec("c"))
    at.clone.git("switch", "--quiet", "main")
    return f"{APPLY} --to old", Person(
        WHY, {"Apply a commit that has it": lambda at: at("apply", "--to", "main")}
    )


@scenario("worktree")
def emptied_by_another_name(at: Terminal) -> tuple[str, Person]:
    """An environment was renamed, and left in the settings."""
    at.settings("    dev: {platform: sandbox}\n", default="dev")
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    at.settings("    dev: {platform: sandbox}\n    stage: {platform: sandbox}\n", default="stage")
    at.merge()
    renamed = "and set `previousNames: [dev]` under `stage`"
    stage = "    stage: {platform: sandbox, previousNames: [dev]}\n"
    return f"{APPLY} -e dev", Person(
        WHY,
        {renamed: lambda at: at.settings(stage, default="stage")},
        applies=("qflow-gitops apply -e dev --yes", "qflow-gitops apply -e stage --yes"),
    )


@scenario("worktree")
def emptied_by_another_name_of_the_default(at: Terminal) -> tuple[str, Person]:
    """An environment was renamed where specs name it, and left in the settings, as default."""
    at.settings("    dev: {platform: sandbox}\n", default="dev")
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    both = "    dev: {platform: sandbox}\n    stage: {platform: sandbox}\n"
    at.settings(both, default="dev")
    stage = "  environment: stage\n"
    at.specs(a=spec("a", metadata=stage), b=spec("b", metadata=stage))
    renamed = "let `defaultEnvironment` be `stage`, and set `previousNames: [dev]` under `stage`"
    after = "    stage: {platform: sandbox, previousNames: [dev]}\n"
    return f"{APPLY} -e dev", Person(
        WHY,
        {renamed: lambda at: at.settings(after, default="stage")},
        applies=("qflow-gitops apply -e dev --yes", "qflow-gitops apply -e stage --yes"),
    )


@scenario("worktree")
def emptied_by_other_folders(at: Terminal) -> tuple[str, Person]:
    """The settings name another folder, and the specs were rewritten there."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.remove("runs/a.yaml")
    at.clone.write("jobs/README.md", "# Jobs\n")
    at.settings(more="  runs: [jobs]\n")
    at.merge()
    both = "Then move the specs along, or name both"
    return APPLY, Person(WHY, {both: lambda at: at.clone.write("jobs/a.yaml", spec("a"))})


@scenario("worktree")
def no_folder_of_specs_here(at: Terminal) -> tuple[str, Person]:
    """The folder of specs isn't there, and a project lies elsewhere."""
    at.clone.write("team/qflow.yaml", SANDBOX_PROJECT)
    at.clone.write("team/runs/a.yaml", spec("a"))
    at.merge()
    return "qflow-gitops plan", Person(
        WHY,
        applies=("qflow-gitops -C team apply --yes",),
    )


@scenario("worktree")
def a_project_among_the_specs(at: Terminal) -> tuple[str, Person]:
    """A folder of the specs is a project of its own."""
    at.specs(a=spec("a"))
    at.clone.write("runs/team/qflow.yaml", SANDBOX_PROJECT)
    at.clone.write("runs/team/runs/b.yaml", spec("b"))
    at.merge()
    return "qflow-gitops validate", Person(
        WHY,
        {
            "Move it": lambda at: (at.clone.path / "runs/team").rename(at.clone.path / "team"),
            "or name other folders under `runs:` in qflow.yaml": _other_runs,
        },
    )


@scenario("worktree")
def a_repository_of_another_user(at: Terminal) -> tuple[str, Person]:
    """The repository belongs to another user."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    at.specs(a=spec("a"))
    for path in [at.clone.path, *at.clone.path.rglob("*")]:
        os.chown(path, 12345, 12345)
    return "qflow-gitops plan", Person(WHY)


@scenario("worktree")
def announced_freezes_unreadable(at: Terminal) -> tuple[str, Person]:
    """What was announced for the lockfile is no JSON."""
    at.specs(a=spec("a"))
    applied(at)
    announced = at.clone.path / ".git/qflow-gitops/announced"
    announced.write_text("{\n")
    return APPLY, Person(WHY, {"move it away": lambda _at: announced.rename(f"{announced}.old")})


@scenario("branch")
def a_damaged_lockfile(at: Terminal) -> tuple[str, Person]:
    """The lockfile's object is gone from this clone."""
    at.specs(a=spec("a"))
    applied(at)
    loose(at.clone, f"refs/qflow-gitops/origin/{BRANCH}:qflow.lock").unlink()
    return APPLY, Person(WHY)


@scenario("branch")
def a_damaged_memory(at: Terminal) -> tuple[str, Person]:
    """What this clone knows of the lockfile's branch can't be read."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.write(f".git/refs/qflow-gitops/origin/{BRANCH}", "garbage\n")
    return APPLY, Person(WHY)


@scenario("worktree")
def settings_perhaps_never_applied(at: Terminal) -> tuple[str, Person]:
    """There are no settings, and the commit applied last is nowhere any more."""
    text = at.clone.read("qflow.yaml").replace("prod:", "default:")
    at.clone.remove("qflow.yaml")
    _on_the_sandbox(at)
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("commit", "--quiet", "--amend", "-m", "purged")
    at.clone.git("reflog", "expire", "--expire=now", "--all")
    at.clone.git("gc", "--quiet", "--prune=now")
    return APPLY, Person(WHY, {"Put settings there": lambda at: at.clone.write("qflow.yaml", text)})


@scenario("worktree")
def a_broken_configuration_in_variables(at: Terminal) -> tuple[str, Person]:
    """GIT_CONFIG_COUNT is no number."""
    at.specs(a=spec("a"))
    at.environ("GIT_CONFIG_COUNT", "many")
    return "qflow-gitops plan", Person(
        WHY, {"Fix what set them": lambda at: at.environ("GIT_CONFIG_COUNT", None)}
    )


@scenario("worktree")
def a_broken_configuration_file(at: Terminal) -> tuple[str, Person]:
    """A file of git's settings is no such file. No git reads it, not only ours."""
    at.specs(a=spec("a"))
    config = at.folder / "gitconfig"
    config.write_text("[user\n")
    at.environ("GIT_CONFIG_GLOBAL", str(config))
    return "qflow-gitops plan", Person(
        WHY, {"Fix the file that git names": lambda _at: config.write_text("[user]\n")}
    )
