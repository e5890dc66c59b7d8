"""(specs, record, settings, brakes) -> what would run, what is held, what is done, and why.

Desired minus recorded. Pure: the same values give the same plan, wherever they came from.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from qflow_gitops.difference import Difference, differences
from qflow_gitops.loader import SpecSet
from qflow_gitops.lockfile import Attempt, Lockfile, Overview, is_leased
from qflow_gitops.policy import Facts, Judged, judge, needed_approvals
from qflow_gitops.project import Project
from qflow_gitops.spec import RunSpec, canonical, hidden
from qflow_gitops.states import DOUBTFUL, UNDER_WAY, State

Key = tuple[str, str]


class Action(StrEnum):
    """What is done about a run."""

    RUN = "run"
    HOLD = "hold"
    SKIP = "skip"


class Reason(StrEnum):
    """Why. The first five run, the next four skip, the others hold."""

    ADDED = "added"
    MODIFIED = "modified"
    RERUN = "rerun"
    UNSENT = "unsent"
    RETRY = "retry"
    ALREADY_RAN = "already_ran"
    IN_PROGRESS = "in_progress"
    BASELINED = "baselined"
    REMOVED = "removed"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"
    RENAMED = "renamed"
    TARGET = "target"
    LIMIT = "limit"
    WINDOW = "window"
    APPROVAL = "approval"
    POLICY = "policy"
    WORKFLOW = "workflow"
    FROZEN = "frozen"
    STOPPED = "stopped"
    INVALID = "invalid"


class Change(NamedTuple):
    """The decision for one run.

    `attempt` is the one that explains it, `since` the request differences to the last
    counted attempt (None where its request isn't known), `hint` what a person can do.
    `release` is the name by which `--ack NAME=COUNT` releases a hold, "" for none; `released`
    are the names that a run was released by. `approvals` is how many people have to approve it,
    `due` for which reason it would run if the policy didn't hold it.
    """

    action: Action
    reason: Reason
    environment: str
    name: str
    detail: str
    hint: str = ""
    spec: RunSpec | None = None
    attempt: Attempt | None = None
    since: tuple[Difference, ...] | None = None
    release: str = ""
    released: tuple[str, ...] = ()
    approvals: int = 0
    due: Reason | None = None

    @property
    def key(self) -> Key:
        """Environment and name."""
        return (self.environment, self.name)


class Brakes(NamedTuple):
    """What a person said about this one plan: freeze, retries and releases by name.

    `released` are runs whose hold was released by count when there were more of them.
    """

    freeze: str = ""
    retries: frozenset[Key] = frozenset()
    acks: Mapping[str, int] = {}
    released: frozenset[Key] = frozenset()


class Plan(NamedTuple):
    """Every decision, those that run first, then holds, then skips.

    `unchanged` counts the recorded runs that no listed decision is about. `digests` gives
    the plan's digest for each environment, `digest` the one of the whole plan.
    """

    changes: tuple[Change, ...]
    platforms: Mapping[str, str]
    unchanged: int = 0

    def of(self, action: Action) -> tuple[Change, ...]:
        """The decisions with this action."""
        return tuple(one for one in self.changes if one.action is action)

    @property
    def digest(self) -> str:
        """Identity of what would run, over content only: `v1:sha256:` and 64 hex characters."""
        return self.digest_of(self.platforms)

    def digest_of(self, environments: Iterable[str]) -> str:
        """The digest of the part of the plan that is about these environments."""
        wanted = set(environments)
        entries = sorted(
            [one.environment, self.platforms[one.environment], one.name, one.spec.digest]
            for one in self.of(Action.RUN)
            if one.spec is not None and one.environment in wanted
        )
        return "v1:sha256:" + hashlib.sha256(canonical(entries)).hexdigest()


class Context(NamedTuple):
    """What a plan is made from, besides the specs.

    `previous` gives the spec of a run's last counted attempt where it could be read.
    `touched` names the files that differ from the base, None where there is no base.
    `now` is RFC 3339, "" where it isn't asked whether somebody is still at work. `facts` is
    what the policy is held against (its `total` is filled in here), None for no policy.
    """

    project: Project
    lockfile: Lockfile
    environments: tuple[str, ...]
    brakes: Brakes = Brakes()
    labels: Mapping[str, str] = {}
    previous: Mapping[Key, RunSpec] = {}
    touched: frozenset[str] | None = None
    now: str = ""
    facts: Facts | None = None


def compute(specs: SpecSet, context: Context) -> Plan:
    """Decide about every run of the environments asked for."""
    found: list[Change] = []
    quiet = 0
    for environment in context.environments:
        some, done = _environment(environment, specs, context)
        found += some
        quiet += done
    released = _released(found, context)
    if context.facts is not None:
        released = _judged(released, specs, context, context.facts)
    frozen = [_frozen(one, context.brakes.freeze) for one in released]
    shown = [one for one in frozen if _is_shown(one, context)]
    order = {action: place for place, action in enumerate(Action)}
    return Plan(
        changes=tuple(sorted(shown, key=lambda one: (order[one.action], one.key))),
        platforms={
            name: context.project.environments[name].platform for name in context.environments
        },
        unchanged=quiet + len(frozen) - len(shown),
    )


def _environment(environment: str, specs: SpecSet, context: Context) -> tuple[list[Change], int]:
    """Decide about every run of an environment; count those that are certainly not shown."""
    record = context.lockfile.environment(environment)
    overview, found, quiet = context.lockfile.overview(environment), [], 0
    is_quiet = _quiet(environment, overview, context)
    names = set()
    for key, one in specs.specs.items():
        if key[0] != environment:
            continue
        names |= {one.name, one.previous_name}
        if not _selected(one, context.labels):
            continue
        seen = None if one.previous_name else overview.glance(one.name)
        last = seen.sent[-1] if seen and seen.settled else ""
        if seen and one.digest == last and is_quiet(one.file, seen.file):
            quiet += 1
        else:
            found.append(decide(one, specs, context))
    for key, finding in specs.invalid.items():
        if key[0] == environment:
            names.add(key[1])
            found.append(
                Change(
                    Action.HOLD,
                    Reason.INVALID,
                    *key,
                    detail=f"{finding.file}:{finding.range.start.line}: {finding.message}",
                    hint="Mend the file: qflow-gitops validate",
                )
            )
    if not context.labels:
        gone = record.runs if context.touched is None else overview.of_files(context.touched)
        shown = [run for run in gone if run not in names]
        quiet += len(record.runs) - sum(name in record.runs for name in names) - len(shown)
        found += [_gone(environment, run, record.runs[run][-1]) for run in shown]
    return found, quiet


def _quiet(environment: str, overview: Overview, context: Context) -> Callable[..., bool]:
    """Give what says that a settled run, whose spec it has sent last, needn't be looked at.

    It would be skipped, and a skip is only shown where one of its files was touched. Where
    the platform isn't that of all attempts, each has to be looked at.
    """
    here, touched = context.project.environments[environment].platform, context.touched
    if touched is None or (here and overview.platforms - {here, ""}):
        return lambda *_files: False
    return lambda *files: touched.isdisjoint(files)


def _selected(one: RunSpec, labels: Mapping[str, str]) -> bool:
    return all(one.labels.get(name) == value for name, value in labels.items())


def _gone(environment: str, run: str, last: Attempt) -> Change:
    detail = f"no spec any more; its record stays ({said(last)})"
    if last.state in DOUBTFUL:
        detail = f"no spec any more, and {said(last)}"
    return Change(Action.SKIP, Reason.REMOVED, environment, run, detail, attempt=last)


def only_touched(made: Plan, touched: frozenset[str]) -> Plan:
    """Leave out every decision about a spec outside the files named."""
    kept = tuple(one for one in made.changes if _files(one) & touched)
    return made._replace(changes=kept, unchanged=made.unchanged + len(made.changes) - len(kept))


def _files(one: Change) -> set[str]:
    files = {one.spec.file} if one.spec else set()
    if one.attempt:
        files.add(one.attempt.fact("file"))
    if one.reason is Reason.INVALID:
        files.add(one.detail.split(":", 1)[0])
    return files


def _is_shown(one: Change, context: Context) -> bool:
    """What is done and wasn't touched is only counted."""
    if one.action is not Action.SKIP or context.touched is None:
        return True
    return bool(_files(one) & context.touched)


# --- one run -------------------------------------------------------------------------


def decide(one: RunSpec, specs: SpecSet, context: Context) -> Change:
    """Decide about one valid spec: desired minus recorded."""
    attempts = record_of(one, context.lockfile)
    if one.previous_name and (one.environment, one.previous_name) in specs.specs:
        attempts = context.lockfile.attempts(one.environment, one.name)
        if not any(each.counted and each.digest == one.digest for each in attempts):
            return _two_of_a_name(one)
    same = [attempt for attempt in attempts if attempt.digest == one.digest]
    counted = [attempt for attempt in same if attempt.counted]
    doubt = next((attempt for attempt in attempts if attempt.state in DOUBTFUL), None)
    if doubt is not None and context.now and is_leased(doubt, context.now):
        return _being_sent(one, doubt)
    if doubt is not None:
        return _in_doubt(one, doubt)
    moved = _target(one, attempts, context) or _renamed(one, attempts, specs, context)
    if moved is not None:
        return moved
    if counted:
        return _spent(one, counted[-1], context)
    return _due(one, attempts, same, context)


def record_of(one: RunSpec, lockfile: Lockfile) -> tuple[Attempt, ...]:
    """Give the attempts that count for a spec: its own after those of its previous name."""
    before = lockfile.attempts(one.environment, one.previous_name) if one.previous_name else ()
    return before + lockfile.attempts(one.environment, one.name)


def _change(
    action: Action, reason: Reason, one: RunSpec, detail: str, hint: str = "",
    attempt: Attempt | None = None, since: tuple[Difference, ...] | None = None,
    release: str = "",
) -> Change:  # fmt: skip
    return Change(
        action, reason, one.environment, one.name, detail, hint, one, attempt, since, release
    )


def _being_sent(one: RunSpec, intent: Attempt) -> Change:
    by = intent.events[0].extra.get("by")
    who = by.get("actor", "") if isinstance(by, Mapping) else ""
    until = intent.events[0].extra.get("leaseUntil", "")
    return _change(
        Action.SKIP,
        Reason.IN_PROGRESS,
        one,
        f"attempt {intent.number} is being sent by {who or 'another apply'} since "
        f"{intent.opened_at}; if that has died, an apply after {until} looks what became of it",
        "",
        intent,
    )


def _in_doubt(one: RunSpec, doubt: Attempt) -> Change:
    return _change(
        Action.HOLD,
        Reason.IN_DOUBT,
        one,
        f"attempt {doubt.number} may have run: {said(doubt)}",
        f"qflow-gitops reconcile looks it up. If that can't tell, look in Qualys for an execution "
        f"of workflow {doubt.fact('workflowId')} at about {doubt.opened_at}, then: "
        f"{resolve_command(one)}",
        doubt,
    )


def resolve_command(one: RunSpec) -> str:
    """The command that settles doubt by a person's decision."""
    return (
        f"qflow-gitops resolve {one.environment}/{one.name} "
        "--adopt EXECUTION | --absent | --assume-ran, with --reason TEXT"
    )


def _target(one: RunSpec, attempts: tuple[Attempt, ...], context: Context) -> Change | None:
    """A run recorded on another platform, or a new one where all others are on another."""
    here = context.project.environments[one.environment].platform
    if attempts:
        known = frozenset({attempts[-1].fact("platform")}) - {""}
    else:
        known = context.lockfile.overview(one.environment).platforms - {""}
    if not here or not known or here in known:
        return None
    there = ", ".join(sorted(known))
    return _change(
        Action.HOLD,
        Reason.TARGET,
        one,
        f"recorded on platform {there}, but {one.environment} is now {here}",
        f"Set the platform back to {there}, or release it: apply --ack target=COUNT --reason TEXT",
        attempts[-1] if attempts else None,
        release=Reason.TARGET,
    )


def _two_of_a_name(one: RunSpec) -> Change:
    """A record can't be carried over from a run that goes on; looked at before anything else.

    What a run sent under its own name already needs no other's record.
    """
    return _change(
        Action.HOLD,
        Reason.RENAMED,
        one,
        f"`previousName: {one.previous_name}` names a run that still has a spec",
        "Remove `previousName`, or the other spec.",
    )


def _renamed(
    one: RunSpec, attempts: tuple[Attempt, ...], specs: SpecSet, context: Context
) -> Change | None:
    """A new name for a request that a run without a spec has already sent."""
    if any(attempt.counted for attempt in attempts):
        return None
    record = context.lockfile.environment(one.environment)
    for run in context.lockfile.overview(one.environment).senders(one.digest):
        key = (one.environment, run)
        if run not in (one.name, one.previous_name) and key not in specs.specs:
            twin = next(a for a in record.runs[run] if a.counted and a.digest == one.digest)
            return _change(
                Action.HOLD,
                Reason.RENAMED,
                one,
                f"the run `{run}`, which has no spec any more, sent the same request "
                f"({said(twin)})",
                f"Add `previousName: {run}` under `metadata`, or release it: "
                "apply --ack renamed=COUNT --reason TEXT",
                twin,
                release=Reason.RENAMED,
            )
    return None


_SKIPPED = {
    State.SUCCEEDED: Reason.ALREADY_RAN,
    State.ASSUMED: Reason.ALREADY_RAN,
    State.BASELINED: Reason.BASELINED,
    State.ACCEPTED: Reason.IN_PROGRESS,
    State.RUNNING: Reason.IN_PROGRESS,
    State.ADOPTED: Reason.IN_PROGRESS,
}
_HELD = {
    State.FAILED: Reason.FAILED,
    State.CANCELLED: Reason.FAILED,
    State.ENDED: Reason.FAILED,
    State.REFUSED: Reason.REFUSED,
    State.EXPIRED: Reason.EXPIRED,
}


def _spent(one: RunSpec, last: Attempt, context: Context) -> Change:
    """Decide about a request that this run has already sent."""
    if last.state in _SKIPPED:
        record = record_of(one, context.lockfile)
        reverted = any(attempt.counted for attempt in record[record.index(last) + 1 :])
        hint = (
            f"To send it once more: qflow-gitops rerun {one.environment}/{one.name} --reason TEXT"
            if reverted
            else ""
        )
        return _change(
            Action.SKIP,
            _SKIPPED[last.state],
            one,
            f"attempt {last.number} {said(last)}",
            hint,
            last,
        )
    reason = _HELD[last.state]
    if one.key in context.brakes.retries and reason is not Reason.EXPIRED:
        return _change(
            Action.RUN, Reason.RETRY, one, f"released by --retry; {said(last)}", "", last, ()
        )
    hint = f"qflow-gitops apply --retry {one.environment}/{one.name}, or change the spec"
    if reason is Reason.EXPIRED:
        hint = resolve_command(one)
    return _change(Action.HOLD, reason, one, f"attempt {last.number} {said(last)}", hint, last)


def _due(
    one: RunSpec, attempts: tuple[Attempt, ...], same: list[Attempt], context: Context
) -> Change:
    """Decide about a request that this run has never sent."""
    before = context.previous.get(one.key)
    since = _since(before, one) if before else None
    last = next((attempt for attempt in reversed(attempts) if attempt.counted), None)
    if same:
        detail = f"attempt {same[-1].number} {said(same[-1])}"
        return _change(Action.RUN, Reason.UNSENT, one, detail, "", last or same[-1], since)
    if last is None:
        return _change(Action.RUN, Reason.ADDED, one, "never sent before")
    if last.fact("bodySha256") == one.body_sha256 and last.fact("workflowId") == one.workflow_id:
        detail = f"the same request once more; attempt {last.number} {said(last)}"
        return _change(Action.RUN, Reason.RERUN, one, detail, "", last, since)
    detail = f"differs from attempt {last.number}, which {said(last)}"
    return _change(Action.RUN, Reason.MODIFIED, one, detail, "", last, since)


def _since(before: RunSpec, now: RunSpec) -> tuple[Difference, ...]:
    old = {"workflowId": before.workflow_id, **before.request}
    new = {"workflowId": now.workflow_id, **now.request}
    if before.rerun != now.rerun:
        old |= {"rerun": before.rerun} if before.rerun else {}
        new |= {"rerun": now.rerun} if now.rerun else {}
    pointers = before.sensitive + now.sensitive
    return tuple(
        Difference(
            one.pointer,
            hidden(one.old, one.pointer, pointers),
            hidden(one.new, one.pointer, pointers),
        )
        for one in differences(old, new)
    )


_SAID = {
    State.INTENT: "was recorded at {at} and its outcome never was",
    State.ACCEPTED: "started at {at}",
    State.RUNNING: "is running since {at}",
    State.SUCCEEDED: "succeeded at {at}",
    State.FAILED: "failed at {at}",
    State.CANCELLED: "was cancelled at {at}",
    State.ENDED: "ended at {at}",
    State.REFUSED: "was refused by Qualys at {at}",
    State.UNSENT: "was not sent at {at}",
    State.IN_DOUBT: "has been in doubt since {at}",
    State.ABSENT: "did not run, as was settled at {at}",
    State.ADOPTED: "was found to have started, at {at}",
    State.ASSUMED: "is assumed to have run, as was decided at {at}",
    State.EXPIRED: "has been in doubt for longer than Qualys can tell, since {at}",
    State.BASELINED: "was declared as done at {at}",
}


def said(attempt: Attempt) -> str:
    """Say in a few words how an attempt stands: state, status word, time, execution, commit."""
    at = attempt.changed_at if attempt.state not in UNDER_WAY else attempt.opened_at
    text = _SAID[attempt.state].format(at=at)
    if attempt.status and attempt.state is not State.SUCCEEDED:
        text += f' with Qualys\' word "{attempt.status}"'
    if attempt.execution_id:
        text += f" as execution {attempt.execution_id}"
    if attempt.fact("commit"):
        text += f", at commit {attempt.fact('commit')[:10]}"
    return text


# --- brakes --------------------------------------------------------------------------


def _released(found: list[Change], context: Context) -> list[Change]:
    """Take the holds that a person released by name and count out of the way."""
    counts = Counter(one.release for one in found if one.release)
    released = {name for name, count in counts.items() if context.brakes.acks.get(name) == count}
    return [
        _without_hold(one, context)
        if one.spec
        and one.release
        and (one.release in released or one.key in context.brakes.released)
        else one
        for one in found
    ]


def _without_hold(one: Change, context: Context) -> Change:
    assert one.spec is not None  # noqa: S101  the caller saw to it
    attempts = record_of(one.spec, context.lockfile)
    same = [attempt for attempt in attempts if attempt.digest == one.spec.digest]
    counted = [attempt for attempt in same if attempt.counted]
    found = (
        _spent(one.spec, counted[-1], context)
        if counted
        else _due(one.spec, attempts, same, context)
    )
    return found._replace(released=(one.release,))


def _judged(found: list[Change], specs: SpecSet, context: Context, facts: Facts) -> list[Change]:
    """Hold what the policy doesn't let through, in each environment for itself."""
    totals = Counter(environment for environment, _ in (*specs.specs, *specs.invalid))
    judged: dict[Key, Change] = {}
    for environment in context.environments:
        due = {
            one.key: one
            for one in found
            if one.action is Action.RUN and one.environment == environment
        }
        runs = [one.spec for one in due.values() if one.spec]
        brakes, here = context.brakes, facts._replace(total=totals[environment])
        found_so = judge(runs, here, brakes.acks, brakes.released)
        judged |= {key: _as_judged(one, found_so, here) for key, one in due.items()}
    return [judged.get(one.key, one) for one in found]


def _as_judged(one: Change, said: Judged, facts: Facts) -> Change:
    assert one.spec is not None  # noqa: S101  every change that runs has its spec
    one = one._replace(
        approvals=needed_approvals(facts.policies, one.spec),
        released=(*one.released, *said.released.get(one.key, ())),
    )
    hold = said.held.get(one.key)
    if hold is None:
        return one
    return one._replace(
        action=Action.HOLD,
        reason=Reason(hold.reason),
        detail=hold.detail,
        hint=hold.hint,
        release=hold.release,
        due=one.reason,
    )


def _frozen(one: Change, freeze: str) -> Change:
    if not freeze or one.action is not Action.RUN or one.spec is None:
        return one
    return _change(
        Action.HOLD,
        Reason.FROZEN,
        one.spec,
        f"QFLOW_FREEZE is set: {freeze}",
        "Unset QFLOW_FREEZE (in CI: the repository variable) when the freeze is over.",
        one.attempt,
        one.since,
    )
