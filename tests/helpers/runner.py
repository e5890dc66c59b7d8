"""GitHub's runner, as far as our workflows need it: `if`, expressions, `run` steps, its files.

A workflow is read through the project's own door for YAML. `actions/checkout` becomes a clone of
a real bare remote, our own action the steps of `action.yml`, and every `run` a bash as the runner
starts it. The environment of a step holds what the runner sets and what the workflow passes on,
and nothing of the test's.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qflow_gitops.commands.workflow_files import REPOSITORY
from qflow_gitops.yaml.parse import parse
from tests.helpers.clones import Remote

ROOT = Path(__file__).parents[2]
OURS = "your-organization/qflow-gitops@"
HERE = "team/runs"
"""The repository that the runner works for."""
WITHOUT_API = False
"""Whether `--approved` is left out, which asks GitHub's API for the reviews."""
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|&&|\|\||==|!=|!|[()\[\]]|,|\d+|[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*|\s+"
)
_WORDS = {"&&": " and ", "||": " or ", "!": " not ", "==": "==", "!=": "!=", "true": "True"}


def workflow(name: str) -> Any:
    """A workflow of examples/github or examples/fleet, or `action.yml`, as data."""
    places = [ROOT, ROOT / "examples/github", ROOT / "examples/fleet"]
    path = next(place / name for place in places if (place / name).is_file())
    return parsed(path.read_text("utf-8").replace(REPOSITORY, HERE), name)


def parsed(text: str, name: str) -> Any:
    """A workflow's text as data."""
    parsed = parse(text.encode(), name)
    assert not [one for one in parsed.diagnostics if one.severity.value == "error"]
    return parsed.documents[0].data


class _Text(str):
    """A text as GitHub's expressions compare it, which is without regard to capitals."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self.casefold() == str(other).casefold()

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def evaluate(expression: str, context: Mapping[str, Any], status: str = "success") -> Any:
    """What an expression of a workflow gives; a name that isn't there gives ""."""

    def lookup(path: str) -> Any:
        found: Any = context
        for part in path.split("."):
            found = found.get(part, "") if isinstance(found, Mapping) else ""
        return _Text(found) if isinstance(found, str) else found

    functions = {
        "cancelled": lambda: False,
        "success": lambda: status == "success",
        "always": lambda: True,
        "format": str.format,
        "fromJSON": json.loads,
    }
    words, at = [], 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        assert match, expression[at:]
        token, at = match[0], match.end()
        if token in _WORDS or token.isspace() or token in "(),[]":
            words.append(_WORDS.get(token, token))
        elif token[0] == "'":
            words.append(repr(token[1:-1].replace("''", "'")))
        elif token.isdecimal() or token in functions:
            words.append(token)
        else:
            words.append(f"lookup({token!r})")
    return eval("".join(words).strip(), {"lookup": lookup, **functions})


def filled(text: Any, context: Mapping[str, Any]) -> str:
    """A value of a workflow with its expressions replaced."""
    if not isinstance(text, str):
        return json.dumps(text)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda m: str(evaluate(m[1].strip(), context)), text)


def due(condition: Any, context: Mapping[str, Any], status: str) -> bool:
    """Whether a job or step runs: without a status function, `success()` is meant."""
    words = str(condition if condition is not None else "success()")
    words = re.sub(r"^\$\{\{(.*)\}\}$", r"\1", words.strip()).strip()
    if not re.search(r"\b(cancelled|success|always|failure)\(\)", words):
        words = f"success() && ({words})"
    return bool(evaluate(words, context, status))


@dataclass
class Step:
    """A `run` step as it was executed."""

    name: str
    environ: dict[str, str]
    code: int
    out: str
    summary: str
    outputs: dict[str, str]


@dataclass
class Job:
    """A job as it ended: success, failure or skipped; `inner` are those that it stands for."""

    result: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    folder: Path = Path()
    identity: Mapping[str, str] = field(default_factory=dict)
    inner: dict[str, "Job"] = field(default_factory=dict)

    @property
    def log(self) -> str:
        return "".join(one.out for one in self.steps)

    @property
    def summary(self) -> str:
        return "".join(one.summary for one in self.steps)


