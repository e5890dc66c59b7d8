"""Runs of Qualys Flow workflows as reviewed changes in git."""

__version__ = "0.1.0"
