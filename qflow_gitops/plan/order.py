"""Let what is due wait for its turn: `after` of a spec, and the batches of a rollout."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import inf
from typing import NamedTuple

from qflow_gitops.base.names import RunKey, spec_of
from qflow_gitops.base.times import moment
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import is_leased
from qflow_gitops.lockfile.decisions import explained
from qflow_gitops.lockfile.granted import Granted, granted, named
from qflow_gitops.lockfile.inheritance import Inheritance, Placed
from qflow_gitops.lockfile.states import DOUBTFUL, FINAL, UNDER_WAY, State
from qflow_gitops.plan.batches import Turn, in_turn
from qflow_gitops.plan.change import Action, Change, Reason, as_held, listed
from qflow_gitops.plan.context import Context, about, apply_command
from qflow_gitops.policy import rollout
from qflow_gitops.policy.rollout import Member, Progress, Rollout, Standing
from qflow_gitops.policy.rules import Hold
from qflow_gitops.specs.load import SpecSet
from qflow_gitops.specs.ordering import Predecessors
from qflow_gitops.specs.spec import RunSpec

_DONE = frozenset({State.SUCCEEDED, State.ASSUMED, State.BASELINED})


class Ordered(NamedTuple):
    """Decisions, and the attempts whose failure is forgiven from now on, for each spec."""

    changes: list[Change]
    forgiven: Mapping[RunKey, tuple[str, ...]]


def with_order(
    found: list[Change], specs: SpecSet, context: Context, inheritance: Inheritance
) -> Ordered:
    """Let what is due wait, or hold it, for what comes before it."""
    if not any(change.action is Action.RUN and change.spec for change in found):
        return Ordered(found, {})
    order = _Order(found, specs, context, inheritance)
    found = [order.after(change) for change in found]
    turned = {change.key: order.turn(spec) for change, spec in order.rollouts(found)}
    stopped = [
        change
        for change in found
        if change.spec
        and _is_stopped(change, turned.get(change.key))
        and order.is_next(change.spec)
    ]
    counts = Counter(change.environment for change in stopped)
    asked = context.brakes.acks.get(Reason.ROLLOUT)
    released = {
        change.key: change.spec.group
        for change in stopped
        if change.spec and counts[change.environment] == asked
    }
    changes = [
        order.in_turn(change, turned[change.key], released=change.key in released)
        if change.key in turned
        else change
        for change in found
    ]
    groups = dict.fromkeys(released.values())
    return Ordered(changes, {group: order.failures(group) for group in groups})


def with_rollout(specs: SpecSet, context: Context) -> frozenset[RunKey]:
    """Return the runs that are part of a rollout: what becomes of one says what the next may.

    Under the names that they had before as well: what was sent by these is under way by these.
    """
    before = Inheritance(context.lockfile, context.project, specs.specs, specs.invalid)
    return frozenset(
        each
        for key, spec in specs.specs.items()
        if _rollouts(spec, context)
        for each in (key, *(origin.key for origin in before.origins(key)))
    )


def _rollouts(spec: RunSpec, context: Context) -> tuple[Rollout, ...]:
    """Return the rollouts that a spec has to satisfy: its own, and the policy's."""
    if not spec.target:
        return ()
    own = rollout.from_data(spec.rollout) if spec.rollout else None
    policies = context.facts.policies if context.facts else ()
    others = [policy.rollout for policy in policies if policy.rollout]
    order = own.order if own else ()
    return (*([own] if own else []), *(each._replace(order=order) for each in others))


def _is_stopped(change: Change, turn: Turn | None) -> bool:
    """Whether its rollout holds it in a way that a person can release; a retry isn't held by it."""
    if turn is None or change.reason is Reason.RETRY:
        return False
    return turn.progress.stopped and not turn.progress.doubtful


