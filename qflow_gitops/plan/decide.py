"""Decide for every run whether to start, hold or skip it, and why.

Desired minus recorded. Pure: the same values give the same plan, wherever they came from.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.attempt import Attempt, telling
from qflow_gitops.lockfile.inheritance import Inheritance, inherits
from qflow_gitops.lockfile.runs import bring
from qflow_gitops.lockfile.states import DOUBTFUL
from qflow_gitops.lockfile.summary import EnvironmentSummary
from qflow_gitops.plan.brakes import (
    at_its_commit,
    with_freezes,
    with_numbers,
    with_released,
    with_rules,
)
from qflow_gitops.plan.change import EVERY, Action, Change, Plan, Reason
from qflow_gitops.plan.context import Context
from qflow_gitops.plan.order import with_order
from qflow_gitops.plan.run import decide
from qflow_gitops.plan.same_request import bring_senders
from qflow_gitops.plan.spent import describe
from qflow_gitops.policy.rules import Hold
from qflow_gitops.specs.load import SpecSet
from qflow_gitops.specs.spec import RunSpec


def compute(specs: SpecSet, context: Context) -> Plan:
    """Decide about every run of the environments asked for."""
    inheritance = Inheritance(context.lockfile, context.project, specs.specs, specs.invalid)
    found: list[Change] = []
    quiet = 0
    for environment in context.environments:
        some, done = _environment(environment, specs, context, inheritance)
        found += some
        quiet += done
    found = with_released(found, context, inheritance)
    ordered = with_order(found, specs, context, inheritance)
    released = at_its_commit(with_numbers(ordered.changes), context)
    if context.facts is not None:
        released = with_rules(released, specs, context, context.facts)
    frozen = [with_freezes(change, context.brakes.freezes) for change in released]
    frozen += [_emptied(name, hold, context) for name, hold in context.emptied.items()]
    shown = [change for change in frozen if _is_shown(change, context)]
    order = {action: place for place, action in enumerate(Action)}
    return Plan(
        changes=tuple(sorted(shown, key=lambda change: (order[change.action], change.key))),
        platforms={
            name: context.project.environments[name].platform for name in context.environments
        },
        unchanged=quiet + len(frozen) - len(shown),
        forgiven=ordered.forgiven,
    )


def _environment(
    environment: str, specs: SpecSet, context: Context, inheritance: Inheritance
) -> tuple[list[Change], int]:
    """Decide about every run of an environment; count those that are certainly not shown."""
    record = context.lockfile.environment(environment)
    overview, found, quiet = context.lockfile.overview(environment), [], 0
    is_quiet = _quiet(environment, overview, context)
    names: set[str] = set()
    open_ = []
    for key, spec in specs.specs.items():
        if key[0] != environment:
            continue
        names |= {spec.name, spec.previous_name}
        if not _selected(spec, context):
            continue
        heir = spec.previous_name or inherits(context.lockfile, context.project, key)
        seen = None if heir else overview.glance(spec.name)
        last = seen.sent[-1] if seen and seen.settled else ""
        if seen and spec.digest == last and is_quiet(spec.file, seen.file):
            quiet += 1
        else:
            open_.append(spec)
    _bring(open_, context, inheritance)
    found += [decide(spec, context, inheritance) for spec in open_]
    found += _invalid(environment, specs, context)
    names |= {run for of, run in specs.invalid if of == environment}
    gone: Iterable[str] = record.runs
    if context.runs:
        gone = [run for of, run in sorted(context.runs) if of == environment and run in gone]
    elif context.labels:
        gone = ()
    elif context.touched is not None:
        gone = overview.of_files(context.touched)
    shown = [run for run in gone if run not in names]
    bring(record.runs, shown)
    found += [_gone((environment, run), telling(record.runs[run]), inheritance) for run in shown]
    if not (context.runs or context.labels):
        quiet += len(record.runs) - sum(name in record.runs for name in names) - len(shown)
    return found, quiet


def _invalid(environment: str, specs: SpecSet, context: Context) -> Iterator[Change]:
    """Hold the runs of files with errors."""
    for key, finding in specs.invalid.items():
        if key[0] == environment and (not context.runs or key in context.runs):
            yield Change(
                Action.HOLD,
                Reason.INVALID,
                *key,
                detail=f"{finding.file}:{finding.range.start.line}: {finding.message}",
                hint="Fix it: `qflow-gitops validate` shows all that is wrong.",
            )


def _bring(specs: Sequence[RunSpec], context: Context, inheritance: Inheritance) -> None:
    """Read at once what is recorded of these runs, and of others with their requests."""
    inheritance.bring(spec.key for spec in specs)
    bring_senders(specs, context.lockfile)


def _quiet(environment: str, overview: EnvironmentSummary, context: Context) -> Callable[..., bool]:
    """Return what says that a settled run, whose spec it has sent last, needn't be looked at.

    It would be skipped, and a skip is only shown where one of its files was touched. Where
    the platform isn't that of all attempts, each has to be looked at.
    """
    here, touched = context.project.environments[environment].platform, context.touched
    if touched is None or (here and overview.platforms - {here, ""}):
        return lambda *_files: False
    return lambda *files: touched.isdisjoint(files)


def _selected(spec: RunSpec, context: Context) -> bool:
    if context.runs and spec.key not in context.runs:
        return False
    return all(spec.labels.get(name) == value for name, value in context.labels.items())


def _gone(key: RunKey, last: Attempt, inheritance: Inheritance) -> Change:
    heir = inheritance.heir(key)
    detail = f"spec removed; its attempts stay recorded ({describe(last)})"
    if heir is not None:
        detail = f"its attempts count for {'/'.join(heir)} now ({describe(last)})"
    elif last.state in DOUBTFUL:
        detail = f"spec removed, and {describe(last)}"
    return Change(Action.SKIP, Reason.REMOVED, *key, detail, attempt=last)


def only_touched(made: Plan, touched: frozenset[str]) -> Plan:
    """Leave out every decision about a spec outside the files named."""
    kept = tuple(
        change for change in made.changes if change.name == EVERY or _files(change) & touched
    )
    return made._replace(changes=kept, unchanged=made.unchanged + len(made.changes) - len(kept))


def _files(change: Change) -> set[str]:
    files = {change.spec.file} if change.spec else set()
    if change.attempt:
        files.add(change.attempt.fact("file"))
    if change.reason is Reason.INVALID:
        files.add(change.detail.split(":", 1)[0])
    return files


def _is_shown(change: Change, context: Context) -> bool:
    """What is done and wasn't touched is only counted."""
    if change.action is not Action.SKIP or context.touched is None or change.name == EVERY:
        return True
    return bool(_files(change) & context.touched)


def _emptied(environment: str, hold: Hold, context: Context) -> Change:
    """Hold an environment whose specs are all gone, unless a person released that."""
    if context.brakes.acks.get(hold.release) == 1:
        skip = (Action.SKIP, Reason.REMOVED, environment, EVERY, f"{hold.detail}; released")
        return Change(*skip, released=(hold.release,))
    reason = Reason(hold.reason)
    return Change(
        Action.HOLD, reason, environment, EVERY, hold.detail, hold.hint, release=hold.release
    )
