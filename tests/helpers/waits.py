"""No wait between two tries: what is tried again is tried at once.

A `time.sleep` that is replaced for all modules would also hurry the sandbox and the deadlines of
requests, and not reach what was given as a default.
"""

import time
from types import SimpleNamespace

import pytest

from qflow_gitops.git import lock_remote
from qflow_gitops.github.client import Client
from qflow_gitops.qualys.caller import Caller


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process' clients of Qualys, GitHub and the remote pause no longer."""
    for client in (Caller, Client):
        defaults = client.__init__.__kwdefaults__ or {}
        assert "sleep" in defaults
        monkeypatch.setitem(defaults, "sleep", _pass)
    still = SimpleNamespace(sleep=_pass, monotonic=time.monotonic)
    monkeypatch.setattr(lock_remote, "time", still)


def _pass(_seconds: float) -> None:
    pass
