"""(specs, record, settings, brakes) -> what would run, what is held, what is done, and why.

Desired minus recorded. Pure: the same values give the same plan, wherever they came from.
"""

import hashlib
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from qflow_gitops.base.jsondiff import Difference, differences
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.decisions import explained, unexplained
from qflow_gitops.lockfile.freezes import Freeze, describe, way_on
from qflow_gitops.lockfile.inheritance import Inheritance, Key, Placed, inherits, successor
from qflow_gitops.lockfile.ledger import Attempt, Lockfile, Overview, is_leased, telling
from qflow_gitops.lockfile.states import DOUBTFUL, UNDER_WAY, State
from qflow_gitops.plan.same_request import doubles, spent_by_others
from qflow_gitops.policy.rules import Facts, Hold, Judged, judge, needed_approvals
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.load import SpecSet
from qflow_gitops.specs.spec import CONNECTOR_IDS, RunSpec, canonical, hidden

EVERY = "*"
"""The name, no run's own, under which a decision is about all runs of an environment."""


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
    SAME_REQUEST = "same_request"
    UNMERGED = "unmerged"
    EMPTY = "empty"
    PLATFORM = "platform"
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

    `attempt` is the one that explains it, `owner` the run that the lockfile has it under
    where that is another one, `since` the request differences to the last counted attempt (None
    where its request isn't known), `hint` what a person can do.
    `release` is the name by which `--ack NAME=COUNT` releases a hold, "" for none; `released`
    are the names that a run was released by. `approvals` is how many people have to approve it,
    `signed` whether all commits of its pull request have to be signed, `due` for which reason it
    would run if neither the policy, its commit nor a freeze held it.
    The name `*` stands for all runs of the environment.
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
    signed: bool = False
    due: Reason | None = None
    owner: Key | None = None

    @property
    def key(self) -> Key:
        """Environment and name."""
        return (self.environment, self.name)


class Brakes(NamedTuple):
    """What a person said about this one plan: freezes, retries and releases by name.

    `freezes` are all that hold, the lockfile's too. `retry_failed`: whatever failed, was
    cancelled or refused is to be sent again, once the release RETRY says how many that are.
    `released` are runs whose hold was released by count when there were more of them.
    `unmerged` is the hold of a commit that no branch has, None where it is on one.
    """

    freezes: tuple[Freeze, ...] = ()
    retries: frozenset[Key] = frozenset()
    retry_failed: bool = False
    acks: Mapping[str, int] = {}
    released: frozenset[Key] = frozenset()
    unmerged: Hold | None = None


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

    @property
    def thawed(self) -> "Plan":
        """The same plan without a freeze: it only puts off what is due, and makes no other plan."""
        return self._replace(
            changes=tuple(
                one._replace(action=Action.RUN, reason=one.due)
                if one.reason is Reason.FROZEN and one.due
                else one
                for one in self.changes
            )
        )

    def digest_of(self, environments: Iterable[str]) -> str:
        """The digest of the part of the plan that is about these environments."""
        wanted = set(environments)
        due = (one.spec for one in self.of(Action.RUN) if one.environment in wanted)
        return digest_of_runs(self.platforms, filter(None, due))


def digest_of_runs(platforms: Mapping[str, str], specs: Iterable[RunSpec]) -> str:
    """Give the digest that a plan has which runs these specs."""
    entries = sorted(
        [one.environment, platforms[one.environment], one.name, one.digest] for one in specs
    )
    return "v1:sha256:" + hashlib.sha256(canonical(entries)).hexdigest()


class Context(NamedTuple):
    """What a plan is made from, besides the specs.

    `previous` gives the spec of a run's last counted attempt where it could be read.
    `touched` names the files that differ from the base, None where there is no base.
    `now` is RFC 3339, "" where it isn't asked whether somebody is still at work. `facts` is
    what the policy is held against (its `total` is filled in here), None for no policy.
    `emptied` gives the hold of each environment whose specs are all gone. `options` are what
    else was chosen for an apply, as it is typed.
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
    emptied: Mapping[str, Hold] = {}
    options: tuple[str, ...] = ()


def compute(specs: SpecSet, context: Context) -> Plan:
    """Decide about every run of the environments asked for."""
    inheritance = Inheritance(context.lockfile, context.project, specs.specs, specs.invalid)
    found: list[Change] = []
    quiet = 0
    for environment in context.environments:
        some, done = _environment(environment, specs, context, inheritance)
        found += some
        quiet += done
    released = _at_its_commit(_numbered(_released(found, context, inheritance)), context)
    if context.facts is not None:
        released = _judged(released, specs, context, context.facts)
    frozen = [_frozen(one, context.brakes.freezes) for one in released]
    frozen += [_emptied(name, hold, context) for name, hold in context.emptied.items()]
    shown = [one for one in frozen if _is_shown(one, context)]
    order = {action: place for place, action in enumerate(Action)}
    return Plan(
        changes=tuple(sorted(shown, key=lambda one: (order[one.action], one.key))),
        platforms={
            name: context.project.environments[name].platform for name in context.environments
        },
        unchanged=quiet + len(frozen) - len(shown),
    )


def _environment(
    environment: str, specs: SpecSet, context: Context, inheritance: Inheritance
) -> tuple[list[Change], int]:
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
        heir = one.previous_name or inherits(context.lockfile, context.project, key)
        seen = None if heir else overview.glance(one.name)
        last = seen.sent[-1] if seen and seen.settled else ""
        if seen and one.digest == last and is_quiet(one.file, seen.file):
            quiet += 1
        else:
            found.append(decide(one, context, inheritance))
    for key, finding in specs.invalid.items():
        if key[0] == environment:
            names.add(key[1])
            found.append(
                Change(
                    Action.HOLD,
                    Reason.INVALID,
                    *key,
                    detail=f"{finding.file}:{finding.range.start.line}: {finding.message}",
                    hint="Fix it: `qflow-gitops validate` shows all that is wrong.",
                )
            )
    if not context.labels:
        gone = record.runs if context.touched is None else overview.of_files(context.touched)
        shown = [run for run in gone if run not in names]
        quiet += len(record.runs) - sum(name in record.runs for name in names) - len(shown)
        found += [
            _gone((environment, run), telling(record.runs[run]), inheritance) for run in shown
        ]
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


def _gone(key: Key, last: Attempt, inheritance: Inheritance) -> Change:
    heir = inheritance.heir(key)
    detail = f"spec removed; its attempts stay recorded ({said(last)})"
    if heir is not None:
        detail = f"its attempts count for {'/'.join(heir)} now ({said(last)})"
    elif last.state in DOUBTFUL:
        detail = f"spec removed, and {said(last)}"
    return Change(Action.SKIP, Reason.REMOVED, *key, detail, attempt=last)


def only_touched(made: Plan, touched: frozenset[str]) -> Plan:
    """Leave out every decision about a spec outside the files named."""
    kept = tuple(one for one in made.changes if one.name == EVERY or _files(one) & touched)
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
    if one.action is not Action.SKIP or context.touched is None or one.name == EVERY:
        return True
    return bool(_files(one) & context.touched)


# --- one run -------------------------------------------------------------------------


def decide(
    one: RunSpec,
    context: Context,
    inheritance: Inheritance,
    released: frozenset[str] = frozenset(),
) -> Change:
    """Decide about one valid spec: desired minus recorded.

    `released` names the holds that a person took out of its way.
    """
    record = inheritance.attempts(one.key)
    same = [each for each in record if each.attempt.digest == one.digest]
    counted = [each for each in same if each.attempt.counted]
    if not counted and inheritance.contradicted(one):
        return _two_of_a_name(one)
    doubt = next((each for each in record if each.attempt.state in DOUBTFUL), None)
    if doubt is not None and context.now and is_leased(doubt.attempt, context.now):
        return _being_sent(one, doubt)
    if doubt is not None:
        return _in_doubt(one, doubt)
    moved = None if Reason.PLATFORM in released else _platform(one, record, context)
    if moved is not None:
        return moved
    if counted:
        return _spent(one, counted[-1], record, context, released)
    if Reason.SAME_REQUEST not in released:
        others = spent_by_others(one, record, context.project, context.lockfile)
        if others:
            return _asked_before(one, others, context, inheritance)
    return _due(one, record, same, context)


def _change(
    action: Action, reason: Reason, one: RunSpec, detail: str, hint: str = "",
    attempt: Placed | None = None, since: tuple[Difference, ...] | None = None,
    release: str = "",
) -> Change:  # fmt: skip
    owner = attempt.key if attempt and attempt.key != one.key else None
    return Change(
        action, reason, one.environment, one.name, detail, hint, one,
        attempt.attempt if attempt else None, since, release, owner=owner,
    )  # fmt: skip


def _named(each: Placed, one: RunSpec) -> str:
    """Name an attempt, with its run where that isn't this spec's."""
    number = f"attempt {each.attempt.number}"
    return number if each.key == one.key else f"{number} of {'/'.join(each.key)}"


def _being_sent(one: RunSpec, intent: Placed) -> Change:
    first = intent.attempt.events[0].extra
    by = first.get("by")
    who = by.get("actor", "") if isinstance(by, Mapping) else ""
    return _change(
        Action.SKIP,
        Reason.IN_PROGRESS,
        one,
        f"{_named(intent, one)} is being sent by {who or 'another apply'} since "
        f"{intent.attempt.opened_at}; if that has died, an apply after "
        f"{first.get('leaseUntil', '')} looks what became of it",
        "",
        intent,
    )


def _in_doubt(one: RunSpec, doubt: Placed) -> Change:
    return _change(
        Action.HOLD,
        Reason.IN_DOUBT,
        one,
        f"{_named(doubt, one)} may have run: {said(doubt.attempt)}",
        f"{next_steps.look_up(one.environment)} looks it up. If that can't tell, look in "
        f"Qualys for an execution of workflow {doubt.attempt.fact('workflowId')} at about "
        f"{doubt.attempt.opened_at}, then say what you found: {next_steps.settle_doubt(_run(one))}",
        doubt,
    )


def _run(one: RunSpec) -> str:
    return f"{one.environment}/{one.name}"


def _platform(one: RunSpec, record: tuple[Placed, ...], context: Context) -> Change | None:
    """A run recorded on another platform, or a new one where all others are on another."""
    here = context.project.environments[one.environment].platform
    if record:
        known = frozenset({record[-1].attempt.fact("platform")}) - {""}
    else:
        known = context.lockfile.overview(one.environment).platforms - {""}
    if not here or not known or here in known:
        return None
    there = ", ".join(sorted(known))
    return _change(
        Action.HOLD,
        Reason.PLATFORM,
        one,
        f"recorded on platform {there}, but {one.environment} is now {here}",
        f"Set `platform:` of {one.environment} in qflow.yaml back to {there}, or send it on {here} "
        f"as well: {_ack(Reason.PLATFORM, one, context)}",
        record[-1] if record else None,
        release=Reason.PLATFORM,
    )


def _ack(name: str, one: RunSpec, context: Context) -> str:
    """The command that releases a hold by name; `_numbered` fills in its number."""
    command = apply_command(one.environment, context, name)
    return f"`{command} --ack {name}={_COUNT} --reason TEXT`"


_COUNT = "\0"


def apply_command(environment: str, context: Context, but: str = "") -> str:
    """The apply that a plan of these environments and labels is about.

    With what was retried and released already, so that the next answer isn't the one before:
    but for a release of the name `but`, of which the number is to follow.
    """
    asked = context.facts is not None and context.facts.approvals is not None
    brakes = context.brakes
    words = [
        *([f"-e {environment}"] if len(context.project.environments) > 1 else []),
        *(f"-l {shlex.quote(f'{key}={value}')}" for key, value in context.labels.items()),
        *(["--approved"] if asked else []),
        *context.options,
        *(f"--retry {shlex.quote('/'.join(key))}" for key in sorted(brakes.retries)),
        *(["--retry-failed"] if brakes.retry_failed else []),
        *(f"--ack {shlex.quote(f'{k}={n}')}" for k, n in brakes.acks.items() if k != but),
    ]
    return " ".join(["qflow-gitops apply", *words])


def _two_of_a_name(one: RunSpec) -> Change:
    """A record can't be carried over from a run that goes on; looked at before anything else.

    What counts for a run already needs no other's record.
    """
    return _change(
        Action.HOLD,
        Reason.RENAMED,
        one,
        f"`previousName: {one.previous_name}` names a run that still has a spec",
        f"If it is another run, give `previousName` another run's name or none in {one.file}; if "
        f"it is the same one, remove the other spec.",
    )


def _asked_before(
    one: RunSpec, others: tuple[Placed, ...], context: Context, inheritance: Inheritance
) -> Change:
    """Hold a request that other runs have sent; the one that is gone is told first.

    One that was carried over to a run with a spec isn't gone: it goes on under that name.
    """
    gone = [each for each in others if _goes_on_as(each, inheritance) is None]
    other = (gone or others)[0]
    now = other.key if gone else _goes_on_as(other, inheritance) or other.key
    what, who = f"attempt {other.attempt.number} of {'/'.join(other.key)}", "/".join(one.key)
    asked = f"{what} asked for the same on the same platform: it {said(other.attempt)}"
    ways = (
        f"`qflow-gitops baseline {who} --reason TEXT` records that and sends nothing. If it is "
        f"meant again: {_ack(Reason.SAME_REQUEST, one, context)}, or "
        f"`qflow-gitops rerun {who} --reason TEXT`, commit, apply."
    )
    words = _renamed_from(other, one, inheritance) if gone else ""
    hint = f"If it is the same run: {words}, or {ways}" if words else f"If it is done: {ways}"
    if other.attempt.state in DOUBTFUL:
        same = f"If it is the same run: {words}. " if words else ""
        hint = f"{same}{'If not, settle' if words else 'Settle'} {_settled_first(other, context)}"
    became = "; the spec of that run was removed" if gone else ""
    if now != other.key:
        became = f"; that run is {'/'.join(now)} now"
    return _change(
        Action.HOLD,
        Reason.RENAMED if words else Reason.SAME_REQUEST,
        one,
        asked + became,
        hint,
        other,
        release=Reason.SAME_REQUEST,
    )


def _settled_first(other: Placed, context: Context) -> str:
    """Say how to settle another run's doubt; where its environment is gone, nothing looks it up."""
    home = successor(context.lockfile, context.project, other.environment)
    look = f"{next_steps.look_up(home)} looks it up. If that can't tell, " if home else ""
    ways = next_steps.settle_doubt("/".join(other.key))
    return f"that first: {look}look in Qualys and say what you found: {ways}"


def _goes_on_as(other: Placed, inheritance: Inheritance) -> Key | None:
    """Name the run with a spec for which an attempt counts: its own, or one that took it over."""
    return next(filter(inheritance.has_spec, (other.key, *inheritance.heirs(other))), None)


def _renamed_from(other: Placed, one: RunSpec, inheritance: Inheritance) -> str:
    """Say which words carry a run over that has no spec any more; "" where none would.

    By its own name, or by one that it was called since, where that went as well.
    """
    names = (other.key, *inheritance.heirs(other))
    called = next((each for each in names if inheritance.would_count(other, one.key, each)), None)
    if called is None:
        return ""
    environment, name = called
    if environment != one.environment:
        return f"add `previousNames: [{environment}]` to {one.environment} in qflow.yaml"
    if one.previous_name:
        return f"make it `previousName: {name}` under `metadata` in {one.file}"
    return f"add `previousName: {name}` under `metadata` in {one.file}"


_SKIPPED = {
    State.SUCCEEDED: Reason.ALREADY_RAN,
    State.ASSUMED: Reason.ALREADY_RAN,
    State.BASELINED: Reason.BASELINED,
    State.ACCEPTED: Reason.IN_PROGRESS,
    State.RUNNING: Reason.IN_PROGRESS,
    State.ADOPTED: Reason.IN_PROGRESS,
}
RETRY = "retry"
"""The name by which `--ack` releases what `--retry-failed` takes."""
_RETRIED = frozenset({State.FAILED, State.CANCELLED, State.REFUSED})
_HELD = {
    State.FAILED: Reason.FAILED,
    State.CANCELLED: Reason.FAILED,
    State.ENDED: Reason.FAILED,
    State.REFUSED: Reason.REFUSED,
    State.EXPIRED: Reason.EXPIRED,
}


def _spent(
    one: RunSpec,
    last: Placed,
    record: tuple[Placed, ...],
    context: Context,
    released: frozenset[str],
) -> Change:
    """Decide about a request that counts as this run's already."""
    state, detail = _known(one, last, context)
    if state in _SKIPPED:
        reverted = any(each.attempt.counted for each in record[record.index(last) + 1 :])
        hint = f"To send it once more: {next_steps.rerun(_run(one))}" if reverted else ""
        return _change(Action.SKIP, _SKIPPED[state], one, detail, hint, last)
    reason = _HELD[state]
    if one.key in context.brakes.retries and reason is not Reason.EXPIRED:
        return _change(
            Action.RUN, Reason.RETRY, one, f"released by --retry; {detail}", "", last, ()
        )
    if state in _RETRIED and RETRY in released:
        said_so = f"released by --retry-failed; {detail}"
        return _change(Action.RUN, Reason.RETRY, one, said_so, "", last, ())
    release = RETRY if context.brakes.retry_failed and state in _RETRIED else ""
    hint = _way_on(one, last.attempt, state, context)
    return _change(Action.HOLD, reason, one, detail, hint, last, release=release)


def _known(one: RunSpec, last: Placed, context: Context) -> tuple[State, str]:
    """Give the state of an attempt and say it; a word that is explained by now settles it."""
    attempt, detail = last.attempt, f"{_named(last, one)} {said(last.attempt)}"
    if attempt.state is not State.ENDED:
        return attempt.state, detail
    state = explained(attempt, context.project.statuses)
    if state is not None:
        return state, f"{detail}; the settings explain that word as {state} by now"
    why = "nobody explained that word" if unexplained(attempt) else "how it ended isn't known"
    return State.ENDED, f"{detail}; {why}"


def _way_on(one: RunSpec, last: Attempt, state: State, context: Context) -> str:
    run = _run(one)
    retry = next_steps.retry(run, apply_command(one.environment, context))
    if state is State.EXPIRED:
        return f"Say what you know: {next_steps.settle_doubt(run)}"
    if state is State.ENDED:
        word, settings = unexplained(last), context.project.folder.settings
        teach = f'. Where "{word}" always means that, set it under `statuses` in {settings}'
        again = f". To send it again, however it ended: {retry}"
        return next_steps.settle_end(run) + (teach if word else "") + again
    return f"{retry}, or change the spec"


def _due(one: RunSpec, record: tuple[Placed, ...], same: list[Placed], context: Context) -> Change:
    """Decide about a request that this run has never sent."""
    before = context.previous.get(one.key)
    since = _since(before, one) if before else None
    last = next((each for each in reversed(record) if each.attempt.counted), None)
    if same:
        detail = f"{_named(same[-1], one)} {said(same[-1].attempt)}"
        return _change(Action.RUN, Reason.UNSENT, one, detail, "", last or same[-1], since)
    if last is None:
        return _change(Action.RUN, Reason.ADDED, one, "never sent before")
    sent, told = last.attempt, f"{_named(last, one)}"
    if is_once_more(one, sent):
        detail = f"the same request once more; {told} {said(sent)}"
        return _change(Action.RUN, Reason.RERUN, one, detail, "", last, since)
    detail = f"differs from {told}, which {said(sent)}"
    return _change(Action.RUN, Reason.MODIFIED, one, detail, "", last, since)


_NEAR = 1000  # numbers below a spec's own; further down only the same text is recognised


def is_once_more(one: RunSpec, last: Attempt) -> bool:
    """Whether an attempt sent a spec's very request, under whatever `rerun`."""
    workflow = last.fact("workflowId").lower() == one.workflow_id.lower()
    if workflow and last.fact("bodySha256") == one.body_sha256:
        return True
    return workflow and last.digest in one.digests(range(max(0, one.rerun - _NEAR), one.rerun))


def _since(before: RunSpec, now: RunSpec) -> tuple[Difference, ...]:
    """Give what changes in the request; an id in capitals is the same id."""
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
        if not _is_one_id(one)
    )


