"""The states of an attempt, as the lockfile has them: what each means, and what to do."""

from collections.abc import Mapping

from qflow_gitops.lockfile.states import State
from qflow_gitops.results.words import Word

_WAIT = "`qflow-gitops status --watch` waits for its end."
_NOTHING = "Nothing."
_RETRY = "`qflow-gitops show RUN` says why; `qflow-gitops apply --retry RUN` sends it again."
_SETTLE = (
    "`qflow-gitops reconcile`; if that can't tell, look in Qualys, then "
    "`qflow-gitops resolve RUN --adopt EXECUTION --reason TEXT`."
)
_EXPLAIN = (
    "Look in Qualys, then `qflow-gitops resolve RUN --succeeded --reason TEXT` or `--failed`; what "
    "the word always means is said once, as `statuses` under `spec` of `qflow.yaml`."
)

STATES: Mapping[State, Word] = {
    state: Word(state.value, meaning, way)
    for state, meaning, way in (
        (
            State.INTENT,
            "It was recorded that the request is about to be sent, and not yet what came of it.",
            "`qflow-gitops reconcile`, once the apply that recorded it has ended.",
        ),
        (State.ACCEPTED, "Qualys accepted the request, and gave its execution an id.", _WAIT),
        (State.RUNNING, "Qualys shows that the execution runs.", _WAIT),
        (State.SUCCEEDED, "The execution ended, and Qualys calls it a success.", _NOTHING),
        (State.FAILED, "The execution ended, by a word that stands for a failure.", _RETRY),
        (State.CANCELLED, "The execution was cancelled in Qualys.", _RETRY),
        (
            State.ENDED,
            "The execution ended by a word of Qualys' that nobody explained.",
            _EXPLAIN,
        ),
        (State.REFUSED, "Qualys said no: the request didn't run.", _RETRY),
        (
            State.UNSENT,
            "The request was proven never sent, or a limit of calls turned it away.",
            "`qflow-gitops apply` sends it.",
        ),
        (
            State.IN_DOUBT,
            "Nobody but Qualys can know whether the request arrived: it may have run.",
            _SETTLE,
        ),
        (
            State.ABSENT,
            "It was in doubt, and it is settled that it did not run.",
            "`qflow-gitops apply` sends it.",
        ),
        (
            State.ADOPTED,
            "It was in doubt, and an execution was found to be its own.",
            _WAIT,
        ),
        (
            State.ASSUMED,
            "It was in doubt, and a person decided that it ran, without an execution to show.",
            _NOTHING,
        ),
        (
            State.EXPIRED,
            "It has been in doubt for longer than Qualys shows executions.",
            "By what you know: `qflow-gitops resolve RUN --assume-ran --reason TEXT`.",
        ),
        (
            State.BASELINED,
            "It was declared as done before this program came to it; nothing was sent.",
            _NOTHING,
        ),
    )
}
"""Each state, in the order of an attempt's life."""
