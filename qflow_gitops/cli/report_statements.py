"""`report --statements`: where they go, and the key that signs them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qflow_gitops.cli import report_folder
from qflow_gitops.errors import UsageProblem

if TYPE_CHECKING:
    from qflow_gitops.audit.signing import Signer
    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.commands.statements import Statements

KEY, PASSPHRASE = "QFLOW_STATEMENT_KEY", "QFLOW_STATEMENT_KEY_PASSPHRASE"
_OPTION = "--statements"
_MOST = 64 * 1024
_NOTHING = "No statement was written."
_MAKE = "`ssh-keygen -t ed25519 -f KEY` makes one; then: --key KEY"


def place(wiring: Wiring, named: str) -> Path:
    """Return the folder that is meant; refuse one that holds anything but what a report wrote."""
    return report_folder.place(wiring.directory, named, _OPTION)


def write(wiring: Wiring, statements: Statements, folder: Path, named: str) -> None:
    """Write the statements, and say so on stderr."""
    report_folder.write(folder, statements.files(), _OPTION)
    count, without = statements.made, statements.without
    note = f"Wrote {count:,} statement{'' if count == 1 else 's'} to {named}"
    note += ", signed" if statements.signer else ", not signed"
    if without:
        note += f"; {without:,} attempt{'' if without == 1 else 's'} not over, or without a digest"
    wiring.console.say(f"{note}.")


def signer(wiring: Wiring, named: str) -> Signer | None:
    """Return what signs with the key of --key or QFLOW_STATEMENT_KEY, None where none is named.

    Neither settings nor a repository name it. Its passphrase comes from
    QFLOW_STATEMENT_KEY_PASSPHRASE or, on a terminal, is asked for. Raises UsageProblem.
    """
    named = named or wiring.environ.get(KEY, "")
    if not named:
        return None
    path = wiring.directory / named
    content = _content(wiring, path)
    passphrase = wiring.environ.get(PASSPHRASE, "")
    from qflow_gitops.audit.signing import Locked, Unfit
    from qflow_gitops.audit.signing import Signer as Made

    try:
        try:
            return Made(content, passphrase)
        except Locked:
            if passphrase or not wiring.console.interactive:
                raise
            asked = click.prompt(f"Passphrase of {named}", hide_input=True, err=True)
            return Made(content, asked)
    except Locked:
        raise _refused(
            path,
            "The key has a passphrase, and it isn't this one."
            if passphrase or wiring.console.interactive
            else "The key has a passphrase.",
            f"Set {PASSPHRASE} to its passphrase, or type it at a terminal.",
        ) from None
    except Unfit:
        raise _refused(path, "This is no Ed25519 private key, PEM or OpenSSH's.", _MAKE) from None
    except ImportError:
        raise _refused(
            path,
            "Signing needs securesystemslib, cryptography and bcrypt, which aren't all installed.",
            "`pip install 'securesystemslib[crypto]>=1.3' bcrypt`",
        ) from None


def _content(wiring: Wiring, path: Path) -> bytes:
    if wiring.connections.is_tracked(path):
        raise _refused(
            path,
            "Git keeps this key, so whoever may read the repository signs as you do.",
            "Make another one, in a file that is in no commit: `ssh-keygen -t ed25519 -f KEY`",
        )
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MOST)
    except OSError as problem:
        raise _refused(path, f"The key can't be read: {problem.strerror}.", _MAKE) from None
    if stat.S_ISREG(mode) and mode & 0o077:
        wiring.console.say(f"Others than its owner may read the key (mode {mode & 0o777:o}).")
    return content


def _refused(path: Path, why: str, hint: str) -> UsageProblem:
    return UsageProblem(why, where=str(path), not_done=_NOTHING, hint=hint, reason="statement_key")
