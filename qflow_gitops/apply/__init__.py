"""What it takes to send a run at most once: preconditions, launch, polling, reconciliation.

`launch` records an intent, sends, records the answer; `reconciler` settles doubt; `approvals`
says who approved what. Imports `sources` and below; yields events and prints nothing.
"""
