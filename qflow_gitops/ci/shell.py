"""A plain shell: a person at a terminal, or a CI that isn't known here."""

from collections.abc import Mapping

from qflow_gitops.ci.context import CIContext


def describe(environ: Mapping[str, str]) -> CIContext | None:
    """Say who is logged in; a shell knows no run, pull request or commit under review."""
    return CIContext(actor=environ.get("USER", "") or environ.get("LOGNAME", ""))
