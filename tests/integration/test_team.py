"""A team's days, generated: whatever people change, nothing runs twice or is lost, and all ends.

A story is told on real git and the sandbox. People rename, copy, swap, gather and revert runs,
files, environments and settings, write them in other forms, merge that in every way, rewrite
history, and apply from clones that are up to date or not. `Truth` holds what was executed against
what they asked for and released by name. Whatever a plan holds is got rid of by what its hint
says, to the letter, and in the end nothing is held or due any more.

Two short stories that are always the same are told by `.ci/run`, eight longer ones by
`.ci/nightly`. QFLOW_TESTS_TEAM=STORIES or STORIES,STEPS tells new ones: 10,30 takes some minutes,
and needs pytest's --timeout=0.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.helpers import typed
from tests.helpers.changes import EDITS, Drawn, edited
from tests.helpers.clones import BRANCH, record_of
from tests.helpers.partners import NIGHTLY
from tests.helpers.people import HOWS, Alone, People
from tests.helpers.sandboxes import served
from tests.helpers.services import Done, Runners
from tests.helpers.team import repositories
from tests.helpers.truth import Truth
from tests.helpers.values import replace
from tests.helpers.ways import Way, commands_in, ways_on, words_of
from tests.helpers.worlds import ODD, PLATFORMS, Key, World, beginning

WANTED = os.environ.get("QFLOW_TESTS_TEAM", "")
STORIES, _, STEPS = (WANTED or ("4,30" if NIGHTLY else "1,8")).partition(",")
LEASE = 400.0  # seconds after which no process can still send what it announced
PAUSES = (90.0, LEASE, 4000.0, 31 * 86400.0)
MANY = 80  # so many holds a story never has
SAME = ("action", "reason", "environment", "name")  # what two plans have to agree on

Change = dict[str, Any]


class Move(NamedTuple):
    """A step of a story: a change (`kind`), by whom and how it lands, what is applied after it.

    While that is applied a fault strikes. `follow` chooses holds, and the ways that are taken.
    """

    kind: str
    drawn: Drawn
    clone: int
    how: str
    then: str
    fault: str
    follow: tuple[int, ...]


KINDS = [name for name, (often, _) in EDITS.items() for _ in range(often)]
KINDS += ["revert", "revert", "amend", "anew", "drop", "purge", "time", "nothing", "nothing"]
THENS = ("apply", "apply", "one", "one", "one", "stale", "early", "again", "nothing")
FAULTS = ("",) * 8 + (
    "outcome=Failed", f"outcome={ODD}", "400@run#1", "accept-then-drop@run#1", "drop@run#1",
)  # fmt: skip
numbers = st.integers(0, 11)
moves = st.builds(
    Move,
    kind=st.sampled_from(KINDS),
    drawn=st.builds(Drawn, numbers, numbers, numbers, st.booleans()),
    clone=st.integers(0, 1),
    how=st.sampled_from(HOWS),
    then=st.sampled_from(THENS),
    fault=st.sampled_from(FAULTS),
    follow=st.one_of(st.just(()), st.just(()), st.tuples(numbers), st.tuples(numbers, numbers)),
)


class Story:
    """A team, what it does, and what comes of it; `say` is told all of it."""

    def __init__(
        self, kind: type[People], template: Path, opened: ExitStack, say: Callable[[str], None]
    ) -> None:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        self.say = say
        self.people = kind(folder, template, beginning())
        self.sandboxes = {name: opened.enter_context(served(duration=3.0)) for name in PLATFORMS}
        self.runners = Runners(self.sandboxes["sandbox"], self.sandboxes)
        opened.enter_context(self.runners.installed())
        opened.enter_context(patch.object(os, "fsync", lambda _: None))  # no power is cut here
        self.truth = Truth(self.sandboxes, self.people.at)
        self.runners.about_to_send = self.truth.about_to_send
        self.runners.was_sent = self.truth.was_sent
        self.held: list[Change] = []

    # --- the program -----------------------------------------------------------------

    def typed(self, clone: int, *words: str) -> Done:
        """Type a command; a question, which there is no terminal for, is answered with yes."""
        asks = words[0] in ("apply", "baseline") and "--yes" not in words
        self.truth.typed = words
        done = self.runners.call(self.people.paths[clone], *words, *(["--yes"] if asks else []))
        self.say(f"  $ {clone} {' '.join(words)} -> {done.code}")
        if done.code:
            self.say(f"      {done.err.strip()[-400:]}")
        assert done.code != 70, done
        return done

    def done(self, clone: int, *words: str) -> Done:
        """Type a command, and then what its refusal says, until it isn't refused any more.

        It may find that other runs are held, or failed.
        """
        for _ in range(5):
            done = self.typed(clone, *words)
            if done.code in (0, 1, 5, 9) or (done.code == 3 and "--keep-going" in words):
                return done
            words = self.refused(clone, done, words)
        raise AssertionError(f"refused again and again: {done}")

    def refused(self, clone: int, done: Done, words: tuple[str, ...]) -> tuple[str, ...]:
        """Do what a refusal says; give what has to be typed then."""
        if done.code == 3 and "--keep-going" in done.err:
            return (*words, "--keep-going")
        if done.code == 3:
            self.fix()
            return words
        moved = [one for one in ways_on(done.err) if one.kind == "platform"]
        if done.code == 2 and moved:
            name, platform = moved[0].about
            self.land(placed(self.people.now, name, platform=platform))
            return words
        assert done.code == 7, done
        for command in typed.commands(done.err):
            if command.startswith("git merge"):
                typed.typed(self.people.paths[clone], command)
                self.people.go_on_from(clone)
                return words
            return words_of(command)
        raise AssertionError(f"no way on: {done}")

    def plan(self, clone: int, *more: str) -> Any:
        done = self.typed(clone, "plan", "--format", "json", *more)
        assert done.code in (0, 3), done
        return json.loads(done.out)

    def lockfile(self) -> Any:
        people = self.people
        if people.store == "worktree":
            file = people.paths[0] / "qflow.lock"
            return json.loads(file.read_text()) if file.exists() else {}
        remote = people.folder / "remote.git"
        if not (remote / "refs/heads" / BRANCH).exists():
            return {}
        return record_of(remote)

    # --- steps -----------------------------------------------------------------------

    def move(self, one: Move) -> None:
        """Change something and land it; then apply, and follow some of the hints."""
        self.say(str(one))
        people, clone = self.people, one.clone % len(self.people.paths)
        if one.then != "stale":
            people.fresh(clone)
        if one.kind == "time":
            self.runners.elapse(PAUSES[one.drawn.i % len(PAUSES)])
        elif one.kind in EDITS:
            self.change(clone, edited(one.kind, people.here(clone), one.drawn), one)
        elif one.kind == "revert":
            self.change(clone, people.at[people.main[-1 - one.drawn.i % len(people.main)]], one)
        elif one.kind != "nothing":
            people.rewrite(clone, one.kind, one.drawn.i % 3)
        if one.then == "again":  # an old job that is started again
            clone = (clone + 1) % len(people.paths)
        if one.then != "nothing":
            self.apply(clone, one)
        self.check(clone)
        for number in one.follow:
            self.follow(number)

    def change(self, clone: int, world: World, one: Move) -> None:
        base = self.people.head(clone)
        self.people.branch(clone, world)
        if one.then == "early":
            self.apply(clone, one)
        self.people.land(clone, base, one.how)

    def apply(self, clone: int, one: Move) -> None:
        """Apply an environment or all; what is refused, or held as a whole, may be followed."""
        here = self.people.here(clone)
        names = sorted(here.environments)
        for name in names if one.then == "apply" else [names[one.drawn.k % len(names)]]:
            more = ("--keep-going",) if here.broken and one.drawn.said else ()
            with self.struck(one.fault):
                done = self.typed(clone, "apply", "-e", name, *more)
                if one.drawn.said and "--ack unmerged=1" in done.out + done.err:
                    (command,) = [
                        each for each in commands_in(done.out + done.err) if "unmerged=1" in each
                    ]
                    done = self.done(clone, *words_of(command))
            assert done.code in (0, 1, 3, 5, 7, 8, 9), done

    @contextmanager
    def struck(self, fault: str) -> Iterator[None]:
        for one in self.sandboxes.values():
            one.set_faults(*([fault] if fault else []))
        yield
        for one in self.sandboxes.values():
            one.set_faults()

    # --- what has to hold ------------------------------------------------------------

    def check(self, clone: int) -> list[Change]:
        """Nothing that is due is lost; a look at what differs says what a look at all says."""
        self.people.fresh(clone)
        plans = [self.plan(clone)]
        plans += [] if plans[0]["full"] else [self.plan(clone, "--full")]
        some, every = (
            [one["digest"]]
            + [[each[name] for name in SAME] for each in one["changes"] if each["action"] != "skip"]
            for one in (plans[0], plans[-1])
        )
        assert some == every
        changes: list[Change] = plans[-1]["changes"]
        if not self.people.now.broken:
            actions = {key_of(one): one["action"] for one in changes}
            assert not self.truth.lost(self.people.main[-1], actions, self.lockfile())
        self.held = [one for one in changes if one["action"] == "hold"]
        for one in self.held:
            assert ways_on(one["hint"]), f"no way on: {one}"
        return changes

    # --- following hints -------------------------------------------------------------

    def follow(self, number: int) -> bool:
        """Get rid of a hold by one of its ways; False where nothing is held."""
        if not self.held:
            return False
        hold = self.held[number % len(self.held)]
        found = ways_on(hold["hint"])
        way = found[number // 2 % len(found)]
        self.say(f"  > {key_of(hold)} {hold['reason']}: {hold['detail']}\n      {hold['hint']}")
        self.say(f"      {way}")
        self.people.fresh(0)
        self.go(hold, way)
        self.check(0)
        still = [one for one in self.held if identity(one) == identity(hold)]
        assert not still, (way, still)
        return True

    def go(self, hold: Change, way: Way) -> None:
        """Take one way, to the letter."""
        apply = ("apply", "-e", hold["environment"])
        if way.first:
            self.done(0, "apply", "-e", way.where or hold["environment"])
        if way.kind == "doubt":
            self.settle(hold, way)
        elif way.kind != "type":
            self.land(self.edited(key_of(hold), way))
        elif way.then:
            self.rerun(key_of(hold), way.about)
            self.done(0, *apply)
        else:
            self.done(0, *way.about)

    def settle(self, hold: Change, way: Way) -> None:
        """Look what became of a request; where that doesn't tell, say what Qualys really has."""
        self.runners.elapse(LEASE)
        for words in way.about:
            if words[0] == "reconcile":
                self.done(0, *words)
        self.check(0)
        if not any(identity(one) == identity(hold) for one in self.held):
            return
        where = hold.get("attemptOf", "/".join(key_of(hold))).split("/", 1)
        run = self.lockfile()["environments"][where[0]]["runs"][where[1]]
        ran = self.truth.of(run["attempts"][hold["attempt"]["number"] - 1])
        (words,) = [one for one in way.about if ("--adopt" if ran else "--absent") in one]
        self.done(0, *[ran[0] if one == "EXECUTION" else one for one in words])

    def rerun(self, key: Key, words: tuple[str, ...]) -> None:
        """Let `rerun` write into the file, or do by hand what it can't, and commit that."""
        done, world = self.typed(0, *words), self.people.now
        file = self.people.paths[0] / world.folder / world.file_of(key)
        for one in yaml.safe_load_all(file.read_text()):
            where, name = one["metadata"].get("environment", world.default), one["metadata"]["name"]
            said = {name: one["spec"]}
            said |= {f"{name}/{each['name']}": each for each in one["spec"].get("targets", ())}
            if where == key[0] and key[1] in said and not done.code:
                world = world.put(key, rerun=int(said[key[1]]["rerun"]))
        if done.code:
            (way,) = [one for one in ways_on(done.err) if one.kind == "number"]
            world = world.put(key, rerun=int(way.about[0]))
        self.land(world)

    def land(self, world: World) -> None:
        base = self.people.head(0)
        self.people.branch(0, world)
        self.people.land(0, base, "merge")

    def edited(self, key: Key, way: Way) -> World:
        """Give what is after the change that a hint names."""
        world, (first, second) = self.people.now, (*way.about, "", "")[:2]
        fields: dict[str, dict[str, Any]] = {
            "name": {"previous": first},
            "unname": {"previous": ""},
            "change": {"value": 100 + len(self.people.main)},
            "fix": {"broken": False},
        }
        match way.kind:
            case "renamed":
                default, old, new = way.about
                world = without(replace(world, default=default or world.default), old)
                return placed(world, new, previous=(*place(world, new).previous, old))
            case "names":
                return placed(world, second, previous=(*place(world, second).previous, first))
            case "platform":
                return placed(world, first, platform=second)
            case "unsource":
                return world.without((key[0], world.places()[key][1].previous))
            case "remove":
                return world.without(key)
            case "teach":
                return replace(world, taught=True)
            case kind:
                return world.put(key, **fields[kind])

    def fix(self) -> None:
        world = self.people.now
        self.land(world.every(lambda one: replace(one, broken=False)))

    # --- the end ---------------------------------------------------------------------

    def end(self) -> None:
        """Get rid of every hold, one after the other; then all is done, and stays so."""
        for number in range(MANY):
            self.people.fresh(0)
            for name in sorted(self.people.now.environments):
                self.done(0, "apply", "-e", name)
            assert not [one for one in self.check(0) if one["action"] == "run"]
            if not self.follow(number * 7 % 5):
                break
        else:
            raise AssertionError(f"still held: {self.held}")
        sent = self.truth.count
        for name in sorted(self.people.now.environments):
            assert self.typed(0, "apply", "-e", name).code == 0
        assert self.truth.count == sent
        assert self.typed(0, "lock", "verify").code == 0


