"""What a host answers to a push has its own way on; only one kind of them is about rights.

The kind: answers that are taken for others. The words are git's and those of hosts; each kind is
carried out by a scenario (`push_…` in tests/helpers/scenarios/records.py).
"""

import pytest

from qflow_gitops.git.push_answers import way_on as way_on_after

RIGHTS, RULE, HOW = "the right to push", "A rule or a hook", "the way of pushing"
ROOM, ADDRESS, TIME = "can't store it", "Nothing answers", "to its end"
OTHER = "What the host answered"


@pytest.mark.parametrize(
    ("words", "way_on"),
    [
        ("fatal: unable to access 'https://x/': The requested URL returned error: 403", RIGHTS),
        ("fatal: Authentication failed for 'https://gitlab.example/x.git/'", RIGHTS),
        ("fatal: could not read Username for 'https://github.com': terminal prompts disabled",
         RIGHTS),
        ("git@github.com: Permission denied (publickey).", RIGHTS),
        ("ERROR: Permission to octo/runs.git denied to deploy key", RIGHTS),
        ("remote: error: GH006: Protected branch update failed for refs/heads/qflow-lock.", RULE),
        ("remote: error: GH013: Repository rule violations found for refs/heads/qflow-lock.", RULE),
        ("remote: GitLab: You are not allowed to push code to protected branches.", RULE),
        ("remote: denied by the office hours hook · [remote rejected] (hook declined)", RULE),
        ("[remote rejected] (deny updating a hidden ref)", RULE),
        ("fatal: the receiving end does not support push options", HOW),
        ("fatal: the receiving end does not support --signed push", HOW),
        ("[remote rejected] (push certificate is required)", HOW),
        ("error: remote unpack failed: unable to create temporary object directory", ROOM),
        ("remote: fatal: write error: No space left on device", ROOM),
        ("remote: repository is read-only for maintenance", ROOM),
        ("ERROR: Repository not found.", ADDRESS),
        ("fatal: '/srv/x.git' does not appear to be a git repository", ADDRESS),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", TIME),
        ("ssh: connect to host x port 22: Connection timed out", TIME),
        ("error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502", TIME),
        ("fatal: the remote end hung up unexpectedly", TIME),
        ("there was no time left for it", TIME),
        ("[remote rejected] (shallow update not allowed)", OTHER),
        ("git gave no reason", OTHER),
    ],
)  # fmt: skip
def test_each_answer_to_a_push_has_its_ownway_on_after(words: str, way_on: str) -> None:
    said = way_on_after(words, "origin")
    assert way_on in said
    assert ("right" in said) is (way_on == RIGHTS)
