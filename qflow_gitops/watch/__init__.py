"""A watch: one project, applied again and again where no CI does it.

Each round is the ordinary program in a process of its own, since a process that reads repositories
for months grows; what is kept here is small. `processes` does a round, `answers` reads what came of
it, `health` says how the watch stands, and `serving` and `metrics` show that. Imports `fleet` (how
a process is run) and below.
"""
