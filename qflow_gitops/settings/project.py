"""The settings of a project, as `qflow.yaml` gives them, each with its default."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from qflow_gitops.base.paths import ROOT, ProjectFolder, folder_form
from qflow_gitops.base.times import duration
from qflow_gitops.findings.finding import Diagnostic, Range, error, warning
from qflow_gitops.policy import patterns, rollout
from qflow_gitops.policy.limits import Limits
from qflow_gitops.policy.rules import Approvals, Policy, Scope
from qflow_gitops.policy.windows import Window, fires_on_either, problem_of
from qflow_gitops.settings import anchoring, notifying, ticketing
from qflow_gitops.settings.anchoring import AnchorSettings
from qflow_gitops.settings.notifying import NotifySettings
from qflow_gitops.settings.rollouts import check_batches
from qflow_gitops.yaml.document import Document

DEFAULT_ENVIRONMENT = "default"

DOCUMENTED_STATUSES: Mapping[str, str] = {"success": "succeeded"}
"""The one status word that Qualys documents (docs/api.md 3 [D EXDET]); others are settings."""


class Environment(NamedTuple):
    """A Qualys subscription to run on.

    `platform` is "" where neither the settings nor QFLOW_PLATFORM name one. `connectors`
    maps connector ids to names and is None where the settings don't list them.
    `previous_names` are what the environment was called before. `branches` are patterns of
    those that it is applied from, none for the default.
    """

    name: str
    platform: str
    connectors: Mapping[str, str] | None = None
    previous_names: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()


class LockSettings(NamedTuple):
    """Where the lockfile lives. `lineage` is "" where the settings don't pin it."""

    store: str = "worktree"
    branch: str = "qflow-lock"
    remote: str = "origin"
    lineage: str = ""
    ephemeral: bool = False


class ApplySettings(NamedTuple):
    """How apply works; `timeout` is in seconds.

    `correlation_key` is the name in `input` under which each request carries its attempt's
    nonce, "" for none. `keeps_messages`: the lockfile keeps what a step says by which a run failed,
    and not only which one. It can be turned off since that text is neither the team's nor
    documented, and stays for ever where whoever reads the repository reads it. `expect_every` is in
    how many seconds an apply is expected to get through, 0 for no such time.
    """

    concurrency: int = 4
    wait: bool = True
    timeout: float = 1800.0
    stop_on_failure: bool = True
    correlation_key: str = ""
    keeps_messages: bool = True
    expect_every: float = 0.0


class Project(NamedTuple):
    """The settings of a project.

    `runs` are the folders of its specs, from the repository's root as every path is.
    `default_environment` is "" where specs have to name theirs. `statuses` maps Qualys'
    status words, in lower case, to the words of final states. `folder` is where it lies;
    `places` says where in the settings each of `runs` stands, and is empty where they don't name
    them.
    """

    runs: tuple[str, ...]
    default_environment: str
    environments: Mapping[str, Environment]
    lock: LockSettings = LockSettings()
    apply: ApplySettings = ApplySettings()
    policy: Policy = Policy()
    statuses: Mapping[str, str] = dict(DOCUMENTED_STATUSES)
    folder: ProjectFolder = ROOT
    places: Mapping[str, Range] = {}
    anchor: AnchorSettings | None = None
    notify: NotifySettings | None = None

    def connector_names(self, environments: Iterable[str]) -> dict[str, str]:
        """Map the connector ids that these environments name, in lower case, to their names.

        An environment that is only in the lockfile any more names none.
        """
        return {
            connector_id.lower(): name
            for environment in environments
            if environment in self.environments
            for connector_id, name in (self.environments[environment].connectors or {}).items()
        }


def without_file(platform: str, folder: ProjectFolder = ROOT) -> Project:
    """Return the settings of a project that has no `qflow.yaml`."""
    only = Environment(DEFAULT_ENVIRONMENT, platform)
    runs = (folder.path("runs"),)
    return Project(runs, DEFAULT_ENVIRONMENT, {DEFAULT_ENVIRONMENT: only}, folder=folder)


