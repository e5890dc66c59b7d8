"""What a person gives as a reason goes into git, where whoever reads it reads it for good."""

from qflow_gitops.errors import AGAIN, UsageProblem
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


def given(reason: str, not_done: str, keeper: str = "the lockfile") -> str:
    """Return a reason that has to be given, as UTF-8 can hold it; `keeper` is where it is kept.

    An argument of a command line may be any bytes. Raises UsageProblem for none, and for a secret.
    """
    if not reason.strip():
        raise UsageProblem(
            "--reason is empty.",
            not_done=not_done,
            hint=f"Say why, {keeper} keeps it: `{AGAIN} --reason TEXT`",
            reason="reason_missing",
        )
    refuse_secret(reason, not_done)
    return encodable(reason.strip())


def encodable(text: str) -> str:
    """Return a text as UTF-8 can hold it."""
    return text.encode("utf-8", "replace").decode()
