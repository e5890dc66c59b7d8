"""How every address is reached: through which proxy, and whose certificates are trusted.

Only by variables of our own: what a machine sets for other programs (HTTPS_PROXY,
REQUESTS_CA_BUNDLE, .netrc) may lead a token elsewhere, and is never asked.
"""

import re
import ssl
from collections.abc import Mapping
from typing import NamedTuple

from qflow_gitops.errors import UsageProblem

CA_FILE, PROXY = "QFLOW_CA_FILE", "QFLOW_PROXY"
_PROXY_FORM = re.compile(r"http://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}", re.ASCII)
_NOTHING = "Nothing was sent."


class Route(NamedTuple):
    """A file of certificates that are trusted besides the usual ones, and a proxy; "" for none.

    Neither counts for a sandbox on this machine: it speaks http, and is reached as it is.
    """

    ca_file: str = ""
    proxy: str = ""

    def __str__(self) -> str:
        """Say what of it is used, "" for nothing."""
        ca = f"trusting the certificates of {self.ca_file} ({CA_FILE})" if self.ca_file else ""
        proxy = f"through the proxy {self.proxy} ({PROXY})" if self.proxy else ""
        return ", ".join(setting for setting in (proxy, ca) if setting)


def from_environment(environ: Mapping[str, str]) -> Route:
    """Read what the environment says; UsageProblem for what can't be used."""
    ca_file, proxy = environ.get(CA_FILE, ""), environ.get(PROXY, "")
    if ca_file:
        _check_file(ca_file)
    if proxy and not (_PROXY_FORM.fullmatch(proxy) and int(proxy.rpartition(":")[2]) < 65536):
        raise UsageProblem(
            f"{PROXY} is no address of a proxy.",
            not_done=_NOTHING,
            hint="It has the form http://proxy.example.com:3128, without a user or a path. "
            f"Without a proxy: `unset {PROXY}`",
            reason="proxy_form",
        )
    return Route(ca_file, proxy)


def _check_file(name: str) -> None:
    try:
        ssl.create_default_context().load_verify_locations(name)
    except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
        said = getattr(problem, "strerror", "") if not isinstance(problem, ssl.SSLError) else ""
        raise UsageProblem(
            f"The certificates that {CA_FILE} names can't be read: {said or 'it holds none'}.",
            where=name,
            not_done=_NOTHING,
            hint="Name a file with your authority's certificate in PEM form, which begins "
            f"`-----BEGIN CERTIFICATE-----`. Without one: `unset {CA_FILE}`",
            reason="ca_file",
        ) from None
