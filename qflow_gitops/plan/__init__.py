"""(Snapshot, lockfile) -> for every run whether to start, hold or skip it, and why. Pure.

Imports `lockfile`, `specs`, `settings`, `policy` and below.
"""
