"""What a running sandbox executed, asked over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from qflow_gitops.errors import UnreachableError, UsageProblem
from qflow_gitops.http.transport import NoAnswerError, Transport
from qflow_gitops.qualys.platforms import SANDBOX, gateway_for
from qflow_gitops.results.report import Report
from qflow_gitops.results.sandbox import Executed, SandboxExecution

MOST = 100
"""Executions that one answer may hold."""
_LONGEST = 64 * 1024 * 1024  # bytes: requests of any length, from this machine


def executions(address: str, limit: int) -> Report:
    """List the newest executions of the sandbox at an address of this machine.

    `address` is what QFLOW_GATEWAY or `--url` says. Raises UsageProblem for one that is none
    of this machine, or where another server answers, UnreachableError where nobody does.
    """
    url = gateway_for(SANDBOX, address).url
    transport = Transport(url)
    try:
        answer = transport.send(
            "GET", f"/_sandbox/executions?newest={limit}", headers={}, most=_LONGEST
        )
    except NoAnswerError as problem:
        raise UnreachableError(
            f"No sandbox answers there: {problem.reason}.",
            where=url,
            hint="Start one in another terminal: `qflow-gitops sandbox --port 8080`",
            reason="sandbox_unreachable",
        ) from None
    finally:
        transport.close()
    data = answer.data() if answer.status == 200 else None
    try:
        found = tuple(_execution(item) for item in data["items"])  # type: ignore[index]
        return Report("sandbox", body=Executed(url, int(data["total"]), found))  # type: ignore[index]
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise UsageProblem(
            "What answers there is no sandbox of this version.",
            where=url,
            hint="Start one: `qflow-gitops sandbox --port 8080`",
            reason="sandbox_other",
        ) from None


def _execution(item: Any) -> SandboxExecution:
    return SandboxExecution(
        execution=str(item["execution"]),
        workflow=str(item["workflow"]),
        status=str(item["status"]),
        source=str(item["source"]),
        begun=_time(item["createdAt"]),
        ended=_time(item["endDate"]) if item["endDate"] is not None else "",
        request={name: item[name] for name in ("input", "variables") if item[name] is not None},
    )


def _time(milliseconds: Any) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
