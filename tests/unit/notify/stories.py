"""Lockfiles with notices, and what hostile people write into them."""

from typing import Any

from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import KINDS, Notice, OutboxChange
from qflow_gitops.lockfile.states import State
from qflow_gitops.notify.telling import told
from qflow_gitops.ports.notices import Told

AT = "2026-10-06T12:00:00Z"
EXECUTION = "497d0fe7-5f1c-4d2a-9a57-3d90e904d1c5"
COMMIT = "32bb11c0f3b6a1e0d9c8b7a6f5e4d3c2b1a09f8e"
HOSTILE = (
    "<!channel>",
    "<!everyone|@here>",
    "@channel",
    "<@U012AB3CD>",
    "<https://evil.example|qflow-gitops>",
    "[look](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<at>mara</at>",
    "<script>alert(1)</script>",
    "*bold* _it_ `code` ~gone~",
    "{{DATE(2017-02-14T06:08:39Z, SHORT)}}",
    "{{{DATE(2017-02-14T06:08:39Z, SHORT)}}} {{{{",
    "${data.secret} @{outputs('x')}",
    "a\nb\r\nc\u2028d",
    "a\u202egnp.exe\u202c",
    "a\u200bb\ufeff\x00\x1b[31m\x07",
    "\ud800 half",
    '"}],"text":"forged"',
    "x" * 10_000,
    "\U0001f600" * 5_000,
    "&lt;!channel&gt; &amp;",
    "# heading\n> quote\n- item",
)
"""What somebody may call a run, or write as a reason."""


def attempted(*states: State, run: str = "a", tells: tuple[str, ...] = KINDS) -> Lockfile:
    """Return a lockfile with one attempt that came to these states after its intent."""
    lockfile = Lockfile("0b6f3c1e9a7d4f52").marked(Checkpoint(outbox=OutboxChange(tells=tells)))
    intent = Event(AT, State.INTENT, {"by": {"actor": "mara"}})
    facts: dict[str, Any] = {"platform": "EU2", "commit": COMMIT, "evidence": {}}
    attempt = Attempt(1, State.INTENT, "v1:sha256:0", (intent,), facts=facts)
    lockfile = lockfile.recorded([Transition("prod", run, 1, intent, opens=attempt)])
    for state in states:
        execution = EXECUTION if state in (State.ACCEPTED, State.ADOPTED) else ""
        event = Event(AT, state)
        lockfile = lockfile.recorded([Transition("prod", run, 1, event, execution_id=execution)])
    return lockfile


def waiting(*notices: Notice) -> Lockfile:
    """Return a lockfile in which these notices wait."""
    return Lockfile("0b6f3c1e9a7d4f52").marked(Checkpoint(outbox=OutboxChange(add=notices)))


def many(count: int) -> Lockfile:
    """Return a lockfile in which so many notices wait, `n0` first."""
    return waiting(*(Notice(f"n{n}", "held", AT, "prod") for n in range(count)))


def hostile(text: str) -> Told:
    """Return a notice in which everything that people name is this text."""
    notice = Notice("0" * 32, "held", AT, text, text, 1, 1, text, text)
    shown = told(waiting(notice), notice)
    return shown._replace(
        platform=shown.notice.run, commit=shown.notice.run, by=shown.notice.run,
        ticket=shown.notice.run, execution_id=shown.notice.run,
    )  # fmt: skip
