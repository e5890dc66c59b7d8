"""Platform names and the hosts that belong to them: nothing in a repository is a host."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from qflow_gitops.errors import UsageProblem

# docs/api.md 5.5: compiled from public clients [C], who cite Qualys' platform identification page.
HOSTS: Mapping[str, str] = {
    "US1": "gateway.qg1.apps.qualys.com",
    "US2": "gateway.qg2.apps.qualys.com",
    "US3": "gateway.qg3.apps.qualys.com",
    "US4": "gateway.qg4.apps.qualys.com",
    "GOV1": "gateway.gov1.qualys.us",
    "EU1": "gateway.qg1.apps.qualys.eu",
    "EU2": "gateway.qg2.apps.qualys.eu",
    "EU3": "gateway.qg3.apps.qualys.it",
    "IN1": "gateway.qg1.apps.qualys.in",
    "CA1": "gateway.qg1.apps.qualys.ca",
    "AE1": "gateway.qg1.apps.qualys.ae",
    "UK1": "gateway.qg1.apps.qualys.co.uk",
    "AU1": "gateway.qg1.apps.qualys.com.au",
    "KSA1": "gateway.qg1.apps.qualysksa.com",
}
API_HOSTS: Mapping[str, str] = {
    "US1": "qualysapi.qualys.com",
    "US2": "qualysapi.qg2.apps.qualys.com",
    "US3": "qualysapi.qg3.apps.qualys.com",
    "US4": "qualysapi.qg4.apps.qualys.com",
    "GOV1": "qualysapi.gov1.qualys.us",
    "EU1": "qualysapi.qualys.eu",
    "EU2": "qualysapi.qg2.apps.qualys.eu",
    "EU3": "qualysapi.qg3.apps.qualys.it",
    "IN1": "qualysapi.qg1.apps.qualys.in",
    "CA1": "qualysapi.qg1.apps.qualys.ca",
    "AE1": "qualysapi.qg1.apps.qualys.ae",
    "UK1": "qualysapi.qg1.apps.qualys.co.uk",
    "AU1": "qualysapi.qg1.apps.qualys.com.au",
    "KSA1": "qualysapi.qg1.apps.qualysksa.com",
}
PRIVATE, SANDBOX = "private", "sandbox"
NAMES = (*HOSTS, PRIVATE, SANDBOX)

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123 2.1; anything else no resolver takes
_PRIVATE_URL = re.compile(rf"https://(?=.{{4,253}}\Z){_LABEL}(\.{_LABEL})+", re.ASCII)
PORT = r"(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_SANDBOX_URL = re.compile(rf"http://(127\.0\.0\.1|localhost|\[::1\]):{PORT}", re.ASCII)
_NOTHING = "Nothing was sent."


class _Place(NamedTuple):
    """A kind of host: its word, the variable that names one of one's own, and the known ones."""

    word: str
    variable: str
    hosts: Mapping[str, str]
    example: str

    @property
    def reason(self) -> str:
        """How the reasons of what is wrong with it begin."""
        return self.word.lower().replace(" ", "_")


_GATEWAY = _Place("gateway", "QFLOW_GATEWAY", HOSTS, "https://qualysgateway.example.com")
_API_SERVER = _Place("API server", "QFLOW_API_SERVER", API_HOSTS, "https://qualysapi.example.com")


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a platform's API answers. `host` is what the lockfile names."""

    platform: str
    url: str

    @property
    def host(self) -> str:
        """Host, and port where there is one."""
        return self.url.split("://", 1)[1]


def gateway_for(platform: str, custom: str) -> Gateway:
    """Return the gateway of a platform; `custom` is what QFLOW_GATEWAY says ("" if unset).

    Raises UsageProblem for an unknown platform, and for a QFLOW_GATEWAY that doesn't go
    with it: a gateway has one name, or what is spent on its platform would not be seen.
    """
    return _host(platform, custom, _GATEWAY)


def api_server_for(platform: str, custom: str, gateway: str) -> Gateway:
    """Return the API server of a platform; `custom` is what QFLOW_API_SERVER says ("" if unset).

    Raises UsageProblem as `gateway_for` does, and where a private one is `gateway`, which
    QFLOW_GATEWAY names: a gateway isn't to see the password.
    """
    if platform == PRIVATE and custom and custom == gateway:
        raise UsageProblem(
            "QFLOW_API_SERVER is what QFLOW_GATEWAY is, and the API server is another host.",
            not_done=_NOTHING,
            hint=f"It has the form {_API_SERVER.example}, without a path.",
            reason="api_server_form",
        )
    return _host(platform, custom, _API_SERVER)


def _host(platform: str, custom: str, place: _Place) -> Gateway:
    if platform in place.hosts:
        if custom:
            raise UsageProblem(
                f"{place.variable} is set, but the platform is {platform}, whose {place.word} is "
                "known.",
                not_done=_NOTHING,
                hint=f"Unset {place.variable}. It is for `platform: private` and "
                "`platform: sandbox` alone.",
                reason=f"{place.reason}_not_allowed",
            )
        return Gateway(platform, f"https://{place.hosts[platform]}")
    if platform == PRIVATE:
        return _custom(platform, custom, _PRIVATE_URL, place)
    if platform == SANDBOX:
        return _custom(
            platform, custom, _SANDBOX_URL, place._replace(example="http://127.0.0.1:8080")
        )
    near = difflib.get_close_matches(platform.upper(), NAMES, n=1)
    raise UsageProblem(
        f"There is no platform `{platform}`." if platform else "No platform is set.",
        not_done=_NOTHING,
        hint=(f"Did you mean {near[0]}? " if near else "")
        + f"Set `platform:` in qflow.yaml, or QFLOW_PLATFORM, to one of: {', '.join(NAMES)}.",
        reason="platform_unknown",
    )


def _custom(platform: str, custom: str, form: re.Pattern[str], place: _Place) -> Gateway:
    if not custom:
        raise UsageProblem(
            f"The platform is `{platform}`, and {place.variable} doesn't say where it is.",
            not_done=_NOTHING,
            hint=f"`export {place.variable}={place.example}`",
            reason=f"{place.reason}_missing",
        )
    if not form.fullmatch(custom):
        raise UsageProblem(
            f"{place.variable} is no address for the platform `{platform}`.",
            not_done=_NOTHING,
            hint=f"It has the form {place.example}, without a path.",
            reason=f"{place.reason}_form",
        )
    for one in (_GATEWAY, _API_SERVER):
        known = next((name for name, host in one.hosts.items() if custom == f"https://{host}"), "")
        if known:
            raise UsageProblem(
                f"{place.variable} is the {one.word} of {known}, and the platform is `{platform}`.",
                not_done=_NOTHING,
                hint=f"Unset {place.variable}, and set `platform: {known}` in qflow.yaml (a "
                "commit).",
                reason=f"{place.reason}_not_allowed",
            )
    return Gateway(platform, custom)
