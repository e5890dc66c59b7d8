"""Reads YAML into documents in which every key and value has its place, or what is wrong.

`parse` is the way in: `fast` reads plain texts, `strict` all others; `edit` changes a text where
it stands. Knows nothing of run specs. Imports `findings` and `base`. The only room that knows
ruamel.yaml and PyYAML.
"""
