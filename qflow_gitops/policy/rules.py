"""The rules that a team sets for its runs, and which of what is due they hold.

Pure. Rules only ever hold: what one of several policies holds is held, so that of two ends
of a range the stricter one wins.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.policy import patterns
from qflow_gitops.policy.approvals import Approval, told
from qflow_gitops.policy.governed import Governed
from qflow_gitops.policy.rollout import Rollout
from qflow_gitops.policy.windows import Window, closed_by, verdict

RUNS = 25
"""So many runs an apply may start where the settings say nothing."""
SHARE_FROM = 10  # specs; below, a share of them says little


class Limits(NamedTuple):
    """How many runs one apply may start; None where there is no limit.

    `share` is in percent of the environment's specs, looked at where these are at least
    `share_from`. `connector_types` and `workflows` (ids in lower case) are limits of their own.
    """

    runs: int = RUNS
    share: float | None = None
    share_from: int = SHARE_FROM
    connector_types: Mapping[str, int] = {}
    workflows: Mapping[str, int] = {}


class Scope(NamedTuple):
    """Which runs a rule is about: all that match every part that isn't empty."""

    environments: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    workflows: tuple[str, ...] = ()

    def covers(self, run: Governed) -> bool:
        """Whether the rule is about this run."""
        return (
            (not self.environments or run.environment in self.environments)
            and all(run.labels.get(name) == value for name, value in self.labels.items())
            and (not self.workflows or run.workflow_id.lower() in self.workflows)
        )


@dataclass(frozen=True, slots=True)
class Approvals:
    """So many distinct people, beside the author, have to approve the runs of a scope."""

    count: int
    scope: Scope = field(default_factory=Scope)


class Policy(NamedTuple):
    """What has to hold before a run is sent.

    `allowed` and `denied` are workflow ids in lower case, `allowed` None where all are.
    `annotations` maps names to patterns that a value has to match as a whole.
    `workflow_revision`: the catalog's, exactly. `rollout` is for each spec with targets, None for
    all at once. `approvals_elsewhere`: another system sees to them, so that an apply which nobody
    watches doesn't ask; it is part of the policy, so that no change sets it for itself.
    """

    limits: Limits = Limits()
    windows: tuple[Window, ...] = ()
    approvals: tuple[Approvals, ...] = ()
    allowed: frozenset[str] | None = None
    denied: frozenset[str] = frozenset()
    annotations: Mapping[str, str] = {}
    signed_commits: bool = False
    workflow_revision: bool = False
    rollout: Rollout | None = None
    approvals_elsewhere: bool = False


class PolicyContext(NamedTuple):
    """What the rules are held against, beside the specs.

    `policies` are those of both ends of the range; `unreadable` says why one of them isn't
    known, and `way_on` what to do then. `total` counts the environment's specs. `now` is None
    where windows aren't looked at. `approvals` is None where nobody was asked, which holds what
    needs some only where something is about to be sent (`sending`). `command` is the apply that
    this is about, as a person types it.
    """

    policies: tuple[Policy, ...]
    total: int = 0
    now: datetime | None = None
    unreadable: str = ""
    sending: bool = False
    approvals: Mapping[RunKey, Approval] | None = None
    command: str = "qflow-gitops apply"
    way_on: str = ""


class Hold(NamedTuple):
    """Why a run is held. `release` is the name that `--ack` releases it by, "" for none."""

    reason: str
    detail: str
    hint: str
    release: str = ""


class PolicyVerdict(NamedTuple):
    """What the rules hold, and which releases by name each of the others needed."""

    held: Mapping[RunKey, Hold]
    released: Mapping[RunKey, tuple[str, ...]]


def asks_for_approvals(facts: PolicyContext) -> bool:
    """Whether an apply that nobody watches looks approvals up: not where both ends say elsewhere.

    What isn't known says nothing.
    """
    return bool(facts.unreadable) or not all(each.approvals_elsewhere for each in facts.policies)


