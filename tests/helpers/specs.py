"""Run specs for tests."""

import json
import re
from typing import Any

WORKFLOW = "6cad21c8-4405-4517-beb9-7372feafb5b4"
OWN_WORKFLOW = "7cad21c8-4405-4517-beb9-7372feafb5b4"
"""One that no documentation prints: for platforms that are no sandbox."""
CONNECTOR = "aa70acae-6ea8-3acf-b504-f327855b316a"

SAMPLE = f"""\
apiVersion: qflow-gitops/v1
kind: WorkflowRun
metadata:
  name: encrypt-prod-buckets
spec:
  workflowId: {WORKFLOW}
  connectorType: aws
  variables:
    connectorId: {CONNECTOR}
    region: us-east-1
    name: maha2
  input:
    bucketName: test-bucket-1
    totalBucketCount: 4
"""

SANDBOX_PROJECT = """\
apiVersion: qflow-gitops/v1
kind: Project
spec:
  environments:
    prod: {platform: sandbox}
"""


def spec(name: str, value: Any = None, *, metadata: str = "", extra: str = "") -> str:
    """A small valid spec; `value` stands in its input, further lines of `spec` in `extra`.

    Without a value it asks for something of its own: no other name does.
    """
    value = name if value is None else value
    return (
        "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\n"
        f"metadata:\n  name: {name}\n{metadata}"
        f"spec:\n  workflowId: {WORKFLOW}\n  input:\n    value: {json.dumps(value)}\n{extra}"
    )


def with_targets(text: str) -> str:
    """Make the comment of a draft that has targets a part of it."""
    before, line, after = text.partition("  # targets:\n")
    assert line
    return (
        before + line.replace("# ", "") + re.sub(r"^  # ( +-)", r"  \1", after, flags=re.MULTILINE)
    )
