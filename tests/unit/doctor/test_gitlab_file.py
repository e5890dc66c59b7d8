"""A file of GitLab CI as people write them: anchors, merge keys, references."""

import pytest

from qflow_gitops.doctor.ci import gitlab_file
from qflow_gitops.errors import InvalidInput

FILE = b"""\
.setup: &setup
  timeout: 2 hours
  variables: {QFLOW_LOGIN: gitlab}
.scripts:
  send:
    - !reference [.scripts, ready]
    - qflow-gitops apply --yes
  ready: [uv sync]
gate:
  environment: {name: production}
  script: !reference [.elsewhere, script]
apply:
  <<: *setup
  needs: [gate]
  environment: {name: production}
  script:
    - !reference [.scripts, send]
"""


def test_what_references_and_anchors_name_is_read() -> None:
    found = gitlab_file.pipeline(FILE)
    assert (found.gates, found.applies, found.seconds) == (("production",), ("production",), 7200)
    assert found.secrets == ()
    assert gitlab_file.jobs_of(FILE) == {"gate", "apply"}


NEST = ", ".join(["!reference [.a, script]"] * 9)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: [", "expected the node content, but found '<stream end>' (line 1)"),
        (b"a: &a [*a]\n", "its aliases make it too large or too deep"),
        (f".a: {{script: [{NEST}]}}\n".encode(), "its references make it too large or too deep"),
        (b"a: 1\n---\nb: 2\n", "but found another document (line 2)"),
        (b"- a\n", "it names no jobs"),
        (b"", "it names no jobs"),
        (b"\xff\xfe\x00", "it is no YAML"),
    ],
)
def test_what_cant_be_read_is_said(content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match="can't be read here") as told:
        gitlab_file.pipeline(content)
    assert told.value.message == f"The file can't be read here: {said}"


def test_a_tag_that_nobody_knows_is_nothing() -> None:
    assert gitlab_file.jobs_of(
        b"a: !other {x: 1}\nb: {script: [!reference {}, !reference [b, no]]}\n"
    )
