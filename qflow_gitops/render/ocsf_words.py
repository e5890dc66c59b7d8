"""What each state of an attempt is in OCSF's words: activity, status, severity, and a sentence."""

from collections.abc import Mapping
from typing import NamedTuple

from qflow_gitops.lockfile.states import State
from qflow_gitops.results.evidence import Kind

OTHER = 99
"""OCSF's number for what it has no word for: the caption beside it says the word."""
CREATE = 1
UNKNOWN, SUCCESS, FAILURE = 0, 1, 2
INFORMATIONAL, LOW, MEDIUM, HIGH = 1, 2, 3, 4

SEVERITIES: Mapping[int, str] = {
    INFORMATIONAL: "Informational",
    LOW: "Low",
    MEDIUM: "Medium",
    HIGH: "High",
}
STATUSES: Mapping[int, str] = {UNKNOWN: "Unknown", SUCCESS: "Success", FAILURE: "Failure"}

DECISION = "Decision"
"""The activity of whoever settled an attempt, or put that back."""


class Meaning(NamedTuple):
    """What a state is. `status_name` is the caption of a status that OCSF has no number for."""

    activity: str
    status: int
    severity: int
    says: str
    status_name: str = ""

    @property
    def activity_id(self) -> int:
        """OCSF's number: only the call that starts an execution is one of its own activities."""
        return CREATE if self.activity == "Create" else OTHER

    @property
    def status_caption(self) -> str:
        """The status in a word."""
        return self.status_name or STATUSES[self.status]


MEANINGS: Mapping[str, Meaning] = {
    State.INTENT: Meaning("Intent", UNKNOWN, INFORMATIONAL, "is recorded, before it is sent"),
    State.ACCEPTED: Meaning("Create", SUCCESS, INFORMATIONAL, "was accepted by Qualys"),
    State.REFUSED: Meaning("Create", FAILURE, MEDIUM, "was refused by Qualys"),
    State.IN_DOUBT: Meaning("Create", UNKNOWN, MEDIUM, "is in doubt: it may have run"),
    State.UNSENT: Meaning("Not sent", FAILURE, INFORMATIONAL, "was not sent"),
    State.EXPIRED: Meaning(
        "Doubt", UNKNOWN, MEDIUM, "is in doubt, and too old to be settled by what Qualys shows"
    ),
    State.ADOPTED: Meaning("Doubt", SUCCESS, INFORMATIONAL, "did run: its execution was found"),
    State.ABSENT: Meaning("Doubt", FAILURE, INFORMATIONAL, "did not run"),
    State.ASSUMED: Meaning("Doubt", UNKNOWN, LOW, "is assumed to have run: nobody knows"),
    State.RUNNING: Meaning("Execution", OTHER, INFORMATIONAL, "is running", "Running"),
    State.SUCCEEDED: Meaning("Execution", SUCCESS, INFORMATIONAL, "succeeded"),
    State.FAILED: Meaning("Execution", FAILURE, MEDIUM, "failed"),
    State.CANCELLED: Meaning("Execution", FAILURE, MEDIUM, "was cancelled"),
    State.ENDED: Meaning("Execution", UNKNOWN, MEDIUM, "ended unexplained"),
    State.BASELINED: Meaning(
        "Declaration", OTHER, LOW, "was declared as done: nothing was sent", "Declared"
    ),
}
"""By state. A severity is Medium where a person has to decide before the run goes on, and Low where
a person decided otherwise than the program would have."""

STRANGE = Meaning("Unknown", UNKNOWN, LOW, "changed in a way that this version doesn't know")
"""Of an event that a newer version wrote."""

TITLES: Mapping[Kind, str] = {
    Kind.NEVER_SENT: "A run that was asked for was never sent",
    Kind.FOREIGN: "An execution that nobody started from here",
    Kind.NOT_SHOWN: "Qualys doesn't show an execution that is recorded",
    Kind.OTHER_STATE: "Qualys tells of another end than the one recorded",
    Kind.OTHER_REQUEST: "An execution was started with something else than its attempt sent",
    Kind.NOT_IN_GIT: "Git doesn't hold what an attempt was sent from",
    Kind.UNAPPROVED: "A run was sent without the approval that its policy asks for",
}
ALARMS: Mapping[Kind, int] = {
    Kind.NEVER_SENT: LOW,
    Kind.FOREIGN: MEDIUM,
    Kind.NOT_SHOWN: LOW,
    Kind.OTHER_STATE: MEDIUM,
    Kind.OTHER_REQUEST: HIGH,
    Kind.NOT_IN_GIT: MEDIUM,
    Kind.UNAPPROVED: HIGH,
}
"""How severe each kind of difference is."""
