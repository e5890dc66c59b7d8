"""Finds out what works here and what doesn't: one file for each part that is looked at.

In come edges and values of `ports`, out come checks of `results`; writes nothing, sends no run.
"""