def needed_approvals(policies: Iterable[Policy], run: Governed) -> int:
    """Return how many people have to approve a run."""
    counts = (r.count for each in policies for r in each.approvals if r.scope.covers(run))
    return max(counts, default=0)


def judge(
    due: Sequence[Governed],
    facts: PolicyContext,
    acks: Mapping[str, int],
    released: Mapping[RunKey, Collection[str]] = {},
    granted: Mapping[str, Collection[RunKey]] = {},
) -> PolicyVerdict:
    """Hold those of one environment's due runs that the rules don't let through.

    `acks` releases a hold by its name where exactly so many runs have it; `released` names the
    holds of runs that were released when there were more of them. `granted` are those for which a
    hold was released before, for the rest of their rollout: they don't count for it any more.
    """
    held: dict[RunKey, Hold] = {}
    for run in due:
        hold = next(_of_a_run(run, facts), None)
        if hold:
            held[run.key] = hold
    by_name: dict[RunKey, tuple[str, ...]] = {}
    rest = [run for run in due if run.key not in held]
    for name, runs, hold in _of_the_whole(rest, facts, granted):
        acked = acks.get(name) == len(runs)
        for run in runs:
            if acked or name in released.get(run.key, ()):
                by_name[run.key] = (*by_name.get(run.key, ()), name)
            else:
                held.setdefault(run.key, hold)
    for name, keys in granted.items():
        for key in keys:
            by_name[key] = (*by_name.get(key, ()), name)
    return PolicyVerdict(held, {key: names for key, names in by_name.items() if key not in held})


# --- what is about one run -----------------------------------------------------------


def _of_a_run(run: Governed, facts: PolicyContext) -> Iterator[Hold]:
    if facts.unreadable:
        yield Hold(
            "policy",
            f"the policy it has to satisfy isn't known: {facts.unreadable}",
            facts.way_on,
        )
    for policy in facts.policies:
        yield from _workflow(run, policy)
        yield from _annotations(run, policy)
        yield from _signed(run, policy, facts)
    yield from _approval(run, facts)


def _workflow(run: Governed, policy: Policy) -> Iterator[Hold]:
    wanted = run.workflow_id.lower()
    hint = "Take another workflow, or have `policy.workflows` in qflow.yaml changed."
    if wanted in policy.denied:
        yield Hold("workflow", f"the policy denies workflow {run.workflow_id}", hint)
    elif policy.allowed is not None and wanted not in policy.allowed:
        yield Hold("workflow", f"the policy doesn't allow workflow {run.workflow_id}", hint)


def _annotations(run: Governed, policy: Policy) -> Iterator[Hold]:
    for name, pattern in policy.annotations.items():
        value = run.annotations.get(name)
        if value is None or not patterns.matches(pattern, value):
            stands = "it has none" if value is None else f"`{value}` doesn't"
            yield Hold(
                "policy",
                f"the policy asks for the annotation `{name}` to match {pattern}, and {stands}",
                f"Add `{name}:` under `metadata.annotations` in {run.file}.",
            )


def _signed(run: Governed, policy: Policy, facts: PolicyContext) -> Iterator[Hold]:
    if not policy.signed_commits:
        return
    approval = (facts.approvals or {}).get(run.key)
    if approval is not None and approval.way_on:
        return  # nobody could be asked, which holds it already
    if approval is not None:
        yield from filter(None, [missing(0, signed=True, found=approval)])
    elif facts.sending:
        detail = "the policy asks for signed commits, and nobody was asked who signed them"
        yield Hold("policy", detail, _ask(facts))


def _approval(run: Governed, facts: PolicyContext) -> Iterator[Hold]:
    needed = needed_approvals(facts.policies, run)
    if facts.approvals is not None:
        found = facts.approvals.get(run.key, Approval(why="no approved pull request holds it"))
        yield from filter(None, [missing(max(1, needed), signed=False, found=found)])
    elif facts.sending and needed:
        yield Hold("approval", told(needed, Approval(why="nobody was asked")), _ask(facts))


def _ask(facts: PolicyContext) -> str:
    return f"Apply from a CI, which can ask: `{facts.command} --approved`"


