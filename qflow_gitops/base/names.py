"""What a run is called by."""

RunKey = tuple[str, str]
"""The environment and the name of a run: its identity (its place in a file is none)."""

ANY = "*"
"""What stands for any environment, run or target where runs are named."""


def spec_of(key: RunKey) -> RunKey:
    """Return the run that a target belongs to; of a run without targets itself."""
    return (key[0], key[1].partition("/")[0])


def target_of(key: RunKey) -> str:
    """Return a target's own name, "" for a run without targets."""
    return key[1].partition("/")[2]


def means(wanted: RunKey, key: RunKey) -> bool:
    """Whether a run is meant; the name of a spec with targets means all of them."""
    environment, name = wanted
    (run, _, target), (own, _, its) = name.partition("/"), key[1].partition("/")
    same = environment in (ANY, key[0]) and run in (ANY, own)
    return same and (target in ("", its) or (target == ANY and bool(its)))