class _Order:
    """How the runs of a plan stand to each other."""

    def __init__(
        self, found: Sequence[Change], specs: SpecSet, context: Context, inheritance: Inheritance
    ) -> None:
        self._specs, self._context, self._inheritance = specs, context, inheritance
        self._changes = {change.key: change for change in found}
        self._verdicts: dict[RunKey, Hold | str] = {}
        self._granted: dict[RunKey, Granted] = {}
        self._ways: dict[tuple[RunKey, tuple[str, ...]], str] = {}
        self._turns: dict[tuple[RunKey, frozenset[str] | None], Turn] = {}

    # --- how a run stands --------------------------------------------------------------

    @cached_property
    def _groups(self) -> Mapping[RunKey, list[RunSpec]]:
        groups: dict[RunKey, list[RunSpec]] = {}
        for spec in self._specs.specs.values():
            groups.setdefault(spec.group, []).append(spec)
        return groups

    def _last(self, spec: RunSpec) -> Placed | None:
        """Return the attempt that counts as a spec's present request."""
        own = self._inheritance.attempts(spec.key)
        same = [each for each in own if each.attempt.counted and each.attempt.digest == spec.digest]
        return same[-1] if same else None

    def _member(self, spec: RunSpec, forgiven: frozenset[str] | None = frozenset()) -> Member:
        """Say how a target stands. `forgiven` names attempts whose failure is, None for all."""
        last = self._last(spec)
        standing = self._standing(spec, last)
        if standing is Standing.FAILED and last and (forgiven is None or named(last) in forgiven):
            standing = Standing.FORGIVEN
        ended = last is not None and last.attempt.state in {*FINAL, State.REFUSED}
        at = moment(last.attempt.changed_at).timestamp() if last and ended else 0.0
        return Member(spec.target or spec.name, standing, at)

    def _standing(self, spec: RunSpec, last: Placed | None) -> Standing:
        now = self._context.now
        for each in self._inheritance.attempts(spec.key):
            if each.attempt.state in DOUBTFUL:
                leased = now and is_leased(each.attempt, now)
                return Standing.OPEN if leased else Standing.DOUBT
        if last is None:
            return Standing.UNSENT
        state = last.attempt.state
        if state is State.ENDED:
            state = explained(last.attempt, self._context.project.statuses) or state
        if state in _DONE:
            return Standing.DONE
        if state in UNDER_WAY:
            return Standing.OPEN
        change = self._changes.get(spec.key)
        if change is not None and change.reason is Reason.RETRY:
            return Standing.AGAIN
        return Standing.FAILED

    # --- after -------------------------------------------------------------------------

    @cached_property
    def _predecessors(self) -> Predecessors:
        return Predecessors(self._specs.specs.values(), self._specs.invalid)

    def after(self, change: Change) -> Change:
        """Let a run wait for those before it, hold it where one of them failed."""
        spec = change.spec
        if change.action is not Action.RUN or spec is None or not spec.after:
            return change
        if spec.group not in self._verdicts:
            self._verdicts[spec.group] = self._before(spec)
        verdict = self._verdicts[spec.group]
        if isinstance(verdict, Hold):
            return as_held(change, verdict)
        return change.waiting(Reason.AFTER, verdict) if verdict else change

    def _before(self, spec: RunSpec) -> Hold | str:
        """Say what a spec waits for, "" for nothing, or why it is held."""
        keys = dict.fromkeys(
            key for entry in spec.after for key in self._predecessors.of(spec.environment, entry)
        )
        self._inheritance.bring(keys)
        by: dict[Standing, list[str]] = {}
        for key in keys:
            before = self._specs.specs.get(key)
            standing = self._member(before).standing if before else Standing.UNSENT
            by.setdefault(standing, []).append(key[1])
        failed = by.get(Standing.FAILED, ())
        doubtful = by.get(Standing.DOUBT, ())
        if failed or doubtful:
            how = "failed" if failed else "may have run, and nobody knows"
            return Hold(
                Reason.AFTER,
                f"it comes after {listed(failed or doubtful)}, which {how}",
                self._way_on(spec.environment, failed)
                if failed
                else f"First: {next_steps.look_up(spec.environment)}",
            )
        rest = [name for each in (Standing.UNSENT, Standing.AGAIN, Standing.OPEN)
                for name in by.get(each, ())]  # fmt: skip
        have = "has" if len(rest) == 1 else "have"
        return f"comes after {listed(rest)}, which {have} to end well first" if rest else ""

    def _way_on(self, environment: str, names: Sequence[str]) -> str:
        """Say what a person does about runs that failed: of what expired first what is known."""
        lasts = {
            f"{environment}/{name}": self._last(self._specs.specs[environment, name])
            for name in names
        }
        states = {run: last.attempt.state for run, last in lasts.items() if last is not None}
        for run, state in states.items():
            if state is State.EXPIRED:
                return f"Say what you know: {next_steps.settle_doubt(run)}"
        runs = list(states)
        if len(runs) > _NAMED and State.ENDED not in states.values():
            # a spec's name retries its targets that failed, none that ended as nobody knows
            runs = list(dict.fromkeys("/".join(spec_of((environment, name))) for name in names))
        first, runs = " first" if len(runs) > _NAMED else "", runs[:_NAMED]
        context = about(runs, self._context)
        command = apply_command(environment, context, Reason.ROLLOUT)  # there is nothing to release
        again = next_steps.retry(runs[-1], " --retry ".join([command, *runs[:-1]]))
        return f"Send {'them' if len(names) > 1 else 'it'} again{first}: {again}"

    # --- rollouts ----------------------------------------------------------------------

    def rollouts(self, found: Sequence[Change]) -> Iterator[tuple[Change, RunSpec]]:
        """Return what is due of specs with a rollout."""
        known: dict[RunKey, bool] = {}
        for change in found:
            spec = change.spec
            if change.action is not Action.RUN or spec is None or not spec.target:
                continue
            if spec.group not in known:
                known[spec.group] = bool(_rollouts(spec, self._context))
                if known[spec.group]:
                    self._inheritance.bring(each.key for each in self._groups[spec.group])
            if known[spec.group]:
                yield change, spec

    def turn(self, spec: RunSpec, *, forgiving: bool = False) -> Turn:
        """Say how far a rollout may go for a target; `forgiving` as if nothing had failed so far.

        What a person forgave counts for those alone for which it was.
        """
        brakes, group = self._context.brakes, spec.group
        if group not in self._granted:
            self._granted[group] = granted(self._context.lockfile, group)
        forgiven = None if forgiving else self._granted[group].forgiven(spec.digest)
        if forgiven is not None and Reason.ROLLOUT in brakes.released.get(spec.key, ()):
            forgiven |= brakes.forgiven
        if (group, forgiven) not in self._turns:
            self._turns[group, forgiven] = self._turn(group, forgiven)
        return self._turns[group, forgiven]

    def is_next(self, spec: RunSpec) -> bool:
        """Whether a target is in the batch that a release lets go on: no other one is opened."""
        turn = self.turn(spec, forgiving=True)
        return turn.places[spec.target] < turn.progress.next_size

    def _turn(self, group: RunKey, forgiven: frozenset[str] | None) -> Turn:
        rollouts = _rollouts(self._groups[group][0], self._context)
        specs = {spec.target: spec for spec in self._groups[group]}
        names = rollout.in_order(list(specs), rollouts[0].order)
        members = [self._member(specs[name], forgiven) for name in names]
        now = moment(self._context.now).timestamp() if self._context.now else inf
        most = min(each.max_failures.at_most(len(members)) for each in rollouts)
        made: Progress = rollout.progress(rollouts, members, now)
        return Turn(made, {name: place for place, name in enumerate(names)}, most)

    def in_turn(self, change: Change, turn: Turn, *, released: bool) -> Change:
        """Decide about one due target of a rollout."""
        spec = change.spec
        assert spec is not None  # noqa: S101  every change that runs has its spec
        if released:
            turn = self.turn(spec, forgiving=True)
        if released or Reason.ROLLOUT in self._context.brakes.released.get(spec.key, ()):
            change = change._replace(released=(*change.released, Reason.ROLLOUT))
        failed = turn.progress.failed
        way_on = self._way_on_after(spec.group, failed) if failed else ""
        is_next = bool(failed) and self.is_next(spec)
        return in_turn(change, spec, turn, way_on, self._context, is_next=is_next)

    def _way_on_after(self, group: RunKey, failed: tuple[str, ...]) -> str:
        """Say what a person does about the targets of a spec that failed; worked out once."""
        if (group, failed) not in self._ways:
            names = [f"{group[1]}/{each}" for each in failed]
            self._ways[group, failed] = self._way_on(group[0], names)
        return self._ways[group, failed]

    def failures(self, group: RunKey) -> tuple[str, ...]:
        """Name the attempts of a spec's targets that count as failed."""
        return tuple(
            named(last)
            for spec in self._groups[group]
            for last in [self._last(spec)]
            if last is not None and self._standing(spec, last) is Standing.FAILED
        )


_NAMED = 3  # runs on a command line
