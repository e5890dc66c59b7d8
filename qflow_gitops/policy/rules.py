"""The rules that a team sets for its runs, and which of what is due they hold.

Pure. Rules only ever hold: what one of several policies holds is held, so that of two ends
of a range the stricter one wins.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.policy import patterns, tickets
from qflow_gitops.policy.approvals import Approval, told
from qflow_gitops.policy.governed import Governed
from qflow_gitops.policy.limits import Broken, Limits, broken
from qflow_gitops.policy.rollout import Rollout
from qflow_gitops.policy.tickets import TICKET, Looks, TicketRule
from qflow_gitops.policy.windows import Window, closed_by, verdict


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
    `workflow_revision`: the catalog's, exactly. `ticket` is what a change management has to say,
    None where none is asked. `rollout` is for each spec with targets, None for
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
    ticket: TicketRule | None = None


class PolicyContext(NamedTuple):
    """What the rules are held against, beside the specs.

    `policies` are those of both ends of the range; `unreadable` says why one of them isn't
    known, and `way_on` what to do then. `total` counts the environment's specs. `now` is None
    where windows aren't looked at. `approvals` is None where nobody was asked, which holds what
    needs some only where something is about to be sent (`sending`); so it is with `tickets`.
    `command` is the apply that
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
    tickets: Looks | None = None


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
    for name, holds in _of_the_whole(rest, facts, granted):
        acked = acks.get(name) == len(holds)
        for key, hold in holds.items():
            if acked or name in released.get(key, ()):
                by_name[key] = (*by_name.get(key, ()), name)
            else:
                held.setdefault(key, hold)
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


def _of_the_whole(
    due: Sequence[Governed], facts: PolicyContext, granted: Mapping[str, Collection[RunKey]]
) -> Iterator[tuple[str, Mapping[RunKey, Hold]]]:
    """Return each name for --ack, and the runs that it releases with what holds them."""
    seen = {TICKET}

    def but(name: str) -> Sequence[Governed]:
        return [run for run in due if run.key not in granted[name]] if name in granted else due

    yield TICKET, _without_ticket(but(TICKET), facts)
    for policy in facts.policies:
        over = broken(policy.limits, but, facts.total)
        for name, runs, hold in (
            *((found.name, found.runs, _over(found, facts.command)) for found in over),
            *_closed(but("window"), policy, facts),
        ):
            if name not in seen:
                seen.add(name)
                yield name, {run.key: hold for run in runs}


def _without_ticket(due: Sequence[Governed], facts: PolicyContext) -> dict[RunKey, Hold]:
    """Hold each run whose ticket doesn't let it go, by the rules of all policies."""
    rules = ticket_rules(facts.policies)
    if not rules:
        return {}
    asked = ((run, tickets.held(rules, run, facts.tickets, facts.now, sending=facts.sending))
             for run in due)  # fmt: skip
    found = {run.key: why for run, why in asked if why is not None}
    ack = _ack(facts.command, TICKET, len(found))
    return {
        key: Hold(TICKET, why.detail, f"{why.way_on} Or release them: {ack}", TICKET)
        for key, why in found.items()
    }


def annotations_in(policies: Iterable[Policy]) -> set[str]:
    """Name the annotations that policies look at."""
    return {name for each in policies for name in each.annotations} | {
        rule.annotation for rule in ticket_rules(policies)
    }


def ticket_rules(policies: Iterable[Policy]) -> tuple[TicketRule, ...]:
    """Return what policies ask of tickets, each rule once."""
    return tuple(dict.fromkeys(each.ticket for each in policies if each.ticket))


def _over(found: Broken, command: str) -> Hold:
    name, count = found.name, len(found.runs)
    hint = f"Apply fewer at a time (-l LABEL=VALUE), or release them: {_ack(command, name, count)}"
    return Hold("limit", f"the policy says {found.rule}; {count} are due", hint, name)


def _ack(command: str, name: str, count: int) -> str:
    rest = re.sub(rf" --ack {re.escape(name)}=\d+", "", command)  # another number was tried
    return f"`{rest} --ack {name}={count} --reason TEXT`"


def _closed(
    due: Sequence[Governed], policy: Policy, facts: PolicyContext
) -> Iterator[tuple[str, Sequence[Governed], Hold]]:
    if facts.now is None or not due or not policy.windows:
        return
    why = closed((policy,), due[0].environment, facts.now)
    if why:
        hint = f"Or release them: {_ack(facts.command, 'window', len(due))}"
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
