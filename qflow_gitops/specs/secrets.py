"""Literals that look like secrets, which a spec is no place for.

Shapes are those that their issuers document or that well-kept scanners publish; names are whole
words, so that `tokenType` and `passwordPolicy` are none. Held beside, in November 2026: gitleaks
(`cmd/generate/config/rules`, commit b58d3f1), trufflehog v3.97.0 (`pkg/detectors`), detect-secrets
1.5.0 (`plugins`), kingfisher (`data/rules`, commits 2a2b7b5 and 05c396a), secretlint (18346ba) and
Microsoft's security-utilities (`GeneratedRegexPatterns`, 638ad20). Only their names can tell what
has no shape: OCI's auth tokens and customer secret keys, Qualys' client ids and secrets.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from qflow_gitops.base.pointer import pointer_to
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, error
from qflow_gitops.specs import targets
from qflow_gitops.yaml.document import Document, Path

_B64 = "[A-Za-z0-9+/]"
_START, _END = "(?<![A-Za-z0-9])", "(?![A-Za-z0-9])"
_RUN = "(?<![A-Za-z0-9+/_-])"  # the start of a run of base64 of either kind
_QUOTE = r"[\\\"']{0,3}"  # also one within another, escaped or doubled

# Every expression here takes linear time: what may be long either ends the expression, or is
# looked at once, from where its run of characters begins (possessive, so never taken back).
SHAPES: Mapping[str, str] = {
    # gitleaks private-key, detect-secrets private_key.py; encoded once more: kingfisher pem.yml.
    # OCI's API keys are such, too.
    "a private key": r"----[- ]?BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY.*|PuTTY-User-Key-File-[0-9].*"
    rf"|LS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJV|BFQyBQUklW|BPUEVOU1NI|BFTkNSWVBU){_B64}*={{0,2}}",
    # gitleaks aws-access-token (base32); detect-secrets and trufflehog take any letter and digit
    "an AWS access key": rf"{_START}(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{{16}}{_END}",
    # with its name: detect-secrets aws.py. Without one, 40 characters of base64 are anything.
    "an AWS secret key": r"(?:(?:[Ss]ecret|SECRET)[_ -]?(?:[Aa]ccess|ACCESS)?[_ -]?"
    r"|aws[\w -]{0,20}|AWS[\w -]{0,20})(?:[Kk]ey|KEY)"
    rf"{_QUOTE}\s{{0,5}}[:=]\s{{0,5}}{_QUOTE}{_B64}{{40}}(?![A-Za-z0-9+/=])",
    # base64 of `{"orig` and its predecessors, with which STS begins; its form isn't documented
    "an AWS session token": r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|AQoDYXdz)[A-Za-z0-9+/%_-]{50,}",
    # gitleaks aws-amazon-bedrock-api-key-long-lived, -short-lived
    "an AWS Bedrock key": rf"{_START}ABSK{_B64}{{109,269}}|bedrock-api-key-{_B64}{{20,}}",
    # detect-secrets azure_storage_key.py; trufflehog azure_storage, azureappconfigconnectionstring
    "an Azure storage key": rf"(?:Account|SharedAccess)Key={_B64}{{43,88}}"
    rf"|\.azconfig\.io;Id=[^;\s]{{1,100}};Secret={_B64}{{20,}}",
    # security-utilities SEC101/152, 154, 158 to 184, 199 and 200: keys that name their service
    "an Azure key": rf"{_RUN}(?:{_B64}{{76}}(?:\+ASt|ACDb|\+ABa|\+AMC|APIM){_B64}{{5}}[AQgw]=="
    rf"|{_B64}{{33}}(?:\+ARm|\+AEh|\+ASb|AIoT|AzCa|AZEG)[A-P]{_B64}{{5}}="
    rf"|{_B64}{{42}}(?:\+ACR|AzSe)[A-D]{_B64}{{5}}(?![A-Za-z0-9+/=])"
    r"|[\w-]{44}AzFu[\w-]{5}[AQgw]=="
    r"|[A-Za-z0-9]{52}JQQJ9[9DH][A-Za-z0-9][A-L][A-Za-z0-9]{16}[A-Za-z][A-Za-z0-9]{7})",
    "an Azure shared access signature": r"[?&]sig=[A-Za-z0-9%+/]{43,}(?:=|%3[Dd])",
    # gitleaks azure-ad-client-secret, security-utilities SEC101/156
    "an Azure client secret": r"(?<![\w~.-])[\w~.-]{3}[0-9]Q~[\w~.-]{31,34}(?![\w~.-])",
    # trufflehog azure_entra/refreshtoken
    "an Azure refresh token": r"(?<![\w.-])[01]\.A[\w-]{50,}+(?:\.[0-9])?\.Ag[\w-]{250,}",
    # gitleaks gcp-api-key; `AQ.` is what Google issues since 2026 (discuss.ai.google.dev 170415)
    "a Google API key": r"AIza[\w-]{35}(?![\w-])|(?<![\w.-])AQ\.[\w-]{30,}",
    # kingfisher google.2 and .4, trufflehog googleoauth2; 1//0: kingfisher's example of a refresh
    "a Google OAuth token": r"(?<![\w.-])(?:ya29\.[\w-]{20,}|1//0[\w-]{30,})|GOCSPX-[\w-]{28}",
    # docs.oracle.com, "Using Pre-Authenticated Requests": whoever has the address has the access
    "an OCI pre-authenticated address": r"/p/[\w-]{20,200}/n/[\w-]{1,100}/b/",
    # github.blog, changelog of 2026-05-15 (`ghs_<app id>_<JWT>`, user tokens to follow);
    # kingfisher github.1 to .9. gitleaks, trufflehog and detect-secrets don't know them yet.
    "a GitHub token": r"gh[opr]_\w{36,}|gh[su]_[A-Za-z0-9._-]{36,}|github_pat_\w{60,}",
    # docs.gitlab.com, "Token prefixes" (gitlabhq 017a6c1); gitleaks gitlab-*, routable: with `.`
    "a GitLab token": r"gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[\w.-]{20,}"
    r"|GR1348941[\w-]{20,}|_gitlab_session=[0-9a-z]{32}",
    # docs.slack.dev, "Tokens"; gitleaks slack-*
    "a Slack token": r"xox[a-z](?:\.xox[a-z])?-[\w%-]{10,}|(?:xapp|xwfp)-[0-9][\w-]{10,}",
    "a Slack webhook": r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[\w/+-]{20,}",
    "a Stripe key": rf"{_START}[rs]k_(?:live|test|prod)_[A-Za-z0-9]{{16,}}",
    "an npm token": rf"npm_[A-Za-z0-9]{{36}}{_END}|_authToken=\s{{0,3}}[\w-]{{30,}}",
    "a PyPI token": r"pypi-Ag(?:EIcHlwaS|ENdGVzdC5weXBp)[\w-]{50,}",
    # gitleaks jwt and jwt-base64, trufflehog jwt. Qualys' tokens are such (docs/api.md 5.1).
    "a JSON Web Token": r"(?<![\w-])(?>[\w-]*?(?:eyJ|ewo))[\w-]{8,}+"
    r"(?:\.ey[\w-]{8,}+\.[\w-]*+|\.ewo[\w-]{8,}+\.[\w-]*+|(?:\.[\w-]{8,}+){4})"
    r"|ZXlKaGJHY2lPaU[A-Za-z0-9+/_-]{40,}",
    "a bearer token": r"[Bb]earer +[\w.~+/=-]{20,}",
    "an Authorization header": rf"[Aa]uthorization{_QUOTE}\s{{0,5}}[:=]\s{{0,5}}{_QUOTE}"
    r"(?:[Bb]asic|[Bb]earer|[Tt]oken) {1,5}[\w.~+/=-]{8,}",
    "an address with a password": r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{0,200}:[^\s/@]{1,200}@",
}
"""What each shape is, and the expression that finds it."""

# One of these is in whatever has a shape; texts without are told thirty times faster. Each begins
# with one character, of few that are common, not with a choice: so `re` passes over all others.
_MARK = re.compile(
    r"----[- ]?BEGIN|PuTTY-|LS0tLS1C|A(?:KIA|SIA|B(?:IA|SK)|C(?:CA|Db)|QoDYXdz|Q\.|PIM|I(?:oT|za)"
    r"|z(?:Ca|Se|Fu)|ZEG)|\+A[BCEMRS]|JQQJ9|IQoJb3|FwoGZX|Key=|0\.A|1(?:\.A|//0)|Q~|GOCSPX-"
    r"|\.azconfig\.|\?sig=|&sig=|SECRET|ws[_A-Z -]|WS_|ya29\.|/p/|://|GR1348941|ZXlK"
    r"|_(?:gitlab_s|authT)|g(?:h[opsur]_|ithub_pat_|l[a-z]{2,5}-)|x(?:ox|app-|wfp-)"
    r"|k(?:_live_|_test_|_prod_|-api-key-|s\.slack)|p(?:m_|ypi-Ag)|uthorization|e(?:yJ|wo|cret|arer)"
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
    return re.compile("|".join(f"({shape})" for shape in SHAPES.values()), re.ASCII)


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
    parts = list(targets.parts(document, _LOOKED_AT))
    if not _may_hold_one(value for _, value in parts):
        return
    for top, value in parts:
        for path, message in _found(value, top):
            if targets.is_excused(document, path):
                continue
            hint = "Keep it where the workflow can fetch it, name that place here, and revoke it"
            written = targets.as_written_out(path)
            if written[0] == "spec":
                hint += f"; if it is no secret, add `notSecret: [{pointer_to(written[1:])}]` under "
                hint += "`spec`"
            yield error(
                "secret-literal",
                message,
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


def _found(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Return the place of each secret, and a sentence on it that doesn't hold it."""
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
        yield path, f"`{suggest.shown(key)}` holds what looks like {kind}."
    elif _is_named(value, key, path):
        yield path, f"`{suggest.shown(key)}` names a secret, and its value is written out."


