"""Whether a platform's gateway can be reached, and what its clock says."""

from collections.abc import Iterator

from qflow_gitops.doctor import clocks
from qflow_gitops.doctor.qualys.visit import Visit, said
from qflow_gitops.ports.tenant import Shown
from qflow_gitops.results.checks import Check, failed, ok, unknown

_WAYS = {
    "name": "Check the platform and this machine's DNS. Where only a proxy knows the way out, "
    "QFLOW_PROXY names it.",
    "connection": "Let this machine connect to it on port 443, or name the proxy that may in "
    "QFLOW_PROXY.",
    "proxy": "Check QFLOW_PROXY, and that the proxy lets through to it.",
    "tls": "Let QFLOW_CA_FILE name a file with the authority's certificate, in PEM form.",
    "answer": "Run the command again later; nothing is lost.",
}


def checks(visit: Visit, platform: str) -> Iterator[Check]:
    """Ask for something without a token: whoever answers, answers that as well."""
    shown = visit.ask_nameless("workflows", pageSize=1, pageNumber=1)
    if shown is None:
        yield unknown("gateway", _about(visit, platform), visit.over, visit.hint)
        return
    yield _reached(shown, _about(visit, platform), visit.tenant.host, platform)
    if shown.status:
        yield clocks.clock(shown.ahead)


def _about(visit: Visit, platform: str) -> str:
    return f"gateway of {platform}, {visit.tenant.host}"


def _sandbox(host: str) -> str:
    port = host.rpartition(":")[2]
    return f"Start one there: `qflow-gitops sandbox --port {port if port.isdecimal() else 80}`"


def _reached(shown: Shown, about: str, host: str, platform: str) -> Check:
    took = f"in {shown.seconds:.1f} s"
    if not shown.status:
        way = _WAYS.get(shown.step, _WAYS["answer"])
        way = _sandbox(host) if platform == "sandbox" and shown.step == "connection" else way
        return failed("gateway", about, f"it can't be reached: {shown.said}", way)
    if 300 <= shown.status < 400 or (shown.form == "html" and shown.status != 401):
        what = "a page in HTML" if shown.form == "html" else "a redirect to another place"
        return failed(
            "gateway",
            about,
            f"another kind of server answers there: {what} (status {shown.status})",
            "Check the platform, and whether a proxy asks for a login of its own.",
        )
    if shown.status >= 500:
        return failed("gateway", about, f"it answers {said(shown)}", _WAYS["answer"])
    return ok("gateway", about, f"it answers {took}")
