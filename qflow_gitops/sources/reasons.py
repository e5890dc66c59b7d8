"""What a person gives as a reason goes into git, where whoever reads it reads it for good."""

from qflow_gitops.errors import UsageProblem
from qflow_gitops.specs import secrets


def refuse_secret(reason: str, not_done: str) -> None:
    """Raise UsageProblem where a reason holds what looks like a secret; it isn't shown."""
    kind = secrets.kind_of(reason)
    if kind:
        raise UsageProblem(
            f"The reason holds what looks like {kind}.",
            where="--reason",
            not_done=not_done,
            hint="Give the reason without it. If it is real, revoke it: the shell's history and "
            "the job's log may hold it.",
            reason="reason_secret",
        )
