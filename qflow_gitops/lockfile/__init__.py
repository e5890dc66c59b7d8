"""The lockfile: its value, how it grows, its bytes, and what may be wrong with it. Pure.

`ledger` is the value, `codec` bytes <-> value, `states` the life of an attempt. Where it lies is
`stores`' business. Imports `specs` and below.
"""
