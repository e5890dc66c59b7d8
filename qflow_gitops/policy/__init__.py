"""The rules that a team sets for its runs, and which of what is due they hold. Pure.

In: what rules look at in a run, approvals, a moment. Out: holds. Imports `base`.
"""
