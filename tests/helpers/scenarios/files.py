"""What is refused because of a repository's files, or of what its clone lacks."""

import os
import subprocess

from tests.helpers.carried import Person
from tests.helpers.damage import loose
from tests.helpers.git import Workspace
from tests.helpers.scenarios.base import APPLY, WHY, applied, scenario
from tests.helpers.specs import WORKFLOW, spec
from tests.helpers.terminal import Terminal

OTHER = "7cad21c8-4405-4517-beb9-7372feafb5b4"
PROJECT = (
    "apiVersion: qflow-gitops/v1\nkind: Project\n"
    "spec:\n  environments:\n    prod: {platform: sandbox}\n"
)


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
    return "qflow-gitops validate", Person(
        WHY,
        {
            "Rename it to": lambda at: at.clone.move(new, old),
            "or remove it and pull": lambda at: (
                at.clone.remove(new),
                at("workflows", "pull", WORKFLOW),
            ),
        },
    )


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
    at.clone.write("qflow.yml", PROJECT)
    at.specs(a=spec("a"))
    return "qflow-gitops validate", Person(
        WHY, {"Remove it": lambda at: at.clone.remove("qflow.yml")}
    )


@scenario("worktree")
def settings_in_another_case(at: Terminal) -> tuple[str, Person]:
    """Beside the settings is the same name in capitals."""
    at.clone.write("Qflow.yaml", PROJECT)
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
    at.clone.write("team/qflow.yaml", PROJECT + "  lock: {store: branch}\n")
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
    at.clone.write("runs/team/qflow.yaml", PROJECT)
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
    return APPLY, Person(
        WHY,
        {
            "Name the right one under `runs:` in qflow.yaml": lambda at: (
                at.settings(more="  runs: [specs]\n"),
                at.clone.write("specs/a.yaml", spec("a")),
            )
        },
    )


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
    at.clone.write("team/qflow.yaml", PROJECT)
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
