"""How a run comes into doubt, told once for several tests."""

from tests.fakes import qualys as fakes
from tests.fakes.qualys import Begun
from tests.fakes.world import WORKFLOW, World


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
