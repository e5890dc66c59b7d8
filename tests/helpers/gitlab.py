"""GitLab's pipelines, run by `gitlab-ci-local` (npm) with the shipped file and its shell executor.

A pipeline is a clone as GitLab's runner makes it with `GIT_DEPTH: 0`: all branches, none of them
checked out by its name, no `origin/HEAD`, the job's token in the remote's address. Each job runs
in a copy of its own, and artifacts go by `needs` alone.

What a server of GitLab's does stays out: the images of containers, protected environments and
variables, `resource_group`, `timeout`, `interruptible`, what shows a report, and who may press
`manual`. Predefined variables are gitlab-ci-local's, with those set that it has otherwise.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.helpers.git import Workspace
from tests.helpers.node import NODE

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "examples/gitlab/.gitlab-ci.yml"
WORKFLOW = "workflow-rules"
INSTALLED = json.dumps(
    {
        "include": {"local": SHIPPED.name},
        "default": {"before_script": []},
        WORKFLOW: {
            "rules": YAML(typ="safe", pure=True).load(SHIPPED)["workflow"]["rules"],
            "stage": ".post",
            "script": ["true"],
        },
    }
)
"""The shipped file where the program is there already, so that its jobs needn't install it.

gitlab-ci-local doesn't look at `workflow:`: a further job shows what its rules say.
"""


@dataclass
class Pipeline:
    """What came of the jobs: `passed`, `failed` (with the exit code), or not there: not run."""

    code: int
    out: str
    folder: Path
    results: dict[str, str] = field(default_factory=dict)

    def artifact(self, job: str, name: str) -> Path:
        """What another job gets that needs this one."""
        return self.folder / ".gitlab-ci-local/artifacts" / job / name

    def kept(self, job: str, name: str) -> Path:
        """A file in the folder of a job that failed: its reports are no artifacts there."""
        return self.folder / ".gitlab-ci-local/builds" / job / name


class GitLab:
    """Pipelines of the branches behind an address, one clone a pipeline.

    `files` are put into each clone, beside what is committed.
    """

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.folder = folder
        self.files = {".installed.yml": INSTALLED}
        self._pipelines = 0

    def checkout(self, branch: str) -> Path:
        """What the runner fetches without a depth: the commit and all branches."""
        self._pipelines += 1
        clone = Workspace(self.folder / f"pipeline-{self._pipelines}")
        clone.path.mkdir(parents=True)
        clone.git("init", "--quiet", "--initial-branch=unborn")
        clone.git("remote", "add", "origin", self.address)
        clone.git("fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*")
        clone.git("checkout", "--quiet", "--detach", f"origin/{branch}")
        for name, text in self.files.items():
            clone.write(name, text)
        clone.write(".git/info/exclude", "\n".join([*self.files, ".gitlab-ci-local/\n"]))
        return clone.path

    def jobs(self, source: str, branch: str = "main", **variables: str) -> dict[str, Any]:
        """The jobs that a pipeline has, by their names, as gitlab-ci-local lists them.

        WORKFLOW among them: there is a pipeline at all.
        """
        done = self._call(self.checkout(branch), source, branch, variables, "--list-json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout[done.stdout.index("[\n") :])
        return {one["name"]: one for one in found if one["when"] != "never"}

    def run(
        self, source: str, branch: str = "main", *jobs: str, press: str = "",
        installs: bool = False, **variables: str,
    ) -> Pipeline:  # fmt: skip
        """Run a pipeline, or these of its jobs; `press` is a manual job that a person starts.

        gitlab-ci-local starts nothing of a pipeline in which a job needs a manual one that nobody
        pressed, where GitLab runs the others.
        """
        folder = self.checkout(branch)
        words = ["--shell-isolation", "--force-shell-executor", "--no-artifacts-to-source"]
        words += [f"--manual={press}"] if press else []
        done = self._call(folder, source, branch, variables, *words, *jobs, installs=installs)
        found = Pipeline(done.returncode, done.stdout + done.stderr, folder)
        for line in found.out.splitlines():
            match line.split():
                case ["PASS", *name]:
                    found.results[" ".join(name)] = "passed"
                case ["FAIL", *name]:
                    found.results[" ".join(name)] = "failed"
        found.results.pop(WORKFLOW, None)
        return found

    def _call(
        self, folder: Path, source: str, branch: str, variables: dict[str, str], *words: str,
        installs: bool = False,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        known = {
            "CI_PIPELINE_SOURCE": source, "GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ada",
            "CI_DEFAULT_BRANCH": "main", **variables,
        }  # fmt: skip
        if source == "merge_request_event":
            words = (*words, "--unset-variable=CI_COMMIT_BRANCH")
            known |= {"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
        else:
            known |= {"CI_COMMIT_BRANCH": branch}
        file = ".gitlab-ci.yml" if installs else ".installed.yml"
        return subprocess.run(
            [
                "node", NODE / "gitlab-ci-local/dist/index.js", "--file", file, *words,
                *(f"--variable={name}={value}" for name, value in known.items()),
                f"--ignore-predefined-vars={','.join(known)}",
            ],
            cwd=folder, text=True, capture_output=True, timeout=100,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )  # fmt: skip
