"""Finds out what files of run specs ask for, and everything that is wrong with them.

`load` is the way in: {path: bytes} -> a `SpecSet`. `schema` holds documents against the JSON
Schemas, `connectors` has the rules of each cloud. Opens no file. Imports `settings` and below.
"""
