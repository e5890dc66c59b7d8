"""One function over many items on every core, where processes can be forked."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_IT, BYTES = 200, 400
"""Items for each process, below which starting another costs more than it brings; such items have
some 400 bytes, and bigger ones count for more."""


def spread(
    function: Callable[[Item], Result], items: Sequence[Item], size: int = 0
) -> list[Result]:
    """Return the function's results, in the order of the items, which have `size` bytes in all.

    Results have to be picklable; the function needn't be. What a process that died was to do
    is done here.
    """
    count = min(_cores(), len(items), max(len(items), size // BYTES) // WORTH_IT)
    if count < 2 or sys.platform != "linux":
        return list(map(function, items))
    from multiprocessing import get_context

    fork = get_context("fork")
    parts = [items[number::count] for number in range(count)]
    begun = []
    for part in parts[1:]:
        here, there = fork.Pipe(duplex=False)
        process = fork.Process(target=_work, args=(function, part, there), daemon=True)
        process.start()
        there.close()
        begun.append((process, here, part))
    results = [list(map(function, parts[0]))]
    for process, here, part in begun:
        try:
            results.append(here.recv())
        except (EOFError, OSError):
            results.append(list(map(function, part)))
        process.join()
    return [results[number % count][number // count] for number in range(len(items))]


def _work(function: Callable[[Item], Result], items: Sequence[Item], there: "Connection") -> None:
    try:
        there.send(list(map(function, items)))
    except BaseException:  # noqa: BLE001  it comes up again where this is done once more
        os._exit(1)  # without a word: what went wrong is for one process to say


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
