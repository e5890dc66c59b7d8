"""`after` and rollouts where a plan looks at what changed alone: it says what one of all says."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report
from tests.fakes.world import World, project_file
from tests.helpers.partners import NIGHTLY

NAMES = "abcd"
ENTRIES = st.sampled_from([*NAMES, "b/*", "a/x", "{labels: {s: one}}", "{labels: {s: two}}"])
ONE = st.fixed_dictionaries(
    {
        "after": st.lists(ENTRIES, max_size=2, unique=True),
        "label": st.sampled_from(["", "one", "two"]),
        "targets": st.sampled_from(["", "xy", "xyz"]),
        "value": st.integers(1, 2),
        "broken": st.sampled_from([False] * 5 + [True]),
    }
)
STEP = st.dictionaries(st.sampled_from(NAMES), st.one_of(ONE, st.none()), min_size=1, max_size=3)


def put(world: World, name: str, given: dict[str, Any] | None) -> None:
    if given is None:
        world.git.files_on_disk.pop(f"runs/{name}.yaml".encode(), None)
        return
    lines = "".join(f"    - {{name: {each}, input: {{in: {each}}}}}\n" for each in given["targets"])
    more = f"  targets:\n{lines}  rollout: {{batches: [1, 2]}}\n" if lines else ""
    more += f"  after: [{', '.join(given['after'])}]\n" if given["after"] else ""
    more += "  nonsense: true\n" if given["broken"] else ""
    label = f"  labels: {{s: {given['label']}}}\n" if given["label"] else ""
    world.spec(name, f"{name}{given['value']}", metadata=label, extra=more)


def seen(report: Report) -> Any:
    assert isinstance(report.body, Planned)
    plan = report.body.plan
    shown = [
        (change.action, change.reason, change.name, change.detail, change.hint, change.batch)
        for change in plan.changes
        if change.is_due or change.action.value == "hold"
    ]
    return shown, plan.digest, [(each.rule, each.file) for each in report.diagnostics]


@settings(
    max_examples=480 if NIGHTLY else 40, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(st.lists(st.tuples(STEP, st.sets(st.sampled_from(NAMES), max_size=1)), max_size=6))
def test_a_plan_of_what_changed_says_what_one_of_all_says(
    steps: list[tuple[dict[str, Any], set[str]]],
) -> None:
    world = World(project_file("statuses: {Failed: failed}"))
    for step, bad in steps:
        for name, one in step.items():
            put(world, name, one)
        world.commit()
        whole = seen(world.plan(full=True))
        assert seen(world.plan()) == whole
        assert seen(world.plan(cached=True)) == whole
        world.qualys.ends_of = {f"{name}{value}": "Failed" for name in bad for value in (1, 2)}
        world.apply(keep_going=True)
        whole = seen(world.plan(full=True))
        assert seen(world.plan()) == whole
        assert seen(world.plan(cached=True)) == whole
