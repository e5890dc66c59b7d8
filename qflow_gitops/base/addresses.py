"""Addresses of git remotes, so that the ways to write the same one are one.

A remote is written as a URL, as `[user@]host:path` (ssh's way), or as a path of this machine
(git-scm.com/docs/git-clone, "GIT URLS"). Which user fetches, by which scheme and port, says
nothing about which repository it is.
"""

import os
import re
from pathlib import Path
from urllib.parse import unquote

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HELPER = re.compile(r"[A-Za-z0-9]+::")  # `ext::…`: whatever comes then is the helper's own
_PORT = re.compile(r":[0-9]*\Z")


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
