"""Turns `qflow.yaml` into the project's settings, each with its default.

In: a document that fits the schema. Out: a `Project`. Imports `policy`, `yaml` and below.
"""
