"""Finds out what files of run specs ask for, and everything that is wrong with them.

`load` is the way in: {path: bytes} -> a `SpecSet` of `spec`s. What a field may hold stands in
`schemas/*.json` at the repository's root: `schema` holds documents against it, `schema_messages`
has the words. `connectors` has the rules of each cloud, `project_rules` those of all specs
together; `rules` lists what a finding can name. Opens no file. Imports `settings` and below.
"""
