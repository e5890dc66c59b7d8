"""Sandboxes that know the names and secrets which the tests use."""

from typing import Any

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.logins import AUDIENCE

KNOWN = (
    "test-client:test-canary-secret",
    "test-user:test-canary-secret",
    "ada:test-canary-secret",
    "sandbox-ada:canary-päss:word",
    "sandbox:sandbox",
)


def served(**options: Any) -> SandboxServer:
    """A sandbox that takes them; the options are those of `SandboxServer`."""
    return SandboxServer(**{"credentials": KNOWN, "onboarded": (AUDIENCE,), **options})
