"""What is known of a whole apply is recorded once, and each of its attempts leads to it."""

import pytest

from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.audit import check_values
from qflow_gitops.lockfile.circumstances import circumstances, for_intent, unfounded
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.stores.commit_message import message_of
from tests.fakes.world import World
from tests.unit.apply.test_other_writers import sent_by_another
from tests.unit.test_lockfile import opened

KNOWN = {"workflow": "team/runs/.github/workflows/q.yml@refs/heads/main", "installed": "sha256:1"}


def told(world: World, *names: str) -> list[dict[str, object]]:
    """What the intents of runs say of their apply."""
    extras = [world.attempts(name)[-1].events[0].extra for name in names]
    return [{key: extra[key] for key in ("apply", "applyOf") if key in extra} for extra in extras]


def test_an_apply_says_once_how_it_came() -> None:
    world = World()
    world.circumstances, world.qualys.ahead = KNOWN, -1.4
    world.specs("a", "b", "c")
    world.apply(concurrency=2)
    first = {"apply": {**KNOWN, "clockSkew": -1}}
    assert told(world, "a", "b", "c") == [first, {"applyOf": "prod/a #1"}, {"applyOf": "prod/a #1"}]
    world.specs("d")
    world.circumstances = {"installed": "sha256:2"}
    world.apply()
    assert told(world, "d") == [{"apply": {"installed": "sha256:2", "clockSkew": -1}}]
    lockfile = world.store.lockfile
    for name, known in {"b": KNOWN, "c": KNOWN, "d": {"installed": "sha256:2"}}.items():
        (attempt,) = lockfile.attempts("prod", name)
        assert circumstances(lockfile, attempt) == {**known, "clockSkew": -1}
    assert check_values(lockfile) == ()


def test_nothing_known_is_nothing_said() -> None:
    assert for_intent({}, None) == for_intent({}, ("prod", "a", 1)) == {}
    lockfile = Lockfile("x").recorded([opened("a", 1)])  # as every version before wrote it
    assert circumstances(lockfile, lockfile.attempts("prod", "a")[0]) == {}
    assert list(unfounded(lockfile)) == []


def test_what_was_not_written_is_nobody_s_apply() -> None:
    """The first intents come too late, and those of the next try say it then."""
    world = World()
    world.circumstances = KNOWN
    world.specs("a", "b", "c")
    world.store.meanwhile.append(sent_by_another(world, "a", leased=True))
    world.apply(concurrency=2)
    by = {"apply": {**KNOWN, "clockSkew": 0}}
    assert told(world, "a", "b", "c") == [{}, by, {"applyOf": "prod/b #1"}]
    assert list(unfounded(world.store.lockfile)) == []


@pytest.mark.parametrize("name", ["prod/a #2", "prod/x #1", "prod/b #1", "a", "", "x/y/z", 7, None])
def test_an_attempt_that_leads_nowhere_is_found(name: object) -> None:
    world = World()
    world.circumstances = KNOWN
    world.specs("a", "b")
    world.apply()
    text = to_bytes(world.store.lockfile).decode()
    quoted = {None: "null", 7: "7"}.get(name, f'"{name}"')  # type: ignore[call-overload]
    changed = text.replace('"applyOf": "prod/a #1"', f'"applyOf": {quoted}')
    assert changed != text
    lockfile = from_bytes(changed.encode(), "qflow.lock")
    (attempt,) = lockfile.attempts("prod", "b")
    assert circumstances(lockfile, attempt) == {}
    (sentence,) = check_values(lockfile)
    assert "prod/b #1" in sentence
    assert "which says nothing" in sentence


def test_the_wave_s_commit_says_it_too() -> None:
    world = World()
    world.circumstances = {**KNOWN, "workflow": "a\nb"}
    world.specs("a", "b")
    world.apply()
    attempts = [world.attempts(name)[0] for name in ("a", "b")]
    wave = [
        Transition("prod", "a", 1, each.events[0], opens=each._replace(events=each.events[:1]))
        for each in attempts
    ]
    lines = message_of(wave, None).splitlines()
    (line,) = [line for line in lines if line.startswith("apply: ")]
    assert line == "apply: workflow a b, installed sha256:1, clockSkew 0"
