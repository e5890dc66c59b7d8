"""Literals that look like secrets, which a spec is no place for.

Shapes are those that their issuers document or that every scanner knows; names are whole
words, so that `tokenType` and `passwordPolicy` are none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from qflow_gitops import advice
from qflow_gitops.diagnostics import Diagnostic, error
from qflow_gitops.document import Document, Path

SHAPES: Mapping[str, str] = {
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "an AWS access key": r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    "an Azure storage key": r"AccountKey=[A-Za-z0-9+/]{86}==",
    "an Azure shared access signature": r"[?&]sig=[A-Za-z0-9%+/]{43,}(?:=|%3[Dd])",
    "an Azure client secret": r"(?<![\w~.-])[\w~.-]{3}[0-9]Q~[\w~.-]{31,34}(?![\w~.-])",
    "a Google API key": r"\bAIza[\w-]{35}(?![\w-])",
    "a Google OAuth token": r"\bya29\.[\w-]{20,}",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,})",
    "a GitLab token": r"\bgl(?:pat|dt|rt|ptt|cbt|soat)-[\w-]{20,}",
    "a Slack token": r"\bxox[abeoprs]-[\w-]{10,}",
    "a Slack webhook": r"https://hooks\.slack\.com/(?:services|workflows)/[\w/]{20,}",
    "a Stripe key": r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a PyPI token": r"\bpypi-AgEIcHlwaS[\w-]{50,}",
    "a JSON Web Token": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}",
    "a bearer token": r"\b[Bb]earer +[\w.~+/=-]{20,}",
    "an address with a password": r"[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,200}:[^\s/:@]{1,200}@",
}
"""What each shape is, and the expression that finds it."""

# One of these is in whatever has a shape; texts without are told ten times faster.
_MARK = re.compile(
    r"-----BEGIN|AKIA|ASIA|ABIA|ACCA|AccountKey=|sig=|Q~|AIza|ya29\.|gh[pousr]_|github_pat_"
    r"|gl(?:pat|dt|rt|ptt|cbt|soat)-|xox|hooks\.slack|k_(?:live|test)_|npm_|pypi-|eyJ|earer|://"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ALONE = frozenset(
    ("password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "secretkey")
)
_PAIRS = frozenset(
    (first, "key") for first in ("api", "private", "secret", "access", "account", "encryption")
)
_LOOKED_AT: tuple[tuple[str, str], ...] = (
    ("spec", "input"), ("spec", "variables"), ("metadata", "annotations"), ("metadata", "labels"),
)  # fmt: skip
_SYSTEM = frozenset(("credentials", "credentials_azure", "credentials_gcp", "connectorId"))


# Every expression here takes linear time: each begins at a fixed text or has a bounded start.


@cache
def _no_literal() -> re.Pattern[str]:
    """Where a secret is kept, and what is filled in by somebody else."""
    return re.compile(
        r"arn:aws[\w-]*:(?:secretsmanager|ssm|kms):.*|(?:vault|ssm|secretsmanager|kv|op)[:/].*"
        r"|projects/[^/]+/secrets/.*|https://[^/]+\.vault\.azure\.net/.*|ocid1\.vaultsecret\..*"
        r"|@Microsoft\.KeyVault\(.*|\$\{.*\}|\{\{.*\}\}|<[^<>]*>|\*+|x+",
        re.IGNORECASE | re.DOTALL,
    )


@cache
def _named_in_line() -> re.Pattern[str]:
    return re.compile(
        r"""(?ix) (?:passw(?:or)?d|pwd|passphrase|secret|token|(?:api|private|access)[-_]?key)
        ["']? \s{0,9} [:=] \s{0,9} (["'] [^"']* ["'] | [^\s"',}\]]+ )"""
    )


@cache
def _shape() -> re.Pattern[str]:
    return re.compile("|".join(f"({one})" for one in SHAPES.values()))


def kind_of(value: str) -> str:
    """Say what secret a text holds by its shape ("a GitHub token"), "" for none."""
    found = _shape().search(value) if _MARK.search(value) else None
    if found is None:
        return ""
    return next(name for name, group in zip(SHAPES, found.groups(), strict=True) if group)


@lru_cache(maxsize=4096)  # keys come again and again
def names_a_secret(key: str) -> bool:
    """Whether a value under this key is a secret by the key's name."""
    words = [word.lower() for word in _WORDS.findall(key)]
    return bool(words) and (words[-1] in _ALONE or tuple(words[-2:]) in _PAIRS)


def check(document: Document) -> Iterator[Diagnostic]:
    """Find literals that look like secrets, but for those that `notSecret` points at.

    Only for a document in which the schema `workflow-run` found no error.
    """
    parts = {top: document.data.get(top[0], {}).get(top[1]) for top in _LOOKED_AT}
    if not _may_hold_one(parts.values()):
        return
    allowed = set(document.data["spec"].get("notSecret", ()))
    for top, value in parts.items():
        for path, said in _found(value, top):
            pointer = "".join(f"/{_escaped(part)}" for part in path[1:])
            if pointer in allowed:
                continue
            hint = "Keep it where the workflow can fetch it, name that place here, and revoke it"
            if top[0] == "spec":
                hint += f"; if it is no secret, add `notSecret: [{pointer}]` under `spec`"
            yield error(
                "secret-literal",
                said,
                document.file,
                document.value_range(path),
                f"{hint}.",
            )


_HARMLESS: set[str] = set()
"""Keys that name no secret, as far as they were met; the same few come again and again."""


def _may_hold_one(values: Iterable[Any]) -> bool:
    """Whether there is a text with a mark in it, or a name of a secret; quickly."""
    texts = []
    todo = list(values)
    while todo:
        value = todo.pop()
        if type(value) is str:
            texts.append(value)
        elif type(value) is dict:
            if not _HARMLESS.issuperset(value):
                if any(map(names_a_secret, value)):
                    return True
                _HARMLESS.update(value)
            todo += value.values()
        elif type(value) is list:
            todo += value
    return _MARK.search("\n".join(texts)) is not None


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _found(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Give the place of each secret, and a sentence on it that doesn't hold it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _found(inner, (*path, key))
        return
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _found(inner, (*path, index))
        return
    kind = kind_of(value) if isinstance(value, str) else ""
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if kind:
        yield path, f"`{advice.shown(key)}` holds what looks like {kind}."
    elif _is_named(value, key, path):
        yield path, f"`{advice.shown(key)}` names a secret, and its value is written out."


def _is_named(value: Any, key: str, path: Path) -> bool:
    if not names_a_secret(key) or (path[:2] == ("spec", "variables") and key in _SYSTEM):
        return False
    if isinstance(value, str):
        return bool(value.strip()) and not _no_literal().fullmatch(value.strip())
    return isinstance(value, int) and not isinstance(value, bool)


def spans(line: str) -> list[tuple[int, int]]:
    """Give the parts of a line of any text that look like secrets, as offsets into it."""
    named = [found.span(1) for found in _named_in_line().finditer(line)]
    return [*named, *(found.span() for found in _shape().finditer(line))]