@dataclass
class Runner:
    """Runs workflows on clones of a remote, in a folder of its own.

    `machine` is what the machine has in its environment beside the workflow's words, `identity`
    what a job has that may have an ID token, `environments` the secrets of each environment by its
    name. `offline` cuts a clone off its remote after the checkout, as a private repository does to
    a job whose checkout kept no credentials. `without` are jobs that are left out. `here` is the
    repository's name.
    """

    remote: Remote
    folder: Path
    machine: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    offline: bool = False
    here: str = HERE
    _runs: int = 0

    def run(
        self, name: str, event_name: str, ref: str, event: Any, **inputs: str
    ) -> dict[str, Job]:
        """Run a workflow for an event; the jobs by their names, in the order of the file."""
        github = {
            "event_name": event_name, "ref": ref, "event": event, "token": "ghs_the-jobs-token",
            "repository": self.here, "run_id": "1", "sha": self._commit(ref),
        }  # fmt: skip
        return self._jobs(name, github, inputs, self.secrets)

    def _jobs(
        self, name: str, github: dict[str, Any], inputs: Any, secrets: Mapping[str, str]
    ) -> dict[str, Job]:
        """Run the jobs of a workflow, also of one that another calls."""
        self._runs += 1
        github = {**github, "run_id": str(self._runs)}
        jobs: dict[str, Job] = {}
        for key, job in workflow(name)["jobs"].items():
            needs = job.get("needs", [])
            needs = [needs] if isinstance(needs, str) else needs
            context = {
                "github": github, "secrets": secrets, "vars": self.variables,
                "inputs": inputs,
                "needs": {
                    one: {"result": jobs[one].result, "outputs": jobs[one].outputs} for one in needs
                },
            }  # fmt: skip
            fine = all(jobs[one].result == "success" for one in needs)
            asked = due(job.get("if"), context, "success" if fine else "failure")
            if not asked or key in self.without:
                jobs[key] = Job()
            elif "uses" in job:
                jobs[key] = self._called(job, context)
            elif "strategy" in job:
                jobs[key] = self._each(key, job, context)
            else:
                jobs[key] = self._job(key, job, context)
        return jobs

    def _called(self, job: Any, context: dict[str, Any]) -> Job:
        """A workflow in the place of a job; environments' secrets reach it by `inherit` alone."""
        name = job["uses"].removeprefix("./.github/workflows/")
        inherited = self.secrets if job.get("secrets") == "inherit" else {}
        about = workflow(name)["on"]["workflow_call"]
        given = {key: one.get("default", "") for key, one in about["inputs"].items()}
        given |= {
            key: filled(one, context) if isinstance(one, str) else one
            for key, one in job.get("with", {}).items()
        }
        environments, self.environments = (
            self.environments,
            (self.environments if job.get("secrets") == "inherit" else {}),
        )
        inner = self._jobs(name, context["github"], given, inherited)
        self.environments = environments
        fine = all(one.result != "failure" for one in inner.values())
        told = {key: {"outputs": one.outputs, "result": one.result} for key, one in inner.items()}
        found = {
            key: filled(one["value"], {**context, "jobs": told})
            for key, one in about["outputs"].items()
        }
        return Job("success" if fine else "failure", found, inner=inner)

    def _each(self, key: str, job: Any, context: dict[str, Any]) -> Job:
        """A job for each of a matrix, one after the other."""
        words = re.sub(r"^\$\{\{(.*)\}\}$", r"\1", job["strategy"]["matrix"])
        matrix = evaluate(words.strip(), context)
        inner: dict[str, Job] = {}
        for one in matrix["include"]:
            given = {**context, "matrix": one}
            inner[filled(job["name"], given)] = self._job(f"{key}-{len(inner)}", job, given)
        fine = all(one.result == "success" for one in inner.values())
        return Job("success" if fine else "failure", inner=inner)

    def _commit(self, ref: str) -> str:
        return self.remote.git("rev-parse", ref)

    def _job(self, key: str, job: Any, context: dict[str, Any]) -> Job:
        done = Job("success", folder=self.folder / f"{self._runs}-{key}")
        if job.get("permissions", {}).get("id-token") == "write":
            done.identity = self.identity
        (done.folder / "temp/qflow-gitops").mkdir(parents=True)
        (done.folder / "temp/qflow-gitops/bin").symlink_to(Path(sys.executable).parent)
        environment = job.get("environment", "")
        own = self.environments.get(filled(environment, context), {})
        outer = {**context, "steps": {}, "secrets": {**context["secrets"], **own}}
        for step in job["steps"]:
            if due(step.get("if"), outer, done.result):
                self._step(step, outer, done, {})
        done.outputs = {
            name: filled(value, outer) for name, value in job.get("outputs", {}).items()
        }
        return done

    def _step(self, step: Any, context: dict[str, Any], job: Job, env: Mapping[str, str]) -> None:
        env = {**env, **{k: filled(v, context) for k, v in step.get("env", {}).items()}}
        uses = step.get("uses", "")
        if uses.startswith("actions/checkout@"):
            self._checkout(step["with"], context, job)
        elif uses.startswith(OURS):
            self._action(step, context, job, env)
        elif step.get("name") not in self._left_out(env):
            ended = self._bash(step, context, job, env)
            context["steps"][step.get("id", "")] = {"outputs": ended.outputs}

    def _left_out(self, env: Mapping[str, str]) -> tuple[str, ...]:
        """Name what isn't run: what the tests did once for all, and what would end at once."""
        told = any(name.startswith("QFLOW_NOTIFY_") for name in (*self.machine, *env))
        return ("Set up Python", "Install qflow-gitops", *(() if told else ("Tell others",)))

    def _action(self, step: Any, context: dict[str, Any], job: Job, env: Mapping[str, str]) -> None:
        action = workflow("action.yml")
        given = step.get("with", {})
        assert set(given) <= set(action["inputs"])
        inputs = {
            name: filled(given.get(name, about.get("default", "")), context)
            for name, about in action["inputs"].items()
        }
        inner = {"inputs": inputs, "steps": {}, "github": context["github"]}
        for one in action["runs"]["steps"]:
            self._step(one, inner, job, env)
        context["steps"][step.get("id", "")] = {
            "outputs": {
                name: filled(about["value"], inner) for name, about in action["outputs"].items()
            }
        }

    def _checkout(self, given: Any, context: dict[str, Any], job: Job) -> None:
        """All branches and the commit of the event, or that one alone, as `fetch-depth` says."""
        depth = int(filled(given["fetch-depth"], context))
        ref = context["github"]["ref"]
        where = job.folder / "work"
        where.mkdir()
        refs = [f"--depth={depth}", ref] if depth else ["+refs/heads/*:refs/remotes/origin/*", ref]
        for words in (
            ["init", "--quiet"],
            ["remote", "add", "origin", self.remote.path.as_uri()],
            ["fetch", "--quiet", "origin", *refs],
            ["checkout", "--quiet", "--detach", self._commit(ref)],
        ):
            subprocess.run(["git", "-C", str(where), *words], check=True, capture_output=True)
        if self.offline and not given["persist-credentials"]:
            gone = f"file://{job.folder}/gone.git"
            command = ["git", "-C", str(where), "remote", "set-url", "origin", gone]
            subprocess.run(command, check=True)

    def _bash(self, step: Any, context: dict[str, Any], job: Job, env: Mapping[str, str]) -> Step:
        files = job.folder / f"files-{len(job.steps)}"
        files.mkdir()
        for name in ("output", "summary", "env", "path"):
            (files / name).touch()
        environ = {**self._environ(context, job, files), **env}
        if WITHOUT_API and "INPUT_ARGUMENTS" in environ:
            environ["INPUT_ARGUMENTS"] = environ["INPUT_ARGUMENTS"].replace("--approved\n", "")
        script = files / "script.sh"
        script.write_text(filled(step["run"], context))
        work = job.folder / "work"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=work if work.is_dir() else files,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
        )
        assert (files / "env").read_text() == (files / "path").read_text() == ""
        ended = Step(
            step.get("name", ""), environ, done.returncode, done.stdout,
            (files / "summary").read_text(), outputs((files / "output").read_text()),
        )  # fmt: skip
        job.steps.append(ended)
        if done.returncode:
            job.result = "failure"
        return ended

    def _environ(self, context: dict[str, Any], job: Job, files: Path) -> dict[str, str]:
        github = context["github"]
        event = files / "event.json"
        event.write_text(json.dumps(github["event"]))
        pull = github["event"].get("pull_request", {})
        return {
            "PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "CI": "true",
            "GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8",
            "RUNNER_TEMP": str(job.folder / "temp"), "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "ada", "GITHUB_REF": github["ref"],
            "GITHUB_SHA": github["sha"], "GITHUB_EVENT_NAME": github["event_name"],
            "GITHUB_BASE_REF": pull.get("base", {}).get("ref", ""),
            "GITHUB_EVENT_PATH": str(event), "GITHUB_OUTPUT": str(files / "output"),
            "GITHUB_STEP_SUMMARY": str(files / "summary"), "GITHUB_ENV": str(files / "env"),
            "GITHUB_PATH": str(files / "path"), "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": self.here, "GITHUB_RUN_ID": str(self._runs), **self.machine,
            **job.identity,
        }  # fmt: skip


def outputs(text: str) -> dict[str, str]:
    """Read a GITHUB_OUTPUT file as the runner does."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        heredoc = re.fullmatch(r"([^=]+?)<<(.+)", line)
        if heredoc:
            value = []
            for each in lines:
                if each == heredoc[2]:
                    break
                value.append(each)
            found[heredoc[1]] = "\n".join(value)
        else:
            name, equals, value_ = line.partition("=")
            assert equals, line
            found[name] = value_
    return found