_IDS = frozenset(("/workflowId", *(f"/variables/{name}" for name in CONNECTOR_IDS)))


def _is_one_id(one: Difference) -> bool:
    both = (one.old, one.new)
    return one.pointer in _IDS and len({str(each).lower() for each in both}) == 1


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


def _released(found: list[Change], context: Context, inheritance: Inheritance) -> list[Change]:
    """Take the holds that a person released by name and count out of the way.

    Behind a hold there may be another one, which asks for a release of its own.
    """
    released: dict[Key, tuple[str, ...]] = {}
    while True:
        found = _with_doubles(found, released, context)
        counts = Counter((one.environment, one.release) for one in found if one.release)
        again = {
            one.key: (*released.get(one.key, ()), one.release)
            for one in found
            if one.spec
            and one.release
            and (
                one.key in context.brakes.released
                or context.brakes.acks.get(one.release) == counts[one.environment, one.release]
            )
        }
        if not again:
            return found
        released |= again
        found = [
            decide(one.spec, context, inheritance, frozenset(again[one.key]))._replace(
                released=again[one.key]
            )
            if one.spec and one.key in again
            else one
            for one in found
        ]


def _with_doubles(
    found: list[Change], released: Mapping[Key, tuple[str, ...]], context: Context
) -> list[Change]:
    """Of several due runs with one request hold all but the first."""
    meant = {key for key, names in released.items() if Reason.SAME_REQUEST in names}
    due = (one.spec for one in found if one.action is Action.RUN and one.spec)
    others = doubles(due, context.project, meant)
    return [
        _double(one, one.spec, others[one.key], context)
        if one.spec and one.action is Action.RUN and one.key in others
        else one
        for one in found
    ]


