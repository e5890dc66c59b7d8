"""Whoever reads the specs of a commit, by what is kept or anew, on one core or all: the same."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from qflow_gitops.base.forks import spread
from qflow_gitops.cache.database import SqliteCache
from qflow_gitops.cache.examining import MANY, one_by_one
from qflow_gitops.cache.loading import CachedLoader, NoCache
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.sources import settings as projectfile
from qflow_gitops.sources.loader import DIRECT, Loader
from qflow_gitops.specs.load import SpecSet
from qflow_gitops.specs.spec import RunSpec
from tests.helpers.git import Workspace
from tests.helpers.specs import spec

COUNT = 420
SETTLED: dict[str, Callable[[RunSpec], bool] | None] = {
    "none": lambda _: False,
    "most": lambda one: not one.name.endswith("7"),
    "all": lambda _: True,
    "identity": None,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Many specs, two of them broken."""
    workspace = Workspace(tmp_path_factory.mktemp("many"))
    workspace.git("init", "--quiet", "--initial-branch=main")
    for number in range(COUNT):
        workspace.write(f"runs/{number:03}.yaml", spec(f"run-{number:03}", number))
    workspace.write("runs/broken.yaml", "kind: [")
    workspace.write("runs/wrong.yaml", spec("wrong").replace("workflowId", "workflowID"))
    workspace.commit("runs")
    assert sum(path.stat().st_size for path in (workspace.path / "runs").iterdir()) > MANY
    return workspace


LOADERS: dict[str, Callable[[Path], Loader]] = {
    "kept": lambda folder: CachedLoader(SqliteCache(folder), one_by_one),
    "anew": lambda _: CachedLoader(NoCache(), one_by_one),
    "anew, on all cores": lambda _: CachedLoader(NoCache(), spread),
}


@pytest.mark.parametrize("settled", SETTLED)
@pytest.mark.parametrize("name", LOADERS)
def test_the_specs_of_a_commit_are_the_same(
    name: str, settled: str, project: Workspace, tmp_path: Path
) -> None:
    repo = GitRepo.open(project.path, os.environ)
    head = repo.resolve("HEAD")
    settings = projectfile.settings(repo, head, "sandbox")
    expected = DIRECT.specs(repo, head, settings, "sandbox", None)
    for _ in range(2):  # the second time with what the first one kept
        loader = LOADERS[name](tmp_path)
        found = loader.specs(repo, head, settings, "sandbox", SETTLED[settled])
        for field in SpecSet._fields:
            if field != "specs":
                assert getattr(found, field) == getattr(expected, field), field
        assert list(found.specs) == list(expected.specs)
        for key, one in list(expected.specs.items())[:: COUNT // 20]:
            other = found.specs[key]
            assert (other.digest, other.file, other.index) == (one.digest, one.file, one.index)
            assert (other.body, other.body_sha256) == (one.body, one.body_sha256)
