"""What it takes to send a run at most once: preconditions, launch, polling, reconciliation.

In: a commit as it was read (`planned`), the edges (`services`). Out: events, then a report.

Before: `admission` (may this commit be applied; `ancestry`: does it follow the last one),
`approvals` and `proposed` (who approved what), `planner`, `preconditions`, `prepare` (workflows).
Then `carry_out`: `launch` sends, `recorder` makes intents and answers durable, `brakes` stop it,
`replanning` decides again after a lost race, `polling` waits for executions, `progress` says how
far the environment has come. Doubt: `reconciler` settles it by what `matching` and `adoption` say.

Imports `sources` and below; prints nothing.
"""