def from_document(
    document: Document, platform: str, folder: ProjectFolder = ROOT
) -> tuple[Project | None, tuple[Diagnostic, ...]]:
    """Read the settings from a document that satisfies the schema `project`.

    `platform` is what an environment without one of its own gets (QFLOW_PLATFORM).
    """
    spec: Mapping[str, Any] = document.data.get("spec") or {}
    environments = _environments(spec, platform)
    twice = _named_twice(document, environments)
    if twice is not None:
        return None, (twice,)
    default = spec.get("defaultEnvironment", "")
    if not default and len(environments) == 1:
        default = next(iter(environments))
    if default and default not in environments:
        return None, (
            error(
                "environment-unknown",
                f"There is no environment `{default}`; there are: {', '.join(environments)}.",
                document.file,
                document.value_range(("spec", "defaultEnvironment")),
                "Name one of them, or add it under `environments`.",
            ),
        )
    runs = tuple(folder.path(folder_form(name)) for name in spec.get("runs", ("runs",)))
    project = Project(
        runs=runs,
        default_environment=default,
        environments=environments,
        lock=_lock(spec.get("lock", {})),
        apply=_apply(spec.get("apply", {})),
        policy=_policy(spec.get("policy", {}), spec.get("apply", {})),
        statuses={
            **DOCUMENTED_STATUSES,
            **{word.lower(): state for word, state in spec.get("statuses", {}).items()},
        },
        folder=folder,
        places=_Places(document, runs) if "runs" in spec else {},
        anchor=anchoring.from_data(spec.get("anchor"), folder),
        notify=notifying.from_data(spec.get("notify")),
    )
    return project, tuple(_policy_findings(document, project))


def _environments(spec: Mapping[str, Any], platform: str) -> dict[str, Environment]:
    given = spec.get("environments") or {DEFAULT_ENVIRONMENT: {}}
    return {
        name: Environment(
            name,
            environment.get("platform", platform),
            environment.get("connectors"),
            tuple(environment.get("previousNames", ())),
            tuple(environment.get("branches", ())),
        )
        for name, environment in given.items()
    }


def _named_twice(document: Document, environments: Mapping[str, Environment]) -> Diagnostic | None:
    """Find a previous name that two environments claim: only one can take over its runs."""
    claimed: dict[str, str] = {}
    for name, environment in environments.items():
        for index, before in enumerate(environment.previous_names):
            other = claimed.setdefault(before, name)
            if other != name:
                return error(
                    "previous-name-twice",
                    f"Both `{other}` and `{name}` say that they were called `{before}` before.",
                    document.file,
                    document.value_range(("spec", "environments", name, "previousNames", index)),
                    "Leave it to the one that took over its runs.",
                )
    return None


