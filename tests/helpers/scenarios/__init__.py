"""How each hint comes to be printed: what people and machines do before, one function each.

A new hint gets a function here, in the file of its kind.
"""

from tests.helpers.scenarios import (  # noqa: F401  each adds its own to SCENARIOS
    anchors,
    commands,
    doctor,
    files,
    fleet,
    holds,
    notices,
    places,
    qualys,
    records,
    stories,
    targets,
    tickets,
)
from tests.helpers.scenarios.base import SCENARIOS

__all__ = ["SCENARIOS"]
