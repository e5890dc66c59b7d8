"""How a transition is recorded on top of a lockfile that others may have written to.

Pure. Two processes may judge the same attempt: what came later is put into the words of what
is there, says nothing new, or contradicts it.

============================  =========================  ===============================
the attempt is                what arrives               what is recorded
============================  =========================  ===============================
any                           what TRANSITIONS allows    as it is
`in_doubt`, `expired`         `accepted`                 `adopted`: it came late
`in_doubt`, `expired`         `refused`, `unsent`        `absent`: its sender proved it
`absent`, `assumed`           `accepted`                 `adopted`: against the decision
`assumed`                     `refused`, `unsent`        `assumed`, with what its sender proved
under way or final            `accepted`, `adopted`      None
`running`                     `running`, the same word   None
`ended`                       another end                as it is: its word was explained
any other end                 `running`, another end     None
any                           what is seen of an         None: a person put that away
                              execution that it let go
any                           its decision is put back   as it is, where that still stands,
                                                         with the execution that it lets go
`absent`                      `refused`, `unsent`        None
`refused`, `unsent`           `adopted`                  None: its own sender knows better
anything sent                 `in_doubt`                 None
no longer doubtful            a decision on its doubt    None
`absent` (or in doubt again)  `adopted`                  LockError, `lock_conflict`: whose
and sent again, in doubt                                 execution it is can't be told
any                           another execution          LockError, `lock_conflict`
any                           another's execution        LockError, `lock_conflict`
any                           anything else              LockError
============================  =========================  ===============================

A decision on a doubt is `absent`, `assumed` or `expired`. An `adopted` on top of `absent`
or `assumed` is one of the moves that TRANSITIONS allows: an execution was found.
"""

from qflow_gitops.lockfile.attempt import Attempt, Event, Transition, may_follow
from qflow_gitops.lockfile.ledger import Lockfile, owned
from qflow_gitops.lockfile.states import DOUBTFUL, ENDINGS, EXECUTED, FINAL, RESULTS, State
from qflow_gitops.lockfile.transitions import check_execution, conflict, not_allowed, numbered


def rebased(lockfile: Lockfile, transition: Transition) -> Transition | None:
    """Say how a transition is recorded on top of a record that others may have written to.

    For a transition that doesn't open an attempt; it was made for an older version of the
    record. None means that it says nothing new; the module's table has all cases.

    Raises LockError for what can't be recorded; its caller rescues the transition, since
    what it says about an execution may not be lost.
    """
    attempts = lockfile.attempts(transition.environment, transition.run)
    attempt = numbered(attempts, transition)
    if _is_of_what_was_let_go(attempt, transition):
        return None
    holder = lockfile.owner(transition.execution_id)
    if holder not in (None, transition.key):
        raise owned(lockfile, transition, transition.execution_id, holder)
    check_execution(attempt, transition)
    if _says_nothing_new(attempt, transition):
        return None
    _check_later(attempts, transition)
    transition = _as_of_now(attempt, transition)
    if transition.opens is not None or not may_follow(attempt.events, transition.event):
        raise not_allowed(attempt, transition)
    if not _names_the_right_execution(attempt, transition):
        raise not_allowed(attempt, transition)
    return transition


def _names_the_right_execution(attempt: Attempt, transition: Transition) -> bool:
    """Whether it names an execution only where there can be one, and lets go the one there is."""
    to = transition.event.to
    if "reopens" in transition.event.extra:
        going = attempt.execution_id if to not in EXECUTED else ""
        if transition.event.lets_go != going:
            return False  # another one was adopted meanwhile
    return to in EXECUTED or not transition.execution_id


def _is_of_what_was_let_go(attempt: Attempt, transition: Transition) -> bool:
    """Whether it was seen of an execution that a person has put away from the attempt since.

    Not its sender's own answer, which is certain, nor another decision.
    """
    seen = transition.event.to in RESULTS or transition.event.to is State.ADOPTED
    return (
        seen
        and not transition.event.is_decision
        and transition.execution_id.lower() != attempt.execution_id.lower()
        and transition.execution_id.lower() in attempt.let_go
    )


