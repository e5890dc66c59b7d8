"""What is wrong with a file, as a value: collected, sorted and rendered, never raised.

In: a place and words. Out: a `Diagnostic`, and what was probably meant. Imports `base`.
"""
