#!/usr/bin/env python3
"""A program for QFLOW_TICKET_COMMAND: tells of tickets, and writes notes on them.

It knows those of the sandbox, `qflow-gitops sandbox`, at QFLOW_TICKET_URL. For a system of your own
change `ticket`, `note` and what is taken from an answer; what it reads and prints stays the same:
docs/guides/tickets.md.
"""

import json
import os
import sys
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

SECONDS = 8  # all of it has ten


def ticket(number):
    """Return what the system knows of a ticket, None where there is none."""
    try:
        return called("GET", f"/_sandbox/tickets/{quote(number, safe='')}")
    except HTTPError as problem:
        if problem.code == 404:
            return None
        raise


def note(number, text):
    """Write a note on a ticket."""
    called("POST", f"/_sandbox/tickets/{quote(number, safe='')}/notes", {"text": text})


def called(method, path, body=None):
    """Call the system, with the account of QFLOW_TICKET_TOKEN if it needs one."""
    request = Request(os.environ["QFLOW_TICKET_URL"].rstrip("/") + path, method=method)
    request.add_header("Content-Type", "application/json")
    content = None if body is None else json.dumps(body).encode()
    with urlopen(request, content, SECONDS) as answer:
        return json.load(answer)


def answer(asked):
    """Answer one question."""
    found = ticket(asked["id"])
    if found is None:
        return {"found": False}
    if asked["do"] == "read":
        return {
            "id": found["id"],
            "state": found["state"],
            "approved": found["approval"] == "approved",
            "start": found["plannedStart"],
            "end": found["plannedEnd"],
        }
    if asked["do"] == "find":
        notes = "\n".join(found["notes"])
        return {"texts": [text for text in asked["texts"] if text in notes]}
    note(asked["id"], asked["text"])
    return {}


if __name__ == "__main__":
    if not os.environ.get("QFLOW_TICKET_URL"):
        sys.exit("QFLOW_TICKET_URL isn't set")
    try:
        print(json.dumps({"version": 1, **answer(json.load(sys.stdin))}))
    except (OSError, ValueError) as problem:  # its text holds no credentials
        sys.exit(f"The system of tickets can't be asked: {problem}")