class _Places(Mapping[str, Range]):
    """Where the folders of `runs` stand in the settings, found when it is asked for."""

    def __init__(self, document: Document, runs: tuple[str, ...]) -> None:
        self._document = document
        self._runs = runs

    def __getitem__(self, folder: str) -> Range:
        if folder not in self._runs:
            raise KeyError(folder)
        return self._document.value_range(("spec", "runs", self._runs.index(folder)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)


def _lock(settings: Mapping[str, Any]) -> LockSettings:
    defaults = LockSettings()
    return LockSettings(
        store=settings.get("store", defaults.store),
        branch=settings.get("branch", defaults.branch),
        remote=settings.get("remote", defaults.remote),
        lineage=settings.get("lineage", defaults.lineage),
        ephemeral=settings.get("ephemeral") == "allow",
    )


def _apply(settings: Mapping[str, Any]) -> ApplySettings:
    defaults = ApplySettings()
    timeout, every = settings.get("timeout"), settings.get("expectEvery")
    return ApplySettings(
        concurrency=int(settings.get("concurrency", defaults.concurrency)),
        wait=settings.get("wait", defaults.wait),
        timeout=duration(timeout) if timeout else defaults.timeout,
        stop_on_failure=settings.get("onFailure", "stop") == "stop",
        correlation_key=settings.get("correlationKey", ""),
        keeps_messages=settings.get("failureDetail", "message") == "message",
        expect_every=duration(every) if every else defaults.expect_every,
    )


def _policy(settings: Mapping[str, Any], applying: Mapping[str, Any]) -> Policy:
    required, workflows = settings.get("require", {}), settings.get("workflows", {})
    allowed = workflows.get("allow")
    return Policy(
        limits=_limits(settings.get("limits", {})),
        windows=tuple(map(_window, settings.get("windows", ()))),
        approvals=tuple(
            Approvals(
                int(item["count"]),
                Scope(
                    tuple(item.get("environments", ())),
                    dict(item.get("labels", {})),
                    tuple(each.lower() for each in item.get("workflows", ())),
                ),
            )
            for item in settings.get("approvals", ())
        ),
        allowed=None
        if allowed is None
        else frozenset(workflow_id.lower() for workflow_id in allowed),
        denied=frozenset(workflow_id.lower() for workflow_id in workflows.get("deny", ())),
        annotations=dict(required.get("annotations", {})),
        signed_commits=required.get("signedCommits", False),
        workflow_revision=required.get("workflowRevision", False),
        rollout=rollout.from_data(settings["rollout"]) if "rollout" in settings else None,
        approvals_elsewhere=applying.get("approvals") == "elsewhere",
        ticket=ticketing.from_data(required.get("ticket")),
    )


def _limits(settings: Mapping[str, Any]) -> Limits:
    defaults, share = Limits(), settings.get("share", {})
    return Limits(
        runs=int(settings.get("runs", defaults.runs)),
        share=float(share["percent"]) if share else None,
        share_from=int(share.get("minimum", defaults.share_from)),
        connector_types={name: int(n) for name, n in settings.get("connectorTypes", {}).items()},
        workflows=_stricter(settings.get("workflows", {})),
    )


def _stricter(limits: Mapping[str, float]) -> dict[str, int]:
    """Return limits by id in lower case; of an id that is written in two ways the stricter one."""
    found: dict[str, int] = {}
    for limit, most in limits.items():
        found[limit.lower()] = min(int(most), found.get(limit.lower(), int(most)))
    return found


def _window(settings: Mapping[str, Any]) -> Window:
    kind = "allow" if "allow" in settings else "deny"
    return Window(
        kind,
        settings[kind],
        duration(settings["duration"]),
        settings["timezone"],
        tuple(settings.get("environments", ())),
    )


def _policy_findings(document: Document, project: Project) -> Iterator[Diagnostic]:
    """Find what the schema can't: a cron, zone or pattern that isn't one, unknown environments."""
    at = ("spec", "policy")
    given = document.data.get("spec", {}).get("policy", {}).get("rollout", {})
    yield from check_batches(document, (*at, "rollout"), given)
    for index, window in enumerate(project.policy.windows):
        problem = problem_of(window.cron, window.timezone, window.duration)
        if problem:
            place = document.value_range((*at, "windows", index))
            hint = 'Write it like {deny: "0 0 * * SAT", duration: 48h, timezone: Europe/Berlin}.'
            yield error("policy-value", problem, document.file, place, hint)
        elif fires_on_either(window.cron):
            yield warning(
                "policy-cron-days",
                f"`{window.cron}` fires on each such day of the month and, besides, on each such "
                "weekday.",
                document.file,
                document.value_range((*at, "windows", index, window.kind)),
                "If both are to hold, as in the first Sunday of a month: 0 2 * * SUN#1 (the last: "
                "0 2 * * 7L). If either will do, write two windows.",
            )
        yield from _unknown(document, (*at, "windows", index), window.environments, project)
    for index, rule in enumerate(project.policy.approvals):
        yield from _unknown(document, (*at, "approvals", index), rule.scope.environments, project)
    yield from ticketing.problems(document)
    needed = {("annotations", name): each for name, each in project.policy.annotations.items()}
    if ticket := project.policy.ticket:
        needed["ticket", "pattern"] = ticket.pattern
        yield from _unknown(document, (*at, "require", "ticket"), ticket.environments, project)
    for key, pattern in needed.items():
        if not patterns.is_pattern(pattern):
            yield error(
                "policy-value",
                "This regular expression can't be taken: it isn't one, or it is too large, or it "
                "looks around (`(?=`, `(?<!`) or back at a group (`\\1`).",
                document.file,
                document.value_range((*at, "require", *key)),
                "Write it like CHG[0-9]{7}; it has to match the whole value.",
            )


def _unknown(
    document: Document, at: tuple[str | int, ...], names: tuple[str, ...], project: Project
) -> Iterator[Diagnostic]:
    for index, name in enumerate(names):
        if name not in project.environments:
            yield error(
                "environment-unknown",
                f"There is no environment `{name}`; there are: {', '.join(project.environments)}.",
                document.file,
                document.value_range((*at, "environments", index)),
                "Name one of them, or add it under `environments`.",
            )