def _is_named(value: Any, key: str, path: Path) -> bool:
    of_variables = targets.as_written_out(path)[:2] == ("spec", "variables")
    if not names_a_secret(key) or (of_variables and key in _SYSTEM):
        return False
    if isinstance(value, str):
        return bool(value.strip()) and not _no_literal().fullmatch(value.strip())
    return isinstance(value, int) and not isinstance(value, bool)


def spans(line: str) -> list[tuple[int, int]]:
    """Return the parts of a line of any text that look like secrets, as offsets into it."""
    may_name = ":" in line or "=" in line  # which stands in few, and is found at once
    named = [found.span(1) for found in _named_in_line().finditer(line)] if may_name else ()
    shaped = _shape().finditer(line) if _MARK.search(line) else ()
    return [*named, *(found.span() for found in shaped)]


def masked_pointer(pointer: str) -> str:
    """Return a JSON pointer without parts that look like a secret."""
    return "/".join("…" if kind_of(part) else part for part in pointer.split("/"))


def masked(value: Any, key: str = "") -> Any:
    """Copy JSON data that isn't a spec's, without what looks like a secret; `key` names it."""
    if isinstance(value, dict):
        return {name: masked(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, key) for inner in value]
    kind = kind_of(value) if isinstance(value, str) else ""
    if kind or _is_named(value, key, ()):
        return f"(not shown: {kind or 'named like a secret'})"
    return value
