"""How many targets of a spec may have been started, by what became of those before them.

Pure. A rollout is a schedule, not a state: where it stands is told by the targets' attempts
alone, so that any process goes on where another one was.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from qflow_gitops.base.times import duration


class Share(NamedTuple):
    """A number of targets, or a part of all of them in percent."""

    number: int
    percent: bool = False

    def at_most(self, targets: int) -> int:
        """Return how many of so many targets that is at the most, a part of one left out."""
        return targets * self.number // 100 if self.percent else self.number

    def at_least(self, targets: int) -> int:
        """Return how many of so many targets that is, a part of one rounded up to it."""
        return -(-targets * self.number // 100) if self.percent else self.number

    def __str__(self) -> str:
        """Return it as it is written in a file."""
        return f"{self.number}%" if self.percent else str(self.number)


class Rollout(NamedTuple):
    """A schedule: cumulative `batches`, so many failures, a `pause` in seconds between batches.

    After the last batch come all that are left. `order` names targets that go first; the others
    follow as they are written.
    """

    batches: tuple[Share, ...] = ()
    max_failures: Share = Share(0)
    pause: float = 0.0
    order: tuple[str, ...] = ()

    def sizes(self, targets: int) -> list[int]:
        """Return how many of so many targets each batch and those before it have; the last all."""
        found: list[int] = []
        for share in (*self.batches, Share(100, percent=True)):
            size = max(found[-1] if found else 0, min(targets, share.at_least(targets)))
            if not found or size > found[-1]:
                found.append(size)
        return found


def from_data(data: Mapping[str, Any]) -> Rollout:
    """Read a rollout that satisfies the schema."""
    return Rollout(
        tuple(map(share_of, data.get("batches", ()))),
        share_of(data.get("maxFailures", 0)),
        duration(data["pause"]) if data.get("pause") else 0.0,
        tuple(data.get("order", ())),
    )


def share_of(value: object) -> Share:
    """Read a number, or a percentage, that satisfies the schema."""
    if isinstance(value, str):
        return Share(int(value.removesuffix("%")), percent=True)
    return Share(int(value))  # type: ignore[call-overload]


def in_order(names: Sequence[str], order: Sequence[str]) -> list[str]:
    """Return names with those of `order` first."""
    first = {name: place for place, name in enumerate(order)}
    return sorted(names, key=lambda name: first.get(name, len(first)))  # stable


class Standing(StrEnum):
    """How a target's present request stands."""

    DONE = "done"
    """It ended well, or counts as done."""
    FORGIVEN = "forgiven"
    """It failed, and a person lets the rollout go on all the same."""
    FAILED = "failed"
    AGAIN = "again"
    """It failed, and is to be sent once more now."""
    OPEN = "open"
    """It is under way."""
    DOUBT = "doubt"
    """Nobody knows whether it runs."""
    UNSENT = "unsent"


class Member(NamedTuple):
    """A target in a rollout; `ended` is when its execution ended (seconds), 0 where none did."""

    name: str
    standing: Standing
    ended: float = 0.0


class Progress(NamedTuple):
    """How far a rollout may go: its first `allowed` members may be started, unless it is `halted`.

    `sizes` are those of its batches, cumulative. `opens` is when a pause ends (seconds since the
    epoch), 0 for none. `failed` and `doubtful` name members. It is `stopped` until a person
    decides, and halted also while one that failed is sent once more. `waits_for` are those that
    keep the next batch from being opened; `next_size` is that of the first one with a member that
    wasn't sent.
    """

    allowed: int
    sizes: tuple[int, ...]
    opens: float = 0.0
    failed: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    stopped: bool = False
    halted: bool = False
    waits_for: tuple[str, ...] = ()
    next_size: int = 0

    def batch_of(self, place: int) -> int:
        """Return the number of the batch, from 1 on, that the member at a place is in."""
        return next(number for number, size in enumerate(self.sizes, 1) if place < size)


_OVER = (Standing.DONE, Standing.FORGIVEN, Standing.FAILED)


def progress(rollouts: Sequence[Rollout], members: Sequence[Member], now: float) -> Progress:
    """Say how far several rollouts, of which each holds, let these members go.

    `now` is in seconds since the epoch.
    """
    named = {
        standing: tuple(each.name for each in members if each.standing is standing)
        for standing in Standing
    }
    failed, again, doubtful = (
        named[each] for each in (Standing.FAILED, Standing.AGAIN, Standing.DOUBT)
    )
    most = min(each.max_failures.at_most(len(members)) for each in rollouts)
    pause = max(each.pause for each in rollouts)
    least = min(
        (_progress(each, members, now, pause) for each in rollouts),
        key=lambda each: (each.allowed, -each.opens),
    )
    unsent = [each.standing is Standing.UNSENT for each in members]
    return least._replace(
        next_size=next((size for size in least.sizes if any(unsent[:size])), len(members)),
        failed=failed,
        again=again,
        doubtful=doubtful,
        stopped=bool(doubtful) or len(failed) > most,
        halted=bool(doubtful) or len(failed) + len(again) > most,
    )


def _progress(rollout: Rollout, members: Sequence[Member], now: float, pause: float) -> Progress:
    sizes = tuple(rollout.sizes(len(members)))
    for size in sizes:
        batch = members[:size]
        waits_for = tuple(each.name for each in batch if each.standing not in _OVER)
        ended = max(each.ended for each in batch)
        opens = ended + pause if ended and now < ended + pause else 0.0
        if waits_for or opens:
            return Progress(size, sizes, 0.0 if waits_for else opens, waits_for=waits_for)
    return Progress(len(members), sizes)
