"""What a tenant shows of what Qualys' documentation leaves open: to be read by anybody.

`looks` asks for what the checks don't; the others turn answers into facts. Only names of fields,
JSON types, numbers of things and words of Qualys' leave this room: no id, no value, no text.
"""