def key_of(change: Change) -> Key:
    return (change["environment"], change["name"])


def identity(hold: Change) -> tuple[Any, ...]:
    """What makes a hold this one: its run, its reason, and the attempt that it is about."""
    attempt = hold.get("attempt", {})
    about = attempt.get("number"), attempt.get("state"), hold.get("attemptOf")
    return (*key_of(hold), hold["reason"], *about)


def place(world: World, name: str) -> Any:
    return world.environments[name]


def placed(world: World, name: str, **fields: Any) -> World:
    changed = {**world.environments, name: place(world, name)._replace(**fields)}
    return replace(world, environments=changed)


def without(world: World, name: str) -> World:
    left = {one: each for one, each in world.environments.items() if one != name}
    return replace(world, environments=left)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare remote and two clones of it."""
    return repositories(tmp_path_factory.mktemp("team"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [People, Alone])
def test_whatever_a_team_changes(kind: type[People], template: Path) -> None:
    @settings(
        max_examples=int(STORIES),
        # Shrinking takes ten minutes: the stories that are always the same needn't be small.
        phases=[Phase.explicit, Phase.generate, *([Phase.reuse, Phase.shrink] if WANTED else [])],
        derandomize=not WANTED,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(st.lists(moves, min_size=int(STEPS or 30), max_size=int(STEPS or 30)))
    def tell(story: list[Move]) -> None:
        with ExitStack() as opened:
            team = Story(kind, template, opened, note)
            for one in story:
                team.move(one)
            team.end()

    tell()


def test_specs_become_targets_and_targets_specs(template: Path) -> None:
    """Nothing runs again, whether people say what was called otherwise or do what a hold says."""
    kinds = (
        "nothing", "together", "ask", "apart", "together", "rerun", "rename", "apart",
    )  # fmt: skip
    steps = [
        Move(kind, Drawn(1, number % 2, number, said), 0, HOWS[number % 3], "apply", "", (number,))
        for said in (False, True)
        for number, kind in enumerate(kinds)
    ]
    told: list[str] = []
    with ExitStack() as opened:
        story = Story(People, template, opened, told.append)
        for one in steps:
            story.move(one)
        moved = [world for world in story.people.at.values() if list(world.targets())]
        story.end()
    assert len(moved) > 3
    assert any("> ('prod', 'all0/" in line for line in told), told
