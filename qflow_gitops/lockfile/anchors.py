"""Anchors: what stood on the lockfile's branch at a commit, for whoever looks later.

An anchor names a commit and a SHA-256 over all that it holds, so that it doesn't lean on git's
own ids. On the branch it lies in `anchors/`, with a time stamp (RFC 3161) of that SHA-256; as a
file outside of it, wherever a person deposits it. Pure.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from qflow_gitops.base.times import moment, stamp
from qflow_gitops.lockfile.codec import Json, normal_form, strictly

VERSION = 1
FOLDER = "anchors/"
_PATH = re.compile(r"anchors/(0|[1-9][0-9]{0,15})(?:\.([1-9][0-9]{0,8}))?\.json")
_COMMIT = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CONTENTS = re.compile("v1:sha256:[0-9a-f]{64}")
_TIME = re.compile("[0-9]{4}(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}Z")
_LONGEST = 64 * 1024
"""Bytes of a file, and so of a server's answer: certificates and all it has a tenth of that."""
_KEYS = {"anchorVersion", "commit", "serial", "lineage", "contents", "at"}
_OF_A_STAMP = {"server", "response"}


class TimeStamp(NamedTuple):
    """A server's answer (RFC 3161, TimeStampResp in DER), and the address that gave it."""

    server: str
    response: bytes


class Anchor(NamedTuple):
    """What stood at a commit. `contents` is the SHA-256 of `text_of` it, `at` RFC 3339 in UTC.

    `at` is the server's time where there is a time stamp, else what the machine's clock said.
    `says` is a sentence for whoever reads a deposited file; nothing is concluded from it.
    """

    commit: str
    serial: int
    lineage: str
    contents: str
    at: str
    stamp: TimeStamp | None = None
    says: str = ""

    @property
    def path(self) -> str:
        """Its path on the branch."""
        return f"{FOLDER}{self.serial}.json"


class File(NamedTuple):
    """A file of a commit: its path, git's mode, and the SHA-256 of its content in hex."""

    path: str
    mode: str
    sha256: str


def text_of(commit: str, files: Iterable[File]) -> bytes:
    """Write down what a commit holds: what a time stamp is of, made again from any clone."""
    lines = [f"qflow-gitops/anchor/v{VERSION}", f"commit {commit}"]
    in_order = sorted(files, key=lambda file: file.path.encode())
    lines += [f"{file.mode} {file.sha256} {file.path}" for file in in_order]
    return "".join(f"{line}\n" for line in lines).encode()


def contents_of(text: bytes) -> str:
    """Return the SHA-256 of a text as anchors have it."""
    return f"v1:sha256:{sha256(text).hexdigest()}"


def serial_in(path: str) -> int | None:
    """Return the serial that an anchor at a path is of; None where none belongs there."""
    found = _PATH.fullmatch(path)
    return int(found[1]) if found and found[2] != "1" else None


def free_path(anchor: Anchor, taken: Iterable[str]) -> str:
    """Return where a further anchor goes: `42.json`, then `42.2.json` and so on."""
    there, path, number = set(taken), anchor.path, 1
    while path in there:
        number += 1
        path = f"{FOLDER}{anchor.serial}.{number}.json"
    return path


def to_bytes(anchor: Anchor) -> bytes:
    """Return an anchor's file in its normal form."""
    data: dict[str, Any] = {
        "anchorVersion": VERSION,
        **({"says": anchor.says} if anchor.says else {}),
        "commit": anchor.commit,
        "serial": anchor.serial,
        "lineage": anchor.lineage,
        "contents": anchor.contents,
        "at": anchor.at,
    }
    if anchor.stamp is not None:
        response = base64.b64encode(anchor.stamp.response).decode()
        data["timeStamp"] = {"server": anchor.stamp.server, "response": response}
    return normal_form(data)


def from_bytes(content: bytes, where: str) -> Anchor:
    """Read an anchor's file, strictly. Raises LockError."""
    return strictly(content[: _LONGEST + 1], where, _anchor)


def stamped(content: bytes, path: str, fits: Callable[[Json], bool] | None = None) -> Anchor:
    """Read one of the branch: with a time stamp, and where it belongs. Raises LockError.

    `fits` says whether it is as the lockfile's JSON Schema has it.
    """

    def read(data: Json) -> Anchor:
        anchor = _anchor(data)
        if fits is not None and not fits(data):
            raise ValueError("it doesn't satisfy the lockfile's JSON Schema")
        if anchor.stamp is None or anchor.says:
            raise ValueError("it has no time stamp, or more than one of the branch has")
        if anchor.serial != serial_in(path):
            raise ValueError(f"it is of serial {anchor.serial}, which belongs elsewhere")
        if content != to_bytes(anchor):
            raise ValueError("it isn't in its normal form")
        return anchor

    return strictly(content[: _LONGEST + 1], path, read)


def _anchor(data: Mapping[str, Any]) -> Anchor:
    if data["anchorVersion"] != VERSION or isinstance(data["anchorVersion"], bool):
        raise ValueError(f"anchorVersion is {data['anchorVersion']!r}, and {VERSION} is read")
    given = data.get("timeStamp")
    more = set(data) - _KEYS - {"timeStamp", "says"}
    if more or (given is not None and set(given) != _OF_A_STAMP):
        raise ValueError(f"it holds other things than an anchor: {', '.join(sorted(more)[:3])}")
    texts = [data[key] for key in ("commit", "lineage", "contents", "at")]
    texts += [data.get("says", ""), *(given.values() if given else ())]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("what has to be a text isn't one")
    serial = data["serial"]
    if not isinstance(serial, int) or isinstance(serial, bool) or not 0 <= serial < 10**16:
        raise ValueError("serial isn't a count")
    if not _COMMIT.fullmatch(data["commit"]) or not _CONTENTS.fullmatch(data["contents"]):
        raise ValueError("commit or contents isn't what an anchor has there")
    if not _TIME.fullmatch(data["at"]) or stamp(moment(data["at"])) != data["at"]:
        raise ValueError("`at` isn't a time in UTC")
    return Anchor(
        data["commit"],
        serial,
        data["lineage"],
        data["contents"],
        data["at"],
        TimeStamp(given["server"], _decoded(given["response"])) if given else None,
        data.get("says", ""),
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("the time stamp isn't base64") from None
