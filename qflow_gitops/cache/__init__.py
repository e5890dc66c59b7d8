"""What was found out about contents, kept in the git directory; safe to delete at any time.

Decorates the loader of `sources` (`loading`): what is known of a file (`examining`, as text:
`verdicts`), of the whole work tree (`looking`, `survey`) and of a long lockfile (`run_summaries`),
all kept in `database`. Imports `sources` and below. `apply` never reads it.
"""
