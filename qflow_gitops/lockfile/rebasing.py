"""How a transition is recorded on top of a lockfile that others may have written to.

Pure. Two processes may judge the same attempt: what came later is put into the words of what
is there, says nothing new, or contradicts it.
"""

from qflow_gitops.lockfile.attempt import Attempt, Event, Transition, may_follow
from qflow_gitops.lockfile.ledger import Lockfile, owned
from qflow_gitops.lockfile.states import DOUBTFUL, ENDINGS, EXECUTED, FINAL, RESULTS, State
from qflow_gitops.lockfile.transitions import check_execution, conflict, not_allowed, numbered


def rebased(lockfile: Lockfile, one: Transition) -> Transition | None:
    """Say how a transition is recorded on top of a record that others may have written to.

    For a transition that doesn't open an attempt; it was made for an older version of the
    record. None means that it says nothing new.

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

    Raises LockError for what can't be recorded; its caller rescues the transition, since
    what it says about an execution may not be lost.
    """
    attempts = lockfile.attempts(one.environment, one.run)
    attempt = numbered(attempts, one)
    if _is_of_what_was_let_go(attempt, one):
        return None
    holder = lockfile.owner(one.execution_id)
    if holder not in (None, one.key):
        raise owned(lockfile, one, one.execution_id, holder)
    check_execution(attempt, one)
    if _says_nothing_new(attempt, one):
        return None
    _check_later(attempts, one)
    one = _as_of_now(attempt, one)
    if one.opens is not None or not may_follow(attempt.events, one.event):
        raise not_allowed(attempt, one)
    if not _names_the_right_execution(attempt, one):
        raise not_allowed(attempt, one)
    return one


def _names_the_right_execution(attempt: Attempt, one: Transition) -> bool:
    """Whether it names an execution only where there can be one, and lets go the one there is."""
    to = one.event.to
    if "reopens" in one.event.extra:
        going = attempt.execution_id if to not in EXECUTED else ""
        if one.event.lets_go != going:
            return False  # another one was adopted meanwhile
    return to in EXECUTED or not one.execution_id


def _is_of_what_was_let_go(attempt: Attempt, one: Transition) -> bool:
    """Whether it was seen of an execution that a person has put away from the attempt since.

    Not its sender's own answer, which is certain, nor another decision.
    """
    seen = one.event.to in RESULTS or one.event.to is State.ADOPTED
    return (
        seen
        and not one.event.is_decision
        and one.execution_id.lower() != attempt.execution_id.lower()
        and one.execution_id.lower() in attempt.let_go
    )


_PROVED = "Its own sender proved that it did not run"
_DECISIONS = frozenset({State.ABSENT, State.ASSUMED, State.EXPIRED})
_ANSWERS_NO = frozenset({State.REFUSED, State.UNSENT})


def _says_nothing_new(attempt: Attempt, one: Transition) -> bool:
    state, to = attempt.state, one.event.to
    if "reopens" in one.event.extra:
        return one.event in attempt.events
    if to is State.RUNNING and state is State.RUNNING:
        return one.status in ("", attempt.status)
    if state in (State.INTENT, State.BASELINED):
        return False
    if state is State.ASSUMED and _is_proof(one):
        return _as_of_now(attempt, one).event in attempt.events
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


def _is_proof(one: Transition) -> bool:
    """Whether it says that it did not run, as it came or as a note on what was assumed."""
    noted = str(one.event.extra.get("detail", "")).startswith(_PROVED)
    return one.event.to in _ANSWERS_NO or (one.event.to is State.ASSUMED and noted)


def _check_later(attempts: tuple[Attempt, ...], one: Transition) -> None:
    """Refuse to adopt by a look what a later attempt with the same request may have started."""
    attempt = attempts[one.number - 1]
    judged = attempt.state in (State.ABSENT, State.ASSUMED)
    open_again = attempt.state is State.IN_DOUBT and not one.event.is_decision
    if one.event.to is State.ADOPTED and (judged or open_again):
        for later in attempts[one.number :]:
            if later.digest == attempt.digest and later.state in DOUBTFUL:
                said = f"#{later.number} may have started {one.execution_id}"
                raise conflict(one, said, one.key, attempt)


def _as_of_now(attempt: Attempt, one: Transition) -> Transition:
    """Put an answer into the words of an attempt that somebody else has judged meanwhile."""
    state, to = attempt.state, one.event.to
    doubtful = state in (State.IN_DOUBT, State.EXPIRED)
    if doubtful and to is State.ACCEPTED:
        return _reworded(one, State.ADOPTED, "The answer came late")
    if doubtful and to in _ANSWERS_NO:
        return _reworded(one, State.ABSENT, f"{_PROVED} ({to})")
    if state is State.ABSENT and to is State.ACCEPTED:
        said = "The answer came late and contradicts the decision that it did not run"
        return _reworded(one, State.ADOPTED, said)
    if state is State.ASSUMED and to in _ANSWERS_NO:
        # A person's word stays; that it may be sent again is for a person to say as well.
        return _reworded(one, state, f"{_PROVED} ({to})")
    if state is State.ASSUMED and to is State.ACCEPTED:
        said = "The answer came late, after the decision to assume that it ran"
        return _reworded(one, State.ADOPTED, said)
    return one


def _reworded(one: Transition, to: State, said: str) -> Transition:
    """Return the transition with another end; what else its event says stays."""
    old = one.event.extra.get("detail", "")
    detail = f"{said}: {old}" if old else f"{said}."
    return one._replace(event=Event(one.event.at, to, {**one.event.extra, "detail": detail}))
