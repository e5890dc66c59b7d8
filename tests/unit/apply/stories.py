"""How a run comes into doubt, told once for several tests."""

from tests.fakes import qualys as fakes
from tests.fakes.qualys import Begun
from tests.fakes.world import SETTINGS, WORKFLOW, World


def lost(world: World, *names: str) -> list[Begun]:
    """Send runs whose answers are lost while Qualys shows no list; give their executions."""
    world.specs(*names)
    begun = len(world.qualys.begun)
    world.qualys.replies += [fakes.LOST] * len(names)
    world.qualys.before_send = lambda: world.qualys.hidden.add(WORKFLOW)
    world.apply()
    world.qualys.before_send = lambda: None
    world.qualys.hidden.clear()
    return world.qualys.begun[begun:]


def vanished(world: World, *names: str) -> None:
    """The same, and nothing was executed."""
    world.specs(*names)
    world.qualys.replies += [fakes.VANISHED] * len(names)
    world.apply()


class Team:
    """People who propose, review and merge on GitHub, and a runner that applies main.

    `propose` opens a pull request from main's tip; `merge` puts a merge commit on main.
    """

    def __init__(self, project: str = SETTINGS) -> None:
        self.world = World(project)
        self.world.git.add_remote()
        self.world.git.upstream["main"] = ("origin", "main")
        self.base = self.world.commit("the beginning")
        self.publish()

    def publish(self) -> None:
        """Push main, and fetch."""
        self.world.git.push()
        self.world.git.fetch()

    def propose(
        self, number: int, *names: str, value: str | None = None, author: str = "ada"
    ) -> str:
        """Open a pull request that adds these specs; its newest commit."""
        self.world.git.switch(f"pull-{number}", self.world.git.resolve("main"))
        head = self.on_branch(number, *names, value=value)
        self.world.github.open(number, head, self.world.git.resolve("main"), author=author)
        self.world.git.switch("main")
        return head

    def on_branch(self, number: int, *names: str, value: str | None = None) -> str:
        """Commit specs to a pull request's branch, and push it."""
        for name in names:
            self.world.spec(name, value)
        head = self.world.commit(f"of pull request {number}")
        self.world.git.push(ref=f"refs/pull/{number}/head")
        return head

    def push(self, number: int, *names: str, value: str | None = None, by: str = "ada") -> str:
        """Add a commit to a pull request."""
        self.world.git.switch(f"pull-{number}")
        head = self.on_branch(number, *names, value=value)
        self.world.github.push(number, head, by)
        self.world.git.switch("main")
        return head

    def update(self, number: int, by: str = "bob") -> str:
        """Press "Update branch": main is merged into the pull request."""
        self.world.git.switch(f"pull-{number}")
        head = self.world.git.merge(self.world.git.resolve("main"))
        self.world.git.push(ref=f"refs/pull/{number}/head")
        self.world.github.push(number, head, by)
        self.world.git.switch("main")
        return head

    def merge(self, number: int) -> str:
        """Merge a pull request into main; the merge commit."""
        self.world.git.switch("main")
        made = self.world.git.merge(self.world.git.resolve(f"pull-{number}"), f"merge {number}")
        self.world.github.merge(number, made)
        self.publish()
        return made

    def direct(self, *names: str, value: str | None = None) -> str:
        """Commit specs to main without a pull request."""
        self.world.git.switch("main")
        for name in names:
            self.world.spec(name, value)
        return self.commit()

    def commit(self) -> str:
        """Commit the work tree to main, and push."""
        made = self.world.commit("without a pull request")
        self.publish()
        return made
