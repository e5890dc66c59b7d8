"""What people change in a repository of run specs: an edit takes a world and gives another one.

`Drawn` says which runs, names and environments an edit is about, by numbers that any world takes.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.helpers.values import replace
from tests.helpers.worlds import (
    ENVIRONMENTS,
    FOLDERS,
    FORMS,
    NAMES,
    PLATFORMS,
    Asked,
    Environment,
    Key,
    World,
)


class Drawn(NamedTuple):
    """What an edit is about; `said`: people say what was called otherwise before."""

    i: int
    j: int
    k: int
    said: bool

    def run(self, world: World, number: int = 0) -> Key | None:
        keys = sorted(world.places())
        return keys[(self.i, self.j)[number] % len(keys)] if keys else None


Edit = Callable[[World, Drawn], World]


def _one(edit: Callable[[World, Drawn, Key, Asked], World]) -> Edit:
    """An edit about a run that there is."""

    def edited(world: World, drawn: Drawn) -> World:
        key = drawn.run(world)
        return edit(world, drawn, key, world.places()[key][1]) if key else world

    return edited


@_one
def ask(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    return world.put(key, value=drawn.k % 4)


def add(world: World, drawn: Drawn) -> World:
    environment = sorted(world.environments)[drawn.j % len(world.environments)]
    one = Asked(
        NAMES[drawn.i % len(NAMES)], drawn.k % 4, environment, workflow=drawn.j % 2,
        connector=("", "connectorId", "credentials")[drawn.k % 3],
    )  # fmt: skip
    return world if world.key(one) in world.places() else world.added(f"{one.name}.yaml", one)


@_one
def remove(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    return world.without(key)


@_one
def rerun(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    return world.put(key, rerun=one.rerun + 1)


@_one
def rename(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    name = called(one.whole, NAMES[drawn.j % len(NAMES)])
    if (key[0], name) in world.places():
        return world
    previous = one.name if drawn.said else drop_word(one, drawn)
    return world.put(key, name=name, previous=previous)


def called(whole: str, name: str) -> str:
    return f"{whole}/{name}" if whole else name


def drop_word(one: Asked, drawn: Drawn) -> str:
    return one.previous if drawn.k % 2 else ""


@_one
def swap(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    """Two specs of an environment, or two targets of a spec, exchange their names."""
    others = [
        each
        for each, (_, other) in sorted(world.places().items())
        if each[0] == key[0] and other.whole == one.whole and each != key
    ]
    if not others:
        return world
    other = others[drawn.j % len(others)]
    words = {True: (other[1], key[1]), False: ("", "")}[drawn.said]
    between = called(one.whole, "\0")
    holder = world.put(key, name=between, previous=words[1] and key[1])
    return holder.put(other, name=key[1], previous=words[0]).put(
        (key[0], between), name=other[1], previous=words[1]
    )


@_one
def copy(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    """A copied spec of which only the name or the environment was changed."""
    environments = sorted(world.environments)
    other = replace(one, environment=key[0], name=NAMES[drawn.j % len(NAMES)])
    if drawn.k % 2:
        where = environments[drawn.j % len(environments)]
        other = replace(one, environment=where)
    if world.key(other) in world.places():
        return world
    return world.added(f"copy-of-{key[0]}-{one.name}.yaml", other)


@_one
def file(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    """Move a spec to another file, where others may stand."""
    names = ("all.yaml", "deep/one.yml", f"{one.name}.yaml", f"{one.name}-{key[0]}.yml")
    return world.without(key).added(names[drawn.k % len(names)], one)


def split(world: World, drawn: Drawn) -> World:
    """Give each spec a file of its own, or put all of them into one."""
    files: dict[str, tuple[Asked, ...]] = {}
    for (environment, name), (_, one) in sorted(world.places().items()):
        place = "together.yaml" if drawn.said else f"{environment}/{name}.yaml"
        files[place] = (*files.get(place, ()), one)
    return replace(world, files=files)


def together(world: World, drawn: Drawn) -> World:
    """Make targets of one spec of all specs of an environment that start the same workflow."""
    environment = sorted(world.environments)[drawn.i % len(world.environments)]
    whole = f"all{drawn.j % 2}"
    for key, (_, one) in sorted(world.places().items()):
        name = called(whole, one.name)
        if key[0] != environment or one.whole or one.workflow != drawn.j % 2:
            continue
        if (environment, name) not in world.places():
            previous = one.name if drawn.said else drop_word(one, drawn)
            target = replace(one, name=name, environment=environment, previous=previous)
            world = world.without(key).added(f"{whole}-{environment}.yaml", target)
    return world


@_one
def apart(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    """Write a spec with targets out: each of them is a spec again."""
    for each, (_, target) in sorted(world.places().items()):
        name = target.name.rpartition("/")[2]
        if not one.whole or target.whole != one.whole or each[0] != key[0]:
            continue
        if (key[0], name) not in world.places():
            previous = target.name if drawn.said else drop_word(target, drawn)
            spec = replace(target, name=name, previous=previous)
            world = world.without(each).added(f"{name}-of-{key[0]}.yaml", spec)
    return world


def folder(world: World, drawn: Drawn) -> World:
    return replace(world, folder=FOLDERS[drawn.i % len(FOLDERS)])


@_one
def restyle(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    """The same in another YAML form, in capitals, in the words of an earlier release."""
    other = {"": "", "connectorId": "credentials", "credentials": "connectorId"}[one.connector]
    return world.put(
        key,
        form=FORMS[drawn.j % len(FORMS)],
        capitals=drawn.said,
        connector=other if drawn.k % 2 else one.connector,
        environment="" if key[0] == world.default and not one.whole else one.environment,
    )


def default(world: World, drawn: Drawn) -> World:
    """Another default environment: specs that name none have moved there."""
    names = sorted(world.environments)
    return resolved(replace(world, default=names[drawn.i % len(names)]))


def environment(world: World, drawn: Drawn) -> World:
    """Rename an environment."""
    old = sorted(world.environments)[drawn.i % len(world.environments)]
    new = ENVIRONMENTS[drawn.j % len(ENVIRONMENTS)]
    if new in world.environments:
        return world
    place = world.environments[old]
    words = (*place.previous, old) if drawn.said else ()
    environments = {
        new if name == old else name: place._replace(previous=words) if name == old else each
        for name, each in world.environments.items()
    }
    return _moved(world, {old: new}, environments)


def swap_environments(world: World, drawn: Drawn) -> World:
    """Two environments exchange their names."""
    names = sorted(world.environments)
    if len(names) < 2:
        return world
    one, other = names[0], names[1 + drawn.i % (len(names) - 1)]
    turned = {one: other, other: one}
    environments = {turned.get(name, name): each for name, each in world.environments.items()}
    return _moved(world, turned, environments)


def gather(world: World, drawn: Drawn) -> World:
    """Put the runs of one environment into another one, which goes on without it."""
    names = sorted(world.environments)
    old, new = names[drawn.i % len(names)], names[drawn.j % len(names)]
    if old == new:
        return world
    environments = {name: one for name, one in world.environments.items() if name != old}
    if drawn.said:
        words = tuple(dict.fromkeys((*environments[new].previous, old)))
        environments[new] = environments[new]._replace(previous=words)
    return _moved(world, {old: new}, environments)


def spread(world: World, drawn: Drawn) -> World:
    """A new environment, without runs so far."""
    new = {ENVIRONMENTS[drawn.i % len(ENVIRONMENTS)]: Environment(PLATFORMS[drawn.j % 2])}
    return replace(world, environments={**new, **world.environments})


def _moved(
    world: World, names: Mapping[str, str], environments: Mapping[str, Environment]
) -> World:
    """The same runs in environments that are called otherwise now."""
    moved = world.every(
        lambda one: replace(one, environment=names.get(one.environment, one.environment))
    )
    default = names.get(world.default, world.default)
    return resolved(replace(moved, environments=environments, default=default))


def platform(world: World, drawn: Drawn) -> World:
    name = sorted(world.environments)[drawn.i % len(world.environments)]
    moved = world.environments[name]._replace(platform=PLATFORMS[drawn.j % 2])
    return replace(world, environments={**world.environments, name: moved})


def words(world: World, drawn: Drawn) -> World:
    """Take all the words out that carried a name over; or say one that may be wrong."""
    if drawn.said:
        key = drawn.run(world)
        name = NAMES[drawn.j % len(NAMES)]
        return world if key is None or name == key[1] else world.put(key, previous=name)
    environments = {name: one._replace(previous=()) for name, one in world.environments.items()}
    return replace(world.every(lambda one: replace(one, previous="")), environments=environments)


@_one
def mistake(world: World, drawn: Drawn, key: Key, one: Asked) -> World:
    return world.put(key, broken=not one.broken)


EDITS: Mapping[str, tuple[int, Edit]] = {
    "ask": (4, ask), "add": (4, add), "remove": (2, remove), "rerun": (2, rerun),
    "rename": (5, rename), "swap": (3, swap), "copy": (4, copy), "file": (2, file),
    "split": (1, split), "folder": (1, folder), "restyle": (4, restyle),
    "together": (4, together), "apart": (3, apart),
    "default": (2, default), "environment": (4, environment),
    "swap_environments": (1, swap_environments), "gather": (2, gather), "spread": (2, spread),
    "platform": (1, platform), "words": (2, words), "mistake": (1, mistake),
}  # fmt: skip
"""Every edit, and how often it is made beside the others."""


def edited(kind: str, world: World, drawn: Drawn) -> World:
    """Make an edit, unless a spec would ask for the same twice: then a person leaves it."""
    after = EDITS[kind][1](world, drawn)
    return world if after.doubled else after


# --- what several people changed -----------------------------------------------------


def merged(base: World, mine: World, theirs: World) -> World:
    """Give what a person makes of two changes: file by file, their own where both changed it."""

    def chosen(was: Any, ours: Any, other: Any) -> Any:
        return other if ours == was else ours

    def each(was: Mapping[str, Any], ours: Mapping[str, Any], other: Mapping[str, Any]) -> Any:
        names = dict.fromkeys((*other, *ours))
        found = {one: chosen(was.get(one), ours.get(one), other.get(one)) for one in names}
        return {one: value for one, value in found.items() if value is not None}

    return resolved(
        World(
            each(base.files, mine.files, theirs.files),
            each(base.environments, mine.environments, theirs.environments),
            chosen(base.default, mine.default, theirs.default),
            chosen(base.folder, mine.folder, theirs.folder),
            chosen(base.taught, mine.taught, theirs.taught),
        )
    )


def resolved(world: World) -> World:
    """Take out what `validate` would refuse after others' changes, as a person would."""
    known = dict(world.environments) or {"prod": Environment()}
    claimed: set[str] = set()
    for name, place in known.items():
        words = tuple(each for each in place.previous if each not in {name, *claimed})
        claimed |= {*words}
        known[name] = place._replace(previous=words)
    default = world.default if world.default in known else next(iter(known))
    heirs = {before: name for name, place in known.items() for before in place.previous}
    files: dict[str, tuple[Asked, ...]] = {}
    seen: set[Key] = set()
    asked: set[tuple[str, str, str]] = set()
    for file, some in world.files.items():
        for one in some:
            where = one.environment
            if where not in ("", *known):
                where = heirs.get(where, default)
            previous = "" if one.previous == one.name else one.previous
            same = (where, one.whole, one.meaning if one.whole else one.name)
            if (where or default, one.name) not in seen and same not in asked:
                kept = replace(one, environment=where, previous=previous)
                files[file] = (*files.get(file, ()), kept)
            seen.add((where or default, one.name))
            asked.add(same)
    return World(files, known, default, world.folder, world.taught)
