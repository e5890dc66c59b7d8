"""Through which proxies addresses are reached, and whose certificates are trusted."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from qflow_gitops.errors import UsageProblem
from qflow_gitops.http.authorities import authorities
from qflow_gitops.http.route import CA_FILE, PROXY, from_environment
from qflow_gitops.results.checks import Check, failed, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OTHERS = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
_OTHER_FILES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE")
_OF_GIT = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
_SOON = timedelta(days=30)


def checks(environ: Mapping[str, str], now: datetime) -> Iterator[Check]:
    """Judge what the environment says of proxies and certificates. Reads the files it names."""
    yield _proxy(environ)
    yield _certificates(environ, now)
    if "GIT_SSL_NO_VERIFY" in environ:
        said = "git doesn't ask a remote for one (GIT_SSL_NO_VERIFY)"
        yield warning("git-tls", "git's certificates", said, "`unset GIT_SSL_NO_VERIFY`")


def _proxy(environ: Mapping[str, str]) -> Check:
    name, about = "proxy", "proxy"
    try:
        used = from_environment({PROXY: environ.get(PROXY, "")}).proxy
    except UsageProblem as problem:
        return failed(name, about, problem.message, problem.hint)
    others = [f"{each}={masked(environ[each])}" for each in _OTHERS if environ.get(each)]
    left = f"; {others[0]} counts for git alone" if others else ""
    return ok(name, about, f"{used} ({PROXY}){left}" if used else f"none{left}")


def _certificates(environ: Mapping[str, str], now: datetime) -> Check:
    name, about, file = "certificates", "certificates", environ.get(CA_FILE, "")
    try:
        from_environment({CA_FILE: file})
    except UsageProblem as problem:
        return failed(name, about, f"{problem.message} ({problem.where})", problem.hint)
    if not file:
        others = [each for each in (*_OTHER_FILES, *_OF_GIT) if environ.get(each)]
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        left = f"; {others[0]}{more} aren't asked" if others else ""
        return ok(name, about, f"the usual ones{left}")
    ends = authorities(file)
    over = [end for end in ends if end <= now]
    hint = f"Put the authority's newer certificate into {file}."
    if over and len(over) == len(ends):
        return failed(name, about, f"those in {file} ({CA_FILE}) are over", hint)
    said = f"the usual ones, and {file} ({CA_FILE})"
    if over:
        return warning(name, about, f"{said}, of which {len(over)} of {len(ends)} are over", hint)
    if ends and min(ends) - now < _SOON:
        return warning(name, about, f"{said}, over on {min(ends):%Y-%m-%d}", hint)
    return ok(name, about, said)


def masked(address: str) -> str:
    """Return an address without the user and the password in it."""
    return re.sub(r"(?:(?<=://)|\A)(?!\w+://)\S*@", "***@", address)