def _double(found: Change, one: RunSpec, first: RunSpec, context: Context) -> Change:
    who = f"{first.environment}/{first.name}"
    where = "" if first.environment == one.environment else f" {first.environment}"
    return found._replace(
        action=Action.HOLD,
        reason=Reason.SAME_REQUEST,
        detail=f"{who} ({first.file}) asks for the same on the same platform, and is to run first",
        hint=f"If once is enough, remove one of them, or apply{where} and then "
        f"`qflow-gitops baseline {one.environment}/{one.name} --reason TEXT`. If it is meant "
        f"again: {_ack(Reason.SAME_REQUEST, one, context)}, or "
        f"`qflow-gitops rerun {one.environment}/{one.name} --reason TEXT`, commit, apply.",
        release=Reason.SAME_REQUEST,
    )


def _numbered(found: list[Change]) -> list[Change]:
    """Fill in how many are held by each name, which is what `--ack` asks for."""
    counts = Counter((one.environment, one.release) for one in found if one.release)
    return [
        one._replace(hint=one.hint.replace(_COUNT, str(counts[one.environment, one.release])))
        if one.release
        else one
        for one in found
    ]


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
        command = apply_command(environment, context)
        brakes, here = context.brakes, facts._replace(total=totals[environment], command=command)
        found_so = judge(runs, here, brakes.acks, brakes.released)
        judged |= {key: _as_judged(one, found_so, here) for key, one in due.items()}
    return [judged.get(one.key, one) for one in found]


