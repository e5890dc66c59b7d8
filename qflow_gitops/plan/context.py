"""What a plan is made from beside the specs, and the apply that it is about."""

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from qflow_gitops.base.names import RunKey, means
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.policy.rules import Hold, PolicyContext
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.spec import RunSpec


class Overrides(NamedTuple):
    """What a person said about this one plan: freezes, retries and releases by name.

    `freezes` are all that hold, the lockfile's too. `retry_failed`: whatever failed, was
    cancelled or refused is to be sent again, once the release RETRY says how many that are.
    `retries` are as they were named, `*` for any; a spec with targets stands for all of them.
    `released` names the holds of runs that were released by count when there were more of them;
    `forgiven` are the attempts whose failure was forgiven then (`lockfile.granted`).
    `unmerged` is the hold of a commit that no branch has, None where it is on one.
    """

    freezes: tuple[Freeze, ...] = ()
    retries: frozenset[RunKey] = frozenset()
    retry_failed: bool = False
    acks: Mapping[str, int] = {}
    released: Mapping[RunKey, tuple[str, ...]] = {}
    forgiven: frozenset[str] = frozenset()
    unmerged: Hold | None = None

    def retried(self, key: RunKey, *, together: bool) -> bool:
        """Whether a run was named to be sent again, or `together` with others by one name."""
        return key in self.retries or (together and any(means(each, key) for each in self.retries))

    @property
    def by_name(self) -> "Overrides":
        """The same where what failed is sent again by its name only."""
        acks = {name: number for name, number in self.acks.items() if name != RETRY}
        return self._replace(retry_failed=False, acks=acks)


class Context(NamedTuple):
    """What a plan is made from, besides the specs.

    `labels` and `runs` select: specs with all of these labels, and only these runs (none for
    any). `previous` gives the spec of a run's last counted attempt where it could be read.
    `touched` names the files that differ from the base, None where there is no base.
    `now` is RFC 3339, "" where it isn't asked whether somebody is still at work. `facts` is
    what the policy is held against (its `total` is filled in here), None for no policy.
    `emptied` gives the hold of each environment whose specs are all gone. `options` are what
    else was chosen for an apply, as it is typed.
    """

    project: Project
    lockfile: Lockfile
    environments: tuple[str, ...]
    brakes: Overrides = Overrides()
    labels: Mapping[str, str] = {}
    runs: frozenset[RunKey] = frozenset()
    previous: Mapping[RunKey, RunSpec] = {}
    touched: frozenset[str] | None = None
    now: str = ""
    facts: PolicyContext | None = None
    emptied: Mapping[str, Hold] = {}
    options: tuple[str, ...] = ()

    @property
    def selects(self) -> bool:
        """Whether it is about some runs only."""
        return bool(self.labels or self.runs)


def release_command(name: str, spec: RunSpec, context: Context) -> str:
    """The command that releases a hold by name; `with_numbers` fills in its number."""
    command = apply_command(spec.environment, context, name)
    return f"`{command} --ack {name}={COUNT} --reason TEXT`"


COUNT = "\0"


def apply_command(environment: str, context: Context, but: str = "") -> str:
    """The apply that a plan of these environments and labels is about.

    With what was retried and released already, so that the next answer isn't the one before:
    but for a release of the name `but`, of which the number is to follow.
    """
    asked = context.facts is not None and context.facts.approvals is not None
    asked = asked and UNATTENDED not in context.options  # which asks by itself
    brakes = context.brakes
    words = [
        *([f"-e {environment}"] if len(context.project.environments) > 1 else []),
        *(f"-l {shlex.quote(f'{key}={value}')}" for key, value in context.labels.items()),
        *(["--approved"] if asked else []),
        *context.options,
        *(f"--retry {shlex.quote('/'.join(key))}" for key in sorted(brakes.retries)),
        *(["--retry-failed"] if brakes.retry_failed else []),
        *(f"--ack {shlex.quote(f'{k}={n}')}" for k, n in brakes.acks.items() if k != but),
    ]
    return " ".join(["qflow-gitops apply", *words])


def about(runs: Sequence[str], context: Context) -> Context:
    """Return it for a command about other runs than were selected, if any were."""
    if not context.selects:
        return context
    kept = (each for each in context.options if each.startswith("--"))
    return context._replace(labels={}, options=(*map(shlex.quote, runs), *kept))


UNATTENDED = "--unattended"
"""The option of an apply that nobody watches."""
RETRY = "retry"
"""The name by which `--ack` releases what `--retry-failed` takes."""
