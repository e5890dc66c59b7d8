"""Decides for every run whether to start, hold or skip it, and why. Pure.

In: specs, settings, lockfile, and what a person said. Out: a `Plan`.

Imports `lockfile`, `specs`, `settings`, `policy` and below.
"""
