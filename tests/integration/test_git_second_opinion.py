"""GitPython, as anybody has it, and what is known of generated histories agree with ours."""

import os
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import git
from hypothesis import given, settings
from hypothesis import strategies as st

from qflow_gitops.git.history import HistoryRepo, is_readable
from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.stores.branch import BranchStore
from tests.contract.test_lockstores import accepted, opening
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.dags import PATHS, Made, ancestors, best_bases, build, first_line, histories
from tests.helpers.git import Workspace
from tests.helpers.partners import NIGHTLY

FEW = settings(max_examples=60 if NIGHTLY else 5)


def branch_of(repo: GitRepo) -> GitBranch:
    return GitBranch(repo, "origin", BRANCH, lambda: 30.0)


@FEW
@given(made=histories(), data=st.data())
def test_all_three_tell_the_same_of_any_history(
    made: tuple[Made, ...], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        ids = build(Path(name), made)
        numbers = {commit: number for number, commit in enumerate(ids)}
        plumbing = GitRepo.open(Path(name), os.environ)
        ours = HistoryRepo.of(plumbing)
        above = ancestors(made)
        which = st.integers(0, len(made) - 1)
        with git.Repo(name, expand_vars=False) as theirs:
            for _ in range(4):
                old, new = data.draw(which), data.draw(which)
                known = old in above[new]
                assert plumbing.is_ancestor(ids[old], ids[new]) is known
                assert ours.is_ancestor(ids[old], ids[new]) is known
                assert theirs.is_ancestor(theirs.commit(ids[old]), theirs.commit(ids[new])) is known

                bases = best_bases(made, old, new)
                base = plumbing.merge_base(ids[old], ids[new])
                assert (base is None) is (not bases)
                assert base is None or numbers[base] in bases
                assert ours.merge_base(ids[old], ids[new]) == base
                found = theirs.merge_base(ids[old], ids[new])
                assert [commit.hexsha for commit in found] == ([base] if base else [])

                line = [one for one in first_line(made, new) if one not in above[old]]
                expected = [ids[one] for one in line]
                most = data.draw(st.integers(1, len(made)))
                assert plumbing.first_parents(ids[old], ids[new], 99) == expected
                assert ours.first_parents(ids[old], ids[new], most) == expected[:most]
                whole = [ids[one] for one in first_line(made, new)]
                assert plumbing.first_parents("", ids[new], 99) == whole
                folders = data.draw(st.lists(st.sampled_from([*PATHS, "runs", "."]), max_size=2))
                assert ours.first_parents("", ids[new], 99, folders) == plumbing.first_parents(
                    "", ids[new], 99, folders
                )


@FEW
@given(made=histories())
def test_a_history_is_told_with_its_parents_by_both(made: tuple[Made, ...]) -> None:
    with tempfile.TemporaryDirectory() as name:
        ids = build(Path(name), made)
        repo = GitRepo.open(Path(name), os.environ)
        lines = branch_of(repo)
        for number, tip in enumerate(ids):
            found = {step.commit: list(step.parents) for step in lines.steps("", tip)}
            assert found == {
                ids[one]: [ids[parent] for parent in made[one].parents]
                for one in ancestors(made)[number]
            }
            assert list(lines.parents(tip)) == [ids[parent] for parent in made[number].parents]
        with git.Repo(name, expand_vars=False) as theirs:
            for number, commit in enumerate(map(theirs.commit, ids)):
                assert [parent.hexsha for parent in commit.parents] == lines.parents(commit.hexsha)
                assert commit.message == made[number].words
                moment = datetime.fromtimestamp(commit.committed_date, UTC)
                status, out, _ = repo.run(["show", "--no-patch", "--format=%ct", commit.hexsha])
                assert (status, int(out)) == (0, int(moment.timestamp()))


@FEW
@given(made=histories(), depth=st.integers(1, 3))
def test_a_shallow_clone_knows_no_more_by_the_one_than_by_the_other(
    made: tuple[Made, ...], depth: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        whole, shallow = Path(name, "whole"), Path(name, "shallow")
        ids = build(whole, made)
        tip = ids[-1]
        clone = ["git", "clone", "--quiet", f"--depth={depth}", f"--branch=c{len(made) - 1}"]
        subprocess.run([*clone, whole.as_uri(), str(shallow)], check=True)
        plumbing = GitRepo.open(shallow, os.environ)
        ours = HistoryRepo.of(plumbing)
        assert ours.first_parents("", tip, 99) == plumbing.first_parents("", tip, 99)
        for old in ids:
            assert ours.is_ancestor(old, tip) is plumbing.is_ancestor(old, tip)
            assert ours.merge_base(old, tip) == plumbing.merge_base(old, tip)
        steps = branch_of(plumbing).steps("", tip)
        there = {step.commit for step in steps}
        assert all(there.issuperset(step.parents) for step in steps)
        assert there == {commit for commit in ids if plumbing.has_commit(commit)}


_NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N", "S", "Zs"]), max_size=9)


@FEW
@given(
    name=_NAMES.map(lambda text: f"x{text}x".replace("<", "").replace(">", "")),
    words=st.lists(_NAMES.filter(lambda text: bool(text.strip())), min_size=1, max_size=4),
    content=st.binary(max_size=200),
)
def test_what_is_written_is_what_another_program_reads(
    name: str, words: list[str], content: bytes
) -> None:
    """A commit of the lockfile's branch: who, the words with their trailers, the file."""
    message = "\n".join(words) + "\n\nQflow-Serial: 7\nQflow-Run: https://ci.example/1\n"
    with tempfile.TemporaryDirectory() as folder:
        place = Workspace(Path(folder))
        place.git("init", "--quiet")
        place.git("config", "user.name", name)
        place.git("config", "user.email", "ada@example.com")
        branch = branch_of(GitRepo.open(place.path, os.environ))
        first = branch.commit("", {"qflow.lock": b"first"}, "first\n")
        second = branch.commit(first, {"qflow.lock": content}, message)
        with git.Repo(folder, expand_vars=False) as theirs:
            commit = theirs.commit(second)
            assert [parent.hexsha for parent in commit.parents] == [first]
            for who in (commit.author, commit.committer):
                assert who.name == place.git("var", "GIT_COMMITTER_IDENT").rpartition(" <")[0]
                assert who.email == "ada@example.com"
            assert abs(commit.committed_date - datetime.now(UTC).timestamp()) < 60
            assert commit.message == message
            expected = {"Qflow-Serial": ["7"], "Qflow-Run": ["https://ci.example/1"]}
            assert commit.trailers_dict == expected
            entries = {str(entry.path): entry.hexsha for entry in commit.tree}
            assert sorted(entries) == ["README.md", "qflow.lock"]
            assert theirs.git.execute(
                ["git", "cat-file", "blob", entries["qflow.lock"]],
                stdout_as_string=False, strip_newline_in_stdout=False,
            ) == content  # fmt: skip


def test_another_program_reads_the_branch_as_a_history(
    remote: Remote, workspace: Workspace
) -> None:
    """Each version is one commit that says which one it is, and who wrote it."""
    repo = GitRepo.open(workspace.path, os.environ)
    store = BranchStore(branch_of(repo), lineage="", author={"actor": "ada"})
    with store.session() as session:
        session.record([opening("a"), opening("b")])
        session.record([accepted("a", "execution-1")])
        session.record([accepted("b", "execution-2")])
    assert is_readable(repo)
    with git.Repo(remote.path, expand_vars=False) as theirs:
        read = list(theirs.iter_commits(BRANCH, reverse=True))
        assert [commit.hexsha for commit in read] == [one.name for one in store.kept().versions]
        trailers = [commit.trailers_dict for commit in read]
        assert [one["Qflow-Serial"] for one in trailers] == [["1"], ["2"], ["3"]]
        assert {one["Qflow-Actor"][0] for one in trailers} == {"ada"}
        assert len({one["Qflow-Nonce"][0] for one in trailers}) == 3
        assert [len(commit.parents) for commit in read] == [0, 1, 1]