_PROVED = "Its own sender proved that it did not run"
_DECISIONS = frozenset({State.ABSENT, State.ASSUMED, State.EXPIRED})
_ANSWERS_NO = frozenset({State.REFUSED, State.UNSENT})


def _says_nothing_new(attempt: Attempt, transition: Transition) -> bool:
    state, to = attempt.state, transition.event.to
    if "reopens" in transition.event.extra:
        return transition.event in attempt.events
    if to is State.RUNNING and state is State.RUNNING:
        return transition.status in ("", attempt.status)
    if state in (State.INTENT, State.BASELINED):
        return False
    if state is State.ASSUMED and _is_proof(transition):
        return _as_of_now(attempt, transition).event in attempt.events
    if to is State.IN_DOUBT or to is state:
        return True
    if state in EXECUTED:
        known = to in (State.ACCEPTED, State.ADOPTED) or to in _DECISIONS
        late = state in FINAL and to in RESULTS
        return known or (late and not (state is State.ENDED and to in ENDINGS))
    if state is State.ABSENT and to in _ANSWERS_NO:
        return True
    if state in _ANSWERS_NO and to is State.ADOPTED:
        return True
    return to in _DECISIONS and state not in (State.IN_DOUBT, State.EXPIRED)


def _is_proof(transition: Transition) -> bool:
    """Whether it says that it did not run, as it came or as a note on what was assumed."""
    noted = str(transition.event.extra.get("detail", "")).startswith(_PROVED)
    return transition.event.to in _ANSWERS_NO or (transition.event.to is State.ASSUMED and noted)


def _check_later(attempts: tuple[Attempt, ...], transition: Transition) -> None:
    """Refuse to adopt by a look what a later attempt with the same request may have started."""
    attempt = attempts[transition.number - 1]
    judged = attempt.state in (State.ABSENT, State.ASSUMED)
    open_again = attempt.state is State.IN_DOUBT and not transition.event.is_decision
    if transition.event.to is State.ADOPTED and (judged or open_again):
        for later in attempts[transition.number :]:
            if later.digest == attempt.digest and later.state in DOUBTFUL:
                why = f"#{later.number} may have started {transition.execution_id}"
                raise conflict(transition, why, transition.key, attempt)


def _as_of_now(attempt: Attempt, transition: Transition) -> Transition:
    """Put an answer into the words of an attempt that somebody else has judged meanwhile."""
    state, to = attempt.state, transition.event.to
    doubtful = state in (State.IN_DOUBT, State.EXPIRED)
    if doubtful and to is State.ACCEPTED:
        return _reworded(transition, State.ADOPTED, "The answer came late")
    if doubtful and to in _ANSWERS_NO:
        return _reworded(transition, State.ABSENT, f"{_PROVED} ({to})")
    if state is State.ABSENT and to is State.ACCEPTED:
        why = "The answer came late and contradicts the decision that it did not run"
        return _reworded(transition, State.ADOPTED, why)
    if state is State.ASSUMED and to in _ANSWERS_NO:
        # A person's word stays; that it may be sent again is for a person to say as well.
        return _reworded(transition, state, f"{_PROVED} ({to})")
    if state is State.ASSUMED and to is State.ACCEPTED:
        why = "The answer came late, after the decision to assume that it ran"
        return _reworded(transition, State.ADOPTED, why)
    return transition


def _reworded(transition: Transition, to: State, why: str) -> Transition:
    """Return the transition with another end; what else its event says stays."""
    old = transition.event.extra.get("detail", "")
    detail = f"{why}: {old}" if old else f"{why}."
    return transition._replace(
        event=Event(transition.event.at, to, {**transition.event.extra, "detail": detail})
    )
