"""The use cases, one a file, by the names of the command line: the order of steps.

In: a request and the edges, as `ports`. Out: a `results.Report`. No library, no printing.
"""
