"""The part `qualys`: one platform, looked at with the credentials at hand; nothing is started.

`visit` asks and counts, `part` says in which order, the others judge what was answered.
"""