def missing(needed: int, *, signed: bool, found: Approval) -> Hold | None:
    """Hold a run that lacks approvals or, where they are asked for, signatures; None otherwise."""
    given = len(set(found.approvers))
    if needed and (given < needed or found.why):
        hint = (
            "Propose it again in a pull request that changes it (an annotation will do), and have "
            "that approved before it is merged."
        )
        return Hold("approval", told(needed, found), found.way_on or hint)
    if signed and not found.signed:
        where = f" of pull request #{found.pull_request}" if found.pull_request else ""
        detail = f"the policy asks for signed commits, and GitHub verifies not all{where}"
        return Hold("policy", detail, "Sign the commits (`git commit -S`), and propose them again.")
    return None


# --- what is about all of them -------------------------------------------------------

_Found = Iterator[tuple[str, Sequence[Governed], Hold]]


def _of_the_whole(
    due: Sequence[Governed], facts: PolicyContext, granted: Mapping[str, Collection[RunKey]]
) -> _Found:
    """Return each rule that more runs break than may: its name for --ack, the runs, the hold."""
    seen: set[str] = set()

    def but(name: str) -> Sequence[Governed]:
        return [run for run in due if run.key not in granted[name]] if name in granted else due

    for policy in facts.policies:
        for name, runs, hold in (
            *_limits(but, policy.limits, facts),
            *_closed(but("window"), policy, facts),
        ):
            if name not in seen:
                seen.add(name)
                yield name, runs, hold


def _limits(
    but: Callable[[str], Sequence[Governed]], limits: Limits, facts: PolicyContext
) -> _Found:
    over, total = partial(_over, facts.command), facts.total
    due = but("limit:runs")
    if len(due) > limits.runs:
        yield over("runs", due, f"at most {limits.runs} runs an apply")
    due = but("limit:share")
    shares = limits.share is not None and total >= limits.share_from
    if shares and len(due) * 100 > (limits.share or 0) * total:
        yield over("share", due, f"at most {limits.share:g} % of {total} specs an apply")
    for name, most in limits.connector_types.items():
        some = [run for run in but(f"limit:{name}") if name in run.connector_types]
        if len(some) > most:
            yield over(name, some, f"at most {most} runs an apply with connector type {name}")
    for workflow, most in limits.workflows.items():
        due = but(f"limit:{workflow}")
        some = [run for run in due if run.workflow_id.lower() == workflow]
        if len(some) > most:
            yield over(workflow, some, f"at most {most} runs an apply of workflow {workflow}")


def _over(
    command: str, what: str, runs: Sequence[Governed], rule: str
) -> tuple[str, Sequence[Governed], Hold]:
    name = f"limit:{what}"
    hint = f"Apply fewer at a time (-l LABEL=VALUE), or release them: {_ack(command, name, runs)}"
    return name, runs, Hold("limit", f"the policy says {rule}; {len(runs)} are due", hint, name)


def _ack(command: str, name: str, runs: Sequence[Governed]) -> str:
    rest = re.sub(rf" --ack {re.escape(name)}=\d+", "", command)  # another number was tried
    return f"`{rest} --ack {name}={len(runs)} --reason TEXT`"


def _closed(due: Sequence[Governed], policy: Policy, facts: PolicyContext) -> _Found:
    if facts.now is None or not due or not policy.windows:
        return
    why = closed((policy,), due[0].environment, facts.now)
    if why:
        hint = f"Or release them: {_ack(facts.command, 'window', due)}"
        yield "window", due, Hold("window", why, hint, "window")


def closed(policies: Iterable[Policy], environment: str, now: datetime) -> str:
    """Say which window keeps an environment's runs from being sent, and until when; "" if none."""
    for policy in policies:
        why = closed_by(policy.windows, environment, now)
        if why:
            at = verdict(policy.windows, environment, now).changes_at
            until = f"may be sent from {stamp(at)} on" if at else "can't be sent within a year"
            return f"{why.rstrip('.')}: runs {until}"
    return ""
