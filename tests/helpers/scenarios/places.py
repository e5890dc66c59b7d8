"""What is refused because the lockfile is known elsewhere, or is on its way to another place."""

import shutil
from functools import partial

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.commands.move import Ends, steps
from qflow_gitops.settings.project import LockSettings
from qflow_gitops.stores.branch import BranchStore
from tests.helpers.carried import Person
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.scenarios.base import APPLY, WHY, applied, scenario
from tests.helpers.specs import spec
from tests.helpers.stores import branch_of
from tests.helpers.terminal import Terminal

MOVE = "qflow-gitops lock move --to branch --branch elsewhere"
THIRD = Person({"NAME": "third"})


def _sent(at: Terminal) -> None:
    """One run was sent, and the branch has an upstream, as after a clone."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("config", "branch.main.remote", "origin")
    at.clone.git("config", "branch.main.merge", "refs/heads/main")


def _renamed(at: Terminal) -> None:
    """The remote is somewhere else now."""
    _sent(at)
    new = at.folder / "renamed.git"
    (at.folder / "remote.git").rename(new)
    at.clone.git("remote", "set-url", "origin", new.as_uri())


@scenario("branch")
def lockfile_known_elsewhere(at: Terminal) -> tuple[str, Person]:
    """The remote has another address than the lockfile knows."""
    _renamed(at)
    return APPLY, Person(WHY, elsewhere={"apply there": "who works with the original does"})


@scenario("branch")
def a_place_counted_twice(at: Terminal) -> tuple[str, Person]:
    """Somebody says another number of places than one."""
    _renamed(at)

    def one(at: Terminal) -> None:
        assert at.typed(f"{APPLY} --yes --ack place=1 --reason moved").code == 0

    return f"{APPLY} --ack place=2 --reason moved", Person(changes={"Say `--ack place=1`": one})


@scenario("branch")
def plan_where_the_lockfile_is_not_known(at: Terminal) -> tuple[str, Person]:
    """A plan in a place that the lockfile doesn't know says first what apply would do."""
    _renamed(at)
    at.specs(a=spec("a"), b=spec("b"))
    return "qflow-gitops plan", Person(WHY)


@scenario("branch")
def lockfile_to_move_known_elsewhere(at: Terminal) -> tuple[str, Person]:
    """Somebody moves the lockfile where it isn't known."""
    _renamed(at)
    return MOVE, Person(WHY)


@scenario("branch")
def lockfile_moved_by_a_colleague(at: Terminal) -> tuple[str, Person]:
    """Somebody moved the lockfile, and this clone has the settings of before."""
    _sent(at)
    before = at.clone.git("rev-parse", "HEAD")
    assert at.typed(MOVE).code == 0
    at.merge()
    at.clone.git("reset", "--quiet", "--hard", before)
    return APPLY, Person()


@scenario("branch")
def lockfile_on_its_way(at: Terminal) -> tuple[str, Person]:
    """A move was killed half-way, and somebody has committed its settings already."""
    _sent(at)
    _copied(at)
    at.edit("qflow.yaml", "store: branch", "store: branch, branch: elsewhere")
    at.merge()
    return APPLY, Person()


def _copied(at: Terminal) -> None:
    """Do the first step of a move."""
    lineage = Remote(at.folder / "remote.git").record()["lineage"]
    store = partial(BranchStore, author={"actor": "ada"})
    ends = Ends(
        store(branch_of(at.clone.path, BRANCH), lineage=lineage),
        store(branch_of(at.clone.path, "elsewhere"), lineage=""),
        LockSettings("branch"),
        LockSettings("branch", branch="elsewhere"),
        "",
    )
    next(steps(ends, SystemClock(), {"actor": "ada"}))


@scenario("branch")
def lockfile_that_another_one_is_in_the_way_of(at: Terminal) -> tuple[str, Person]:
    """There is a lockfile already on the branch that it is to move to."""
    _sent(at)
    Workspace(at.folder / "remote.git").git("branch", "elsewhere", BRANCH)
    return MOVE, THIRD


