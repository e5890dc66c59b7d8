"""What an answer to the request that starts a run means: accepted, refused, or unclear.

What it proves by its fields stands in `http.evidence`.
"""

from qflow_gitops.http import evidence
from qflow_gitops.http.messages import ROLE_HINT, message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer
from qflow_gitops.ports.qualys import Answer, AnswerKind


def meaning(answer: HttpAnswer, workflow_id: str, redact: Redactor) -> Answer:
    """Say what an answer proves (docs/api.md 12 [I]); whatever proves nothing is unclear."""
    status = answer.status
    if status in evidence.STARTED:
        execution_id = evidence.started_execution(answer, workflow_id)
        if execution_id:
            return Answer(AnswerKind.ACCEPTED, execution_id, status)
        return Answer(AnswerKind.UNCLEAR, "", status, "The answer holds no execution id.")
    said = redact(message_of(answer.content))
    words = f"Status {status}: {said}" if said else f"Status {status}."
    if status not in evidence.REFUSED:
        return Answer(AnswerKind.UNCLEAR, "", status, words)
    if not evidence.ran_nothing(answer):
        why = "It names an execution, or may have been cut, so it doesn't prove that nothing ran."
        return Answer(AnswerKind.UNCLEAR, "", status, f"{why} {words}")
    if status in (307, 308):
        words = "The gateway redirected the request elsewhere; it was not followed. Tell security."
    elif status == 403:
        words = f"{said}. {ROLE_HINT.format(right='execute')}"
    return Answer(AnswerKind.REFUSED, "", status, words)
