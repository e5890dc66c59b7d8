"""`report --statements`: which attempts have a statement, and in which files it stands."""

from qflow_gitops.audit.span import Span
from qflow_gitops.commands.report import Asked
from qflow_gitops.commands.statements import Statements
from tests.fakes.world import World
from tests.helpers.statements import sound
from tests.unit.commands.test_report import applied, services


def stated(world: World, *runs: str, span: Span | None = None) -> Statements:
    lockfile = world.store.read(whole=True).lockfile
    assert lockfile is not None
    return Statements(Asked(runs, "", span or Span(), live=False), services(world), lockfile)


def test_each_attempt_that_ended_has_a_file_of_its_own() -> None:
    done = stated(applied("a", "b"))
    files = dict(done.files())
    assert [*files] == ["prod/a/1.intoto.json", "prod/b/1.intoto.json"]
    assert (done.made, done.without) == (2, 0)
    for content in files.values():
        assert sound(content)["_type"] == "https://in-toto.io/Statement/v1"


def test_what_has_not_ended_is_counted_and_not_stated() -> None:
    world = World()
    world.specs("a")
    world.apply(wait=False)
    done = stated(world)
    assert [*done.files()] == []
    assert (done.made, done.without) == (0, 1)


def test_only_runs_that_are_named_and_in_the_span_are_stated() -> None:
    world = applied("a", "b")
    assert [name for name, _ in stated(world, "b").files()] == ["prod/b/1.intoto.json"]
    assert [*stated(world, span=Span(until="2000-01-01T00:00:00Z")).files()] == []