@scenario("worktree")
def lockfile_of_before_in_the_way(at: Terminal) -> tuple[str, Person]:
    """It goes back to the work tree, where a clone has it as it was before it went."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("add", "--force", "qflow.lock")
    at.merge()
    at.clone.git("remote", "add", "origin", str(Remote(at.folder / "remote.git").path))
    assert at.typed("qflow-gitops lock move --to branch").code == 0
    at.clone.git("checkout", "--quiet", "--", "qflow.lock")
    at.merge()
    shutil.rmtree(at.clone.path / ".git/qflow-gitops")  # another clone

    def away(at: Terminal) -> None:
        at.clone.move("qflow.lock", "qflow.lock.before")

    return "qflow-gitops lock move --to worktree", Person(first=away)


@scenario("worktree")
def lockfile_moved_by_a_colleague_who_had_another(at: Terminal) -> tuple[str, Person]:
    """Each clone has a lockfile of its own; a colleague's, with one run less, was moved."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("remote", "add", "origin", str(Remote(at.folder / "remote.git").path))
    private, kept = at.clone.path / ".git/qflow-gitops", at.folder / "kept"
    colleague = at.clone.read("qflow.lock")
    shutil.copytree(private, kept)
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    mine = at.folder / "mine"
    private.rename(mine)
    kept.rename(private)
    at.clone.write("qflow.lock", colleague)
    assert at.typed("qflow-gitops lock move --to branch").code == 0
    at.merge()
    shutil.rmtree(private)
    mine.rename(private)
    return APPLY, Person(WHY)


@scenario("branch")
def lockfile_moved_and_gone(at: Terminal) -> tuple[str, Person]:
    """It was moved, and somebody removed the branch before anything was applied there."""
    _sent(at)
    assert at.typed(MOVE).code == 0
    at.clone.git("checkout", "--quiet", "--", "qflow.yaml")
    remote = Workspace(at.folder / "remote.git")
    remote.git("update-ref", "-d", "refs/heads/elsewhere")
    for kept in ("refs/qflow-gitops", "refs/remotes"):
        at.clone.git("update-ref", "-d", f"{kept}/origin/elsewhere")
    return MOVE, Person(elsewhere={"from a clone that has it": "no clone has it"})


@scenario("branch")
def lockfile_moved_to_another_work_tree(at: Terminal) -> tuple[str, Person]:
    """Somebody moved it to the work tree of another clone, and has committed nothing yet."""
    _sent(at)
    assert at.typed("qflow-gitops lock move --to worktree").code == 0
    at.clone.git("checkout", "--quiet", "--", "qflow.yaml")
    at.clone.remove("qflow.lock")
    shutil.rmtree(at.clone.path / ".git/qflow-gitops")
    return "qflow-gitops lock move --to worktree", Person(
        elsewhere={"in the clone that has it": "its owner does"}
    )


@scenario("worktree")
def lockfile_that_a_revert_brought_back(at: Terminal) -> tuple[str, Person]:
    """A revert of what was committed brings the lockfile back as it was, in a clone of today."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("add", "--force", "qflow.lock")
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    at.clone.git("commit", "--quiet", "--all", "--message", "after the second")
    at.clone.git("revert", "--no-edit", "HEAD")
    at.merge()
    shutil.rmtree(at.clone.path / ".git/qflow-gitops")  # a clone that wrote nothing yet
    return APPLY, Person()


@scenario("branch")
def project_begun_beside_one_that_is_gone(at: Terminal) -> tuple[str, Person]:
    """A project is begun in a folder, and the remote has the lockfile of one that is gone."""
    _sent(at)
    at.clone.git("rm", "--quiet", "-r", "qflow.yaml", "runs")
    at.merge()
    applies = ("qflow-gitops -C pay apply --yes",)
    return "qflow-gitops init pay --platform sandbox", Person(applies=applies)


@scenario("worktree")
def lockfile_to_move_without_settings(at: Terminal) -> tuple[str, Person]:
    """There are no settings that could name the new place."""
    at.clone.remove("qflow.yaml")
    at.settings()
    at.clone.remove("qflow.yaml")
    at.specs(a=spec("a", extra=""))
    at.clone.git("remote", "add", "origin", "../remote.git")
    at.answers = "sandbox\n"  # `init` asks which platform it is
    return "qflow-gitops lock move --to branch", Person()


@scenario("branch")
def lockfile_to_move_to_no_remote(at: Terminal) -> tuple[str, Person]:
    """The remote that it is to move to isn't there."""
    _sent(at)
    address = (at.folder / "remote.git").as_uri()
    return f"{MOVE} --remote company", Person({"ADDRESS": address, "NAME": "origin"})


@scenario("branch")
def lockfile_to_move_with_odd_settings(at: Terminal) -> tuple[str, Person]:
    """The settings of the work tree can't be changed by a program."""
    _sent(at)
    at.clone.write("qflow.yaml", at.clone.read("qflow.yaml") + "---\nmore: 1\n")

    def one_document(at: Terminal) -> None:
        at.clone.git("checkout", "--quiet", "--", "qflow.yaml")

    return MOVE, Person(changes={"Write `lock:` as lines of its own": one_document})
