"""The differences that a report for an audit names: what each means, and what to look at."""

from collections.abc import Mapping

from qflow_gitops.results.evidence import Kind
from qflow_gitops.results.words import Word

_ITS_EXECUTION = "`qflow-gitops show EXECUTION` shows"

DIFFERENCES: Mapping[Kind, Word] = {
    kind: Word(kind.value, meaning, way)
    for kind, meaning, way in (
        (
            Kind.NEVER_SENT,
            "A spec stood in a commit that an apply worked on, and its request was never sent.",
            "It was held or changed before: ask its author. `qflow-gitops plan` says what is due.",
        ),
        (
            Kind.FOREIGN,
            "Qualys shows an execution that nothing in this lockfile started.",
            f"{_ITS_EXECUTION} it, and through what it was started; who did isn't told.",
        ),
        (
            Kind.NOT_SHOWN,
            "The lockfile has an execution, and Qualys' list, read whole, lacks it.",
            f"{_ITS_EXECUTION} whether Qualys has it by its id. If not, ask who sent it.",
        ),
        (
            Kind.OTHER_STATE,
            "Lockfile and Qualys tell of different ends of an execution.",
            "`qflow-gitops history RUN` tells who recorded it, `qflow-gitops show RUN` the steps.",
        ),
        (
            Kind.OTHER_REQUEST,
            "An execution was started with something else than its attempt sent, or otherwise.",
            f"Ask who recorded it: somebody may have started it by hand. {_ITS_EXECUTION} it.",
        ),
        (
            Kind.NOT_IN_GIT,
            "An attempt's commit or file isn't what the clone holds, or asks for something else.",
            "`git fetch --all`; if it stays, `qflow-gitops lock verify` says what else is wrong.",
        ),
        (
            Kind.UNAPPROVED,
            "The policy asked for more approvals than the attempt has recorded.",
            "Ask who sent it, and look at the pull request at the code host.",
        ),
    )
}
"""Each kind of difference, explained."""
