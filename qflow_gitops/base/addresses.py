"""Addresses of git remotes, so that the ways to write the same one are one.

A remote is written as a URL, as `[user@]host:path` (ssh's way), or as a path of this machine
(git-scm.com/docs/git-clone, "GIT URLS"). Which user fetches, by which scheme and port, says
nothing about which repository it is.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from qflow_gitops.base.printable import is_hidden

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HELPER = re.compile(r"[A-Za-z0-9]+::")  # `ext::…`: whatever comes then is the helper's own
_PORT = re.compile(r":[0-9]*\Z")
_NAME = r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])"
_SERVER = rf"(?P<host>{_NAME})(?P<port>:[0-9]{{1,5}})?"
_USER = r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,63}@)?"
_PLAIN = (
    ("https", re.compile(rf"https://{_SERVER}/(?P<path>[^?#\\\s]+)")),
    ("ssh", re.compile(rf"ssh://{_USER}{_SERVER}/(?P<path>[^\\\s]+)")),
    ("ssh", re.compile(rf"{_USER}(?P<host>{_NAME}):(?P<path>(?!//|:|-)[^\\\s]+)")),
    ("file", re.compile(r"(?:file://)?(?P<path>/.+)")),
)
"""Scheme and how a remote that git may be given is written: never as an option or a helper's."""


class Remote(NamedTuple):
    """What a plain address says: `https`, `ssh` or `file`; the host in small letters; its path.

    `host` has the port, where there is one, and is "" for a path of this machine.
    """

    scheme: str
    host: str
    path: str


def same_form(address: str, root: str) -> str:
    """Return the one form of an address: `host/path`, or an absolute path; "" for "".

    Without scheme, user, port and `.git`, the host in small letters. A path stands for its
    `file://` URL; a relative one begins at `root`, the top of the work tree, as it does for git.
    """
    if not address or _HELPER.match(address):
        return address
    if found := _URL.match(address):
        host, slash, path = address[found.end() :].partition("/")
        path = unquote(slash + path)
        if found.group().lower() == "file://":
            return _bare(os.path.normpath(path))
        return _at(host, path)
    host, colon, path = _split(address)
    return _at(host, path) if colon else _bare(os.path.normpath(str(Path(root) / address)))


def plain(address: str) -> Remote | None:
    """Read an address that is safe to give to git; None for any other.

    Not one with a password, with a scheme beside these three (`ext::` runs a command), with
    characters that aren't seen, or one that could be taken for an option.
    """
    if is_hidden(address):
        return None
    for scheme, form in _PLAIN:
        if found := form.fullmatch(address):
            named = found.groupdict()
            host = (named.get("host") or "") + (named.get("port") or "")
            return Remote(scheme, host.lower(), named["path"])
    return None


def receiver(address: str) -> str:
    """Return who gets credentials that are sent to an address: `[user@]host[:port]/path`.

    As `same_form` does, but with the port, where another server may listen, and with the user of
    ssh, in whose folder a path may begin; `git`, which all hosts have, is left out.
    """
    remote, form = plain(address), same_form(address, "/")
    if remote is None or remote.scheme == "file":
        return form
    before = address.partition("://")[2] or address
    user = before.partition("@")[0] if "@" in before.partition("/")[0] else ""
    who = f"{user}@" if user not in ("", "git") else ""
    return f"{who}{remote.host}/{form.partition('/')[2]}"


def without_secrets(text: str) -> str:
    """Return an address, or words with addresses in them, without what may let somebody in.

    That is who fetches, and all behind a `?` or a `#`: a token may stand in either.
    """
    text = re.sub(r"://[^\s'\"?#]{0,500}@", "://***@", text)
    return re.sub(r"((?:://|\A)[^\s'\"?#]{0,500}[?#])[^\s'\"]+", r"\1***", text)


def _split(address: str) -> tuple[str, str, str]:
    """Split `host:path`; without a colon where it is a path: a slash comes before any colon."""
    if (begin := address.find("[")) >= 0 and "/" not in address[:begin]:
        end = address.find("]:", begin)
        if end > 0:  # `[::1]:path`, `[host:port]:path`
            return address[: end + 1], ":", address[end + 2 :]
    host, colon, path = address.partition(":")
    return (host, colon, path) if "/" not in host else (address, "", "")


def _at(host: str, path: str) -> str:
    host = host.rpartition("@")[2].lower()
    inside = host[1:].partition("]")[0] if host.startswith("[") else _PORT.sub("", host)
    if inside.count(":") == 1:  # `[host:port]:path`
        inside = inside.partition(":")[0]
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return _bare("/".join([inside, *parts]))


def _bare(text: str) -> str:
    """Take `.git` off, be it the end of a name or the folder of a work tree."""
    return text.removesuffix(".git").rstrip("/") if len(text) > len(".git") else text
