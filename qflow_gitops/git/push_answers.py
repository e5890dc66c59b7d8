"""What a host answers to a push: whether another try can help, and what a person can do."""

import re

_FINAL = re.compile(
    r"denied|forbidden|403|401|authenticat|could not read username|hook declined|protected|"
    r"GH006|GH013|not appear to be a git|not found|no such|unpacker error|read-only|pre-receive",
    re.IGNORECASE,
)
_KINDS = {
    "rule": r"hook declined|pre-receive|protected|GH006|GH013|rule violation|hidden ref",
    "how": r"push option|--signed|push certificate",
    "room": r"unpack|no space|quota|read-only|too large",
    "rights": r"denied|forbidden|40[13]|authenticat|could not read username|permission",
    "address": r"not appear to be a git|not found|no such|does not exist",
    "time": r"resolve|timed out|refused|reset|unreachable|hung up|early eof|ssl|tls|no time left|"
    r"connect|RPC failed|50[0-9]",
}
"""What kind of answer a push got -> words of git and of hosts; the first that fits counts."""


def is_final(said: str) -> bool:
    """Whether git said something that another try won't change."""
    return bool(_FINAL.search(said))


def way_on(said: str, remote: str) -> str:
    """Say what helps where a push was answered so."""
    fits = (kind for kind, words in _KINDS.items() if re.search(words, said, re.IGNORECASE))
    match next(fits, ""):
        case "rule":
            return (
                "A rule or a hook of the host refuses it, whoever pushes: leave the branch out of "
                "rules that ask for pull requests or checks; only fast-forward pushes are needed."
            )
        case "how":
            return (
                "It is about the way of pushing, not about who pushes. What is configured for it: "
                "`git config --show-origin --get-regexp push`"
            )
        case "room":
            return "The host can't store it, whoever pushes: see to its room, then apply again."
        case "rights":
            return "Whoever applies needs the right to push to this branch."
        case "address":
            return f"Nothing answers at the remote's address: `git remote get-url --push {remote}`"
        case "time":
            return "The host didn't answer, or not to its end: apply again later."
    return "What the host answered stands above; when that is seen to, apply again."


def reason(out: bytes, err: bytes) -> str:
    """Take git's reason out of a push's answer: the ref's own line, else what it said last."""
    lines = [line for line in out.decode(errors="replace").splitlines() if line.startswith("!")]
    told = [
        line
        for line in err.decode(errors="replace").splitlines()
        if line.startswith(("remote:", "error:", "fatal:", "ERROR", "ssh:", "Permission"))
    ]
    words = " · ".join([*told, *(line.split("\t")[-1] for line in lines)])
    return words or "git gave no reason"
