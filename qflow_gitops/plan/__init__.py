"""Decides for every run whether to start, hold or skip it, and why. Pure.

In: specs, settings, lockfile, and what a person said (`context`). Out: a `Plan` (`change`).

`decide` goes through all runs, `run` decides about one: by its names (`identity`), by whether its
request was sent before (`spent`) or by another run (`same_request`); then `brakes` hold what is
due.

Imports `lockfile`, `specs`, `settings`, `policy` and below.
"""
