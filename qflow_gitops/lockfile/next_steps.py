"""The commands with which a person goes on from where a run stands, whole and literal.

`run` is `<environment>/<name>`. Each command stands in backticks and works as it is typed, but
for TEXT and EXECUTION, which only a person knows.
"""

from collections.abc import Sequence
from json import dumps

from qflow_gitops.base.names import RunKey


def settle_doubt(run: str) -> str:
    """Say how a doubt is settled by what a person saw in Qualys."""
    return (
        f"`qflow-gitops resolve {run} --adopt EXECUTION --reason TEXT` if it ran, "
        f"`qflow-gitops resolve {run} --assume-ran --reason TEXT` if it ran without an execution "
        f"to show, `qflow-gitops resolve {run} --absent --reason TEXT` if it did not run (the next "
        "apply sends it then)"
    )


def look_up(environment: str) -> str:
    """Say how the doubts of an environment are looked up."""
    return f"`qflow-gitops reconcile -e {environment}`"


def settle_end(run: str) -> str:
    """Say how an execution is settled that ended in a way that nobody knows."""
    return (
        f"Look in Qualys how it ended: `qflow-gitops resolve {run} --succeeded --reason TEXT` or "
        f"`qflow-gitops resolve {run} --failed --reason TEXT`"
    )


def explain(word: str, settings: str) -> str:
    """Say how a word of Qualys' is explained in a settings file, for good."""
    meant = f"{dumps(word, ensure_ascii=False)}: failed"
    return (
        f'Where "{word}" always means that, say so under `spec` in {settings}: '
        f"`statuses: {{{meant}}}`, or `succeeded`"
    )


def reopen(run: str, attempt: int = 0) -> str:
    """Say how a person's decision is put back: the newest one, or that about an attempt."""
    which = f" --attempt {attempt}" if attempt else ""
    return f"`qflow-gitops resolve {run} --reopen{which} --reason TEXT`"


def retry(run: str, apply: str = "") -> str:
    """Say how a run is sent again after a failure, by an `apply` with its options."""
    apply = apply or f"qflow-gitops apply -e {run.partition('/')[0]}"
    return f"`{apply} --retry {run}`"


def again(keys: Sequence[RunKey], apply: str = "") -> str:
    """Say how runs of one environment are sent again after a failure: one by name, else all."""
    if len(keys) == 1:
        return f"Send it again: {retry('/'.join(keys[0]), apply)}"
    apply = apply or f"qflow-gitops apply -e {keys[0][0]}"
    return f"Send all {len(keys):,} again: `{apply} --retry-failed`"


def look_again(environment: str) -> str:
    """Say how it is seen what became of executions that are under way."""
    return f"`qflow-gitops status --refresh -e {environment}`"


def rerun(run: str) -> str:
    """Say how the same request is asked for once more."""
    return f"`qflow-gitops rerun {run} --reason TEXT`"


def history(run: str) -> str:
    """Say where all of a run's story stands."""
    return f"`qflow-gitops history {run}`"
