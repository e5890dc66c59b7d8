"""Placeholder until the audit lands."""

from qflow_gitops.lockfile import Lockfile


def grown(old: Lockfile, new: Lockfile) -> tuple[str, ...]:
    return ()


def check_values(lockfile: Lockfile) -> tuple[str, ...]:
    return ()