def _as_judged(one: Change, said: Judged, facts: Facts) -> Change:
    assert one.spec is not None  # noqa: S101  every change that runs has its spec
    one = one._replace(
        approvals=needed_approvals(facts.policies, one.spec),
        signed=any(each.signed_commits for each in facts.policies),
        released=(*one.released, *said.released.get(one.key, ())),
    )
    hold = said.held.get(one.key)
    return one if hold is None else as_held(one, hold)


def as_held(one: Change, hold: Hold) -> Change:
    """Hold what is due."""
    return one._replace(
        action=Action.HOLD,
        reason=Reason(hold.reason),
        detail=hold.detail,
        hint=hold.hint,
        release=hold.release,
        due=one.reason,
    )


def _at_its_commit(found: list[Change], context: Context) -> list[Change]:
    """Hold what is due at a commit that no branch has, unless a person released that one commit."""
    hold = context.brakes.unmerged
    if hold is None:
        return found
    released = context.brakes.acks.get(hold.release) == 1
    return [
        one
        if one.action is not Action.RUN
        else one._replace(released=(*one.released, hold.release))
        if released
        else as_held(one, hold)
        for one in found
    ]


def _emptied(environment: str, hold: Hold, context: Context) -> Change:
    """Hold an environment whose specs are all gone, unless a person released that."""
    if context.brakes.acks.get(hold.release) == 1:
        skip = (Action.SKIP, Reason.REMOVED, environment, EVERY, f"{hold.detail}; released")
        return Change(*skip, released=(hold.release,))
    reason = Reason(hold.reason)
    return Change(
        Action.HOLD, reason, environment, EVERY, hold.detail, hold.hint, release=hold.release
    )


def _frozen(one: Change, freezes: tuple[Freeze, ...]) -> Change:
    if not freezes or one.action is not Action.RUN:
        return one
    return one._replace(
        action=Action.HOLD,
        reason=Reason.FROZEN,
        detail=describe(freezes),
        hint=way_on(freezes),
        due=one.reason,
    )
